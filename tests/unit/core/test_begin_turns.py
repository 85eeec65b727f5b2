"""At most so many releases of a namespace are in flight; the others wait their turn, fairly."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.codec import parse_seen
from album_operator.domain.begin_places import BeginPlace
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref, Release
from album_operator.memory.release_index import LIST_SECONDS, PAUSE_SECONDS, ReleaseIndex
from tests.fakes.builders import NAMESPACE, NOW, RELEASE, raw_finished
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import Stage

LIMIT = 2
BACKEND, FRONTEND = "backend-v1.1.0", "frontend-v1.1.0"
BEGUN = ReleaseSeen(
    "album-app", "backend", "v1.1.0", StepName.MERGED, Outcome.WORKING, has_begun=True
)
ENDED = replace(BEGUN, step=None, outcome=Outcome.RELEASED)


class Team:
    """A stage where two releases may be in flight, and have begun."""

    def __init__(self) -> None:
        self.stage = Stage(ALBUM_RELEASES_PER_NAMESPACE=str(LIMIT))

    async def go(self, name: str, **spec: object) -> str:
        """Apply a release and pass over it; give the reason it is at then."""
        self.stage.apply(name, **spec)
        return await self.go_on(name)

    async def go_on(self, name: str) -> str:
        await self.stage.settle(name)
        self.stage.tell_of_releases()
        return self.stage.ready(name)[1]


@pytest.fixture
async def team() -> Team:
    team = Team()
    assert [await team.go(BACKEND), await team.go(FRONTEND)] == ["Building", "Building"]
    return team


async def test_a_further_release_waits_and_says_where_and_why(team: Team) -> None:
    assert await team.go("further", tag="frontend-v1.1.0") == "Queued"
    assert team.stage.message("further") == (
        "Place 1 of 1 in the line of releases that wait to begin in namespace album. Of at most 2 "
        "in flight at once there (ALBUM_RELEASES_PER_NAMESPACE, an admin's setting) 2 are. It "
        "begins by itself once one of them has ended."
    )
    assert "resolved" not in team.stage.status("further")
    assert len(team.stage.jobs) == LIMIT


async def test_it_begins_once_one_has_ended(team: Team) -> None:
    await team.go("further", tag="frontend-v1.1.0")
    team.stage.cluster.apply(raw_finished(BACKEND, NOW))
    team.stage.tell_of_releases()

    assert await team.go_on("further") != "Queued"


async def test_a_newer_version_of_an_app_in_flight_begins_beyond_the_limit(team: Team) -> None:
    assert await team.go("backend-v1.2.0") == "Building"
    assert await team.go_on(BACKEND) == "Superseded"


async def test_who_waits_in_the_line_has_not_begun_for_the_others_of_its_app(team: Team) -> None:
    assert await team.go("third", tag="backend-v1.1.0") == "Queued"
    known = team.stage.wakeups.index.of_app(NAMESPACE, "album-app", "backend")

    assert {name: seen.has_begun for name, seen in known.items()} == {BACKEND: True, "third": False}


async def test_a_plan_and_a_rollback_wait_for_nobody(team: Team) -> None:
    assert await team.go("plan", tag="backend-v1.2.0", mode="Plan") == "Planned"
    undone = {"app": "backend", "version": "v1.0.0", "rollbackOf": {"name": BACKEND}}
    assert await team.go("back", **undone) != "Queued"


async def test_a_held_release_is_in_nobodys_way(team: Team) -> None:
    await team.go("first", tag="frontend-v1.1.0")
    path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"
    apps = team.stage.cluster.objects[path]["spec"]["apps"]
    apps[1]["hold"] = True
    assert await team.go_on("first") == "Held"

    assert await team.go("second", tag="backend-v1.1.0") == "Queued"
    assert "Place 1 of 1" in team.stage.message("second")


async def test_a_restart_forgets_none_that_has_begun(team: Team) -> None:
    team.stage.restart()
    team.stage.tell_of_releases()

    assert await team.go("further", tag="frontend-v1.1.0") == "Queued"


async def test_what_has_begun_goes_on_though_the_limit_is_lower_after_a_restart(team: Team) -> None:
    team.stage.settings = replace(team.stage.settings, most_in_flight=1)
    team.stage.restart()
    team.stage.tell_of_releases()

    assert [await team.go_on(BACKEND), await team.go_on(FRONTEND)] == ["Building", "Building"]


async def test_right_after_a_start_none_begins_until_the_others_are_known(team: Team) -> None:
    team.stage.restart()
    team.stage.wakeups.index.begin_list(NAMESPACE)

    assert await team.go("backend-v1.2.0") == "Queued"
    assert "is being found out" in team.stage.message("backend-v1.2.0")


async def test_a_build_that_ends_frees_no_place(team: Team) -> None:
    finish_build(team.stage.cluster, team.stage.jobs[0])
    assert await team.go_on(BACKEND) == "AwaitingMerge"

    assert await team.go("further", tag="frontend-v1.1.0") == "Queued"


class Line:
    """An index with a line, and whom it woke."""

    def __init__(self) -> None:
        self.now = 0.0
        self.woken: list[str] = []
        self.index = ReleaseIndex(
            lambda ref: self.woken.append(ref.name), lambda: self.now, most_in_flight=LIMIT
        )

    def ask(self, name: str, minute: int = 0, pipeline: str = "album-app") -> BeginPlace | None:
        return self.index.begins.ask(_release(name, minute, pipeline))


def _release(name: str, minute: int, pipeline: str) -> Release:
    at = NOW + timedelta(minutes=minute)
    return replace(RELEASE, ref=Ref(NAMESPACE, name), created_at=at, pipeline=pipeline)


@pytest.fixture
def line() -> Line:
    line = Line()
    assert line.ask("one") is None
    assert line.ask("two") is None
    return line


def test_who_was_let_begin_has_its_place_before_its_status_says_so(line: Line) -> None:
    assert line.ask("one") is None
    assert line.ask("three") == BeginPlace(LIMIT, 2, (), 1)


def test_the_older_goes_first_whoever_asked_first(line: Line) -> None:
    line.ask("younger", minute=2)

    assert line.ask("older", minute=1) == BeginPlace(LIMIT, 2, (), 2)
    assert line.ask("younger", minute=2) == BeginPlace(LIMIT, 2, ("older",), 2)


def test_pipelines_take_turns(line: Line) -> None:
    for minute in range(3):
        line.ask(f"many-{minute}", minute)
    line.ask("theirs", 9, "another")

    assert line.ask("many-0", 0) == BeginPlace(LIMIT, 2, ("theirs",), 4)


@pytest.mark.parametrize("seen", [ENDED, replace(BEGUN, outcome=Outcome.SUSPENDED), None])
def test_who_ends_or_is_suspended_or_deleted_lets_the_next_one_look(
    line: Line, seen: ReleaseSeen | None
) -> None:
    line.ask("three")
    one = Ref(NAMESPACE, "one")
    line.index.note(one, BEGUN)
    assert line.woken == []
    if seen is not None:
        line.index.note(one, seen)
    else:
        line.index.drop(one)

    assert line.woken == ["three"]
    assert line.ask("three") is None


def test_who_begins_wakes_the_one_after_it() -> None:
    line = Line()
    for name in ("one", "two", "three", "four"):
        line.ask(name)
    line.index.drop(Ref(NAMESPACE, "one"))
    line.index.drop(Ref(NAMESPACE, "two"))
    line.woken.clear()
    assert line.ask("four") is None
    assert line.woken == ["three"]
    assert line.ask("three") is None


def test_one_that_goes_unnoticed_while_a_watch_is_broken_leaves_its_place(line: Line) -> None:
    line.ask("three")
    for name in ("one", "two"):
        line.index.note(Ref(NAMESPACE, name), BEGUN)
    line.index.begin_list(NAMESPACE)
    line.index.note_listed(Ref(NAMESPACE, "two"))
    line.index.note(Ref(NAMESPACE, "two"), BEGUN)
    line.now += LIST_SECONDS
    line.index.of_app(NAMESPACE, "album-app", "backend")

    assert line.woken.count("three") == 1


def test_once_listed_a_namespace_is_known_though_it_is_listed_again() -> None:
    line = Line()
    line.index.begin_list(NAMESPACE)
    assert not line.index.is_known(NAMESPACE)
    line.now += PAUSE_SECONDS
    assert line.index.is_known(NAMESPACE)
    line.index.begin_list(NAMESPACE)
    assert line.index.is_known(NAMESPACE)

    line.index.forget(NAMESPACE)
    line.index.begin_list(NAMESPACE)
    assert not line.index.is_known(NAMESPACE)


def test_namespaces_do_not_share_a_line(line: Line) -> None:
    release = replace(_release("one", 0, "album-app"), ref=Ref("elsewhere", "one"))
    assert line.index.begins.ask(release) is None


def test_a_namespace_that_is_not_served_any_more_is_forgotten(line: Line) -> None:
    line.index.forget(NAMESPACE)

    assert line.ask("three") is None


def test_an_unbegun_release_is_told_as_such() -> None:
    assert not parse_seen(raw_finished(BACKEND, NOW)).has_begun
