"""Statuses of pipelines: written and read back, valid and small."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from album_operator.api.pipeline_status import PipelineStatus
from album_operator.codec import parse_pipeline_status, render_pipeline_status
from album_operator.codec.pipeline_status import STATUS_BYTES
from album_operator.domain.pipeline_record import (
    AppRecord,
    BaseVersion,
    HeldApp,
    InFlight,
    LastReleased,
    PipelineRecord,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.record import MOST_MISSES, Miss
from album_operator.domain.triggers import AppTag, Decided, TriggerRecord
from tests.fakes.builders import DIGEST, NOW, PIPELINE
from tests.fakes.crd_schema import faults_of_status

LATER = NOW + timedelta(minutes=5)
COMMIT = "0" * 40
FULL = AppRecord(
    "backend",
    BaseVersion("v1.1.0", COMMIT),
    LastReleased("v1.1.0", "backend-v1.1.0", NOW, DIGEST),
    InFlight("backend-v1.2.0", "v1.2.0", "Merged", Reason.AWAITING_MERGE, NOW, 2),
    HeldApp("A person holds it."),
    AppTag("backend-v1.2.0", "v1.2.0", COMMIT),
    TriggerRecord(
        Decided("backend-v1.2.0", "v1.2.0", COMMIT, "backend-v1.2.0"), "What keeps tags from it."
    ),
)


def _faults(record: PipelineRecord) -> list[str]:
    status = render_pipeline_status(PIPELINE, record, NOW)
    PipelineStatus.parse(status)
    return faults_of_status("albumpipelines", status)


@settings(max_examples=40)
@given(
    is_ready=st.sampled_from([True, False, None]),
    reason=st.sampled_from(list(Reason)),
    message=st.text(max_size=400),
    misses=st.lists(
        st.builds(Miss, st.sampled_from(list(Reason)), st.text(max_size=90)), max_size=4
    ),
)
def test_a_status_reads_as_the_record_it_was_written_from(
    is_ready: bool | None, reason: Reason, message: str, misses: list[Miss]
) -> None:
    apps = (FULL, AppRecord("frontend"))
    record = PipelineRecord(apps, reason, message, is_ready, tuple(misses), NOW, "now")
    status = render_pipeline_status(PIPELINE, record, NOW)

    assert parse_pipeline_status(json.loads(json.dumps(status))) == record
    assert _faults(record) == []
    assert render_pipeline_status(PIPELINE, parse_pipeline_status(status), LATER) == status


@pytest.mark.parametrize(
    ("is_ready", "reason", "conditions"),
    [
        (True, Reason.CHECKED, {"Ready": "True"}),
        (None, Reason.GIT_UNAVAILABLE, {"Ready": "Unknown", "Reconciling": "True"}),
        (False, Reason.CREDENTIALS_MISSING, {"Ready": "False", "Stalled": "True"}),
        (False, Reason.GIT_UNAVAILABLE, {"Ready": "False"}),
    ],
)
def test_the_conditions_are_those_of_kstatus(
    is_ready: bool | None, reason: Reason, conditions: dict[str, str]
) -> None:
    record = PipelineRecord(reason=reason, is_ready=is_ready)
    status = render_pipeline_status(PIPELINE, record, NOW)
    assert {item["type"]: item["status"] for item in status["conditions"]} == conditions


def test_a_condition_keeps_the_time_it_came_to_its_status() -> None:
    first = render_pipeline_status(PIPELINE, PipelineRecord(is_ready=True), NOW)
    then = parse_pipeline_status(first)
    same = render_pipeline_status(PIPELINE, replace(then, message="Another."), LATER)
    other = render_pipeline_status(PIPELINE, replace(then, is_ready=False), LATER)
    at = first["conditions"][0]["lastTransitionTime"]
    assert same["conditions"][0]["lastTransitionTime"] == at
    assert other["conditions"][0]["lastTransitionTime"] > at


def test_the_columns_count_what_there_is() -> None:
    record = PipelineRecord(apps=(FULL, AppRecord("frontend")))
    status = render_pipeline_status(PIPELINE, record, NOW)
    assert status["summary"] == {"apps": 2, "inFlight": 3}


def test_the_fullest_status_is_small_and_valid() -> None:
    held = HeldApp("ö" * 3000)
    told = TriggerRecord(Decided("t" * 191, "v" * 128, COMMIT, "r" * 253), "ö" * 3000)
    apps = tuple(
        replace(FULL, name=f"{'a' * 60}{number}", held=held, trigger=told) for number in range(64)
    )
    miss = Miss(Reason.CREDENTIALS_MISSING, "ö" * 3000, "ä" * 3000)
    record = PipelineRecord(apps, message="x" * 3000, is_ready=False, misses=(miss,) * MOST_MISSES)
    status = render_pipeline_status(PIPELINE, record, NOW)
    assert len(json.dumps(status, ensure_ascii=False).encode()) <= STATUS_BYTES
    assert _faults(record) == []


@pytest.mark.parametrize("raw", [{}, {"apps": "x"}, {"conditions": [{"type": "Ready"}]}])
def test_what_no_operator_wrote_is_as_good_as_nothing(raw: dict[str, object]) -> None:
    assert parse_pipeline_status(raw) == PipelineRecord()
