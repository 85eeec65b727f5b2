"""The status: a record as JSON and back."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from album_operator.api.resolved import Resolved as ResolvedModel
from album_operator.api.status import COUNT_LIMIT, ConfigStatus, ReleaseStatus, StepStatus
from album_operator.api.types import DIFF_LENGTH, MESSAGE_LENGTH, render_overhead
from album_operator.codec.conditions import parse_outcome, render_conditions
from album_operator.codec.faults import check
from album_operator.codec.mapper import Mapper
from album_operator.codec.text import Raw, cut
from album_operator.domain.diffs import cut_diff
from album_operator.domain.names import AppVersion
from album_operator.domain.progress import ATTEMPTS
from album_operator.domain.reasons import Reason
from album_operator.domain.record import PlanRecord, ProposalRecord, Record, StepName, StepRecord
from album_operator.domain.release import Release
from album_operator.domain.remedy import SENTENCE_LENGTH
from album_operator.domain.resolved import Resolved

STATUS_BYTES = 16 * 1024
"""What a status may take as JSON: thousands of releases stay in etcd and in every watcher."""

SENTENCE_LENGTHS = (SENTENCE_LENGTH, 320, 160)
"""Lengths messages are cut to until the status is small enough; one of them stands up to 14 times
in a status."""

SIZES = (
    *((length, ATTEMPTS, DIFF_LENGTH) for length in SENTENCE_LENGTHS),
    (SENTENCE_LENGTHS[-1], 2, DIFF_LENGTH // 2),
    (SENTENCE_LENGTHS[-1], 0, DIFF_LENGTH // 4),
)
"""What is tried until the status is small enough: the length of messages, how many of the last
attempts are told, and the length of the diff."""

SHORTER = 4
"""How many times shorter is what an earlier attempt said than what the present one says."""

PLAN_LINES = 25
"""How many times the length of a sentence a plan's diff may have."""

_RESOLVED = Mapper(Resolved, ResolvedModel, "app", "version")
_PROPOSAL = Mapper(ProposalRecord, ConfigStatus, "merged_commit")
_STEP = Mapper(StepRecord, StepStatus)
_RECORD = Mapper(
    Record,
    ReleaseStatus,
    # What only one of them has, or each has in a way of its own.
    *("chosen", "fault", "merged_commit", "message", "outcome", "proposal", "reason", "since"),
    *("app", "conditions", "config", "observed_generation", "overhead", "version"),
    *("resolved", "steps"),
)


def render_status(release: Release, record: Record, now: datetime) -> dict[str, Any]:
    """Write a record as the whole status of a release.

    Messages and the diff are cut as far as the size of the whole demands; what the release will do
    (`resolved`) never is, for later passes read it.

    Args:
        release: whose status it is; its generation is the one observed.
        record: what is known.
        now: time of conditions whose status changes.
    """
    status: dict[str, Any] = {}
    for length, attempts, diff in SIZES:
        status = _render(release, _shortened(record, length, attempts, diff), now)
        if len(json.dumps(status, ensure_ascii=False).encode()) <= STATUS_BYTES:
            break
    return status


def _shortened(record: Record, length: int, attempts: int, diff: int) -> Record:
    proposal, failure = record.proposal, record.failure
    if proposal is not None and len(proposal.diff) > diff:
        whole_lines = proposal.diff[:diff].rpartition("\n")
        proposal = replace(proposal, diff="".join(whole_lines[:2]))
    if failure is not None:
        failure = replace(failure, message=cut(failure.message, min(3 * length, MESSAGE_LENGTH)))
    return replace(
        record,
        message=cut(record.message, length),
        misses=tuple(
            replace(miss, message=cut(miss.message, length), remedy=cut(miss.remedy, length))
            for miss in record.misses
        ),
        steps=tuple(replace(step, message=cut(step.message, length)) for step in record.steps),
        proposal=proposal,
        failure=failure,
        attempts=tuple(
            replace(each, message=cut(each.message, length // SHORTER))
            for each in record.attempts[max(0, len(record.attempts) - attempts) :]
        ),
        plan=_shortened_plan(record.plan, length) if record.plan is not None else None,
    )


def _shortened_plan(plan: PlanRecord, length: int) -> PlanRecord:
    applications = (replace(app, patch=cut(app.patch, length)) for app in plan.applications)
    diff = cut_diff(plan.diff, PLAN_LINES * length)
    return replace(plan, diff=diff, applications=tuple(applications))


def _render(release: Release, record: Record, now: datetime) -> dict[str, Any]:
    resolved = record.resolved
    chosen = AppVersion(resolved.app, resolved.version) if resolved else record.chosen
    status = {
        "observedGeneration": release.generation,
        "app": chosen.app if chosen else None,
        "version": chosen.version if chosen else None,
        "resolved": _RESOLVED.render(resolved) if resolved else None,
        "config": _render_config(record) or None,
        "steps": [_STEP.render(step) for step in record.steps],
        "overhead": render_overhead(sum((step.overhead for step in record.steps), timedelta())),
        "conditions": render_conditions(release, record, now),
        **_RECORD.render(record),
    }
    return {key: value for key, value in status.items() if value is not None}


def _render_config(record: Record) -> dict[str, Any]:
    config = _PROPOSAL.render(record.proposal) if record.proposal is not None else {}
    if record.merged_commit is not None:
        config["mergedCommit"] = record.merged_commit
    return config


def parse_status(raw: Raw) -> Record:
    """Read a status; an absent one is the record of a release not yet begun.

    Of one that holds what no operator writes, nothing is taken that would be acted upon.
    """
    conditions = {condition["type"]: condition for condition in raw.get("conditions", [])}
    ready = conditions.get("Ready", {})
    told: dict[str, Any] = {
        "outcome": parse_outcome(conditions),
        "reason": Reason(ready.get("reason", Reason.PENDING)),
        "message": ready.get("message", ""),
    }
    status = check(raw)
    if isinstance(status, ReleaseStatus):
        return _parse(status, told)
    attempt = raw.get("attempt", 1)
    return Record(
        attempt=attempt if 1 <= attempt <= COUNT_LIMIT else 1,
        last_handled_retry=raw.get("lastHandledRetry"),
        last_handled_refresh=raw.get("lastHandledRefresh"),
        fault=status,
        **told,
    )


def _parse(status: ReleaseStatus, told: dict[str, Any]) -> Record:
    resolved, config, app, version = status.resolved, status.config, status.app, status.version
    known = {step.name: step for step in status.steps}
    proposed = config if config is not None and config.branch is not None else None
    return _RECORD.parse(
        status,
        resolved=_RESOLVED.parse(resolved, app=app, version=version) if resolved else None,
        proposal=_PROPOSAL.parse(proposed) if proposed else None,
        merged_commit=config.merged_commit if config else None,
        steps=tuple(
            _STEP.parse(known[name]) if name in known else StepRecord(name) for name in StepName
        ),
        chosen=AppVersion(app, version) if app is not None and version is not None else None,
        since={item.type: (item.status, item.last_transition_time) for item in status.conditions},
        **told,
    )
