"""Turns for bounded work: who gets the next one, and that nobody takes all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from album_operator.slots import Shares, Slots

SHARES = Shares(total=4, namespace=3, host=3, pair=2, own=1)

Ask = Callable[..., Awaitable["_Work"]]


class _Work:
    """A work that asks for a turn, and has it until it is told to end."""

    def __init__(self, slots: Slots, namespace: str, host: str) -> None:
        self.is_running = False
        self._end = asyncio.Event()
        self._task = asyncio.ensure_future(self._run(slots, namespace, host))

    async def _run(self, slots: Slots, namespace: str, host: str) -> None:
        async with slots.hold(namespace, host):
            self.is_running = True
            await self._end.wait()

    async def end(self) -> None:
        self._end.set()
        await self._task
        await _turns()

    def cancel(self) -> None:
        self._task.cancel()

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def _turns() -> None:
    """Let all run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def slots() -> Slots:
    return Slots(SHARES)


@pytest.fixture
async def ask(slots: Slots) -> AsyncIterator[Ask]:
    works = []

    async def begin(namespace: str, host: str = "") -> _Work:
        works.append(_Work(slots, namespace, host))
        await _turns()
        return works[-1]

    yield begin
    for work in works:
        await work.stop()
    assert (slots.running, slots.waiting) == (0, 0)


async def test_a_namespace_has_no_more_than_its_share_at_one_host(ask: Ask, slots: Slots) -> None:
    works = [await ask("a", "slow") for _ in range(60)]

    assert [work.is_running for work in works[:3]] == [True, True, False]
    assert (slots.running, slots.waiting) == (2, 58)


async def test_many_hosts_are_no_larger_share(ask: Ask, slots: Slots) -> None:
    for number in range(60):
        await ask("a", f"slow-{number}")

    assert slots.running == SHARES.namespace


async def test_the_other_hosts_of_a_namespace_have_room_beside_a_slow_one(ask: Ask) -> None:
    for _ in range(60):
        await ask("a", "slow")

    assert (await ask("a", "quick")).is_running


async def test_another_namespace_has_a_turn_at_once_however_many_wait(ask: Ask) -> None:
    for _ in range(60):
        await ask("a", "slow")

    assert (await ask("b", "slow")).is_running
    assert (await ask("b", "quick")).is_running


async def test_each_namespace_has_its_own_turn_where_others_have_taken_all(
    ask: Ask, slots: Slots
) -> None:
    for namespace in "abcdef":
        for number in range(10):
            await ask(namespace, f"slow-{number % 2}")
    assert slots.running == SHARES.total + 6 * SHARES.own

    late = await ask("late", "slow-0")

    assert late.is_running
    assert not (await ask("late", "quick")).is_running


async def test_without_a_turn_of_its_own_a_namespace_counts_against_the_total() -> None:
    slots = Slots(Shares(total=2, namespace=2, host=2, pair=2))
    works = [_Work(slots, "a", ""), _Work(slots, "b", ""), _Work(slots, "c", "")]
    await _turns()

    assert [work.is_running for work in works] == [True, True, False]
    for work in works:
        await work.stop()


async def test_a_host_has_no_more_than_its_share_of_what_is_shared(ask: Ask) -> None:
    await ask("a", "slow")
    await ask("a", "slow")
    await ask("b", "slow")

    assert not (await ask("b", "slow")).is_running
    assert (await ask("b", "quick")).is_running


async def test_namespaces_take_turns_however_many_of_one_wait() -> None:
    slots = Slots(Shares(total=1, namespace=1, host=1, pair=1))
    first = _Work(slots, "a", "")
    await _turns()
    names = ["a", "a", "a", "b", "b", "c"]
    works = [_Work(slots, name, "") for name in names]
    await _turns()

    order = []
    running = first
    for _ in names:
        await running.end()
        running = next(work for work in works if work.is_running)
        order.append(names[works.index(running)])
        works[works.index(running)].is_running = False
    await running.end()

    assert order == ["a", "b", "c", "a", "b", "a"]


