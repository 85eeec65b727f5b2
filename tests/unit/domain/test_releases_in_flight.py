"""Which releases go on or wait for somebody, and since when."""

from datetime import datetime, timedelta

import pytest

from album_operator.domain.claims import Progress, ReleaseSeen
from album_operator.domain.history import Ended
from album_operator.domain.in_flight import TAKEN_BACK, InFlight, find_in_flight
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref
from tests.fakes.builders import NOW

APP = ("album", "album-app", "backend")
HOUR = timedelta(hours=1)


def _seen(
    outcome: Outcome,
    *,
    app: str | None = "backend",
    progress: Progress | None = None,
    ended: Ended | None = None,
    is_plan: bool = False,
) -> ReleaseSeen:
    step = progress.step if progress is not None else None
    return ReleaseSeen(
        "album-app", app, "v1", step, outcome, is_plan=is_plan, progress=progress, ended=ended
    )


def _stalled(
    at: datetime, reason: Reason = Reason.DEGRADED, *, is_plan: bool = False
) -> ReleaseSeen:
    ended = Ended("uid", "7", at, reason=reason)
    return _seen(Outcome.STALLED, ended=ended, is_plan=is_plan)


def _released(at: datetime) -> ReleaseSeen:
    return _seen(Outcome.RELEASED, ended=Ended("uid", "7", at, reason=Reason.RELEASED))


def _find(*seen: ReleaseSeen) -> list[InFlight]:
    return list(find_in_flight((Ref("album", str(number)), one) for number, one in enumerate(seen)))


def test_a_release_in_flight_is_there_with_its_reason_and_since_when() -> None:
    at = Progress(StepName.MERGED, Reason.REVIEW_REQUIRED, NOW)
    found = _find(_seen(Outcome.WORKING, progress=at))
    assert found == [InFlight(APP, Outcome.WORKING, Reason.REVIEW_REQUIRED, NOW)]


def test_a_suspended_one_is_told_apart_and_one_without_an_app_is_there() -> None:
    at = Progress(None, Reason.SUSPENDED, NOW)
    (found,) = _find(_seen(Outcome.SUSPENDED, app=None, progress=at))
    assert (found.app, found.state) == (("album", "album-app", ""), Outcome.SUSPENDED)


def test_a_stalled_one_waits_for_somebody_until_its_app_is_released() -> None:
    stalled = _stalled(NOW)
    told = [InFlight(APP, Outcome.STALLED, Reason.DEGRADED, NOW)]
    assert _find(stalled) == told
    assert _find(_released(NOW - HOUR), stalled, _released(NOW - 2 * HOUR)) == told
    assert _find(_released(NOW + HOUR), stalled) == []


@pytest.mark.parametrize("reason", sorted(TAKEN_BACK))
def test_what_was_taken_back_waits_for_nobody(reason: Reason) -> None:
    assert _find(_stalled(NOW, reason)) == []


def test_a_plan_is_no_release() -> None:
    assert _find(_stalled(NOW, is_plan=True), _seen(Outcome.WORKING, is_plan=True)) == []
