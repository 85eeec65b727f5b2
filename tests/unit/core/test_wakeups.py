"""Who is woken by what."""

import asyncio
import time
from collections.abc import Callable

import pytest

from album_operator.domain.hosts import HostAliases
from album_operator.domain.notice import CommitNotice, ImageNotice, Notice, Subject
from album_operator.domain.record import StepName
from album_operator.domain.release import Mode, Ref
from album_operator.memory.lately import KEPT
from album_operator.steps.path import path
from album_operator.waking.wakeups import Wakeups
from tests.fakes.builders import RESOLVED

RELEASE, OTHER = Ref("album", "backend-v1.1.0"), Ref("album", "frontend-v1.1.0")
REPOSITORY, BRANCH = "https://git.example.org/album/config", "release/backend_v1.1.0"
APPLICATION, SECOND = Ref("argocd", "album-app-backend"), Ref("argocd", "album-app-frontend")


@pytest.fixture
def wakeups() -> Wakeups:
    wakeups = Wakeups()
    for release in (RELEASE, OTHER):
        wakeups.join(release, "as it was")
    return wakeups


async def _is_woken(
    wakeups: Wakeups,
    release: Ref,
    subjects: frozenset[Subject] | None = None,
    event: Callable[[], None] = lambda: None,
) -> bool:
    waiting = asyncio.ensure_future(wakeups.wait(release, subjects))
    await asyncio.sleep(0)
    event()
    for _ in range(3):
        await asyncio.sleep(0)
    woken = waiting.done()
    waiting.cancel()
    return woken


async def test_a_wake_up_before_the_wait_is_not_lost(wakeups: Wakeups) -> None:
    wakeups.wake(RELEASE)

    assert await _is_woken(wakeups, RELEASE)
    assert not await _is_woken(wakeups, RELEASE)
    assert not await _is_woken(wakeups, OTHER)


async def test_several_events_are_one_wake_up_at_the_time_of_the_first(wakeups: Wakeups) -> None:
    wakeups.wake(RELEASE)
    first = await wakeups.wait(RELEASE)
    wakeups.wake(RELEASE)
    wakeups.wake(RELEASE)

    assert await wakeups.wait(RELEASE) >= first
    assert not await _is_woken(wakeups, RELEASE)


WOKEN_BY = {name: step.WOKEN_BY for step in path(Mode.APPLY, RESOLVED) for name in step.NAMES}

LOOKED_AT_IN = {
    "job": {StepName.IMAGE_READY},
    "pull request": {StepName.PROPOSED, StepName.MERGED},
    "application": {StepName.SYNC_POLICY_APPLIED, StepName.DEPLOYED},
    "release": set(StepName),
}


@pytest.mark.parametrize("step", StepName)
@pytest.mark.parametrize("what", LOOKED_AT_IN)
async def test_only_what_a_step_looks_at_wakes_a_release_that_waits_in_it(
    wakeups: Wakeups, what: str, step: StepName
) -> None:
    wakeups.follow(RELEASE, [APPLICATION])
    wakeups.follow_pull_request(RELEASE, REPOSITORY, 7, BRANCH)
    states = iter(range(9))
    events: dict[str, Callable[[], None]] = {
        "job": lambda: wakeups.wake(RELEASE, Subject.JOB),
        "pull request": lambda: wakeups.notice(Notice(REPOSITORY, 7, None)),
        "application": lambda: wakeups.wake_followers(APPLICATION, next(states)),
        "release": lambda: wakeups.wake(RELEASE),
    }
    event = events[what]
    wakes = step in LOOKED_AT_IN[what]

    assert await _is_woken(wakeups, RELEASE, WOKEN_BY[step], event) is wakes
    # While a pass runs nobody knows in which step it will end.
    event()
    assert await _is_woken(wakeups, RELEASE, WOKEN_BY[step]) is wakes
    # What one step did not look at is not kept for another.
    assert not await _is_woken(wakeups, RELEASE)


async def test_what_is_not_looked_at_does_not_hide_what_is(wakeups: Wakeups) -> None:
    wakeups.wake(RELEASE, Subject.JOB)
    between = time.monotonic()
    wakeups.wake(RELEASE)

    assert await wakeups.wait(RELEASE, WOKEN_BY[StepName.MERGED]) >= between


async def test_a_wake_up_is_not_lost_by_whoever_stops_waiting(wakeups: Wakeups) -> None:
    waiting = asyncio.ensure_future(wakeups.wait(RELEASE, WOKEN_BY[StepName.MERGED]))
    await asyncio.sleep(0)
    wakeups.wake(RELEASE)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert await _is_woken(wakeups, RELEASE, WOKEN_BY[StepName.MERGED])


