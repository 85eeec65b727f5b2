"""Whose turn it is to begin, where as many releases of a namespace are in flight as may be."""

from collections.abc import Sequence
from datetime import timedelta

from album_operator.decisions.build_turn import few, place_in
from album_operator.domain.begin_places import BeginPlace
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Wait
from album_operator.domain.versions import Versioning, is_newer

LOOK = timedelta(minutes=5)
"""How often the next ones in line look again, where no event tells; the further behind, the more
seldom, so that hundreds that wait ask the API server less than once a second."""

NEXT_ONES = 10


LISTING = timedelta(seconds=1)
"""Until the next look while releases are listed, right after a start."""


def wait_for_list(namespace: str) -> Wait:
    """Let a release wait until it is known which others are in flight."""
    message = f"Which releases of namespace {namespace} are in flight is being found out."
    return Wait(Reason.QUEUED, message, LISTING, is_poll=True)


def takes_over(version: str, others: Sequence[ReleaseSeen], versioning: Versioning) -> bool:
    """Tell whether a release is to take the place of one in flight, so that it is no further one.

    Args:
        version: its own.
        others: the other releases of its app.
        versioning: form of the app's versions.
    """
    flying = [seen for seen in others if seen.step is not None]
    return any(seen.has_begun for seen in flying) and all(
        is_newer(version, seen.version or "", versioning) for seen in flying
    )


def wait(release: Ref, place: BeginPlace) -> Wait:
    """Let a release wait until fewer are in flight, and say which go first."""
    before = f", before it {few(place.waiting)}" if place.waiting else ""
    message = (
        f"{place_in(len(place.waiting), place.line)} in the line of releases that wait to begin in "
        f"namespace {release.namespace}{before}. Of at most {place.limit} in flight at once there "
        f"(ALBUM_RELEASES_PER_NAMESPACE, an admin's setting) {place.running} are. It begins by "
        "itself once one of them has ended."
    )
    after = LOOK * (1 + len(place.waiting) // NEXT_ONES)
    return Wait(Reason.QUEUED, message, after, is_poll=True)
