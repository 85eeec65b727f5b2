"""What waits for a sink: tried again with patience, bounded, and in nobody's way."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from album_operator.domain.errors import (
    NoConnectionError,
    TerminalError,
    TransientError,
    UnansweredError,
)
from album_operator.domain.notifications import TOLD, Letter, Sink, SinkFormat
from album_operator.domain.reasons import Reason
from album_operator.notifications.line import LONGEST, LONGEST_ASKED, LONGEST_PAUSE, MOST, Line

WHY = Reason.FORGE_UNAVAILABLE
SINK = Sink("bus", "https://bus.example.org/in", SinkFormat.SLACK, TOLD[SinkFormat.SLACK])
HOUR = 3600.0


def _letter(name: str) -> Letter:
    return Letter(name, "application/json", b"{}")


class Desk:
    """A line whose time passes only where it pauses, and a sink that does as it is told.

    Attributes:
        answer: what the sink does with a letter, at a time in seconds.
        pauses: what was waited for, in seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.taken: list[str] = []
        self.tried: list[str] = []
        self.results: list[str] = []
        self.pauses: list[float] = []
        self.answer: Callable[[str, float], None] = lambda _name, _now: None
        self.line = Line(SINK, self._post, self.results.append, self._clock, self._pause)

    def _clock(self) -> float:
        return self.now

    async def _post(self, sink: Sink, letter: Letter) -> None:
        assert sink is SINK
        self.tried.append(letter.id)
        self.answer(letter.id, self.now)
        self.taken.append(letter.id)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def put(self, *names: str) -> None:
        for name in names:
            self.line.put(_letter(name))

    async def drain(self) -> None:
        await asyncio.wait_for(self.line.run(), 20)


def _fails(error: Exception, until: float, *names: str) -> Callable[[str, float], None]:
    def answer(name: str, now: float) -> None:
        if now < until and name in (names or (name,)):
            raise error

    return answer


DOWN = NoConnectionError(WHY, "bus.example.org:443 cannot be reached: refused.", "refused")
FAILING = UnansweredError(WHY, "https://bus.example.org fails: HTTP status 500.", "500")


async def test_letters_are_posted_in_their_order() -> None:
    desk = Desk()
    desk.put("a", "b", "c")
    assert len(desk.line) == 3
    await desk.drain()
    assert desk.taken == ["a", "b", "c"]
    assert desk.results == ["sent"] * 3
    assert len(desk.line) == 0


async def test_what_comes_meanwhile_is_posted_too() -> None:
    desk = Desk()

    def answer(name: str, _: float) -> None:
        if name == "a":
            desk.put("c")

    desk.answer = answer
    desk.put("a", "b")
    await desk.drain()
    assert desk.taken == ["a", "b", "c"]


async def test_a_sink_that_answers_500_for_an_hour_has_all_afterwards() -> None:
    desk = Desk()
    desk.answer = _fails(FAILING, HOUR)
    desk.put("a", "b", "c")
    await desk.drain()
    assert sorted(desk.taken) == ["a", "b", "c"]
    assert desk.results == ["sent"] * 3
    # Ever more seldom, so that it is left in peace, and not so seldom that nobody is told.
    assert desk.pauses[0] < 2
    assert len(desk.tried) < 30
    assert max(desk.pauses) <= 1.2 * LONGEST_PAUSE
    assert desk.now < HOUR + 1.2 * LONGEST_PAUSE


@pytest.mark.parametrize("error", [DOWN, TransientError(WHY, "It is left alone, or says 429.")])
async def test_a_sink_that_is_not_reached_has_all_in_their_order(error: TransientError) -> None:
    desk = Desk()
    desk.answer = _fails(error, HOUR)
    desk.put("a", "b", "c")
    await desk.drain()
    assert desk.taken == ["a", "b", "c"]


async def test_one_that_a_sink_fails_at_keeps_no_other_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    desk.answer = _fails(FAILING, 2 * LONGEST, "poison")
    desk.put("poison", "b", "c")
    await desk.drain()
    assert desk.taken == ["b", "c"]
    assert desk.results == ["sent", "sent", "expired"]
    assert LONGEST < desk.now < LONGEST + 2 * LONGEST_PAUSE
    assert "Sink bus: a notification is lost: it was not taken within a day." in caplog.text


async def test_a_refusal_is_not_tried_again_and_the_next_one_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    desk.answer = _fails(TerminalError(WHY, "It redirects."), HOUR, "a")
    desk.put("a", "b")
    await desk.drain()
    assert (desk.tried, desk.pauses) == (["a", "b"], [])
    assert desk.results == ["refused", "sent"]
    assert "Sink bus: a notification is lost: It redirects." in caplog.text


async def test_a_bug_costs_one_notification() -> None:
    desk = Desk()
    desk.answer = _fails(ValueError("a bug"), HOUR, "a")
    desk.put("a", "b")
    await desk.drain()
    assert desk.results == ["refused", "sent"]


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [(timedelta(seconds=90), 90, 90), (timedelta(days=9), LONGEST_ASKED, LONGEST_ASKED)],
)
async def test_a_sink_that_asks_for_patience_gets_it_within_bounds(
    asked: timedelta, least: float, most: float
) -> None:
    desk = Desk()
    desk.answer = _fails(TransientError(WHY, "Slower.", asked), 1)
    desk.put("a")
    await desk.drain()
    assert len(desk.pauses) == 1
    assert least <= desk.pauses[0] <= most
    assert desk.taken == ["a"]


async def test_of_more_than_may_wait_the_oldest_is_lost_and_not_the_one_being_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    desk.put(*map(str, range(MOST + 2)))
    assert len(desk.line) == MOST
    assert desk.results == ["dropped", "dropped"]
    assert "Sink bus: a notification is lost: more than 1000 wait for it." in caplog.text
    await desk.drain()
    assert desk.taken == ["0", *map(str, range(3, MOST + 2))]


async def test_nothing_is_tried_while_a_sink_is_being_tried() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()
    running = 0

    async def post(_: Sink, __: Letter) -> None:
        nonlocal running
        running += 1
        assert running == 1
        entered.set()
        await leave.wait()
        running -= 1

    line = Line(SINK, post, lambda _: None)
    for name in "abc":
        line.put(_letter(name))
    task = asyncio.ensure_future(line.run())
    await asyncio.wait_for(entered.wait(), 20)
    assert len(line) == 3
    leave.set()
    await asyncio.wait_for(task, 20)
