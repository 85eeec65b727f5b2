"""A release as others need to know it, read of its raw body alone: each event brings one."""

from collections.abc import Mapping
from datetime import datetime
from sys import intern

from album_operator.codec.conditions import is_in_flight, parse_outcome
from album_operator.codec.text import Raw, parse_time
from album_operator.domain.claims import AFTER_MERGE, UNMERGED, ConfigBranch, Progress, ReleaseSeen
from album_operator.domain.history import Ended
from album_operator.domain.marks import KEEP, TRIGGER_LABEL
from album_operator.domain.names import normal_url
from album_operator.domain.pull_requests import PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName, StepState
from album_operator.domain.release import Delivery, Mode, Ref

STEPS = tuple(StepName)


def parse_seen(body: Raw) -> ReleaseSeen:
    """Read what others need to know of a release; thousands are kept, so equal names are shared."""
    status = body.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    app, version = status.get("app"), status.get("version")
    step = _step_of(status) if is_in_flight(body) else None
    outcome = parse_outcome(conditions)
    undone = body["spec"].get("rollbackOf")
    return ReleaseSeen(
        pipeline=intern(body["spec"]["pipelineRef"]["name"]),
        app=intern(app) if app is not None else None,
        version=intern(version) if version is not None else None,
        step=step,
        outcome=outcome,
        branch=_branch_of(status) if step in UNMERGED else None,
        applications=_applications_of(status) if step is not None else (),
        is_plan=body["spec"].get("mode") == Mode.PLAN,
        has_begun="resolved" in status,
        minds_others=_minds_others(body["spec"]),
        rollback_of=intern(undone["name"]) if undone is not None else None,
        is_triggered=TRIGGER_LABEL in (body["metadata"].get("labels") or {}),
        ended=_end_of(body["metadata"], status, conditions, outcome) if step is None else None,
        created_at=parse_time(body["metadata"]["creationTimestamp"]),
        progress=_progress_of(body, status, conditions, step) if step is not None else None,
        digest=status.get("image", {}).get("digest", "") if outcome is Outcome.RELEASED else "",
        failed_at=_failure_of(status, conditions),
    )


def _failure_of(status: Raw, conditions: Mapping[str, Raw]) -> datetime | None:
    """Give since when a release has failed after its merge, its last failed attempt before that."""
    if status.get("failure", {}).get("step") in AFTER_MERGE:
        return parse_time(conditions["Ready"]["lastTransitionTime"])
    ends = [
        one.get("finishedAt") for one in status.get("attempts", []) if one["step"] in AFTER_MERGE
    ]
    return parse_time(ends[-1]) if ends and ends[-1] is not None else None


def _end_of(metadata: Raw, status: Raw, conditions: Mapping[str, Raw], outcome: Outcome) -> Ended:
    """Give how a release ended: one that was Released when its last step did."""
    last: Raw = next((step for step in status.get("steps", []) if step["name"] == STEPS[-1]), {})
    at = last.get("finishedAt") if outcome is Outcome.RELEASED else None
    at = at or conditions["Finished"].get("lastTransitionTime") or metadata["creationTimestamp"]
    keep = (metadata.get("annotations") or {}).get(KEEP, "false") != "false"
    state = status.get("pullRequest", {}).get("state")
    return Ended(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        at=parse_time(at),
        is_kept=keep or state == PullRequestState.OPEN,
        reason=_reason_of(conditions.get("Ready", {})),
    )


def _progress_of(
    body: Raw, status: Raw, conditions: Mapping[str, Raw], step: StepName
) -> Progress | None:
    """Tell where a release is: at its step, or by `Ready` where it has come to none."""
    if body["spec"].get("mode") == Mode.PLAN:
        return None
    told = conditions.get("Ready", {})
    at: Raw = next((one for one in status.get("steps", []) if one["name"] == step), {})
    has_begun = "startedAt" in at
    if has_begun and told.get("reason") != Reason.SUSPENDED:
        told = at
    since = at["startedAt"] if has_begun else body["metadata"]["creationTimestamp"]
    return Progress(step if has_begun else None, _reason_of(told), parse_time(since))


def _reason_of(told: Raw) -> Reason:
    return Reason(told.get("reason", Reason.PENDING))


def _minds_others(spec: Raw) -> bool:
    is_alone = "rollbackOf" in spec or spec.get("cancel", False)
    return not is_alone and spec.get("mode", Mode.APPLY) == Mode.APPLY


def _step_of(status: Raw) -> StepName:
    """Give the first step that is not done; the last is until the release has finished."""
    states = {step["name"]: step.get("state") for step in status.get("steps", [])}
    left = (name for name in STEPS if states.get(name) != StepState.SUCCEEDED)
    return next(left, STEPS[-1])


def _branch_of(status: Raw) -> ConfigBranch | None:
    """Give the release branch; None for none, and for a URL that nobody can read."""
    config = status.get("resolved", {}).get("config")
    if config is None or config.get("delivery") == Delivery.COMMIT:
        return None
    try:
        return ConfigBranch(normal_url(config["repository"]), config["branch"])
    except ValueError:
        return None


def _applications_of(status: Raw) -> tuple[Ref, ...]:
    named = status.get("resolved", {}).get("argocd", {}).get("applications", ())
    return tuple(Ref(one["namespace"], one["name"]) for one in named)
