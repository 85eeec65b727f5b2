"""ImageReady: whose turn it is to build."""

from datetime import timedelta

from album_operator.domain.build_slots import BuildSlots, OverallSlots
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Release
from album_operator.domain.verdict import Wait

QUEUE_LOOK = timedelta(seconds=60)
"""How often the next in line look whether a build has ended, where no event tells; the further
behind, the more seldom."""

NAMES = 5
"""Most releases a message names."""


def wait(release: Release, slots: BuildSlots) -> Wait:
    """Let a build wait until fewer run, and say which go first."""
    message, rounds = _in_namespace(release, slots), len(slots.waiting) // slots.limit
    overall = slots.overall
    if slots.has_room and overall is not None:
        message, rounds = _overall(release, slots, overall), overall.before // overall.limit
    return Wait(Reason.QUEUED, message, QUEUE_LOOK * (1 + rounds), is_poll=True)


def _in_namespace(release: Release, slots: BuildSlots) -> str:
    namespace = release.ref.namespace
    running = f"{len(slots.running)} run"
    if slots.running:
        running += f": those of {few(slots.running)}"
    return (
        f"{place_in(len(slots.waiting), slots.line)} in the line of namespace {namespace}"
        f"{_before(slots)}. Of at most {slots.limit} builds at once there "
        f"(ALBUM_BUILDS_PER_NAMESPACE, an admin's setting) {running}."
    )


def _overall(release: Release, slots: BuildSlots, overall: OverallSlots) -> str:
    """Say it of all namespaces; what is in another one is counted and not named."""
    before = f"{_before(slots)} in namespace {release.ref.namespace}" if slots.waiting else ""
    place = place_in(overall.before, overall.line)
    return (
        f"{place} in the line of all namespaces{before}. Of at most {overall.limit} builds at once "
        f"in all of them (ALBUM_BUILDS, an admin's setting) {overall.running} run."
    )


def place_in(before: int, line: int) -> str:
    """Say which place this is; who waits behind may not be known yet, who asks is."""
    return f"Place {before + 1} of {max(line, before + 1)}"


def _before(slots: BuildSlots) -> str:
    return f", before it {few(slots.waiting)}" if slots.waiting else ""


def few(names: tuple[str, ...]) -> str:
    """Name the first ones, and count the others."""
    rest = len(names) - NAMES
    shown = ", ".join(names[:NAMES])
    return f"{shown} and {rest} more" if rest > 0 else shown
