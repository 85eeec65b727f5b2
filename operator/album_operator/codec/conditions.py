"""The conditions of a release: `Ready` and its companions (kstatus), and one per step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from album_operator.api.types import render_time
from album_operator.codec.text import REFRESH, Raw, parse_request
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, Record, StepState
from album_operator.domain.release import Mode, Release
from album_operator.domain.remedy import RETRY

READY_TO_RELEASE = "ReadyToRelease"
"""Of a release in mode Plan: whether nothing it needs is missing."""

NOT_BEGUN = "This step has not begun."


def is_in_flight(body: Raw) -> bool:
    """Tell whether a release still needs passes.

    It does until it has finished, when a retry is asked for, or another look of a plan, and when
    its spec changed since: the conditions of a finished release must speak of the present spec, or
    `kubectl wait` waits on.
    """
    status = body.get("status") or {}
    if status.get("observedGeneration") != body["metadata"].get("generation"):
        return True
    retry = parse_request(body["metadata"], RETRY)
    if retry is not None and retry != status.get("lastHandledRetry"):
        return True
    refresh = parse_request(body["metadata"], REFRESH)
    is_plan = body.get("spec", {}).get("mode") == Mode.PLAN
    if is_plan and refresh is not None and refresh != status.get("lastHandledRefresh"):
        return True
    conditions = status.get("conditions", [])
    return not any(item["type"] == "Finished" and item["status"] == "True" for item in conditions)


def wish_of(body: Raw) -> tuple[object, ...]:
    """Give all of a release that people change: what is equal asks for nothing new."""
    metadata = body["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        parse_request(metadata, RETRY),
        parse_request(metadata, REFRESH),
        metadata.get("deletionTimestamp"),
    )


def parse_outcome(conditions: Mapping[str, Raw]) -> Outcome:
    """Tell from the conditions, by type, how a release stands."""
    if conditions.get("Stalled", {}).get("status") == "True":
        return Outcome.STALLED
    ready = conditions.get("Ready", {})
    if ready.get("status") == "True":
        is_plan = ready.get("reason") == Reason.PLANNED
        return Outcome.PLANNED if is_plan else Outcome.RELEASED
    if ready.get("reason") == Reason.SUSPENDED:
        return Outcome.SUSPENDED
    return Outcome.WORKING


def render_conditions(release: Release, record: Record, now: datetime) -> list[dict[str, Any]]:
    """Give the conditions of kstatus, `Finished`, `ReadyToRelease` of a plan, and one per step.

    `Reconciling` and `Stalled` are there only while true (kstatus: abnormal-true).
    """
    by_outcome = {Outcome.RELEASED: "True", Outcome.PLANNED: "True", Outcome.STALLED: "False"}
    # It failed, whatever becomes of its rollback.
    ready = by_outcome.get(record.outcome, "Unknown" if record.rollback is None else "False")
    states = [("Ready", ready, record.reason, record.message)]
    if record.outcome is Outcome.WORKING:
        states.append(("Reconciling", "True", record.reason, record.message))
    if record.outcome is Outcome.STALLED:
        states.append(("Stalled", "True", record.reason, record.message))
    if record.is_finished:
        states.append(("Finished", "True", record.reason, record.message))
    if release.mode is Mode.PLAN and record.is_finished:
        states.append((READY_TO_RELEASE, ready, record.reason, record.message))
    by_state = {StepState.SUCCEEDED: "True", StepState.FAILED: "False"}
    states += [
        (step.name, by_state.get(step.state, "Unknown"), step.reason, step.message or NOT_BEGUN)
        for step in record.steps
    ]
    rendered = []
    for kind, status, reason, message in states:
        known, since = record.since.get(kind, ("", now))
        rendered.append(
            {
                "type": str(kind),
                "status": status,
                "reason": str(reason),
                "message": message,
                "observedGeneration": release.generation,
                "lastTransitionTime": render_time(since if known == status else max(since, now)),
            }
        )
    return rendered
