"""Two operators at once, as while a node is lost or by a doubled Deployment: the end is one's."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import OutsideError
from album_operator.domain.release import Ref
from album_operator.passes import Memory, Next
from album_operator.reconcile import Reconciler
from album_operator.term import NotLeadingError
from album_operator.waking.wakeups import Wakeups
from tests.fakes.builders import BRANCH, NAMESPACE
from tests.unit.core.stage import Stage
from tests.unit.core.ways import EXPECTED, UNDISTURBED, WAYS, end_of

RELEASE = Ref(NAMESPACE, "backend-v1.1.0")

WRITES = frozenset(
    {
        "create",
        "merge",
        "push",
        "commit",
        "open",
        "close",
        "delete_branch",
        "tell",
        "comment",
        "tag",
        "put_index",
    }
)

EACH_KIND = {
    write: (way, number)
    for way, (_, writes) in reversed(UNDISTURBED.items())
    for number, write in reversed(list(enumerate(writes, 1)))
}
"""Where each kind of write is done first: the way of a release, and the number of the write."""


class _Port:
    """Hands calls on to a fake, and lets something happen before and after each."""

    def __init__(self, port: Any, around: Callable[[str, bool], Awaitable[None]]) -> None:  # noqa: ANN401
        self._port = port
        self._around = around

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        attribute = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **named: Any) -> Any:  # noqa: ANN401
            await self._around(name, False)
            try:
                return await attribute(*args, **named)
            finally:
                await self._around(name, True)

        return call


class Operators:
    """Two operators on one stage; what one's calls go through is a test's to say."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._known: list[tuple[Reconciler, Memory]] = []

    def start(self, around: Callable[[str, bool], Awaitable[None]]) -> None:
        operator = self.stage.operator(Wakeups(), lambda port: _Port(port, around))
        self._known.append((operator, Memory()))

    async def run_pass(self, number: int) -> Next:
        """Let one run a pass; what its daemon would outlive is outlived."""
        operator, memory = self._known[number]
        try:
            return await operator.run_pass(RELEASE, memory, 0.0)
        except OutsideError:
            return Next(timedelta(seconds=5))

    async def settle(self, number: int) -> None:
        for _ in range(20):
            due = await self.run_pass(number)
            if due.after is None or due.after > timedelta():
                return
        raise AssertionError(f"passes do not end: {self.stage.ready()}")

    async def release(self, passes: Callable[[], Awaitable[list[Next]]]) -> None:
        """Go on until both have nothing left to do, others doing their part and time passing."""
        for _ in range(60):
            dues = [due.after for due in await passes()]
            if dues == [None, None]:
                return
            self.stage.play()
            self.stage.clock.advance(min(due for due in dues if due is not None))
        raise AssertionError(f"the release does not end: {self.stage.message()}")


async def _nothing(name: str, after: bool) -> None:
    del name, after


async def _assert_one_of_each(stage: Stage, way: str) -> None:
    assert stage.ready() == ("True", "Released")
    if way != "Commit":
        await _until(lambda: BRANCH not in stage.config.branches)
    end = end_of(stage)
    # Where the other did all up to the merge and the deletion of the branch between our look and
    # our push, the same commit is pushed once more, and the branch deleted once more.
    end["pushes"] = list(dict.fromkeys(end["pushes"]))
    assert end == EXPECTED[way]
    assert len(end["pushes"]) == 1
    assert len(end["jobs"]) == {"External": 0, "Reused": 0, "Platforms": 2}.get(way, 1)
    assert end["pull requests"] == (0 if way == "Commit" else 1)


async def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("way", "at"),
    [
        pytest.param(way, number, id=f"{way}-{number}")
        for way, (_, writes) in UNDISTURBED.items()
        for number in range(1, len(writes) + 1)
    ],
)
async def test_another_operator_that_comes_in_at_a_write_changes_nothing(
    way: str, at: int, after: bool
) -> None:
    stage = Stage(**WAYS[way])
    operators = Operators(stage)
    seen = 0

    async def come_in(name: str, is_after: bool) -> None:
        nonlocal seen
        if name in WRITES and is_after is after:
            seen += 1
            if seen == at:
                await operators.settle(1)

    operators.start(come_in)
    operators.start(_nothing)
    stage.apply()

    async def passes() -> list[Next]:
        return [await operators.run_pass(0), await operators.run_pass(1)]

    await operators.release(passes)

    assert seen >= at
    await _assert_one_of_each(stage, way)


@pytest.mark.parametrize(("way", "at"), EACH_KIND.values(), ids=EACH_KIND)
async def test_a_leader_that_sleeps_before_a_write_while_another_is_elected_leaves_all_to_that(
    way: str, at: int
) -> None:
    stage = Stage(**WAYS[way])
    operators = Operators(stage)
    is_deposed = False

    async def sleep(name: str, is_after: bool) -> None:
        nonlocal is_deposed
        if name not in WRITES or is_after:
            return
        if not is_deposed and len(stage.faults.writes) == at - 1:
            is_deposed = True
            await operators.settle(1)
        if is_deposed:
            # As `Term.check` does in the adapters, right before they send.
            raise NotLeadingError

    operators.start(sleep)
    operators.start(_nothing)
    stage.apply()

    async def passes() -> list[Next]:
        due = await operators.run_pass(0)
        if is_deposed:
            due = await operators.run_pass(1)
        return [due, due]

    await operators.release(passes)

    assert is_deposed
    await _assert_one_of_each(stage, way)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("way", WAYS)
async def test_two_operators_side_by_side_do_what_one_does(way: str, seed: int) -> None:
    stage = Stage(**WAYS[way])
    operators, dice = Operators(stage), random.Random(seed)  # noqa: S311

    async def let_the_other(name: str, after: bool) -> None:
        del name, after
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)

    operators.start(let_the_other)
    operators.start(let_the_other)
    stage.apply()

    async def passes() -> list[Next]:
        return list(await asyncio.gather(operators.run_pass(0), operators.run_pass(1)))

    await operators.release(passes)

    await _assert_one_of_each(stage, way)
