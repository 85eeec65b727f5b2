"""OpenTelemetry's SDK, as far as a trace that is over needs it."""

import logging
import re
import ssl
from datetime import UTC, datetime, timedelta

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from album_operator.domain.collectors import Collector
from album_operator.domain.proxies import Proxies
from album_operator.domain.spans import Span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SERVICE = "album-release-operator"

VARYING = re.compile(r" at 0x[0-9a-f]+|, retrying in [0-9.]+s")
"""Addresses of objects, and times."""


class Exporter:
    """Sends spans in batches, from a thread of its own.

    Args:
        collector: what takes them.
        proxies: through which servers are gone to.
    """

    def __init__(self, collector: Collector, proxies: Proxies) -> None:
        url = f"{collector.url.rstrip('/')}/v1/traces"
        self._exporter = OTLPSpanExporter(
            url,
            certificate_file=ssl.get_default_verify_paths().cafile,
            headers=collector.headers,
            session=_session(url, proxies),
        )
        logging.getLogger(OTLPSpanExporter.__module__).addFilter(_say_alike)
        self._ids = _GivenIds()
        resource = Resource({SERVICE_NAME: SERVICE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(
            ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=self._ids
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("album_operator")

    def send(self, span: Span) -> None:
        """Put a span into the queue."""
        self._ids.next = span
        context = Context()
        if span.parent_id is not None:
            sampled = TraceFlags(TraceFlags.SAMPLED)
            parent = SpanContext(
                span.trace_id, span.parent_id, is_remote=False, trace_flags=sampled
            )
            context = set_span_in_context(NonRecordingSpan(parent), context)
        made = self._tracer.start_span(
            span.name,
            context,
            SpanKind.INTERNAL if span.parent_id is not None else SpanKind.SERVER,
            span.attributes,
            start_time=_nanoseconds(span.start),
        )
        if span.fault is not None:
            made.set_status(Status(StatusCode.ERROR, span.fault))
        made.end(_nanoseconds(span.end))

    def close(self) -> None:
        """Send what waits in the queue."""
        self._provider.shutdown()

    def give_up(self) -> None:
        """Try nothing again."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _say_alike(line: logging.LogRecord) -> bool:
    """Say the same of each try, so that the log says it once."""
    line.msg, line.args = VARYING.sub("", line.getMessage()), ()
    return True


class _GivenIds(IdGenerator):
    """Gives the ids of the next span."""

    next: Span

    def generate_span_id(self) -> int:
        return self.next.span_id

    def generate_trace_id(self) -> int:
        return self.next.trace_id


def _session(url: str, proxies: Proxies) -> requests.Session:
    """Make a session with the operator's proxies alone; a redirect is no answer."""
    session = requests.Session()
    session.trust_env = False
    if (proxy := proxies.find(url)) is not None:
        session.proxies = {"https": proxy.secret_url}
    # The SDK takes what is below 400 for success.
    session.hooks["response"].append(_refuse_redirect)
    return session


def _refuse_redirect(answer: requests.Response, *_: object, **__: object) -> None:
    if 300 <= answer.status_code < 400:
        answer.close()
        raise requests.RequestException(f"the collector redirects (HTTP {answer.status_code})")


def _nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
