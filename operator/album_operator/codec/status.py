"""The status: a record as JSON and back."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from album_operator.api.status import COUNT_LIMIT
from album_operator.api.types import (
    DIFF_LENGTH,
    MESSAGE_LENGTH,
    parse_overhead,
    render_overhead,
)
from album_operator.codec.conditions import parse_outcome, render_conditions
from album_operator.codec.faults import find_fault
from album_operator.codec.plan import parse_plan, render_plan, shorten_plan
from album_operator.codec.resolved import parse_resolved, render_resolved
from album_operator.codec.text import (
    Raw,
    cut,
    parse_time,
    parse_times,
    render_optional,
    without_nothing,
)
from album_operator.domain.names import AppVersion
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    ApplicationRecord,
    BuildRecord,
    Failure,
    ImageRecord,
    ProposalRecord,
    PullRequestRecord,
    Record,
    StepName,
    StepRecord,
    StepState,
)
from album_operator.domain.release import Release

STATUS_BYTES = 16 * 1024
"""What a status may take as JSON: thousands of releases stay in etcd and in every watcher."""

SENTENCE_LENGTHS = (640, 320, 160)
"""Lengths messages are cut to until the status is small enough; one of them stands up to 14 times
in a status."""


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
    for length in SENTENCE_LENGTHS:
        status = _render(release, _shortened(record, length), now)
        if len(json.dumps(status, ensure_ascii=False).encode()) <= STATUS_BYTES:
            break
    return status


def _shortened(record: Record, length: int) -> Record:
    proposal, failure = record.proposal, record.failure
    if proposal is not None and len(proposal.diff) > DIFF_LENGTH:
        whole_lines = proposal.diff[:DIFF_LENGTH].rpartition("\n")
        proposal = replace(proposal, diff="".join(whole_lines[:2]))
    if failure is not None:
        failure = replace(failure, message=cut(failure.message, min(3 * length, MESSAGE_LENGTH)))
    return replace(
        record,
        message=cut(record.message, length),
        steps=tuple(replace(step, message=cut(step.message, length)) for step in record.steps),
        proposal=proposal,
        failure=failure,
        plan=shorten_plan(record.plan, length) if record.plan is not None else None,
    )


def _render(release: Release, record: Record, now: datetime) -> dict[str, Any]:
    resolved = record.resolved
    chosen = AppVersion(resolved.app, resolved.version) if resolved else record.chosen
    return without_nothing(
        {
            "observedGeneration": release.generation,
            "app": chosen.app if chosen else None,
            "version": chosen.version if chosen else None,
            "attempt": record.attempt,
            "resolved": render_resolved(resolved) if resolved else None,
            "image": vars(record.image) if record.image else None,
            "build": _render_build(record.build) if record.build else None,
            "config": _render_config(record),
            "pullRequest": _render_pull_request(record.pull_request),
            "applications": [_render_application(app) for app in record.applications],
            "steps": [_render_step(step) for step in record.steps],
            "overhead": render_overhead(sum((step.overhead for step in record.steps), timedelta())),
            "failure": _render_failure(record.failure) if record.failure else None,
            "plan": render_plan(record.plan) if record.plan else None,
            "supersededBy": record.superseded_by,
            "lastHandledRetry": record.last_handled_retry,
            "lastHandledRefresh": record.last_handled_refresh,
            "conditions": render_conditions(release, record, now),
        }
    )


def parse_status(raw: Raw) -> Record:
    """Read a status; an absent one is the record of a release not yet begun.

    Of one that holds what no operator writes, nothing is taken that would be acted upon.
    """
    fault = find_fault(raw)
    return _parse(raw) if fault is None else _parse_faulty(raw, fault)


def _parse_faulty(raw: Raw, fault: str) -> Record:
    conditions = {condition["type"]: condition for condition in raw.get("conditions", [])}
    ready = conditions.get("Ready", {})
    attempt = raw.get("attempt", 1)
    return Record(
        attempt=attempt if 1 <= attempt <= COUNT_LIMIT else 1,
        outcome=parse_outcome(conditions),
        reason=Reason(ready.get("reason", Reason.PENDING)),
        message=ready.get("message", ""),
        last_handled_retry=raw.get("lastHandledRetry"),
        last_handled_refresh=raw.get("lastHandledRefresh"),
        fault=fault,
    )


def _parse(raw: Raw) -> Record:
    conditions = {condition["type"]: condition for condition in raw.get("conditions", [])}
    ready = conditions.get("Ready", {})
    config = raw.get("config", {})
    known = {step["name"]: step for step in raw.get("steps", [])}
    return Record(
        attempt=raw.get("attempt", 1),
        resolved=(
            parse_resolved(raw["resolved"], raw["app"], raw["version"])
            if "resolved" in raw
            else None
        ),
        image=ImageRecord(**raw["image"]) if "image" in raw else None,
        build=_parse_build(raw["build"]) if "build" in raw else None,
        proposal=_parse_proposal(config) if "branch" in config else None,
        pull_request=_parse_pull_request(raw["pullRequest"]) if "pullRequest" in raw else None,
        merged_commit=config.get("mergedCommit"),
        applications=tuple(_parse_application(app) for app in raw.get("applications", [])),
        steps=tuple(_parse_step(name, known.get(name, {})) for name in StepName),
        outcome=parse_outcome(conditions),
        reason=Reason(ready.get("reason", Reason.PENDING)),
        message=ready.get("message", ""),
        failure=_parse_failure(raw["failure"]) if "failure" in raw else None,
        plan=parse_plan(raw["plan"]) if "plan" in raw else None,
        chosen=AppVersion(raw["app"], raw["version"]) if "app" in raw else None,
        superseded_by=raw.get("supersededBy"),
        last_handled_retry=raw.get("lastHandledRetry"),
        last_handled_refresh=raw.get("lastHandledRefresh"),
        since={
            kind: (condition["status"], parse_time(condition["lastTransitionTime"]))
            for kind, condition in conditions.items()
        },
    )


def _render_step(step: StepRecord) -> dict[str, Any]:
    return without_nothing(
        {
            "name": str(step.name),
            "state": str(step.state),
            "reason": str(step.reason),
            "message": step.message or None,
            "startedAt": render_optional(step.started_at),
            "finishedAt": render_optional(step.finished_at),
            "overhead": render_overhead(step.overhead),
        }
    )


def _parse_step(name: StepName, raw: Raw) -> StepRecord:
    started, finished = parse_times(raw, "startedAt", "finishedAt")
    return StepRecord(
        name=name,
        state=StepState(raw.get("state", StepState.PENDING)),
        reason=Reason(raw.get("reason", Reason.PENDING)),
        message=raw.get("message", ""),
        started_at=started,
        finished_at=finished,
        overhead=parse_overhead(raw.get("overhead", "0")),
    )


def _render_build(build: BuildRecord) -> dict[str, Any]:
    return without_nothing(
        {
            "job": build.job,
            "type": str(build.type),
            "startedAt": render_optional(build.started_at),
            "finishedAt": render_optional(build.finished_at),
        }
    )


def _parse_build(raw: Raw) -> BuildRecord:
    started, finished = parse_times(raw, "startedAt", "finishedAt")
    return BuildRecord(raw["job"], raw["type"], started, finished)


def _render_config(record: Record) -> dict[str, Any]:
    proposal = record.proposal
    return without_nothing(
        {
            "branch": proposal.branch if proposal else None,
            "commit": proposal.commit if proposal else None,
            "diff": (proposal.diff or None) if proposal else None,
            "mergedCommit": record.merged_commit,
        }
    )


def _parse_proposal(raw: Raw) -> ProposalRecord:
    return ProposalRecord(raw["branch"], raw.get("commit"), raw.get("diff", ""))


def _render_pull_request(seen: PullRequestRecord | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return without_nothing(
        {
            "number": seen.number,
            "url": seen.url,
            "state": seen.state,
            "headSHA": seen.head_sha,
            "mergeCommit": seen.merge_commit,
            "mergedAt": render_optional(seen.merged_at),
            "waitsFor": str(seen.waits_for) if seen.waits_for is not None else None,
            "waitsSince": render_optional(seen.waits_since),
            "seenAt": render_optional(seen.seen_at),
        }
    )


def _parse_pull_request(raw: Raw) -> PullRequestRecord:
    merged_at, since, seen_at = parse_times(raw, "mergedAt", "waitsSince", "seenAt")
    return PullRequestRecord(
        number=raw["number"],
        url=raw["url"],
        state=raw["state"],
        head_sha=raw["headSHA"],
        merge_commit=raw.get("mergeCommit"),
        merged_at=merged_at,
        waits_for=Reason(raw["waitsFor"]) if "waitsFor" in raw else None,
        waits_since=since,
        seen_at=seen_at,
    )


def _render_application(app: ApplicationRecord) -> dict[str, Any]:
    return without_nothing(
        {
            "namespace": app.namespace,
            "name": app.name,
            "revision": app.revision,
            "acceptedBecause": app.accepted_because,
            "sync": app.sync,
            "health": app.health,
            "healthSince": render_optional(app.health_since),
            "settlingSince": render_optional(app.settling_since),
        }
    )


def _parse_application(raw: Raw) -> ApplicationRecord:
    health_since, since = parse_times(raw, "healthSince", "settlingSince")
    return ApplicationRecord(
        namespace=raw["namespace"],
        name=raw["name"],
        revision=raw.get("revision"),
        accepted_because=raw.get("acceptedBecause"),
        sync=raw.get("sync"),
        health=raw.get("health"),
        health_since=health_since,
        settling_since=since,
    )


def _render_failure(failure: Failure) -> dict[str, Any]:
    return without_nothing(
        {
            "step": failure.step,
            "reason": str(failure.reason),
            "message": failure.message,
            "pod": failure.pod,
            "container": failure.container,
            "exitCode": failure.exit_code,
        }
    )


def _parse_failure(raw: Raw) -> Failure:
    return Failure(
        step=raw["step"],
        reason=Reason(raw["reason"]),
        message=raw["message"],
        pod=raw.get("pod"),
        container=raw.get("container"),
        exit_code=raw.get("exitCode"),
    )
