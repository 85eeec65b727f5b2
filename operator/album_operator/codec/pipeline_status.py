"""The status of a pipeline: a record as JSON and back."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from album_operator.api.pipeline_status import PipelineStatus
from album_operator.api.types import MESSAGE_LENGTH, render_time
from album_operator.codec.mapper import Mapper
from album_operator.codec.text import Raw, cut
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import AppRecord, PipelineRecord
from album_operator.domain.reasons import TRANSIENT, Reason

STATUS_BYTES = 128 * 1024
"""What a status may take as JSON: 64 apps fill it, and there are fewer pipelines than releases."""

LENGTHS = (MESSAGE_LENGTH, 480, 240, 120)
"""Lengths messages are cut to until the status is small enough."""

_RECORD = Mapper(
    PipelineRecord,
    PipelineStatus,
    *("conditions", "summary", "is_ready", "message", "reason", "since"),
)


def render_pipeline_status(
    pipeline: Pipeline, record: PipelineRecord, now: datetime
) -> dict[str, Any]:
    """Write a record as the whole status of a pipeline.

    Args:
        pipeline: whose status it is; its generation is the one observed.
        record: what is known.
        now: time of conditions whose status changes.
    """
    for length in LENGTHS[:-1]:
        status = _render(pipeline, _shortened(record, length), now)
        if len(json.dumps(status, ensure_ascii=False).encode()) <= STATUS_BYTES:
            return status
    return _render(pipeline, _shortened(record, LENGTHS[-1]), now)


def parse_pipeline_status(raw: Raw) -> PipelineRecord:
    """Read a status; one that no operator wrote is as good as none: nothing is done by it alone."""
    try:
        status = PipelineStatus.parse(raw)
    except ValidationError:
        return PipelineRecord()
    ready = next((item for item in status.conditions if item.type == "Ready"), None)
    return _RECORD.parse(
        status,
        is_ready={"True": True, "False": False}.get(ready.status) if ready is not None else None,
        reason=Reason(ready.reason) if ready is not None else Reason.PENDING,
        message=ready.message if ready is not None else "",
        since={item.type: (item.status, item.last_transition_time) for item in status.conditions},
    )


def _shortened(record: PipelineRecord, length: int) -> PipelineRecord:
    return replace(
        record,
        message=cut(record.message, length),
        misses=tuple(
            replace(miss, message=cut(miss.message, length), remedy=cut(miss.remedy, length))
            for miss in record.misses
        ),
        apps=tuple(_shortened_app(app, length) for app in record.apps),
    )


def _shortened_app(app: AppRecord, length: int) -> AppRecord:
    held, trigger = app.held, app.trigger
    return replace(
        app,
        held=held and replace(held, because=cut(held.because, length)),
        trigger=trigger and replace(trigger, message=cut(trigger.message, length)),
    )


def _render(pipeline: Pipeline, record: PipelineRecord, now: datetime) -> dict[str, Any]:
    flying = [app.in_flight for app in record.apps if app.in_flight is not None]
    return {
        "summary": {
            "apps": len(record.apps),
            "inFlight": sum(1 + one.others for one in flying),
        },
        "conditions": _conditions(pipeline, record, now),
        **_RECORD.render(record),
    }


def _conditions(pipeline: Pipeline, record: PipelineRecord, now: datetime) -> list[dict[str, Any]]:
    """Give the conditions of kstatus; `Reconciling` and `Stalled` are there only while true."""
    ready = {True: "True", False: "False", None: "Unknown"}[record.is_ready]
    states = [("Ready", ready)]
    if record.is_ready is None:
        states.append(("Reconciling", "True"))
    if record.is_ready is False and record.reason not in TRANSIENT:
        states.append(("Stalled", "True"))
    return [
        {
            "type": kind,
            "status": status,
            "reason": str(record.reason),
            "message": record.message,
            "observedGeneration": pipeline.generation,
            "lastTransitionTime": _since(record, kind, status, now),
        }
        for kind, status in states
    ]


def _since(record: PipelineRecord, kind: str, status: str, now: datetime) -> str:
    known, since = record.since.get(kind, ("", now))
    return render_time(since if known == status else max(since, now))
