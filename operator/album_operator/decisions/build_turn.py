"""ImageReady: whose turn it is to build."""

from datetime import timedelta

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Release
from album_operator.domain.seen import BuildSlots
from album_operator.domain.verdict import Wait

QUEUE_LOOK = timedelta(seconds=60)
"""How often the next in line look whether a build has ended, where no event tells; the further
behind, the more seldom."""

NAMES = 5
"""Most releases a message names."""


def wait(release: Release, slots: BuildSlots) -> Wait:
    """Let a build wait until fewer run, and say which go first."""
    running = f"{len(slots.running)} run"
    if slots.running:
        running += f": those of {_few(slots.running)}"
    turn = "when one of them has ended"
    if slots.waiting:
        turn = f"after those of {_few(slots.waiting)}, which are older"
    return Wait(
        Reason.BUILD_QUEUED,
        f"Of at most {slots.limit} builds at once in namespace {release.ref.namespace} "
        f"(ALBUM_BUILDS_PER_NAMESPACE, an admin's setting) {running}. This one begins {turn}.",
        QUEUE_LOOK * (1 + len(slots.waiting) // slots.limit),
        is_poll=True,
    )


def _few(names: tuple[str, ...]) -> str:
    rest = len(names) - NAMES
    shown = ", ".join(names[:NAMES])
    return f"{shown} and {rest} more" if rest > 0 else shown
