"""What a change of a release's status is worth counting, and for how long things took.

All times are of the status, so that a restart loses none; one that would be negative, for one of
two clocks was wrong, is none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from album_operator.domain.claims import AFTER_MERGE, ReleaseSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, Outcome, Record, StepName, StepState
from album_operator.domain.release import Mode
from album_operator.domain.status_change import StatusChange

BY_OTHERS = frozenset({StepName.PROPOSED, StepName.MERGED})
"""The steps that others do where a release only follows."""

FAILED_DEPLOYMENTS = frozenset(
    {
        Reason.DEGRADED,
        Reason.IMAGE_NOT_OBSERVED,
        Reason.OUT_OF_SYNC,
        Reason.PAUSED,
        Reason.ROLLED_BACK,
        Reason.SYNC_FAILED,
        Reason.SYNC_HELD_UP,
        Reason.SYNC_TIMED_OUT,
        Reason.SYNC_WINDOW,
    }
)
"""Reasons with which a release ends after its merge without having been Released."""


@dataclass(frozen=True)
class StepTook:
    """How long a step that ended took, without what people did."""

    name: StepName
    state: StepState
    time: timedelta


@dataclass(frozen=True)
class BuildTook:
    """How long a build took that ended."""

    is_good: bool
    time: timedelta


def whose(change: StatusChange) -> tuple[str, str, str]:
    """Give namespace, pipeline and app; the app is empty where its tag was not taken apart.

    An app that nobody but the release names is none: whoever makes releases could name any.
    """
    record, release = change.after, change.release
    known = record.resolved or record.chosen
    return release.ref.namespace, release.pipeline, known.app if known is not None else ""


def steps_ended(change: StatusChange) -> Iterator[StepTook]:
    """Give the steps that ended by a change."""
    for after in change.after.steps:
        before = change.before.step(after.name)
        is_new = (after.state, after.finished_at) != (before.state, before.finished_at)
        is_ours = change.release.mode is not Mode.FOLLOW or after.name not in BY_OTHERS
        if is_new and is_ours and after.started_at is not None and after.finished_at is not None:
            waited = _reviewed(change.after) if after.name is StepName.MERGED else None
            took = after.finished_at - after.started_at - (waited or timedelta())
            if took >= timedelta():
                yield StepTook(after.name, after.state, took)


def review_took(change: StatusChange) -> timedelta | None:
    """Give how long the pull request was open that a change found merged."""
    before, after = change.before.pull_request, change.after.pull_request
    if after is None or after.merged_at is None:
        return None
    known = before is not None and before.number == after.number and before.merged_at
    return None if known else _reviewed(change.after)


def _reviewed(record: Record) -> timedelta | None:
    """Give the time from the pull request being open until it was merged, by the forge's word."""
    opened, seen = record.step(StepName.MERGED).started_at, record.pull_request
    if opened is None or seen is None or seen.merged_at is None:
        return None
    return _not_negative(seen.merged_at - opened)


def ended(change: StatusChange) -> Reason | None:
    """Give the reason by which a release ended by a change; each attempt ends for itself."""
    before, after = change.before, change.after
    asked = (before.attempt, before.last_handled_retry) != (after.attempt, after.last_handled_retry)
    is_new = not before.is_finished or asked
    return after.reason if after.is_finished and is_new else None


def build_took(change: StatusChange) -> BuildTook | None:
    """Give how long the build took that ended by a change; one that failed, until that was seen."""
    before, after, build = change.before, change.after, change.after.build
    step, known = after.step(StepName.IMAGE_READY), before.step(StepName.IMAGE_READY)
    has_image = after.image is not None and after.image.origin is ImageOrigin.BUILT
    is_good = has_image and before.image is None
    is_bad = step.state is StepState.FAILED and step.finished_at != known.finished_at
    if build is None or build.started_at is None or not (is_good or is_bad):
        return None
    end = build.finished_at if is_good else step.finished_at
    took = _not_negative(end - build.started_at) if end is not None else None
    return BuildTook(is_good, took) if took is not None else None


def released_at(change: StatusChange) -> datetime | None:
    """Give when a release was Released, if it was by this change."""
    is_new = change.before.outcome is not Outcome.RELEASED
    is_released = change.after.outcome is Outcome.RELEASED
    return change.after.step(StepName.DEPLOYED).finished_at if is_new and is_released else None


def lead_time(change: StatusChange) -> timedelta | None:
    """Give the time from the tag's commit to Released; none of what brings a version back."""
    at, resolved = released_at(change), change.after.resolved
    if at is None or resolved is None or resolved.source.committed_at is None:
        return None
    if change.release.rollback_of is not None:
        return None
    return _not_negative(at - resolved.source.committed_at)


def recovered(change: StatusChange, others: Iterable[ReleaseSeen]) -> timedelta | None:
    """Give the time from a failure after a merge to the next Released of its app.

    Of several failures since the last Released the first counts.

    Args:
        change: by which a release was Released.
        others: the other releases of its app, as they are.
    """
    at = released_at(change)
    if at is None:
        return None
    seen = list(others)
    before = [one.ended.at for one in seen if one.outcome is Outcome.RELEASED and one.ended]
    failed = [one.failed_at for one in seen if one.failed_at is not None]
    failed += [
        attempt.finished_at
        for attempt in change.after.attempts
        if attempt.step in AFTER_MERGE and attempt.finished_at is not None
    ]
    since = [time for time in failed if all(time > released for released in before)]
    return _not_negative(at - min(since)) if since else None


def _not_negative(time: timedelta) -> timedelta | None:
    return time if time >= timedelta() else None
