"""What a pass's stopwatch counts, and what it does not."""

import asyncio

import pytest

from album_operator.slots import Shares, Slots
from album_operator.stopwatch import Stopwatch, holding, queueing


class _Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> _Time:
    return _Time()


@pytest.fixture
def stopwatch(time: _Time) -> Stopwatch:
    return Stopwatch(time)


def test_work_is_counted(time: _Time, stopwatch: Stopwatch) -> None:
    time.now += 3

    assert stopwatch.seconds == 3


def test_a_queue_is_not_counted_and_what_comes_after_it_is(
    time: _Time, stopwatch: Stopwatch
) -> None:
    with stopwatch.measuring():
        time.now += 1
        with queueing():
            time.now += 900
            assert stopwatch.seconds == 1
        time.now += 2

    assert stopwatch.seconds == 3


def test_a_work_that_queues_twice_at_once_goes_on_after_both(
    time: _Time, stopwatch: Stopwatch
) -> None:
    with stopwatch.measuring(), queueing():
        with queueing():
            time.now += 10
        time.now += 10
    time.now += 1

    assert stopwatch.seconds == 1


def test_without_a_stopwatch_one_may_queue_as_well(stopwatch: Stopwatch, time: _Time) -> None:
    with queueing():
        time.now += 1

    assert stopwatch.seconds == 1


async def test_waiting_for_a_turn_is_a_queue_for_what_the_pass_has_started_too(
    time: _Time, stopwatch: Stopwatch
) -> None:
    slots = Slots(Shares(total=1, namespace=1, host=1, pair=1))

    async def work() -> None:
        async with slots.hold("a"):
            time.now += 1

    with stopwatch.measuring():
        async with slots.hold("a"):
            waiting = asyncio.ensure_future(work())
            await asyncio.sleep(0)
            time.now += 900
        await waiting

    assert stopwatch.seconds == 1


async def test_waiting_for_a_lock_is_a_queue(time: _Time, stopwatch: Stopwatch) -> None:
    lock = asyncio.Lock()

    async def work() -> None:
        with stopwatch.measuring():
            async with holding(lock):
                time.now += 1

    async with lock:
        waiting = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        time.now += 900
    await waiting

    assert stopwatch.seconds == 1
    assert not lock.locked()
