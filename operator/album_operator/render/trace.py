"""One trace for each attempt of a release, made of its status when it ends.

Names are OpenTelemetry's (semantic conventions 1.44.0, "CICD spans" and "VCS"); what it has no name
for begins with `album.`. Ids follow from the status alone, so that a trace that is made twice is
the same one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime

from album_operator.domain.reasons import TRANSIENT, Reason
from album_operator.domain.record import Outcome, Record, StepName, StepRecord, StepState
from album_operator.domain.resolved import Resolved
from album_operator.domain.spans import Span
from album_operator.domain.status_change import StatusChange

Attributes = dict[str, str | int | float]

TIMEOUTS = frozenset({Reason.BUILD_TIMED_OUT, Reason.SYNC_TIMED_OUT})

RESULTS = {
    Reason.RELEASED: "success",
    Reason.PULL_REQUEST_CLOSED: "cancellation",
    Reason.CANCELLED: "cancellation",
    Reason.SUPERSEDED: "skip",
    **dict.fromkeys(TIMEOUTS, "timeout"),
    **dict.fromkeys(TRANSIENT, "error"),
}
"""Values of `cicd.pipeline.result`; the others are `failure`."""

FAILED = frozenset({"failure", "error", "timeout"})

TYPES = {
    StepName.IMAGE_READY: "build",
    StepName.SYNC_POLICY_APPLIED: "deploy",
    StepName.DEPLOYED: "deploy",
}
"""Values of `cicd.pipeline.task.type`, which knows none for a change and its review."""

IN_PULL_REQUEST = frozenset({StepName.PROPOSED, StepName.MERGED})


def render_trace(change: StatusChange) -> tuple[Span, ...]:
    """Give the spans of an attempt that ended with this change, the whole first; else none."""
    record = change.after
    if not _has_ended(change.before, record) or record.outcome is Outcome.PLANNED:
        return ()
    seed = f"{change.release.uid}/{record.attempt}/{record.last_handled_retry or ''}"
    parts = list(_render_steps(change, seed))
    end = max([_ended_at(change), *(part.end for part in parts)])
    start = min([_started_at(change, end), *(part.start for part in parts)])
    name = _pipeline_name(change)
    whole = Span(
        _number(seed, 16),
        _number(f"{seed}/", 8),
        None,
        f"RUN {name}",
        start,
        end,
        _attributes(change, name, seed),
        _fault(record.reason, record.message),
    )
    return (whole, *parts)


def _has_ended(before: Record, after: Record) -> bool:
    """Tell whether an attempt ended: a retry, or a person's "no", may end at once."""
    ends = [
        (record.is_finished, record.reason, record.attempt, record.last_handled_retry)
        for record in (before, after)
    ]
    return after.is_finished and ends[0] != ends[1]


def _ended_at(change: StatusChange) -> datetime:
    """Give when the status came to say that it is finished."""
    return change.after.since["Finished"][1]


def _started_at(change: StatusChange, end: datetime) -> datetime:
    """Give when the attempt began: a later one ended the one before it."""
    if change.after.attempt == 1:
        return change.release.created_at
    state, since = change.before.since.get("Finished", ("", end))
    return since if state == "False" else end


def _render_steps(change: StatusChange, seed: str) -> Iterator[Span]:
    record = change.after
    began = max((one.finished_at for one in record.attempts if one.finished_at), default=None)
    for step in record.steps:
        # What an earlier attempt had done and this one kept, such as the image, took no time now.
        is_kept = began is not None and step.finished_at is not None and step.finished_at < began
        if step.started_at is None or is_kept:
            continue
        yield _span_of_step(change, step, seed)
        if step.name is StepName.IMAGE_READY:
            yield from _render_build(record, step, seed)


def _span_of_step(change: StatusChange, step: StepRecord, seed: str) -> Span:
    record, reason = change.after, step.reason
    start = step.started_at or change.release.created_at
    is_done = step.state is StepState.SUCCEEDED
    result = "success" if is_done else RESULTS.get(record.reason, "failure")
    attributes: Attributes = {
        "cicd.pipeline.task.name": step.name,
        "cicd.pipeline.task.run.id": f"{seed}/{step.name}",
        "cicd.pipeline.task.run.result": result,
        "album.reason": reason,
        "album.overhead": step.overhead.total_seconds(),
    }
    if step.name in TYPES:
        attributes["cicd.pipeline.task.type"] = TYPES[step.name]
    if step.name in IN_PULL_REQUEST and record.pull_request is not None:
        attributes["cicd.pipeline.task.run.url.full"] = record.pull_request.url
    if result in FAILED:
        attributes["error.type"] = reason
    return Span(
        _number(seed, 16),
        _number(f"{seed}/{step.name}", 8),
        _number(f"{seed}/", 8),
        step.name,
        start,
        max(start, step.finished_at or _ended_at(change)),
        attributes,
        None if is_done else _fault(record.reason, step.message),
    )


def _render_build(record: Record, step: StepRecord, seed: str) -> Iterator[Span]:
    """Give the build's own time, without its place in the line."""
    build = record.build
    if build is None or build.started_at is None or build.finished_at is None:
        return
    yield Span(
        _number(seed, 16),
        _number(f"{seed}/{build.job}", 8),
        _number(f"{seed}/{step.name}", 8),
        "build",
        build.started_at,
        max(build.started_at, build.finished_at),
        {"k8s.job.name": build.job, "album.build.type": build.type},
    )


def _attributes(change: StatusChange, name: str, seed: str) -> Attributes:
    release, record = change.release, change.after
    result = RESULTS.get(record.reason, "failure")
    attributes: Attributes = {
        "cicd.pipeline.name": name,
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.run.id": seed,
        "cicd.pipeline.result": result,
        "k8s.namespace.name": release.ref.namespace,
        "album.release": str(release.ref),
        "album.attempt": record.attempt,
        "album.reason": record.reason,
    }
    if result in FAILED:
        attributes["error.type"] = record.reason
    if record.resolved is not None:
        attributes |= _resolved_attributes(record.resolved)
    if record.image is not None and record.image.digest:
        attributes["album.image.digest"] = record.image.digest
    if record.pull_request is not None:
        attributes["vcs.change.id"] = str(record.pull_request.number)
        attributes["vcs.change.state"] = record.pull_request.state.lower()
    return attributes


def _resolved_attributes(resolved: Resolved) -> Mapping[str, str]:
    source, environment = resolved.source, resolved.pipeline.environment
    of_environment = {"deployment.environment.name": environment} if environment else {}
    return {
        "vcs.repository.url.full": source.repository,
        "vcs.ref.head.name": source.tag,
        "vcs.ref.head.type": "tag",
        "vcs.ref.head.revision": source.commit,
        "album.app": resolved.app,
        "album.version": resolved.version,
        **of_environment,
    }


def _pipeline_name(change: StatusChange) -> str:
    chosen, resolved = change.after.chosen, change.after.resolved
    app = resolved.app if resolved is not None else chosen.app if chosen is not None else ""
    return f"{change.release.pipeline}/{app}".rstrip("/")


def _fault(reason: Reason, message: str) -> str | None:
    return message if RESULTS.get(reason, "failure") in FAILED else None


def _number(text: str, size: int) -> int:
    """Give a number of so many bytes that is another one for another text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size], "big")
