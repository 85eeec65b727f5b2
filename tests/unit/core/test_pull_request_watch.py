"""The watch over waiting pull requests: what it asks, and whom it wakes."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.forges import ForgeType
from album_operator.domain.places import Draft, ForgePlace
from album_operator.domain.pull_requests import (
    Changes,
    Gate,
    PullRequestSeen,
    PullRequestState,
    Review,
)
from album_operator.domain.reasons import Reason
from album_operator.waking.pull_request_watch import PullRequestWatch
from tests.fakes.builders import CONFIG
from tests.fakes.forge import FakeForge
from tests.fakes.git_server import FakeGitServer

REPOSITORY = "owner/album-app-config"
POLL = timedelta(seconds=30)


class World:
    """A forge with open pull requests, and a watch over those that were asked for."""

    def __init__(
        self,
        poll: timedelta = POLL,
        forge_type: ForgeType = ForgeType.GITHUB,
        forge: type[FakeForge] = FakeForge,
    ) -> None:
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        server = FakeGitServer()
        self.git = server.add_repository(CONFIG)
        self.git.write("main", {"values.yaml": "tag: 1\n"})
        self.forge = forge(server, lambda: self.now)
        credential = server.place(CONFIG).credential
        host = "/".join(CONFIG.split("/")[:3])
        self.place = ForgePlace(f"{host}/api/v1", REPOSITORY, credential, forge_type)
        self.told: list[tuple[str, int]] = []
        self.watch = PullRequestWatch(
            self.forge, poll, lambda *what: self.told.append(what), lambda: self.now.timestamp()
        )

    async def open(self, count: int) -> None:
        """Open pull requests."""
        for number in range(1, count + 1):
            branch = f"release/backend_v1.{number}.0"
            self.git.branches[branch] = self.git.branches["main"]
            await self.forge.open(self.place, Draft(branch, "main", "title", "body"))

    async def wait_for(self, count: int = 1) -> None:
        """Open pull requests, and let a release wait for each."""
        await self.open(count)
        for number in range(1, count + 1):
            await self.watch.get(self.place, number)
        self.forge.requests.clear()

    async def after(self, seconds: float) -> list[int]:
        """Let time pass and the watch look; give the numbers it told of."""
        self.now += timedelta(seconds=seconds)
        self.told.clear()
        await self.watch.ask_due()
        return [number for _, number in self.told]


async def _settled(count: int = 1, **how: ForgeType) -> World:
    """Give a world whose watch has taken its first bearings."""
    world = World(**how)  # type: ignore[arg-type]
    await world.wait_for(count)
    for _ in range(2):
        assert await world.after(30) == []
    world.forge.requests.clear()
    return world


async def test_the_first_list_comes_a_poll_later_and_tells_what_happened_meanwhile() -> None:
    world = World()
    await world.wait_for(2)
    assert await world.after(29) == []
    assert world.forge.requests == []
    world.forge.merge_as(REPOSITORY, 2)
    assert await world.after(1) == [2]
    assert world.forge.requests == ["list_changed"]


@pytest.mark.parametrize("count", [1, 3, 50])
async def test_a_tick_is_one_request_however_many_wait(count: int) -> None:
    world = await _settled(count)
    assert await world.after(30) == []
    assert world.forge.requests == ["list_changed"]


async def test_a_merge_is_told_once_with_the_page_of_its_repository() -> None:
    world = await _settled(3)
    world.forge.merge_as(REPOSITORY, 2)
    assert await world.after(30) == [2]
    assert world.told == [(CONFIG, 2)]
    seen = await world.watch.get(world.place, 2)
    assert seen.state is PullRequestState.MERGED
    assert await world.after(30) == []


async def test_what_a_list_told_while_a_pull_request_was_read_is_not_lost() -> None:
    world = await _settled()
    await world.open(2)
    read = world.forge.get

    async def read_slowly(place: ForgePlace, number: int) -> PullRequestSeen:
        seen = await read(place, number)
        world.forge.retarget(REPOSITORY, 2, "develop")
        world.now += timedelta(seconds=1)
        world.forge.set_draft(REPOSITORY, 1, is_draft=True)
        assert await world.after(30) == [1]
        return seen

    world.forge.get = read_slowly  # type: ignore[method-assign]
    assert (await world.watch.get(world.place, 2)).base == "main"
    world.forge.get = read  # type: ignore[method-assign]

    assert 2 in await world.after(0)
    assert (await world.watch.get(world.place, 2)).base == "develop"


async def test_another_base_is_told_by_the_list() -> None:
    world = await _settled()
    world.git.branches["develop"] = world.git.branches["main"]
    world.forge.retarget(REPOSITORY, 1, "develop")
    assert await world.after(30) == [1]
    assert (await world.watch.get(world.place, 1)).base == "develop"
    assert await world.after(30) == []


async def test_what_changed_in_the_last_second_is_not_told_twice() -> None:
    world = await _settled()
    world.forge.set_draft(REPOSITORY, 1, is_draft=True)
    assert await world.after(30) == [1]
    await world.watch.get(world.place, 1)
    assert await world.after(30) == []
    world.forge.set_draft(REPOSITORY, 1, is_draft=False)
    assert await world.after(30) == [1]


async def test_reviews_are_looked_at_once_a_minute_and_read_only_once() -> None:
    world = await _settled(2)
    world.forge.set_gate(REPOSITORY, 1, Gate(review=Review.REQUIRED, is_blocked=True))
    assert await world.after(30) == []
    assert await world.after(30) == [1]
    world.forge.requests.clear()
    seen = await world.watch.get(world.place, 1)
    assert seen.gate == Gate(review=Review.REQUIRED, is_blocked=True)
    assert world.forge.requests == []
    # A second question is the forge's again: something may have told of another change.
    await world.watch.get(world.place, 1)
    assert world.forge.requests == ["get"]


async def test_an_answer_that_is_too_old_is_read_again() -> None:
    world = await _settled()
    world.forge.set_gate(REPOSITORY, 1, Gate(is_blocked=True))
    assert await world.after(60) == [1]
    world.now += timedelta(seconds=6)
    world.forge.requests.clear()
    await world.watch.get(world.place, 1)
    assert world.forge.requests == ["get"]


async def test_of_a_gitea_fifty_are_looked_at_in_turn() -> None:
    world = World(forge_type=ForgeType.GITEA)
    await world.wait_for(60)
    world.forge.set_gate(REPOSITORY, 60, Gate(is_blocked=True))
    world.forge.set_gate(REPOSITORY, 1, Gate(is_blocked=True))
    assert await world.after(60) == [1]
    assert await world.after(60) == [60]


async def test_lists_come_less_often_once_all_have_waited_long() -> None:
    world = await _settled()
    assert await world.after(600) == []
    world.forge.requests.clear()
    for _ in range(3):
        await world.after(30)
    assert "list_changed" not in world.forge.requests
    await world.after(30)
    assert world.forge.requests.count("list_changed") == 1


async def test_reviews_are_looked_at_once_a_minute_however_seldom_lists_come() -> None:
    world = await _settled()
    await world.after(600)
    world.forge.requests.clear()
    for _ in range(4):
        await world.after(30)
    assert world.forge.requests.count("get_many") == 2
    assert world.forge.requests.count("list_changed") == 1


async def test_a_bug_of_an_adapter_does_not_end_the_watch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = await _settled()

    async def fail(*_: object) -> None:
        raise KeyError("number")

    listing, world.forge.list_changed = world.forge.list_changed, fail  # type: ignore
    assert await world.after(30) == []
    assert "a bug of the operator" in caplog.text
    world.forge.list_changed = listing  # type: ignore[method-assign]
    world.forge.merge_as(REPOSITORY, 1)
    assert await world.after(30) == [1]


async def test_what_no_release_asks_for_any_more_is_forgotten() -> None:
    world = await _settled()
    await world.after(3 * 3600 + 1)
    world.forge.requests.clear()
    assert await world.after(600) == []
    assert world.forge.requests == []


async def test_a_pull_request_that_is_not_open_is_not_watched() -> None:
    world = World()
    await world.wait_for()
    world.forge.merge_as(REPOSITORY, 1)
    await world.watch.get(world.place, 1)
    world.forge.requests.clear()
    assert await world.after(60) == []
    assert world.forge.requests == []


async def test_a_forge_that_wants_a_pause_gets_it() -> None:
    world = await _settled()
    pause = timedelta(minutes=5)
    world.forge.trouble = TransientError(Reason.RATE_LIMITED, "It limits requests.", pause)
    assert await world.after(30) == [1]
    world.forge.trouble = None
    world.forge.merge_as(REPOSITORY, 1)
    world.forge.requests.clear()
    await world.after(4 * 60)
    assert "list_changed" not in world.forge.requests
    assert await world.after(60) == [1]


async def test_a_trouble_that_lasts_is_told_once_and_spares_the_forge_each_release() -> None:
    world = await _settled(2)
    limited = TransientError(Reason.RATE_LIMITED, "It limits requests.", timedelta(minutes=30))
    world.forge.trouble = limited
    assert await world.after(30) == [1, 2]
    world.forge.requests.clear()
    with pytest.raises(TransientError) as caught:
        await world.watch.get(world.place, 1)
    assert caught.value.reason is Reason.RATE_LIMITED
    assert caught.value.retry_after == timedelta(minutes=30, seconds=5)
    assert world.forge.requests == []
    limited.retry_after = timedelta(minutes=1)
    assert await world.after(29 * 60) == []
    assert "list_changed" not in world.forge.requests

    world.forge.trouble = None
    assert await world.after(60) == [1, 2]
    world.forge.requests.clear()
    for number in (1, 2):
        assert (await world.watch.get(world.place, number)).number == number
    assert world.forge.requests == []


async def test_a_trouble_is_told_when_it_is_met_twice_in_a_row() -> None:
    world = await _settled()
    trouble = TransientError(Reason.FORGE_UNAVAILABLE, "It does not answer.")
    for met, told in [(trouble, []), (None, []), (trouble, []), (trouble, [1])]:
        world.forge.trouble = met
        assert await world.after(30) == told
    assert await world.after(30) == []
    world.forge.trouble = None
    assert await world.after(30) == [1]


async def test_a_trouble_with_looks_does_not_hide_a_merge() -> None:
    world = await _settled(2)
    limited = TransientError(Reason.RATE_LIMITED, "It limits requests.", timedelta(minutes=30))

    async def refuse(*_: object) -> None:
        raise limited

    world.forge.get_many = refuse  # type: ignore
    assert await world.after(30) == []
    assert await world.after(30) == [1, 2]
    world.forge.merge_as(REPOSITORY, 2)
    assert await world.after(30) == [2]
    assert (await world.watch.get(world.place, 2)).state is PullRequestState.MERGED
    with pytest.raises(TransientError):
        await world.watch.get(world.place, 1)


async def test_another_credential_is_not_told_the_trouble_of_the_last() -> None:
    world = await _settled(2)
    world.forge.trouble = TransientError(
        Reason.RATE_LIMITED, "It limits requests.", timedelta(minutes=30)
    )
    assert await world.after(30) == [1, 2]
    world.forge.trouble = None
    assert world.place.credential is not None
    other = replace(world.place, credential=replace(world.place.credential, username="other"))
    assert (await world.watch.get(other, 1)).number == 1
    assert await world.after(0) == [1, 2]


async def test_a_trouble_for_a_person_is_left_to_the_releases() -> None:
    world = await _settled(2)
    world.forge.trouble = TerminalError(Reason.CREDENTIALS_REFUSED, "The token is refused.")
    assert await world.after(30) == [1, 2]


async def test_a_repository_in_trouble_does_not_hold_up_another() -> None:
    world = await _settled()
    other = world.forge.server.add_repository(f"{CONFIG}-2")
    other.write("main", {"values.yaml": "tag: 1\n"})
    other.branches["release/x_v1.0.0"] = other.branches["main"]
    there = ForgePlace(
        world.place.api_url, f"{REPOSITORY}-2", world.place.credential, ForgeType.GITHUB
    )
    opened = await world.forge.open(there, Draft("release/x_v1.0.0", "main", "title", "body"))
    await world.watch.get(there, opened.number)
    await world.after(30)
    del world.forge.server.repositories[CONFIG]
    world.forge.merge_as(f"{REPOSITORY}-2", opened.number)
    assert (f"{CONFIG}-2", opened.number) in [*world.told, *await _told(world)]


async def _told(world: World) -> list[tuple[str, int]]:
    await world.after(30)
    return world.told


class _Slow(FakeForge):
    """A forge whose lists of one repository do not come."""

    async def list_changed(self, place: ForgePlace, since: datetime | None) -> Changes:
        changes = await super().list_changed(place, since)
        if place.repository == REPOSITORY:
            await asyncio.Event().wait()
        return changes


async def test_a_forge_that_does_not_answer_holds_up_no_list_of_another_repository() -> None:
    world = World(forge=_Slow)
    await world.wait_for()
    other = world.forge.server.add_repository(f"{CONFIG}-2")
    other.write("main", {"values.yaml": "tag: 1\n"})
    other.branches["release/x_v1.0.0"] = other.branches["main"]
    there = replace(world.place, repository=f"{REPOSITORY}-2")
    opened = await world.forge.open(there, Draft("release/x_v1.0.0", "main", "title", "body"))
    moment = timedelta(milliseconds=10)
    watch = PullRequestWatch(world.forge, moment, lambda *what: world.told.append(what))
    await watch.get(world.place, 1)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        while "list_changed" not in world.forge.requests:
            await asyncio.sleep(0.01)
        await watch.get(there, opened.number)
        world.forge.merge_as(f"{REPOSITORY}-2", opened.number)
        while (f"{CONFIG}-2", opened.number) not in world.told:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_each_namespace_s_pull_requests_are_asked_for_apart() -> None:
    world = World()
    await world.wait_for()
    theirs = replace(world.place, namespace="theirs")
    await world.watch.get(theirs, 1)
    world.forge.requests.clear()

    await world.after(30)

    assert world.forge.requests == ["list_changed", "list_changed"]


class _Asked(FakeForge):
    """A forge that notes who asks what, and limits some users; none is answered before `gate`."""

    def __init__(self, server: FakeGitServer, clock: Callable[[], datetime]) -> None:
        super().__init__(server, clock)
        self.asked: list[tuple[str, str]] = []
        self.limited: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        await self.gate.wait()
        return await super().get(place, number)

    async def list_changed(self, place: ForgePlace, since: datetime | None) -> Changes:
        user = place.credential.username
        self.asked.append((user, "list_changed"))
        if user in self.limited:
            raise TransientError(Reason.RATE_LIMITED, "It limits requests.", timedelta(minutes=30))
        return await super().list_changed(place, since)

    async def get_many(
        self, place: ForgePlace, numbers: Collection[int]
    ) -> Mapping[int, PullRequestSeen]:
        self.asked.append((place.credential.username, f"get_many {sorted(numbers)}"))
        return await super().get_many(place, numbers)


def _with(place: ForgePlace, secret: str, username: str) -> ForgePlace:
    return replace(place, credential=replace(place.credential, secret=secret, username=username))


async def _asked_world(count: int) -> tuple[World, _Asked]:
    world = World(forge=_Asked)
    await world.open(count)
    assert isinstance(world.forge, _Asked)
    return world, world.forge


async def test_each_secret_s_token_is_shown_for_the_releases_that_use_it_alone() -> None:
    world, forge = await _asked_world(3)
    ours, theirs = _with(world.place, "ours", "us"), _with(world.place, "theirs", "them")
    for place, number in [(ours, 1), (theirs, 2), (ours, 3)]:
        await world.watch.get(place, number)

    for _ in range(2):
        await world.after(30)

    assert sorted(forge.asked) == [
        ("them", "get_many [2]"),
        ("them", "list_changed"),
        ("them", "list_changed"),
        ("us", "get_many [1, 3]"),
        ("us", "list_changed"),
        ("us", "list_changed"),
    ]
    for number in (1, 2, 3):
        forge.merge_as(REPOSITORY, number)
    assert sorted(await world.after(30)) == [1, 2, 3]


async def test_the_limit_of_one_secret_holds_up_no_release_that_uses_another() -> None:
    world, forge = await _asked_world(2)
    ours, theirs = _with(world.place, "ours", "us"), _with(world.place, "theirs", "them")
    await world.watch.get(theirs, 2)
    await world.watch.get(ours, 1)
    forge.limited = {"us"}
    assert await world.after(30) == [1]

    assert (await world.watch.get(theirs, 2)).number == 2
    forge.merge_as(REPOSITORY, 2)
    assert await world.after(30) == [2]
    with pytest.raises(TransientError):
        await world.watch.get(ours, 1)


async def test_a_token_replaced_in_its_secret_goes_on_with_what_the_old_one_watched() -> None:
    world, forge = await _asked_world(3)
    old, new = _with(world.place, "ours", "old"), _with(world.place, "ours", "new")
    for number in (1, 2, 3):
        await world.watch.get(old, number)
    await world.after(30)
    forge.asked.clear()
    # The first release that reads the Secret anew is enough, and its own pull request is merged.
    forge.merge_as(REPOSITORY, 1)
    await world.watch.get(new, 2)
    forge.merge_as(REPOSITORY, 3)

    assert await world.after(30) == [1, 3]
    assert await world.after(3600) == []
    assert {user for user, _ in forge.asked} == {"new"}
    assert [what for _, what in forge.asked].count("list_changed") == 2


async def test_releases_that_begin_to_wait_in_one_moment_are_all_watched() -> None:
    world, forge = await _asked_world(3)
    forge.gate.clear()
    asking = [asyncio.create_task(world.watch.get(world.place, number)) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    forge.gate.set()
    await asyncio.gather(*asking)

    for number in (1, 2, 3):
        forge.merge_as(REPOSITORY, number)
    assert await world.after(30) == [1, 2, 3]


async def test_a_release_that_begins_to_wait_while_the_last_one_ends_is_watched() -> None:
    world, forge = await _asked_world(2)
    await world.watch.get(world.place, 1)
    forge.gate.clear()
    asking = asyncio.create_task(world.watch.get(world.place, 2))
    await asyncio.sleep(0)
    forge.merge_as(REPOSITORY, 1)
    assert await world.after(3 * 3600 + 1) == []  # nobody has asked for the first one since
    forge.gate.set()
    await asking

    forge.merge_as(REPOSITORY, 2)
    assert await world.after(30) == [2]
