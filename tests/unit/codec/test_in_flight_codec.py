"""Which releases still need passes, told from their raw bodies alone."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.codec import (
    is_in_flight,
    parse_release,
    parse_status,
    render_status,
    wish_of,
)
from album_operator.domain import progress
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Record, StepName
from tests.fakes.builders import NOW, PLAN, RECORD, RELEASE, raw_release, record_before

STALLED = progress.stall(
    RECORD, None, "Push it.", Failure("Preflight", Reason.TAG_NOT_FOUND, "Push it."), NOW
)
RELEASED = progress.release(record_before(StepName.DEPLOYED))
PLANNED = progress.plan(replace(RECORD, plan=PLAN), "Nothing was done.")


def _body(record: Record | None, retry: str | None = None) -> dict[str, Any]:
    body = raw_release()
    if record is not None:
        body["status"] = render_status(RELEASE, record, NOW)
    if retry is not None:
        body["metadata"]["annotations"] = {"album.dev/retry": retry}
    return body


def test_a_release_just_applied_is_in_flight() -> None:
    body = _body(None)

    assert is_in_flight(body)
    del body["status"]
    assert is_in_flight(body)


def test_a_release_at_work_is_in_flight() -> None:
    assert is_in_flight(_body(record_before(StepName.MERGED)))


@pytest.mark.parametrize(
    "record", [STALLED, RELEASED, PLANNED], ids=["stalled", "released", "planned"]
)
def test_a_finished_release_is_not_until_a_retry_is_asked_for(record: Record) -> None:
    assert not is_in_flight(_body(record))
    assert is_in_flight(_body(record, retry="1"))


@pytest.mark.parametrize("retry", ["1", "", "x" * 9000])
def test_a_retry_that_was_answered_does_not_wake_a_release_again(retry: str) -> None:
    body = _body(STALLED, retry)
    again = progress.start(parse_release(body), parse_status(body["status"]))
    failure = Failure("Preflight", Reason.TAG_NOT_FOUND, "Push it.")
    answered = progress.stall(again, None, "Push it.", failure, NOW)

    assert is_in_flight(body)
    assert not is_in_flight(_body(answered, retry))


def test_a_suspended_release_stays_in_flight_so_that_it_can_go_on() -> None:
    suspended = progress.start(parse_release(raw_release(tag="b-v1.0.0", suspend=True)), RECORD)

    assert is_in_flight(_body(suspended))


def test_a_finished_release_whose_spec_changed_speaks_of_the_new_spec_first() -> None:
    body = _body(RELEASED)
    body["metadata"]["generation"] = 2

    assert is_in_flight(body)


@pytest.mark.parametrize(("mode", "asked"), [("Plan", True), ("Apply", False)])
def test_a_refresh_is_another_look_of_a_finished_plan_alone(mode: str, asked: bool) -> None:
    body = _body(replace(RELEASED, last_handled_refresh="1"))
    body["spec"]["mode"] = mode
    for value, wanted in {"1": False, "2": asked}.items():
        body["metadata"]["annotations"] = {"album.dev/refresh": value}
        assert is_in_flight(body) is wanted


def test_only_what_people_change_is_another_wish() -> None:
    before, after = _body(None), _body(RELEASED)
    after["metadata"] |= {"resourceVersion": "2", "labels": {"album.dev/app": "backend"}}

    assert wish_of(before) == wish_of(after)


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 2},
        {"uid": "another"},
        {"deletionTimestamp": "2026-11-20T12:00:00Z"},
        {"annotations": {"album.dev/retry": "1"}},
        {"annotations": {"album.dev/refresh": "1"}},
    ],
    ids=str,
)
def test_what_people_change_is_another_wish(change: dict[str, Any]) -> None:
    body = _body(None)
    body["metadata"] |= change

    assert wish_of(body) != wish_of(_body(None))
