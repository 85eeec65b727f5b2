"""Daemons begin and end by what is told of releases: never two for one, never none for one."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref
from album_operator.waking import daemons as module
from album_operator.waking.daemons import Daemons
from album_operator.waking.wakeups import Wakeups

RELEASE = Ref("album", "backend-v1.1.0")
OTHER = Ref("team-b", "x")
SEEN = ReleaseSeen("p", "a", "v1.0.0", StepName.IMAGE_READY, Outcome.WORKING)


class Stage:
    """Daemons whose work is to wait for their end, and as long after as a test wants."""

    def __init__(self) -> None:
        self.wakeups = Wakeups()
        self.daemons = Daemons(self._serve, self.wakeups)
        self.begun: list[Ref] = []
        self.running: list[Ref] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def _serve(self, release: Ref, stopped: asyncio.Event) -> None:
        self.begun.append(release)
        self.running.append(release)
        try:
            await stopped.wait()
            await self.may_end.wait()
        finally:
            self.running.remove(release)
            self.wakeups.leave(release)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    stage.may_end.set()
    await stage.daemons.close()


async def test_a_release_in_flight_has_one_daemon_however_often_it_is_told(stage: Stage) -> None:
    for wish in (1, 1, 2):
        stage.daemons.keep(RELEASE, wish)
        await stage.until(lambda: stage.running == [RELEASE])

    assert stage.begun == [RELEASE]
    assert stage.wakeups.has_news(RELEASE)


async def test_the_same_wish_wakes_nobody(stage: Stage) -> None:
    stage.daemons.keep(RELEASE, 1)
    stage.daemons.keep(RELEASE, 1)

    assert not stage.wakeups.has_news(RELEASE)


async def test_one_that_comes_into_flight_again_while_its_daemon_ends_gets_another(
    stage: Stage,
) -> None:
    stage.may_end.clear()
    stage.daemons.keep(RELEASE, 1)
    await stage.until(lambda: stage.running == [RELEASE])
    stage.daemons.end(RELEASE)
    stage.daemons.keep(RELEASE, 2)
    stage.daemons.keep(RELEASE, 3)
    stage.may_end.set()
    await stage.until(lambda: stage.begun == [RELEASE, RELEASE])

    assert stage.running == [RELEASE]
    stage.daemons.keep(RELEASE, 3)
    assert not stage.wakeups.has_news(RELEASE)


async def test_one_that_is_deleted_then_gets_none(stage: Stage) -> None:
    stage.may_end.clear()
    stage.daemons.keep(RELEASE, 1)
    await stage.until(lambda: stage.running == [RELEASE])
    stage.daemons.end(RELEASE)
    stage.daemons.keep(RELEASE, 2)
    stage.daemons.end(RELEASE)
    stage.may_end.set()
    await stage.daemons.stop("album")

    assert (stage.begun, stage.running) == ([RELEASE], [])
    stage.daemons.end(RELEASE)


async def test_the_end_of_a_namespace_leaves_the_others_alone(stage: Stage) -> None:
    stage.daemons.keep(RELEASE, 1)
    stage.daemons.keep(OTHER, 1)
    await stage.until(lambda: len(stage.running) == 2)
    for release in (RELEASE, OTHER):
        stage.wakeups.index.note(release, SEEN)
    await stage.daemons.stop("team-b")

    assert stage.running == [RELEASE]
    assert list(stage.wakeups.index.of_app("album", "p", "a")) == [RELEASE.name]
    assert not stage.wakeups.index.of_app("team-b", "p", "a")
    stage.daemons.keep(OTHER, 1)
    await stage.until(lambda: OTHER in stage.running)


async def test_a_pass_that_does_not_end_is_cancelled(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.01)
    stage.may_end.clear()
    stage.daemons.keep(RELEASE, 1)
    await stage.until(lambda: stage.running == [RELEASE])
    async with asyncio.timeout(5):
        await stage.daemons.close()

    assert stage.running == []


async def test_once_closed_none_is_begun(stage: Stage) -> None:
    await stage.daemons.close()
    stage.daemons.keep(RELEASE, 1)
    await asyncio.sleep(0)

    assert stage.begun == []


async def test_a_daemon_that_ended_by_itself_is_begun_anew_by_the_next_word(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(release: Ref, stopped: asyncio.Event) -> None:
        stage.begun.append(release)
        del stopped
        raise RuntimeError("a bug")

    daemons = Daemons(fail, stage.wakeups)
    daemons.keep(RELEASE, 1)
    await stage.until(lambda: "its daemon ended" in caplog.text)
    daemons.keep(RELEASE, 1)
    await stage.until(lambda: stage.begun == [RELEASE, RELEASE])