async def test_hosts_of_a_namespace_take_turns_and_who_asked_first_goes_first() -> None:
    slots = Slots(Shares(total=1, namespace=1, host=1, pair=1))
    first = _Work(slots, "a", "x")
    await _turns()
    names = ["x", "x", "y", "x", "y"]
    works = [_Work(slots, "a", name) for name in names]
    await _turns()

    order = []
    running = first
    for _ in names:
        await running.end()
        running = next(work for work in works if work.is_running)
        order.append(works.index(running))
        running.is_running = False
    await running.end()

    assert order == [0, 2, 1, 4, 3]


async def test_one_end_may_make_room_for_two() -> None:
    slots = Slots(Shares(total=1, namespace=2, host=2, pair=2, own=1))
    works = [_Work(slots, *asked) for asked in ("bx", "cx", "dy", "dx", "bx")]
    await _turns()
    assert [work.is_running for work in works] == [True, True, True, False, False]

    await works[0].end()

    # One has the room at the host, the other its namespace's own turn.
    assert [work.is_running for work in works[3:]] == [True, True]
    for work in works[1:]:
        await work.end()


async def test_who_gives_up_waiting_takes_no_turn(ask: Ask, slots: Slots) -> None:
    running = [await ask("a", "slow"), await ask("a", "slow")]
    given_up, next_one = await ask("a", "slow"), await ask("a", "slow")

    await given_up.stop()
    await running[0].end()

    assert next_one.is_running
    assert slots.waiting == 0


async def test_a_turn_given_to_one_who_gives_up_at_that_moment_goes_on(ask: Ask) -> None:
    running = [await ask("a", "slow"), await ask("a", "slow")]
    given_up, next_one = await ask("a", "slow"), await ask("a", "slow")

    running[0].cancel()
    given_up.cancel()
    await _turns()

    assert next_one.is_running


async def test_who_is_stopped_after_it_was_given_a_turn_passes_it_on(slots: Slots) -> None:
    holding = [_Work(slots, "a", "slow"), _Work(slots, "a", "slow")]
    await _turns()
    given, next_one = _Work(slots, "a", "slow"), _Work(slots, "a", "slow")
    await _turns()

    holding[0].cancel()
    await asyncio.sleep(0)  # It ends here, and `given` has its turn without knowing it.
    given.cancel()
    await _turns()

    assert not given.is_running
    assert next_one.is_running
    for work in (*holding, given, next_one):
        await work.stop()
    assert slots.running == 0


async def test_a_work_that_fails_gives_its_turn_back(slots: Slots) -> None:
    with pytest.raises(ValueError, match="broken"):
        async with slots.hold("a", "slow"):
            raise ValueError("broken")

    assert slots.running == 0


async def test_a_work_that_nobody_waits_for_any_more_has_its_turn_until_it_ends(
    slots: Slots,
) -> None:
    threads: list[asyncio.Future[str]] = []

    def begin() -> asyncio.Future[str]:
        threads.append(asyncio.get_running_loop().create_future())
        return threads[-1]

    waiting = [asyncio.ensure_future(slots.run("a", "slow", begin)) for _ in range(SHARES.pair)]
    await _turns()
    for task in waiting:
        task.cancel()
    await _turns()
    assert all(task.cancelled() for task in waiting)
    assert slots.running == SHARES.pair

    later = _Work(slots, "a", "slow")
    await _turns()
    assert not later.is_running
    threads[0].set_result("too late")
    await _turns()

    assert later.is_running
    threads[1].set_exception(OSError("too late as well"))
    await later.end()
    assert slots.running == 0


async def test_a_work_that_cannot_begin_gives_its_turn_back(slots: Slots) -> None:
    def begin() -> "asyncio.Future[str]":
        raise RuntimeError("no new threads")

    with pytest.raises(RuntimeError, match="no new threads"):
        await slots.run("a", "slow", begin)

    assert slots.running == 0


async def test_what_a_work_gives_is_given(slots: Slots) -> None:
    done = asyncio.get_running_loop().create_future()
    done.set_result("seen")

    assert await slots.run("a", "quick", lambda: done) == "seen"
