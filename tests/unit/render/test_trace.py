"""The trace of an attempt that ended: one whole, and its parts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from album_operator.domain.names import AppVersion
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    AttemptRecord,
    BuildRecord,
    ImageRecord,
    Outcome,
    PullRequestRecord,
    Record,
    StepName,
    StepRecord,
    StepState,
)
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.spans import Span
from album_operator.domain.status_change import StatusChange
from album_operator.render.trace import render_trace

PAGE = "https://git.example.org/owner/config/pulls/6"


def at(minute: float) -> datetime:
    return datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(minutes=minute)


def _step(name: StepName, start: float, end: float) -> StepRecord:
    state, reason = StepState.SUCCEEDED, Reason.SUCCEEDED
    return StepRecord(name, state, reason, "Done.", at(start), at(end), timedelta(seconds=2))


def _failed(name: StepName, start: float, end: float | None, reason: Reason) -> StepRecord:
    ended = at(end) if end is not None else None
    return StepRecord(name, StepState.FAILED, reason, "It broke.", at(start), ended)


@pytest.fixture
def before(resolved: Resolved) -> Record:
    since = {"Finished": ("False", at(0))}
    return Record(resolved=resolved, since=since)


@pytest.fixture
def done(before: Record) -> Record:
    return replace(
        before,
        outcome=Outcome.RELEASED,
        reason=Reason.RELEASED,
        steps=tuple(_step(name, 2 * at + 1, 2 * at + 3) for at, name in enumerate(StepName)),
        image=ImageRecord("image:v1.1.0", f"sha256:{'a' * 64}", None),
        build=BuildRecord("build-1", "Kaniko", at(2), at(2.5)),
        pull_request=PullRequestRecord(6, PAGE, "Merged", "b" * 40),
        since={"Finished": ("True", at(11.5))},
    )


@pytest.fixture
def failed(before: Record) -> Record:
    return replace(
        before,
        outcome=Outcome.STALLED,
        reason=Reason.BUILD_FAILED,
        message="The build failed.",
        steps=(
            _failed(StepName.IMAGE_READY, 1, 3, Reason.BUILD_FAILED),
            *(StepRecord(name) for name in list(StepName)[1:]),
        ),
        since={"Finished": ("True", at(3))},
    )


def _named(spans: tuple[Span, ...]) -> dict[str, Span]:
    return {span.name: span for span in spans}


def test_a_release_is_a_whole_with_its_steps_and_its_build(
    release: Release, before: Record, done: Record
) -> None:
    spans = render_trace(StatusChange(release, before, done))
    whole, named = spans[0], _named(spans)

    assert list(named) == ["RUN album-app/backend", "ImageReady", "build", *list(StepName)[1:]]
    assert (whole.parent_id, whole.start, whole.end) == (None, release.created_at, at(11.5))
    assert {span.trace_id for span in spans} == {whole.trace_id}
    assert len({span.span_id for span in spans}) == len(spans)
    assert named["build"].parent_id == named["ImageReady"].span_id
    assert {named[name].parent_id for name in StepName} == {whole.span_id}
    assert (named["Merged"].start, named["Merged"].end) == (at(5), at(7))
    assert (named["build"].start, named["build"].end) == (at(2), at(2.5))
    assert {span.fault for span in spans} == {None}


def test_the_whole_says_what_was_released_by_the_conventions_names(
    release: Release, before: Record, done: Record
) -> None:
    (whole, *_) = render_trace(StatusChange(release, before, done))

    assert whole.attributes == {
        "cicd.pipeline.name": "album-app/backend",
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.run.id": f"{release.uid}/1/",
        "cicd.pipeline.result": "success",
        "k8s.namespace.name": "album",
        "album.release": "album/backend-v1.1.0",
        "album.attempt": 1,
        "album.reason": "Released",
        "album.app": "backend",
        "album.version": "v1.1.0",
        "album.image.digest": f"sha256:{'a' * 64}",
        "vcs.repository.url.full": "https://git.example.org/owner/album-app",
        "vcs.ref.head.name": "backend-v1.1.0",
        "vcs.ref.head.type": "tag",
        "vcs.ref.head.revision": "c0ffee" + "0" * 34,
        "vcs.change.id": "6",
        "vcs.change.state": "merged",
    }


def test_a_step_says_what_it_was_and_where_it_can_be_read(
    release: Release, before: Record, done: Record
) -> None:
    named = _named(render_trace(StatusChange(release, before, done)))

    assert named["Merged"].attributes == {
        "cicd.pipeline.task.name": "Merged",
        "cicd.pipeline.task.run.id": f"{release.uid}/1//Merged",
        "cicd.pipeline.task.run.result": "success",
        "cicd.pipeline.task.run.url.full": PAGE,
        "album.reason": "Succeeded",
        "album.overhead": 2.0,
    }
    assert named["ImageReady"].attributes["cicd.pipeline.task.type"] == "build"
    assert named["Deployed"].attributes["cicd.pipeline.task.type"] == "deploy"


def test_the_pipelines_word_for_its_environment_is_there(
    release: Release, before: Record, done: Record, resolved: Resolved
) -> None:
    staging = replace(resolved, pipeline=replace(resolved.pipeline, environment="staging"))
    change = StatusChange(release, before, replace(done, resolved=staging))

    assert render_trace(change)[0].attributes["deployment.environment.name"] == "staging"


@pytest.mark.parametrize(
    ("reason", "result", "is_fault"),
    [
        (Reason.BUILD_FAILED, "failure", True),
        (Reason.DEGRADED, "failure", True),
        (Reason.BUILD_TIMED_OUT, "timeout", True),
        (Reason.INTERNAL_ERROR, "error", True),
        (Reason.PULL_REQUEST_CLOSED, "cancellation", False),
        (Reason.CANCELLED, "cancellation", False),
        (Reason.SUPERSEDED, "skip", False),
    ],
)
def test_a_failure_has_the_conventions_result_and_our_reason(
    release: Release, before: Record, failed: Record, reason: Reason, result: str, is_fault: bool
) -> None:
    steps = (_failed(StepName.IMAGE_READY, 1, 3, reason), *failed.steps[1:])
    ended = replace(failed, reason=reason, steps=steps)
    whole, step = render_trace(StatusChange(release, before, ended))

    assert whole.attributes["cicd.pipeline.result"] == result
    assert step.attributes["cicd.pipeline.task.run.result"] == result
    assert whole.attributes.get("error.type") == (reason if is_fault else None)
    assert step.attributes.get("error.type") == (reason if is_fault else None)
    assert (whole.fault, step.fault) == (
        ("The build failed.", "It broke.") if is_fault else (None, None)
    )


def test_the_same_status_gives_the_same_ids_and_another_attempt_others(
    release: Release, before: Record, failed: Record
) -> None:
    first = render_trace(StatusChange(release, before, failed))
    assert render_trace(StatusChange(release, replace(before, message="x"), failed)) == first
    retried = replace(failed, attempt=2)
    asked = replace(failed, last_handled_retry="1")
    other = replace(release, uid="another")
    for change in (
        StatusChange(release, before, retried),
        StatusChange(release, before, asked),
        StatusChange(other, before, failed),
    ):
        assert render_trace(change)[0].trace_id != first[0].trace_id


def test_what_goes_on_or_was_over_before_or_is_a_plan_has_no_trace(
    release: Release, before: Record, failed: Record
) -> None:
    for change in (
        StatusChange(release, before, replace(before, message="on")),
        StatusChange(release, failed, replace(failed, requested_by="ann")),
        StatusChange(release, before, replace(before, outcome=Outcome.PLANNED)),
    ):
        assert render_trace(change) == ()


def test_a_retry_that_ends_at_once_is_a_trace_too(
    release: Release, before: Record, failed: Record
) -> None:
    del before
    retried = replace(failed, attempt=2, last_handled_retry="1", steps=Record().steps)
    (whole,) = render_trace(StatusChange(release, failed, retried))
    assert (whole.start, whole.end) == (at(3), at(3))


def test_a_later_attempt_begins_when_the_one_before_was_ended_and_leaves_out_what_it_kept(
    release: Release, before: Record, done: Record
) -> None:
    ended = AttemptRecord(1, "Merged", Reason.PULL_REQUEST_CLOSED, "No.", None, at(4))
    running = AttemptRecord(2, "Proposed", Reason.PROPOSING, "Stopped.")
    retried = replace(done, attempt=3, attempts=(ended, running))
    begun = replace(before, attempt=3, since={"Finished": ("False", at(4.5))})
    spans = render_trace(StatusChange(release, begun, retried))

    assert [span.name for span in spans][:2] == ["RUN album-app/backend", "Proposed"]
    assert spans[0].start == at(3)
    late = replace(retried, steps=(done.steps[0], *Record().steps[1:]))
    assert render_trace(StatusChange(release, begun, late))[0].start == at(4.5)


def test_no_part_is_outside_of_the_whole_or_ends_before_it_began(
    release: Release, before: Record, done: Record
) -> None:
    steps = (_step(StepName.IMAGE_READY, -5, -9), *done.steps[1:-1])
    last = _failed(StepName.DEPLOYED, 20, None, Reason.DEGRADED)
    build = BuildRecord("build-1", "Kaniko", at(2), at(1))
    odd = replace(done, steps=(*steps, last), build=build, since={"Finished": ("True", at(19))})
    whole, *parts = render_trace(StatusChange(release, before, odd))

    assert all(whole.start <= part.start <= part.end <= whole.end for part in parts)


@pytest.mark.parametrize("build", [None, BuildRecord("b", "Kaniko"), BuildRecord("b", "x", at(1))])
def test_a_build_that_has_not_ended_is_no_part(
    release: Release, before: Record, done: Record, build: BuildRecord | None
) -> None:
    named = _named(render_trace(StatusChange(release, before, replace(done, build=build))))
    assert "build" not in named


@pytest.mark.parametrize(
    ("chosen", "name"),
    [(AppVersion("backend", "v1"), "album-app/backend"), (None, "album-app")],
)
def test_what_was_refused_before_it_was_resolved_is_told_with_what_is_known(
    release: Release, failed: Record, chosen: AppVersion | None, name: str
) -> None:
    refused = replace(failed, resolved=None, chosen=chosen, steps=Record().steps)
    (whole,) = render_trace(StatusChange(release, Record(), refused))

    assert whole.name == f"RUN {name}"
    assert (whole.start, whole.end) == (release.created_at, at(3))
    assert "vcs.repository.url.full" not in whole.attributes
