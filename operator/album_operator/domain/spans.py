"""Spans of a trace: what took how long within a release."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Span:
    """A part of a release that took time.

    Attributes:
        trace_id: 128 bits, of the attempt.
        span_id: 64 bits.
        parent_id: of the span that this one is a part of; None for the whole.
        fault: why it failed, as a sentence; None where it did not.
    """

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    start: datetime
    end: datetime
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)
    fault: str | None = None
