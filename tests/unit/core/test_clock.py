"""The operator's time is the API server's, and no step of any clock ends anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from album_operator.clock import ServerClock
from album_operator.memory.sightings import KEPT, Sightings
from tests.fakes.builders import APPLICATION_SEEN, NOW, RELEASE
from tests.unit.core.stage import Stage

STEPS = [timedelta(minutes=-16), timedelta(minutes=16)]


class Node:
    """A node whose wall clock may step, which its monotonic clock does not."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.wall = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def pass_by(self, time: timedelta) -> None:
        self.seconds += time.total_seconds()
        self.wall += time

    def clock(self) -> ServerClock:
        return ServerClock(lambda: self.seconds, lambda: self.wall)


def date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def test_it_tells_the_api_servers_time_and_goes_on_between_its_answers() -> None:
    node = Node()
    clock = node.clock()
    assert clock() == node.wall
    clock.note(date(NOW))
    assert clock() == NOW
    node.pass_by(timedelta(minutes=5))
    assert clock() == NOW + timedelta(minutes=5)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_nodes_clock_is_nothing(step: timedelta) -> None:
    node = Node()
    clock, before = node.clock(), node.clock()
    clock.note(date(NOW))
    node.wall += step
    assert clock() == NOW
    # Not even before the API server has answered, and a new process agrees with the last.
    assert before() == Node().wall
    new = node.clock()
    new.note(date(NOW))
    assert new() == clock()


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_api_servers_clock_ends_no_duration(step: timedelta) -> None:
    node = Node()
    clock = node.clock()
    clock.note(date(NOW))
    last = clock()
    for second in range(1, 3600):
        node.pass_by(timedelta(seconds=1))
        clock.note(date(NOW + timedelta(seconds=second) + step))
        assert timedelta(seconds=0.98) < clock() - last < timedelta(seconds=1.02)
        last = clock()
    assert abs(last - NOW) > timedelta(minutes=59)
    followed = last - NOW - timedelta(seconds=3599)
    assert timedelta(seconds=30) < abs(followed) < timedelta(seconds=40)
    assert (followed > timedelta()) is (step > timedelta())


@pytest.mark.parametrize("step", STEPS)
def test_the_api_servers_clock_is_caught_up_with_at_last(step: timedelta) -> None:
    node = Node()
    clock = node.clock()
    clock.note(date(NOW))
    told = NOW + step
    for _ in range(30):
        node.pass_by(timedelta(hours=1))
        told += timedelta(hours=1)
        clock.note(date(told))
    assert abs(told - clock()) < timedelta(minutes=1)


@pytest.mark.parametrize("odd", [None, "", "yesterday", "Fri, 99 Nov 2026 12:00:00 GMT"])
def test_an_answer_without_a_time_changes_nothing(odd: str | None) -> None:
    node = Node()
    clock = node.clock()
    clock.note(odd)
    assert clock() == node.wall
    clock.note("Fri, 20 Nov 2026 12:00:00 -0000")
    assert clock() == datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("skew", [*STEPS, timedelta()])
def test_how_long_nothing_was_compared_is_told_by_our_clock(skew: timedelta) -> None:
    now = NOW
    sightings = Sightings(lambda: now)
    seen = replace(APPLICATION_SEEN, reconciled_at=NOW + skew)
    assert sightings.age_of_comparison(RELEASE, seen) is None
    assert sightings.age_of_comparison(RELEASE, replace(seen, refresh_requested=True)) == (
        timedelta()
    )
    now += timedelta(seconds=20)
    compared = replace(seen, reconciled_at=NOW + skew + timedelta(seconds=3))
    assert sightings.age_of_comparison(RELEASE, compared) == timedelta()
    now += timedelta(seconds=11)
    assert sightings.age_of_comparison(RELEASE, compared) == timedelta(seconds=11)


def test_sightings_do_not_grow_for_ever() -> None:
    now = NOW
    sightings = Sightings(lambda: now)
    first = sightings.first_look(RELEASE)
    now += timedelta(hours=1)
    assert sightings.first_look(RELEASE) == first
    for number in range(KEPT):
        sightings.first_look(replace(RELEASE, uid=str(number)))
    assert sightings.first_look(RELEASE) == now


@pytest.mark.parametrize("skew", [*STEPS, timedelta()])
async def test_a_release_ends_whatever_argo_cds_clock_shows(skew: timedelta) -> None:
    stage = Stage()
    stage.argocd.skew = skew
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    deployed = stage.status()["steps"][-1]
    began, ended = (datetime.fromisoformat(deployed[key]) for key in ("startedAt", "finishedAt"))
    # The settle time, and no minutes more or less by another's clock.
    assert timedelta(seconds=60) <= ended - began < timedelta(seconds=100)


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_between_two_processes_ends_neither_build_nor_proof(step: timedelta) -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Building")
    stage.clock.advance(step)
    stage.restart()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Building")
    while stage.ready() != ("Unknown", "Settling"):
        stage.play()
        await stage.settle()
    stage.clock.advance(step)
    stage.restart()
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "Settling")
    assert due.after is not None
    await stage.release()
    assert stage.ready() == ("True", "Released")
    stamps = [step[key] for step in stage.status()["steps"] for key in ("startedAt", "finishedAt")]
    assert [datetime.fromisoformat(stamp) for stamp in stamps] == sorted(
        datetime.fromisoformat(stamp) for stamp in stamps
    )
