"""Traces on their way to a collector: what it gets, and what becomes of what it does not take."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from album_operator.adapters import traces as adapter
from album_operator.adapters.traces import Traces, TracesError
from album_operator.domain.collectors import Collector
from album_operator.domain.proxies import DIRECTLY
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, Record
from album_operator.domain.status_change import StatusChange
from album_operator.render.trace import render_trace
from tests.fakes.builders import NOW, RECORD, RELEASE, RESOLVED
from tests.fakes.collector import FakeCollector, listening

SECRET = "s3cret-of-a-collector"


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with listening() as fake:
        yield fake


@pytest.fixture(autouse=True)
def last_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine time to send, where it will be done."""
    monkeypatch.setattr(adapter, "LAST_MOMENT", timedelta(seconds=30))


def _change() -> StatusChange:
    failed = replace(
        RECORD,
        resolved=RESOLVED,
        outcome=Outcome.STALLED,
        reason=Reason.TAG_NOT_FOUND,
        message='There is no tag "x\ny".',
        since={"Finished": ("True", NOW)},
    )
    return StatusChange(RELEASE, Record(), failed)


def _traces(url: str) -> Traces:
    return Traces(Collector(url, {"authorization": f"Bearer {SECRET}"}), DIRECTLY)


async def test_a_release_that_ended_is_told_with_the_ids_of_its_status(
    collector: FakeCollector,
) -> None:
    traces = _traces(f"{collector.url}/otlp/")
    change = _change()
    traces.observe(change)
    traces.observe(replace(change, before=change.after))
    await traces.close()

    ((path, authorization, body),) = collector.got
    assert (path, authorization) == ("/otlp/v1/traces", f"Bearer {SECRET}")
    (span,) = collector.spans
    (whole,) = render_trace(change)
    assert span.trace_id.hex() == f"{whole.trace_id:032x}"
    assert span.span_id.hex() == f"{whole.span_id:016x}"
    assert (span.name, span.kind) == (whole.name, Span.SPAN_KIND_SERVER)
    assert span.end_time_unix_nano == int(NOW.timestamp()) * 10**9
    assert (span.status.code, span.status.message) == (
        Status.STATUS_CODE_ERROR,
        'There is no tag "x\ny".',
    )
    (told,) = ExportTraceServiceRequest.FromString(body).resource_spans
    names = {item.key: item.value.string_value for item in told.resource.attributes}
    assert names["service.name"] == "album-release-operator"


async def test_the_environment_names_the_service(
    collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "releases")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    traces = _traces(collector.url)
    traces.observe(_change())
    await traces.close()
    (body,) = (body for _, _, body in collector.got)
    (told,) = ExportTraceServiceRequest.FromString(body).resource_spans
    names = {item.key: item.value.string_value for item in told.resource.attributes}
    assert names["service.name"] == "releases"


@pytest.mark.parametrize("status", [302, 307, 400, 401])
async def test_what_a_collector_does_not_take_is_lost_aloud_and_goes_nowhere_else(
    collector: FakeCollector, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    with listening() as elsewhere:
        collector.status, collector.location = status, f"{elsewhere.url}/v1/traces"
        traces = _traces(collector.url)
        with caplog.at_level(logging.INFO):
            traces.observe(_change())
            await traces.close()
        assert elsewhere.got == []
    assert len(collector.got) == 1
    (line,) = (line for line in caplog.records if "Failed to export spans" in line.getMessage())
    assert str(status) in line.getMessage()
    assert SECRET not in caplog.text


async def test_a_collector_that_is_gone_holds_up_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "LAST_MOMENT", timedelta(seconds=3))
    with listening() as gone:
        url = gone.url
    traces = _traces(url)
    with caplog.at_level(logging.INFO):
        for _ in range(3000):
            traces.observe(_change())
        await traces.close()
    said = [line.getMessage() for line in caplog.records]
    assert any("Connection refused" in text for text in said)
    assert not any(" at 0x" in text or "retrying" in text for text in said)


def test_without_the_extra_it_is_said_what_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "album_operator.adapters.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(
        TracesError, match=r"opentelemetry\S* is not installed; install .*\[traces\]"
    ):
        _traces("http://127.0.0.1:1")
