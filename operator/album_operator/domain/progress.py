"""How a record moves: each function gives the record after one thing happened to a step."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    AttemptRecord,
    Failure,
    Miss,
    Outcome,
    PlanRecord,
    Record,
    RollbackRecord,
    StepName,
    StepRecord,
    StepState,
    SupersededBy,
)
from album_operator.domain.release import Mode, Release

ATTEMPTS = 5
"""Most earlier attempts that are told of."""

PREFLIGHT = "Preflight"
"""Name of the checks before the first step, as `status.failure.step` shows it."""


def _with_step(record: Record, step: StepRecord) -> Record:
    steps = tuple(step if known.name is step.name else known for known in record.steps)
    return replace(record, steps=steps)


def start(release: Release, record: Record) -> Record:
    """Obey the annotations `album.dev/retry` and `album.dev/refresh`, `spec.mode` and `.suspend`.

    A retry begins anew as the next attempt; an image stays known, for preflight keeps it where it
    would build the very same. A plan looks anew when it is refreshed, and is dropped once it is to
    be applied: the world moved on.
    """
    is_asked = release.retry not in {None, record.last_handled_retry}
    is_retried = is_asked and not release.cancel
    is_refreshed = release.refresh not in {None, record.last_handled_refresh}
    if is_retried or (is_refreshed and release.mode is Mode.PLAN and record.is_finished):
        kept = record.step(StepName.IMAGE_READY) if record.image is not None else None
        fresh = Record(
            attempt=record.attempt + 1 if record.steps_begun else record.attempt,
            attempts=_attempts_before(record),
            image=record.image,
            build=record.build if record.image is not None else None,
            last_handled_retry=release.retry if is_retried else record.last_handled_retry,
            last_handled_refresh=record.last_handled_refresh,
            since=record.since,
        )
        record = fresh if kept is None else _with_step(fresh, kept)
    if record.resolved is None:
        record = replace(record, requested_by=release.requested_by)
    if release.refresh is not None:
        record = replace(record, last_handled_refresh=release.refresh)
    if record.plan is not None and release.mode is Mode.APPLY:
        record = replace(
            record, plan=None, outcome=Outcome.WORKING, reason=Reason.PENDING, message=""
        )
    if release.cancel:
        return _cancel(replace(record, last_handled_retry=release.retry))
    if release.suspend and not record.is_finished:
        return replace(
            record,
            outcome=Outcome.SUSPENDED,
            reason=Reason.SUSPENDED,
            message="The release is suspended; set spec.suspend to false to go on.",
        )
    if record.outcome is Outcome.SUSPENDED:
        return replace(record, outcome=Outcome.WORKING, reason=Reason.PENDING, message="")
    return record


def _cancel(record: Record) -> Record:
    """Let a release that stopped before its merge, or is suspended, be taken back."""
    is_merged = record.step(StepName.MERGED).state is StepState.SUCCEEDED
    is_over = record.reason in {Reason.CANCELLED, Reason.SUPERSEDED}
    is_stopped = record.outcome is Outcome.STALLED and not (is_merged or is_over)
    if record.outcome is Outcome.SUSPENDED or is_stopped:
        return replace(
            record,
            outcome=Outcome.WORKING,
            reason=Reason.PENDING,
            message="",
            failure=None,
            misses=(),
        )
    return record


def _attempts_before(record: Record) -> tuple[AttemptRecord, ...]:
    """Give what is told of the attempts before a retry; one that began nothing goes on."""
    if not record.steps_begun:
        return record.attempts
    name = record.next_step or StepName.DEPLOYED
    step, failure = record.step(name), record.failure
    ended = AttemptRecord(
        number=record.attempt,
        step=failure.step if failure is not None else name,
        reason=record.reason,
        message=failure.message if failure is not None else record.message,
        job=record.build.job if record.build is not None else None,
        finished_at=step.finished_at,
    )
    return (*record.attempts, ended)[-ATTEMPTS:]


def begin(record: Record, name: StepName, now: datetime) -> Record:
    """Mark a step as begun, if it is not yet."""
    step = record.step(name)
    if step.started_at is not None:
        return record
    ends = (known.finished_at for known in record.steps if known.finished_at is not None)
    # A clock that was set back makes no step begin before the last one ended.
    began = max([now, *ends])
    return _with_step(record, replace(step, state=StepState.RUNNING, started_at=began))


def keep_going(
    record: Record,
    name: StepName,
    state: StepState,
    reason: Reason,
    message: str,
    detail: Reason | None = None,
) -> Record:
    """Show what a step is doing or waiting for, in Ready and, with more detail, in the step."""
    step = replace(record.step(name), state=state, reason=detail or reason, message=message)
    return replace(
        _with_step(record, step), outcome=Outcome.WORKING, reason=reason, message=message
    )


def _end(step: StepRecord, now: datetime) -> datetime:
    """Give when a step ended: not before it began, whatever the clock did meanwhile."""
    return max(now, step.started_at or now)


def finish(record: Record, name: StepName, reason: Reason, message: str, now: datetime) -> Record:
    """Mark a step as succeeded."""
    step = replace(
        record.step(name),
        state=StepState.SUCCEEDED,
        reason=reason,
        message=message,
        finished_at=_end(record.step(name), now),
    )
    return _with_step(record, step)


def stall(
    record: Record,
    name: StepName | None,
    message: str,
    failure: Failure,
    now: datetime,
    misses: tuple[Miss, ...] = (),
) -> Record:
    """Give up until a person acts.

    Args:
        record: the record so far.
        name: the step that failed, None for the checks before the first.
        message: what to do, for the condition and the step.
        failure: details for `status.failure`.
        now: the present time.
        misses: each thing it lacks.
    """
    if name is not None:
        step = replace(
            record.step(name),
            state=StepState.FAILED,
            reason=failure.reason,
            message=message,
            finished_at=_end(record.step(name), now),
        )
        record = _with_step(record, step)
    return replace(
        record,
        outcome=Outcome.STALLED,
        reason=failure.reason,
        message=message,
        failure=failure,
        misses=misses,
    )


def undo(record: Record, failure: Failure, rollback: RollbackRecord) -> Record:
    """Note that a release failed and is taken back: from then on only that is looked at."""
    return replace(record, failure=failure, rollback=rollback)


def supersede(record: Record, by: SupersededBy) -> Record:
    """Note what took the place of the release."""
    return replace(record, superseded_by=by)


def release(record: Record) -> Record:
    """Mark the whole release as done."""
    message = record.step(StepName.DEPLOYED).message
    return replace(record, outcome=Outcome.RELEASED, reason=Reason.RELEASED, message=message)


def plan(record: Record, message: str) -> Record:
    """Mark a release as planned; steps that waited for a look have not begun."""
    steps = tuple(StepRecord(step.name, overhead=step.overhead) for step in record.steps)
    return replace(
        record, steps=steps, outcome=Outcome.PLANNED, reason=Reason.PLANNED, message=message
    )


def clean(record: Record, clean: Callable[[str], str]) -> Record:
    """Free all words of others in a record of secrets; what it acts upon has none by its form.

    Args:
        record: the record.
        clean: takes secrets out of a text.
    """
    proposal, failure, plan, seen = (
        record.proposal,
        record.failure,
        record.plan,
        record.pull_request,
    )
    return replace(
        record,
        message=clean(record.message),
        steps=tuple(replace(step, message=clean(step.message)) for step in record.steps),
        proposal=replace(proposal, diff=clean(proposal.diff)) if proposal else None,
        failure=replace(failure, message=clean(failure.message)) if failure else None,
        attempts=tuple(replace(each, message=clean(each.message)) for each in record.attempts),
        misses=tuple(
            replace(miss, message=clean(miss.message), remedy=clean(miss.remedy))
            for miss in record.misses
        ),
        pull_request=replace(seen, url=clean(seen.url)) if seen else None,
        superseded_by=_clean_successor(record.superseded_by, clean),
        requested_by=clean(record.requested_by) if record.requested_by else None,
        plan=_clean_plan(plan, clean) if plan else None,
        applications=tuple(
            replace(
                app,
                revision=clean(app.revision) if app.revision else app.revision,
                sync=clean(app.sync) if app.sync else app.sync,
                health=clean(app.health) if app.health else app.health,
            )
            for app in record.applications
        ),
    )


def _clean_successor(by: SupersededBy | None, clean: Callable[[str], str]) -> SupersededBy | None:
    if by is None:
        return None
    version, release = (text and clean(text) for text in (by.version, by.release))
    return replace(by, version=version, release=release)


def texts_of(record: Record) -> frozenset[str]:
    """Give all that `clean` would free of secrets."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    clean(record, note)
    return frozenset(texts)


def _clean_plan(plan: PlanRecord, clean: Callable[[str], str]) -> PlanRecord:
    return replace(
        plan,
        diff=clean(plan.diff),
        applications=tuple(replace(app, patch=clean(app.patch)) for app in plan.applications),
    )


def distrust(record: Record) -> Record:
    """Keep nothing to act upon of a status that somebody else wrote, or wrote into.

    The attempt counts on: a Job of the present one may have built what that status said.
    """
    return Record(
        attempt=record.attempt + 1,
        outcome=record.outcome,
        last_handled_retry=record.last_handled_retry,
        last_handled_refresh=record.last_handled_refresh,
        since=record.since,
        fault=record.fault,
    )


def add_overhead(record: Record, name: StepName, took: timedelta) -> Record:
    """Add the operator's own time to a step."""
    step = record.step(name)
    return _with_step(record, replace(step, overhead=step.overhead + took))
