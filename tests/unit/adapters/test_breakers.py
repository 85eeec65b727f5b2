"""Servers that keep failing: when they are left alone, by whom, and what is said meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from album_operator.adapters.servers.breakers import FAILURES, FORGOTTEN, LONGEST_PAUSE, Breakers
from album_operator.domain.errors import (
    NoConnectionError,
    OutsideError,
    TerminalError,
    TransientError,
    UnansweredError,
)
from album_operator.domain.reasons import Reason

GIT = Reason.GIT_UNAVAILABLE
SERVER = "git.example.org:443"
BEGIN = datetime(2026, 11, 27, 20, 31, 5, tzinfo=UTC)

SILENT = UnansweredError(GIT, "https://git.example.org/o/n cannot be reached: late.", "late")
REFUSED = NoConnectionError(GIT, f"{SERVER} cannot be reached: refused.", "refused")
DENIED = TerminalError(Reason.CREDENTIALS_REFUSED, "The token is refused.")
LIMITED = TransientError(Reason.RATE_LIMITED, "Later.")
FULL = TransientError(GIT, "The operator's disk is full.")


class World:
    """Breakers, and the time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.breakers = Breakers(
            lambda: self.seconds, lambda: BEGIN + timedelta(seconds=self.seconds)
        )

    def ask(self, namespace: str, error: OutsideError | None, server: str = SERVER) -> None:
        """Ask a server, which answers so."""
        with suppress(OutsideError), self.asking(namespace, server):
            if error is not None:
                raise error

    @contextmanager
    def asking(self, namespace: str, server: str = SERVER) -> Iterator[None]:
        with self.breakers.attempt(namespace, server, GIT):
            yield

    def refusal(self, namespace: str, server: str = SERVER) -> TransientError | None:
        """Give what a namespace is told in place of being let through."""
        try:
            self.breakers.check(namespace, server, GIT)
        except TransientError as error:
            return error
        return None

    def fail(self, namespace: str, error: OutsideError, times: int = FAILURES) -> None:
        for _ in range(times):
            self.ask(namespace, error)


@pytest.fixture
def world() -> World:
    return World()


def test_a_server_that_keeps_failing_is_left_alone_and_all_is_said_of_it(world: World) -> None:
    world.ask("a", SILENT)
    world.seconds += 10
    world.fail("a", SILENT, FAILURES - 1)

    told = world.refusal("a")

    assert told is not None
    assert told.reason is GIT
    assert told.message == (
        "git.example.org:443 has not answered since 2026-11-27 20:31:05 UTC (late), and is asked "
        "again at 20:31:17 UTC."
    )
    assert told.retry_after == timedelta(seconds=2)
    with pytest.raises(TransientError, match="has not answered since"), world.asking("a"):
        pytest.fail("it was asked")


@pytest.mark.parametrize("error", [SILENT, REFUSED])
def test_a_few_failures_are_only_what_they_are(world: World, error: OutsideError) -> None:
    world.fail("a", error, FAILURES - 1)

    assert world.refusal("a") is None


def test_what_one_namespace_may_have_caused_keeps_no_other_from_the_server(world: World) -> None:
    world.fail("a", SILENT, 60)

    assert world.refusal("a") is not None
    assert world.refusal("b") is None


def test_a_server_that_takes_no_connection_is_spared_by_all(world: World) -> None:
    world.fail("a", REFUSED)

    assert world.refusal("b") is not None
    assert world.refusal("b", "other.example.org:443") is None


def test_what_others_are_told_of_a_server_names_no_repository(world: World) -> None:
    world.fail("a", SILENT)
    world.fail("a", REFUSED)

    told = world.refusal("b")

    assert told is None or "https://" not in told.message


@pytest.mark.parametrize("answer", [None, DENIED, LIMITED])
def test_any_answer_ends_the_row_of_failures(world: World, answer: OutsideError | None) -> None:
    for error in (SILENT, REFUSED):
        world.fail("a", error, FAILURES - 1)
        world.ask("a", answer)
        world.fail("a", error, FAILURES - 1)

        assert world.refusal("a") is None


@pytest.mark.parametrize("failure", [DENIED, LIMITED, FULL])
def test_what_is_no_failure_of_the_server_leaves_it_open(
    world: World, failure: OutsideError
) -> None:
    world.fail("a", failure, 60)

    assert world.refusal("a") is None


def test_a_failure_of_ours_says_nothing_about_the_server(world: World) -> None:
    world.fail("a", SILENT, FAILURES - 1)
    world.ask("a", FULL)
    world.ask("a", SILENT)

    assert world.refusal("a") is not None


def test_after_the_pause_one_asks_at_a_time(world: World) -> None:
    world.fail("a", REFUSED)
    world.seconds += 2

    with world.asking("b"):
        told = world.refusal("a")
        assert told is not None
        assert told.message.endswith("(refused), and is being asked again right now.")
        assert told.retry_after == timedelta(seconds=2)

    assert world.refusal("a") is None


def test_one_that_gives_up_asking_lets_another_ask(world: World) -> None:
    world.fail("a", SILENT)
    world.seconds += 2

    with suppress(KeyboardInterrupt), world.asking("a"):
        raise KeyboardInterrupt

    assert world.refusal("a") is None


def test_the_pause_grows_to_its_longest_and_ends_with_the_first_answer(world: World) -> None:
    world.fail("a", SILENT)
    pauses = []
    for _ in range(6):
        told = world.refusal("a")
        assert told is not None
        assert told.retry_after is not None
        pauses.append(told.retry_after.total_seconds())
        world.seconds += pauses[-1]
        world.ask("a", SILENT)

    assert pauses == [2, 4, 8, 16, 30, 30]
    world.seconds += LONGEST_PAUSE.total_seconds()
    world.ask("a", None)
    assert world.refusal("a") is None
    world.fail("a", SILENT)
    told = world.refusal("a")
    assert told is not None
    assert told.retry_after == timedelta(seconds=2)


def test_questions_that_were_on_their_way_do_not_lengthen_the_pause(world: World) -> None:
    with suppress(UnansweredError), world.asking("a"):
        world.fail("a", SILENT, FAILURES)
        world.seconds += 1
        raise SILENT

    told = world.refusal("a")
    assert told is not None
    assert told.retry_after == timedelta(seconds=1)


def test_a_server_that_takes_connections_again_is_open_to_all_whatever_it_answers(
    world: World,
) -> None:
    world.fail("a", REFUSED)
    world.seconds += 2
    world.ask("a", SILENT)

    assert world.refusal("b") is None


def test_what_was_long_ago_is_forgotten(world: World) -> None:
    for number in range(100):
        world.ask("a", REFUSED, f"host-{number}.example.org:443")
    world.seconds += FORGOTTEN.total_seconds()
    world.ask("a", REFUSED)

    assert len(world.breakers) == 1