async def test_a_release_without_a_daemon_is_not_woken() -> None:
    wakeups = Wakeups()
    wakeups.wake(RELEASE)
    wakeups.note(RELEASE, "new")
    wakeups.join(RELEASE, "new")

    assert not await _is_woken(wakeups, RELEASE)


async def test_only_another_wish_wakes_a_release(wakeups: Wakeups) -> None:
    wakeups.note(RELEASE, "as it was")
    assert not await _is_woken(wakeups, RELEASE)

    wakeups.note(RELEASE, "retry")
    assert await _is_woken(wakeups, RELEASE)
    wakeups.note(RELEASE, "retry")
    assert not await _is_woken(wakeups, RELEASE)


async def test_an_application_wakes_all_releases_that_follow_it(wakeups: Wakeups) -> None:
    wakeups.follow(RELEASE, [APPLICATION])
    wakeups.follow(OTHER, [APPLICATION, SECOND])
    wakeups.wake_followers(APPLICATION, "Synced")

    assert await _is_woken(wakeups, RELEASE)
    assert await _is_woken(wakeups, OTHER)
    wakeups.wake_followers(SECOND, "Synced")
    assert not await _is_woken(wakeups, RELEASE)
    assert await _is_woken(wakeups, OTHER)


async def test_what_a_release_does_not_follow_any_more_does_not_wake_it(wakeups: Wakeups) -> None:
    wakeups.follow(RELEASE, [APPLICATION])
    wakeups.follow(OTHER, [APPLICATION])
    wakeups.follow(RELEASE, [SECOND])
    wakeups.wake_followers(APPLICATION, "Synced")

    assert not await _is_woken(wakeups, RELEASE)
    assert await _is_woken(wakeups, OTHER)


async def test_a_release_that_left_follows_nothing(wakeups: Wakeups) -> None:
    wakeups.follow(RELEASE, [APPLICATION])
    wakeups.leave(RELEASE)
    wakeups.wake_followers(APPLICATION, "Synced")
    wakeups.join(RELEASE, "again")

    assert not await _is_woken(wakeups, RELEASE)


async def test_an_application_that_looks_as_before_wakes_nobody(wakeups: Wakeups) -> None:
    wakeups.follow(RELEASE, [APPLICATION])
    for state, wakes in [("Synced", True), ("Synced", False), (None, True), ("Synced", True)]:
        wakeups.wake_followers(APPLICATION, state)
        assert await _is_woken(wakeups, RELEASE) is wakes


async def test_who_follows_an_application_anew_is_woken_whatever_it_looks_like(
    wakeups: Wakeups,
) -> None:
    for _ in range(2):
        wakeups.follow(RELEASE, [APPLICATION])
        wakeups.wake_followers(APPLICATION, "Synced")
        assert await _is_woken(wakeups, RELEASE)
        wakeups.follow(RELEASE, [])


@pytest.mark.parametrize(
    "notice",
    [
        Notice(REPOSITORY, 7, BRANCH),
        Notice(REPOSITORY, 7, None),
        Notice(REPOSITORY, None, BRANCH),
        Notice(REPOSITORY, None, None),
        Notice("https://GIT.example.org:443/album/config.git", 7, None),
    ],
)
async def test_a_notice_wakes_the_release_whose_pull_request_it_is_about(
    wakeups: Wakeups, notice: Notice
) -> None:
    wakeups.follow_pull_request(RELEASE, REPOSITORY, 7, BRANCH)
    wakeups.follow_pull_request(OTHER, "https://git.example.org/album/other", 7, BRANCH)
    wakeups.notice(notice)

    assert await _is_woken(wakeups, RELEASE)
    assert not await _is_woken(wakeups, OTHER)


async def test_a_notice_by_another_name_of_the_host_wakes_by_an_admins_word() -> None:
    inside = REPOSITORY.replace("https://git.example.org", "http://gitea.gitea.svc:3000")
    aliases = HostAliases({"gitea.gitea.svc:3000": "git.example.org"})
    for wakeups, is_woken in ((Wakeups(), False), (Wakeups(aliases), True)):
        wakeups.join(RELEASE, "wish")
        wakeups.follow_pull_request(RELEASE, inside, 7, BRANCH)
        wakeups.notice(Notice(REPOSITORY, 7, None))
        assert await _is_woken(wakeups, RELEASE) is is_woken


async def test_a_notice_about_another_pull_request_wakes_nobody(wakeups: Wakeups) -> None:
    wakeups.follow_pull_request(RELEASE, REPOSITORY, 7, BRANCH)
    wakeups.notice(Notice(REPOSITORY, 8, "release/frontend_v1.1.0"))

    assert not await _is_woken(wakeups, RELEASE)


