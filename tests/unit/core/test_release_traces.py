"""The trace of each attempt, made of the statuses that were written."""

from album_operator.domain.spans import Span
from album_operator.domain.status_change import StatusChange
from album_operator.render.trace import render_trace
from tests.fakes.cluster import fail_build
from tests.unit.core.stage import Stage

STEPS = ["ImageReady", "build", "Proposed", "Merged", "SyncPolicyApplied", "Deployed"]


def _watched(stage: Stage) -> list[tuple[Span, ...]]:
    traces: list[tuple[Span, ...]] = []

    def note(change: StatusChange) -> None:
        if spans := render_trace(change):
            traces.append(spans)

    stage.world.observers.append(note)
    return traces


def _result(trace: tuple[Span, ...]) -> object:
    return trace[0].attributes["cicd.pipeline.result"]


async def test_a_release_is_one_trace_also_where_the_operator_starts_anew_meanwhile() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.restart()
    traces = _watched(stage)
    await stage.release()

    (trace,) = traces
    assert [span.name for span in trace] == ["RUN album-app/backend", *STEPS]
    assert _result(trace) == "success"
    assert all(trace[0].start <= span.start <= span.end <= trace[0].end for span in trace)


async def test_a_failure_and_its_retry_are_a_trace_each() -> None:
    stage = Stage()
    traces = _watched(stage)
    stage.apply()
    await stage.settle()
    fail_build(stage.cluster, stage.jobs[0], 1, "no")
    await stage.settle()
    stage.annotate(retry="1")
    await stage.release()

    failed, released = traces
    assert [span.name for span in failed] == ["RUN album-app/backend", "ImageReady"]
    assert (_result(failed), _result(released)) == ("failure", "success")
    assert failed[0].attributes["error.type"] == "BuildFailed"
    assert failed[0].trace_id != released[0].trace_id
    assert failed[0].end <= released[0].start


async def test_what_is_refused_at_once_and_what_is_cancelled_is_told_too() -> None:
    stage = Stage()
    traces = _watched(stage)
    stage.apply("backend-v9.9.9", tag="backend-v9.9.9")
    await stage.settle("backend-v9.9.9")
    stage.apply()
    await stage.settle()
    stage.edit("backend-v1.1.0", {"spec": {"cancel": True}})
    await stage.settle()

    assert [_result(trace) for trace in traces] == ["failure", "cancellation"]
    assert [len(trace) for trace in traces] == [1, 2]


async def test_a_plan_is_none() -> None:
    stage = Stage()
    traces = _watched(stage)
    stage.apply("backend-v1.1.0", tag="backend-v1.1.0", mode="Plan")
    await stage.settle()
    assert stage.ready()[1] == "Planned"
    assert traces == []
