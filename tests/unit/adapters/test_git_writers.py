"""Who writes to a repository when."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

from album_operator.adapters.git.writers import Writers
from album_operator.domain.places import GitPlace
from tests.fakes.builders import CONFIG, CREDENTIAL

OURS = GitPlace(CONFIG, CREDENTIAL, "ours")
THEIRS = replace(OURS, namespace="theirs")

MOMENT, EVER = timedelta(milliseconds=10), timedelta(hours=1)


async def _enter(writers: Writers, place: GitPlace, held: AsyncExitStack) -> asyncio.Task[None]:
    """Give a task that ends once it is the turn of a writer, who then has it as long as `held`."""

    async def enter() -> None:
        await held.enter_async_context(writers.one(place))

    task = asyncio.create_task(enter())
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def _in_time(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_writers_of_one_repository_follow_each_other() -> None:
    writers = Writers(EVER)
    async with AsyncExitStack() as held:
        await _enter(writers, OURS, held)
        other_spelling = replace(THEIRS, url=f"{CONFIG}.git")
        waiting = await _enter(writers, other_spelling, AsyncExitStack())
        elsewhere = await _enter(writers, replace(OURS, url=f"{CONFIG}-2"), AsyncExitStack())
        assert elsewhere.done()
        assert not waiting.done()
    await asyncio.wait_for(waiting, 10)


async def test_a_slow_writer_of_another_namespace_is_waited_for_only_a_moment() -> None:
    writers = Writers(MOMENT)
    async with AsyncExitStack() as held:
        await _enter(writers, THEIRS, held)
        await asyncio.wait_for(await _enter(writers, OURS, AsyncExitStack()), 10)


async def test_a_slow_writer_of_the_same_namespace_is_waited_for() -> None:
    writers = Writers(MOMENT)
    async with AsyncExitStack() as stranger, AsyncExitStack() as first, AsyncExitStack() as second:
        await _enter(writers, THEIRS, stranger)
        ahead = await _enter(writers, OURS, first)
        behind = await _enter(writers, OURS, second)
        await _in_time(ahead.done)
        assert not behind.done()
        await first.aclose()
        await _in_time(behind.done)