async def test_a_release_follows_the_pull_request_it_named_last(wakeups: Wakeups) -> None:
    wakeups.follow_pull_request(RELEASE, REPOSITORY, 7, BRANCH)
    wakeups.follow_pull_request(RELEASE, REPOSITORY, 8, BRANCH)
    wakeups.notice(Notice(REPOSITORY, 7, None))
    assert not await _is_woken(wakeups, RELEASE)

    wakeups.notice(Notice(REPOSITORY, 8, None))
    assert await _is_woken(wakeups, RELEASE)


async def test_a_release_that_left_follows_no_pull_request(wakeups: Wakeups) -> None:
    wakeups.follow_pull_request(RELEASE, REPOSITORY, 7, BRANCH)
    wakeups.leave(RELEASE)
    wakeups.join(RELEASE, "again")
    wakeups.notice(Notice(REPOSITORY, None, None))

    assert not await _is_woken(wakeups, RELEASE)


async def test_a_notice_counts_from_when_it_came(wakeups: Wakeups) -> None:
    wakeups.follow_pull_request(RELEASE, REPOSITORY, 7, BRANCH)
    wakeups.notice(Notice(REPOSITORY, 7, None))
    came = time.monotonic()
    wakeups.notice(Notice(REPOSITORY, 7, None))

    assert await wakeups.wait(RELEASE) <= came


COMMIT, IMAGE = "1" * 40, "registry.example.org/album/backend:v1.1.0"

TOLD: dict[str, tuple[Callable[[Wakeups], None], Callable[[Wakeups], None]]] = {
    "image": (
        lambda wakeups: wakeups.notice(ImageNotice("album/backend", "v1.1.0")),
        lambda wakeups: wakeups.follow_image(RELEASE, IMAGE),
    ),
    "checks": (
        lambda wakeups: wakeups.notice(CommitNotice(COMMIT)),
        lambda wakeups: wakeups.follow_checks(RELEASE, COMMIT),
    ),
    "pull request": (
        lambda wakeups: wakeups.notice(Notice(REPOSITORY, 7, None)),
        lambda wakeups: wakeups.follow_pull_request(RELEASE, REPOSITORY, 7, BRANCH),
    ),
    "base branch": (
        lambda wakeups: wakeups.notice(Notice(REPOSITORY, None, "main")),
        lambda wakeups: wakeups.follow_pull_request(RELEASE, REPOSITORY, None, "main"),
    ),
    "application": (
        lambda wakeups: wakeups.wake_followers(APPLICATION, "Synced"),
        lambda wakeups: wakeups.follow(RELEASE, [APPLICATION]),
    ),
    "applications": (
        lambda wakeups: wakeups.wake_all_followers(APPLICATION.namespace),
        lambda wakeups: wakeups.follow(RELEASE, [APPLICATION]),
    ),
}
"""What is told, and how a release says that it wants to be told of that."""


@pytest.mark.parametrize("what", TOLD)
async def test_what_is_told_between_the_look_and_the_wish_to_be_told_is_not_lost(
    wakeups: Wakeups, what: str
) -> None:
    tell, follow = TOLD[what]
    tell(wakeups)
    wakeups.notice(CommitNotice("9" * 40))

    follow(wakeups)

    assert await _is_woken(wakeups, RELEASE)
    # The pass that this brought has looked at what was told before it began.
    follow(wakeups)
    assert not await _is_woken(wakeups, RELEASE)


@pytest.mark.parametrize("what", TOLD)
async def test_what_was_told_of_something_else_meanwhile_wakes_nobody(
    wakeups: Wakeups, what: str
) -> None:
    tell, follow = TOLD[what]
    wakeups.notice(ImageNotice("album/backend", "v9.9.9"))
    wakeups.notice(CommitNotice("9" * 40))
    wakeups.notice(Notice(REPOSITORY, 8, "release/frontend_v1.1.0"))
    wakeups.wake_followers(SECOND, "Synced")
    wakeups.wake_all_followers("elsewhere")

    follow(wakeups)

    assert not await _is_woken(wakeups, RELEASE)
    tell(wakeups)
    assert await _is_woken(wakeups, RELEASE)


async def test_who_follows_an_application_that_another_has_followed_before_is_woken_too(
    wakeups: Wakeups,
) -> None:
    wakeups.follow(OTHER, [APPLICATION])
    wakeups.wake_followers(APPLICATION, "Synced")
    wakeups.follow(RELEASE, [APPLICATION])

    assert await _is_woken(wakeups, RELEASE)


async def test_of_a_flood_that_comes_during_one_pass_no_more_is_kept_than_a_bound(
    wakeups: Wakeups,
) -> None:
    wakeups.notice(CommitNotice(COMMIT))
    for _ in range(KEPT):
        wakeups.notice(CommitNotice("9" * 40))
    wakeups.follow_checks(RELEASE, COMMIT)
    assert not await _is_woken(wakeups, RELEASE)

    wakeups.notice(CommitNotice(COMMIT))
    assert await _is_woken(wakeups, RELEASE)
