"""Each namespace is served for itself: what happens to one is nothing to the others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from album_operator.domain.errors import OutsideError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.serving.health import Health
from album_operator.waking import namespaces as module
from album_operator.waking.daemons import Daemons
from album_operator.waking.namespaces import Namespaces
from album_operator.waking.wakeups import Wakeups

RELEASE = Ref("b", "x")
DOWN = TransientError(Reason.CLUSTER_UNAVAILABLE, "It is down.")


class Stage:
    """Two namespaces, `a` and `b`, and what is in the way of each."""

    def __init__(self) -> None:
        self.obstacles: dict[str, str | OutsideError | Exception] = {}
        self.begun: list[str] = []
        self.watching: list[str] = []
        self.fail = {name: asyncio.Event() for name in "ab"}
        self.looks = 0
        self.health = Health()
        self.daemons = Daemons(self._serve, Wakeups())
        self.served: list[Ref] = []
        self.namespaces = Namespaces(
            ("a", "b"), self._find_obstacle, self._watch, self.daemons.stop, self.health
        )

    async def _find_obstacle(self, name: str) -> str | None:
        self.looks += 1
        found = self.obstacles.get(name)
        if isinstance(found, Exception):
            raise found
        return found

    async def _watch(self, name: str) -> None:
        self.begun.append(name)
        self.watching.append(name)
        try:
            await self.fail[name].wait()
            self.fail[name].clear()
            raise RuntimeError("403")
        finally:
            self.watching.remove(name)

    async def _serve(self, release: Ref, stopped: asyncio.Event) -> None:
        self.served.append(release)
        await stopped.wait()
        self.served.remove(release)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0.001)

    async def looked(self, times: int) -> None:
        until = self.looks + times
        await self.until(lambda: self.looks >= until)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_SECONDS", "CONFIRM_SECONDS", "FIRST_PAUSE"):
        monkeypatch.setattr(module, name, 0.005)


@asynccontextmanager
async def _running(stage: Stage) -> AsyncIterator[None]:
    task = asyncio.create_task(stage.namespaces.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert stage.watching == []
    assert stage.served == []


async def test_what_nothing_is_in_the_way_of_is_served() -> None:
    stage = Stage()
    async with _running(stage):
        await stage.until(lambda: sorted(stage.watching) == ["a", "b"])
        await stage.looked(8)

    assert sorted(stage.begun) == ["a", "b"]


async def test_a_namespace_that_loses_its_rights_ends_alone_and_comes_back() -> None:
    stage = Stage()
    async with _running(stage):
        await stage.until(lambda: sorted(stage.watching) == ["a", "b"])
        stage.daemons.keep(RELEASE, 1)
        await stage.until(lambda: stage.served == [RELEASE])
        stage.obstacles["b"] = "may not get secrets"
        await stage.until(lambda: stage.served == [])
        assert stage.watching == ["a"]
        assert stage.health.refused == {"b": "may not get secrets"}

        del stage.obstacles["b"]
        await stage.until(lambda: sorted(stage.watching) == ["a", "b"])
        assert stage.begun.count("a") == 1


async def test_a_refusal_of_a_moment_ends_nothing() -> None:
    stage = Stage()
    async with _running(stage):
        await stage.until(lambda: sorted(stage.watching) == ["a", "b"])
        for _ in range(3):
            stage.obstacles["b"] = "may not get secrets"
            count = stage.looks
            await stage.until(lambda count=count: stage.looks > count)  # type: ignore[misc]
            stage.obstacles.clear()
            await stage.looked(4)

    assert stage.begun.count("a") == 1


async def test_an_api_server_that_cannot_tell_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    async with _running(stage):
        await stage.until(lambda: sorted(stage.watching) == ["a", "b"])
        stage.obstacles["b"] = DOWN
        await stage.looked(8)
        assert sorted(stage.begun) == ["a", "b"]

    assert "It is down." in caplog.text


async def test_a_watch_that_fails_is_begun_anew_and_its_daemons_go_on() -> None:
    stage = Stage()
    async with _running(stage):
        await stage.until(lambda: sorted(stage.watching) == ["a", "b"])
        stage.daemons.keep(RELEASE, 1)
        await stage.until(lambda: stage.served == [RELEASE])
        stage.obstacles["b"] = DOWN
        stage.fail["b"].set()
        await stage.until(lambda: stage.health.refused.get("b") == "It is down.")
        await stage.looked(6)
        assert stage.served == [RELEASE]

        stage.obstacles.clear()
        await stage.until(lambda: stage.begun.count("b") == 2)
        assert stage.served == [RELEASE]
        assert stage.begun.count("a") == 1


async def test_a_bug_of_one_is_not_the_end_of_others(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.obstacles["b"] = KeyError("a bug")
    async with _running(stage):
        await stage.until(lambda: "failed by a bug" in caplog.text)
        assert stage.watching == ["a"]
        stage.obstacles.clear()
        await stage.until(lambda: sorted(stage.watching) == ["a", "b"])


async def test_the_log_says_once_why_a_namespace_is_not_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    stage.obstacles["b"] = "may not get secrets"
    async with _running(stage):
        await stage.looked(10)

    assert caplog.text.count("Namespace b is not served: may not get secrets") == 1
