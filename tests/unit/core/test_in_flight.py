"""Which releases go on or wait for somebody, and since when."""

import random
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from album_operator.domain.claims import Progress, ReleaseSeen
from album_operator.domain.history import Ended
from album_operator.domain.in_flight import TAKEN_BACK, App, InFlight, Place
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref
from album_operator.memory.release_index import ReleaseIndex
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.releases import read_releases
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
    index = ReleaseIndex()
    for number, one in enumerate(seen):
        index.note(Ref("album", str(number)), one)
    return list(index.in_flight.read())


def _one(state: Outcome, reason: Reason, since: datetime = NOW, app: App = APP) -> InFlight:
    return InFlight(Place(app, state, reason), 1, since)


def test_a_release_in_flight_is_there_with_its_reason_and_since_when() -> None:
    at = Progress(StepName.MERGED, Reason.REVIEW_REQUIRED, NOW)
    found = _find(_seen(Outcome.WORKING, progress=at))
    assert found == [_one(Outcome.WORKING, Reason.REVIEW_REQUIRED)]


def test_a_suspended_one_is_told_apart_and_one_without_an_app_is_there() -> None:
    at = Progress(None, Reason.SUSPENDED, NOW)
    nobodys = ("album", "album-app", "")
    found = _find(_seen(Outcome.SUSPENDED, app=None, progress=at))
    assert found == [_one(Outcome.SUSPENDED, Reason.SUSPENDED, app=nobodys)]


def test_a_stalled_one_waits_for_somebody_until_its_app_is_released() -> None:
    stalled = _stalled(NOW)
    told = [_one(Outcome.STALLED, Reason.DEGRADED)]
    assert _find(stalled) == told
    assert _find(_released(NOW - HOUR), stalled, _released(NOW - 2 * HOUR)) == told
    assert _find(_released(NOW + HOUR), stalled) == []


@pytest.mark.parametrize("reason", sorted(TAKEN_BACK))
def test_what_was_taken_back_waits_for_nobody(reason: Reason) -> None:
    assert _find(_stalled(NOW, reason)) == []


def test_a_plan_is_no_release() -> None:
    assert _find(_stalled(NOW, is_plan=True), _seen(Outcome.WORKING, is_plan=True)) == []


def test_several_at_one_reason_are_counted_and_the_first_is_told() -> None:
    at = [Progress(StepName.MERGED, Reason.REVIEW_REQUIRED, NOW + n * HOUR) for n in (1, 0, 2)]
    (found,) = _find(*(_seen(Outcome.WORKING, progress=one) for one in at))
    assert (found.count, found.since) == (3, NOW)


def test_what_is_counted_event_by_event_is_what_is_there_in_the_end() -> None:
    chance = random.Random(19)  # noqa: S311 - guards nothing
    progress = [Progress(StepName.MERGED, Reason.BEHIND, NOW - n * HOUR) for n in range(3)]
    states = [_seen(Outcome.WORKING, progress=one) for one in progress]
    states += [make(NOW - n * HOUR) for n in range(4) for make in (_stalled, _released)]
    states += [_stalled(NOW, Reason.SUPERSEDED), _stalled(NOW, is_plan=True)]
    index, last = ReleaseIndex(), dict[Ref, ReleaseSeen]()
    for _ in range(5000):
        ref = Ref(chance.choice("ab"), str(chance.randrange(6)))
        if ref in last and chance.random() < 0.3:
            index.drop(ref)
            del last[ref]
        elif chance.random() < 0.01:
            index.forget(ref.namespace)
            last = {one: seen for one, seen in last.items() if one.namespace != ref.namespace}
        else:
            last[ref] = replace(chance.choice(states), app=chance.choice(["backend", None]))
            index.note(ref, last[ref])
        anew = ReleaseIndex()
        for one, seen in last.items():
            anew.note(one, seen)
        assert _told(index) == _told(anew)


def _told(index: ReleaseIndex) -> dict[Place, InFlight]:
    return {one.place: one for one in index.in_flight.read()}


def test_a_scrape_does_not_go_through_what_is_over() -> None:
    index, metrics = ReleaseIndex(), Metrics()
    read_releases(metrics, index.in_flight.read)
    for number in range(10_000):
        index.note(Ref("album", str(number)), _released(NOW + number * HOUR / 60))
    waiting = _seen(Outcome.WORKING, progress=Progress(StepName.MERGED, Reason.BEHIND, NOW))
    index.note(Ref("album", "waiting"), waiting)
    began = time.process_time()
    for _ in range(100):
        metrics.look()
    # Going through all of them took 33 ms, a hundred times as long.
    assert (time.process_time() - began) / 100 < 0.005
    assert b'state="Working"} 1.0' in metrics.text()
