"""Where a release goes on or waits for somebody, and since when."""

from datetime import timedelta

import pytest

from album_operator.domain.claims import Progress, ReleaseSeen
from album_operator.domain.history import Ended
from album_operator.domain.in_flight import (
    TAKEN_BACK,
    InFlight,
    Place,
    app_of,
    find_place,
    released_at,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName
from tests.fakes.builders import NOW

APP = ("album", "album-app", "backend")


def _seen(
    outcome: Outcome,
    *,
    app: str | None = "backend",
    progress: Progress | None = None,
    ended: Reason | None = None,
    is_plan: bool = False,
) -> ReleaseSeen:
    step = progress.step if progress is not None else None
    end = None if ended is None else Ended("uid", "7", NOW, reason=ended)
    return ReleaseSeen(
        "album-app", app, "v1", step, outcome, is_plan=is_plan, progress=progress, ended=end
    )


@pytest.mark.parametrize(
    ("step", "outcome", "reason"),
    [
        (StepName.MERGED, Outcome.WORKING, Reason.REVIEW_REQUIRED),
        (None, Outcome.SUSPENDED, Reason.SUSPENDED),
    ],
)
def test_a_release_in_flight_is_where_its_step_stands(
    step: StepName | None, outcome: Outcome, reason: Reason
) -> None:
    seen = _seen(outcome, progress=Progress(step, reason, NOW))
    assert find_place("album", seen) == (Place(APP, outcome, reason), NOW)


def test_a_stalled_one_waits_for_somebody() -> None:
    place = Place(APP, Outcome.STALLED, Reason.DEGRADED)
    assert find_place("album", _seen(Outcome.STALLED, ended=Reason.DEGRADED)) == (place, NOW)
    assert InFlight(place, 1, NOW) != InFlight(place, 1, NOW + timedelta(seconds=1))


@pytest.mark.parametrize("reason", sorted(TAKEN_BACK))
def test_what_was_taken_back_waits_for_nobody(reason: Reason) -> None:
    assert find_place("album", _seen(Outcome.STALLED, ended=reason)) is None


def test_a_plan_and_one_of_which_nothing_is_told_are_nowhere() -> None:
    plan = _seen(Outcome.STALLED, ended=Reason.DEGRADED, is_plan=True)
    assert find_place("album", plan) is None
    assert find_place("album", _seen(Outcome.WORKING)) is None
    assert find_place("album", _seen(Outcome.STALLED)) is None


def test_when_one_was_released_is_told_by_its_end_alone() -> None:
    assert released_at(_seen(Outcome.RELEASED, ended=Reason.RELEASED)) == NOW
    assert released_at(_seen(Outcome.RELEASED)) is None
    assert released_at(_seen(Outcome.STALLED, ended=Reason.DEGRADED)) is None


def test_without_an_app_it_is_nobodys() -> None:
    assert app_of("album", _seen(Outcome.WORKING, app=None)) == ("album", "album-app", "")
