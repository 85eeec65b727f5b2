"""Which notifications a change of a release's record is worth, each told once."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from album_operator.domain.notifications import Notification, ReleaseEvent
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, Outcome, Record, StepName, StepState
from album_operator.domain.status_change import StatusChange

ENDED = frozenset({Reason.ROLLED_BACK, Reason.SUPERSEDED, Reason.CANCELLED, Reason.OVERWRITTEN})
"""Reasons of releases that ended without one, with nothing wrong by now."""

ID_LENGTH = 32
"""Hex digits."""


def notifications(change: StatusChange, now: datetime) -> list[Notification]:
    """Give what is told of a change, in the order in which it happened.

    What an event is of goes into its id (the image, the pull request, the merged commit, and of the
    others the attempt), so that a retry that meets what is there tells nothing new.
    """
    release, after = change.release, change.after
    told = []
    for event, of in _events(change.before, after):
        words = "/".join((release.uid, event, of))
        digest = hashlib.sha256(words.encode()).hexdigest()[:ID_LENGTH]
        told.append(Notification(digest, event, now, release, after))
    return told


def _events(before: Record, after: Record) -> Iterator[tuple[ReleaseEvent, str]]:
    is_same_attempt = before.attempt == after.attempt and before.resolved is not None
    attempt = f"{after.attempt}/{after.last_handled_retry or ''}"
    if after.resolved is not None and not is_same_attempt:
        yield ReleaseEvent.STARTED, attempt
    image, asked = after.image, after.pull_request
    is_ready = _is_new(before, after, StepName.IMAGE_READY)
    # Of an image that was there already nothing happened.
    if is_ready and image is not None and image.origin is ImageOrigin.BUILT:
        yield ReleaseEvent.BUILT, image.digest
    if _is_new(before, after, StepName.PROPOSED) and asked is not None:
        yield ReleaseEvent.PROPOSED, asked.url
    if _is_new(before, after, StepName.MERGED) and after.merged_commit is not None:
        yield ReleaseEvent.MERGED, after.merged_commit
    if _is_new(before, after, StepName.DEPLOYED):
        yield ReleaseEvent.DEPLOYED, attempt
    if after.outcome is Outcome.RELEASED and before.outcome is not Outcome.RELEASED:
        yield ReleaseEvent.RELEASED, attempt
    failure, how = after.failure, _failure_of(after)
    if failure is not None and how != _failure_of(before):
        event = ReleaseEvent.ENDED if failure.reason in ENDED else ReleaseEvent.FAILED
        yield event, f"{attempt}/{how}"


def _is_new(before: Record, after: Record, name: StepName) -> bool:
    states = (record.step(name).state for record in (before, after))
    was, now = (state is StepState.SUCCEEDED for state in states)
    return now and not was


def _failure_of(record: Record) -> str | None:
    """Tell one failure from another, and one that is being rolled back from its end."""
    failure = record.failure
    if failure is None:
        return None
    stands = Outcome.STALLED if record.outcome is Outcome.STALLED else Outcome.WORKING
    return f"{record.attempt}/{failure.step}/{failure.reason}/{stands}"
