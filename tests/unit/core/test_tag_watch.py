"""One list for a repository and Secret and interval, however many pipelines name it."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.forges import ForgeType
from album_operator.domain.notice import TagNotice
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.triggers import TagInterest
from album_operator.waking.tag_watch import (
    APART_SECONDS,
    FIRST_BACKOFF,
    FRESH_SECONDS,
    KEPT_SECONDS,
    MOST_UNSEEN,
    UNSEEN_SECONDS,
    USERS,
    TagWatch,
)
from tests.fakes.cluster import FakeCluster, raw_secret
from tests.fakes.forge import FakeForge
from tests.fakes.git_repositories import FakeSourceRepository
from tests.fakes.git_server import TOKEN, FakeGitServer

HOST = "https://git.example.org"
URL = f"{HOST}/owner/app"
ONE, OTHER = Ref("album", "one"), Ref("album", "other")
INTEREST = TagInterest(
    "album", "album-git", URL, None, frozenset({"backend-"}), timedelta(minutes=5), hears=True
)
TROUBLE = TransientError(Reason.GIT_UNAVAILABLE, "It is away.")


class Source(FakeSourceRepository):
    """Counts lists, and fails as told."""

    def __init__(self, server: FakeGitServer) -> None:
        super().__init__(server)
        self.lists: list[tuple[str, set[str]]] = []
        self.trouble: Exception | None = None

    async def list_tags(self, place: GitPlace, prefixes: Collection[str]) -> Mapping[str, str]:
        self.lists.append((place.url, set(prefixes)))
        if self.trouble is not None:
            raise self.trouble
        return await super().list_tags(place, prefixes)


class World:
    """A watch, with a repository that has one tag."""

    def __init__(self) -> None:
        self.now, self.woken = 1000.0, list[Ref]()
        server = FakeGitServer()
        self.repository = server.add_repository(URL)
        self.commit = self.repository.write("main", {"a": "b"})
        self.repository.tags["backend-v1.0.0"] = self.commit
        self.source = Source(server)
        cluster = FakeCluster()
        for secret in ("album-git", "another"):
            cluster.apply({**raw_secret(secret, url=HOST, token=TOKEN), "kind": "Secret"})
        self.watch = TagWatch(
            self.source,
            ClusterSecrets(cluster),
            FakeForge(server),
            self.woken.append,
            clock=lambda: self.now,
        )

    async def after(self, seconds: float) -> list[Ref]:
        """Let time pass, and give the pipelines that are woken then."""
        self.now += seconds
        await self.watch.look_at_due()
        woken, self.woken[:] = list(self.woken), []
        return woken

    async def follow(self, *pipelines: Ref, interest: TagInterest = INTEREST) -> None:
        for pipeline in pipelines:
            self.watch.follow(pipeline, interest)
            assert self.watch.read(pipeline, anew=True) is None
        assert set(pipelines) <= set(await self.after(APART_SECONDS))

    def tags(self, pipeline: Ref = ONE) -> set[str] | OutsideError | None:
        seen = self.watch.read(pipeline, anew=False)
        return None if seen is None else seen.trouble or set(seen.tags)

    def hear(self, tag: str, repository: str = URL, user: str = "ada") -> None:
        self.watch.notice(TagNotice(ForgeType.GITEA, repository, tag, user))


async def test_many_pipelines_of_a_repository_cost_one_list_an_interval() -> None:
    world = World()
    pipelines = [Ref("album", f"p{number}") for number in range(100)]
    await world.follow(*pipelines)
    assert len(world.source.lists) == 1
    assert await world.after(300) == []
    assert len(world.source.lists) == 2

    world.repository.tags["backend-v1.1.0"] = world.commit
    assert set(await world.after(300)) == set(pipelines)
    assert {str(world.tags(pipeline)) for pipeline in pipelines} == {str(world.tags(pipelines[0]))}
    assert len(world.source.lists) == 3


async def test_the_shortest_interval_counts_and_all_that_any_wants_is_asked_for() -> None:
    world = World()
    await world.follow(ONE)
    quick = replace(INTEREST, prefixes=frozenset({"web-"}), interval=timedelta(minutes=1))
    world.repository.tags["web-v1.0.0"] = world.commit
    await world.follow(OTHER, interest=quick)
    assert world.source.lists[-1] == (URL, {"backend-", "web-"})
    await world.after(60)
    assert len(world.source.lists) == 3

    world.watch.follow(OTHER, None)
    for _ in range(4):
        await world.after(60)
    assert len(world.source.lists) == 4


async def test_what_is_read_with_another_secret_is_asked_for_apart() -> None:
    world = World()
    await world.follow(ONE)
    await world.follow(OTHER, interest=replace(INTEREST, secret="another"))
    assert len(world.source.lists) == 2


async def test_what_nobody_follows_any_more_is_not_asked_for() -> None:
    world = World()
    await world.follow(ONE)
    world.watch.follow(ONE, None)
    world.watch.follow(ONE, None)
    world.hear("backend-v1.1.0")
    assert await world.after(600) == []
    assert len(world.source.lists) == 1
    assert world.watch.who(ONE, "backend-v1.1.0") == ""


async def test_a_delivery_brings_a_look_at_once_and_many_bring_few() -> None:
    world = World()
    await world.follow(ONE)
    await world.after(10)
    world.repository.tags["backend-v1.1.0"] = world.commit
    world.hear("backend-v1.1.0")
    assert await world.after(0) == [ONE]
    assert world.tags() == {"backend-v1.0.0", "backend-v1.1.0"}
    assert world.watch.who(ONE, "backend-v1.1.0") == "ada"

    for number in range(10_000):
        world.hear(f"backend-v2.0.{number}", user=f"user-{number}")
        if number % 100 == 0:
            await world.after(0.01)
    assert len(world.source.lists) <= 5
    assert len(world.watch._users) == USERS
    (known,) = world.watch._repositories.values()
    assert len(known.unseen) <= MOST_UNSEEN


@pytest.mark.parametrize(
    "interest",
    [replace(INTEREST, hears=False), replace(INTEREST, forge=ForgeType.GITHUB)],
)
async def test_deliveries_that_do_not_concern_a_pipeline_bring_nothing(
    interest: TagInterest,
) -> None:
    world = World()
    await world.follow(ONE, interest=interest)
    world.hear("backend-v1.1.0")
    world.hear("backend-v1.1.0", f"{HOST}/somebody/fork")
    await world.after(10)
    assert len(world.source.lists) == 1
    assert world.watch.who(ONE, "backend-v1.1.0") == ""


async def test_a_tag_that_its_forge_has_not_everywhere_yet_is_looked_for_again() -> None:
    world = World()
    await world.follow(ONE)
    world.hear("backend-v1.1.0")
    world.hear("frontend-v1.0.0")
    assert await world.after(APART_SECONDS) == []
    world.repository.tags["backend-v1.1.0"] = world.commit
    assert await world.after(UNSEEN_SECONDS[0]) == [ONE]

    world.hear("backend-v9.9.9")
    for seconds in (APART_SECONDS, *UNSEEN_SECONDS, *UNSEEN_SECONDS):
        await world.after(seconds)
    assert len(world.source.lists) == 3 + 1 + len(UNSEEN_SECONDS)


async def test_a_list_is_kept_a_moment_and_then_listed_again_for_who_asks() -> None:
    world = World()
    await world.follow(ONE)
    assert world.tags() == {"backend-v1.0.0"}
    assert await world.after(KEPT_SECONDS + 1) == []
    assert world.tags() is None
    assert await world.after(0) == [ONE]
    assert world.tags() == {"backend-v1.0.0"}


async def test_somebody_who_changed_a_pipeline_gets_a_new_list_and_many_get_few() -> None:
    world = World()
    await world.follow(ONE)
    await world.after(10)
    assert world.watch.read(ONE, anew=True) is None
    assert await world.after(0) == [ONE]
    before = len(world.source.lists)
    for _ in range(50):
        assert world.watch.read(ONE, anew=True) is not None
        await world.after(0.08)
    assert len(world.source.lists) == before

    # What was pushed since is in the list that is made once this one is not fresh any more.
    world.repository.tags["backend-v1.1.0"] = world.commit
    assert world.watch.read(ONE, anew=True) is not None
    assert await world.after(FRESH_SECONDS - 4.0) == [ONE]
    assert len(world.source.lists) == before + 1


async def test_a_trouble_is_told_when_it_is_met_twice_and_waited_out() -> None:
    world = World()
    world.source.trouble = TROUBLE
    world.watch.follow(ONE, INTEREST)
    assert world.tags() is None
    assert await world.after(0) == []
    world.hear("backend-v1.1.0")
    assert await world.after(FIRST_BACKOFF - 1) == []
    assert await world.after(1) == [ONE]
    assert world.tags() is TROUBLE
    assert len(world.source.lists) == 2

    world.source.trouble = None
    assert await world.after(600) == [ONE]
    assert world.tags() == {"backend-v1.0.0"}


async def test_a_forge_that_wants_a_pause_gets_it() -> None:
    world = World()
    await world.follow(ONE)
    world.source.trouble = TransientError(Reason.RATE_LIMITED, "Too many.", timedelta(minutes=30))
    await world.after(300)
    await world.after(1700)
    assert len(world.source.lists) == 2
    await world.after(100)
    assert len(world.source.lists) == 3


async def test_what_a_person_has_to_mend_is_told_at_once_and_looked_at_each_interval() -> None:
    world = World()
    world.source.trouble = TerminalError(Reason.REPOSITORY_NOT_FOUND, "There is none.", "Make it")
    await world.follow(ONE)
    assert world.tags() is world.source.trouble
    for _ in range(3):
        assert await world.after(300) == []
    assert len(world.source.lists) == 4


async def test_a_bug_of_an_adapter_does_not_end_the_watch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.source.trouble = KeyError("a bug")
    await world.follow(ONE)
    assert "failed by a bug" in caplog.text
    world.source.trouble = None
    assert await world.after(300) == [ONE]


async def test_who_leaves_during_a_look_is_not_woken() -> None:
    world = World()
    world.watch.follow(ONE, INTEREST)
    assert world.tags() is None
    looking = asyncio.ensure_future(world.after(0))
    await asyncio.sleep(0)
    world.watch.follow(ONE, None)
    assert await looking == []


async def test_a_trouble_with_what_nobody_follows_any_more_is_none_of_the_watch() -> None:
    world = World()
    world.watch.follow(ONE, INTEREST)
    world.source.trouble = TROUBLE
    (look,) = world.watch._begin_to_look()
    world.watch.follow(ONE, None)
    await look
    assert world.woken == []
    assert world.watch._repositories == {}


async def test_the_watch_looks_by_itself_until_it_is_cancelled() -> None:
    world = World()
    running = asyncio.ensure_future(world.watch.run())
    await asyncio.sleep(0)
    world.watch.follow(ONE, INTEREST)
    assert world.tags() is None
    async with asyncio.timeout(10):
        while not world.woken:
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
