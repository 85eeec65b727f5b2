"""What is known of other releases: as the last events told, and no ghost of one that is gone."""

import json
import tracemalloc
from dataclasses import replace

from album_operator.codec import parse_seen, render_status
from album_operator.domain import progress
from album_operator.domain.claims import BranchClaim, ConfigBranch, ReleaseSeen
from album_operator.domain.hosts import HostAliases
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref
from album_operator.memory.release_index import (
    ANSWER_SECONDS,
    LIST_PIECE,
    LIST_SECONDS,
    ReleaseIndex,
)
from tests.fakes.builders import NAMESPACE, NOW, RELEASE, raw_release, record_before

BRANCH = ConfigBranch("https://git.example.org/owner/config", "release/backend_v1.1.0")
OTHER_BRANCH = replace(BRANCH, name="release/frontend_v1.1.0")

ONE, TWO, THREE = Ref("a", "one"), Ref("a", "two"), Ref("a", "three")
ELSEWHERE = Ref("b", "one")

BEGINNING = ReleaseSeen("app", "backend", "v1.1.0", StepName.IMAGE_READY, Outcome.WORKING)
HOLDING = replace(BEGINNING, branch=BRANCH)
MERGED = replace(BEGINNING, step=StepName.DEPLOYED)
FINISHED = replace(BEGINNING, step=None, outcome=Outcome.RELEASED)

FREE = BranchClaim(None)

RELEASES = 1000
BYTES = 704
"""Most that a finished release may take."""


class Stage:
    """An index with a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.woken: list[Ref] = []
        self.index = ReleaseIndex(self.woken.append, lambda: self.now)

    def list(self, *releases: Ref) -> None:
        for release in releases:
            self.index.note_listed(release)
            self.index.note(release, HOLDING)

    def end_list(self) -> None:
        self.now += LIST_SECONDS


def test_a_branch_is_the_first_ones_who_asks() -> None:
    index = ReleaseIndex()
    assert index.claim(ONE, BRANCH) == FREE
    assert index.claim(TWO, BRANCH) == BranchClaim(ONE)
    assert index.claim(ONE, BRANCH) == FREE
    assert index.claim(TWO, OTHER_BRANCH) == FREE


def test_a_branch_is_the_same_by_each_name_of_its_host() -> None:
    woken: list[Ref] = []
    aliases = HostAliases({"gitea.gitea.svc:3000": "git.example.org"})
    index = ReleaseIndex(woken.append, aliases=aliases)
    inside = replace(BRANCH, repository="http://gitea.gitea.svc:3000/Owner/config")
    assert index.claim(ONE, BRANCH) == FREE
    assert index.claim(TWO, inside).holder == ONE
    index.drop(ONE)
    assert woken == [TWO]
    assert ReleaseIndex().claim(TWO, inside) == FREE


def test_a_branch_is_the_same_over_ssh_and_over_https() -> None:
    index = ReleaseIndex()
    index.note(ONE, HOLDING)
    ssh = replace(BRANCH, repository="ssh://git@git.example.org/owner/config")
    assert index.claim(TWO, ssh).holder == ONE
    elsewhere = replace(BRANCH, repository="ssh://git@git.example.com/owner/config")
    assert index.claim(TWO, elsewhere).holder is None


def test_a_claim_stands_until_the_status_says_the_same_and_falls_with_the_merge() -> None:
    stage = Stage()
    assert stage.index.claim(ONE, BRANCH) == FREE
    for told in (BEGINNING, replace(BEGINNING, step=StepName.PROPOSED), HOLDING):
        stage.index.note(ONE, told)
        assert stage.index.claim(TWO, BRANCH).holder == ONE
    assert stage.woken == []

    stage.index.note(ONE, MERGED)
    assert stage.woken == [TWO]
    assert stage.index.claim(TWO, BRANCH).holder is None


def test_whoever_ends_before_the_status_said_anything_lets_its_branch_go() -> None:
    for end in (FINISHED, replace(BEGINNING, outcome=Outcome.SUSPENDED)):
        stage = Stage()
        stage.index.claim(ONE, BRANCH)
        stage.index.claim(TWO, BRANCH)
        stage.index.note(ONE, end)
        assert stage.woken == [TWO]


def test_whoever_is_gone_wakes_all_that_wait_for_its_branch_and_no_others() -> None:
    stage = Stage()
    stage.index.note(ONE, HOLDING)
    stage.index.claim(TWO, BRANCH)
    stage.index.claim(ELSEWHERE, BRANCH)
    stage.index.claim(THREE, OTHER_BRANCH)
    stage.index.drop(ONE)
    assert stage.woken == [TWO, ELSEWHERE]
    assert stage.index.claim(ELSEWHERE, BRANCH).holder is None
    assert stage.index.claim(TWO, BRANCH).holder == ELSEWHERE


def test_who_waits_no_more_is_not_woken() -> None:
    stage = Stage()
    stage.index.note(ONE, HOLDING)
    stage.index.claim(TWO, BRANCH)
    stage.index.claim(THREE, BRANCH)
    stage.index.claim(TWO, OTHER_BRANCH)
    stage.index.drop(THREE)
    stage.index.drop(ONE)
    assert stage.woken == []


def test_of_several_who_have_a_branch_one_of_the_same_namespace_is_told() -> None:
    index = ReleaseIndex()
    index.note(Ref("0", "first"), HOLDING)
    index.note(TWO, HOLDING)
    assert index.claim(ONE, BRANCH).holder == TWO


def test_a_namespace_that_is_not_served_any_more_is_forgotten() -> None:
    stage = Stage()
    stage.index.note(ONE, HOLDING)
    stage.index.note(TWO, FINISHED)
    stage.index.claim(ELSEWHERE, BRANCH)
    stage.index.forget("a")
    assert stage.woken == [ELSEWHERE]
    assert stage.index.of_app("a", "app", "backend") == {}
    stage.index.forget("never-served")


def test_the_releases_of_an_app_are_found() -> None:
    index = ReleaseIndex()
    index.note(ONE, HOLDING)
    index.note(TWO, FINISHED)
    index.note(THREE, replace(FINISHED, app="frontend"))
    index.note(Ref("a", "four"), replace(FINISHED, pipeline="other"))
    index.note(ELSEWHERE, FINISHED)
    assert index.of_app("a", "app", "backend") == {"one": HOLDING, "two": FINISHED}


def test_a_list_after_a_broken_watch_leaves_no_ghost() -> None:
    stage = Stage()
    stage.list(ONE, TWO)
    stage.end_list()
    stage.index.claim(THREE, BRANCH)
    # ONE goes while nothing is watched.
    stage.list(TWO)
    assert set(stage.index.of_app("a", "app", "backend")) == {"one", "two"}
    stage.end_list()
    assert set(stage.index.of_app("a", "app", "backend")) == {"two"}
    # Its app's other one may wait for its turn, the other for its branch.
    assert set(stage.woken) == {TWO, THREE}


def test_a_watch_that_is_begun_anew_leaves_no_ghost_where_nothing_is_left() -> None:
    stage = Stage()
    stage.list(ONE)
    stage.end_list()
    stage.index.begin_list("a")
    assert stage.index.claim(TWO, BRANCH).holder == ONE
    stage.end_list()
    assert stage.index.claim(TWO, BRANCH) == FREE


def test_a_long_list_is_one_list_and_a_change_meanwhile_is_none_of_it() -> None:
    stage = Stage()
    stage.list(ONE, TWO, THREE)
    stage.end_list()
    for release in (ONE, TWO):
        stage.list(release)
        stage.now += LIST_SECONDS - 1
    stage.index.note(Ref("a", "four"), HOLDING)
    stage.list(THREE)
    stage.end_list()
    stage.index.note(ONE, HOLDING)
    assert set(stage.index.of_app("a", "app", "backend")) == {"one", "two", "three", "four"}


def test_a_list_that_stands_after_a_whole_piece_is_not_over() -> None:
    stage = Stage()
    many = [Ref("a", f"one-{number}") for number in range(2 * LIST_PIECE + 1)]
    stage.list(*many)
    stage.end_list()

    stage.list(*many[:LIST_PIECE])
    stage.now += ANSWER_SECONDS - 1
    assert len(stage.index.of_app("a", "app", "backend")) == len(many)
    stage.list(*many[LIST_PIECE:-1])
    stage.now += ANSWER_SECONDS - 1
    assert len(stage.index.of_app("a", "app", "backend")) == len(many)
    stage.now += 1
    assert len(stage.index.of_app("a", "app", "backend")) == len(many) - 1


def test_two_namespaces_are_listed_each_for_itself() -> None:
    stage = Stage()
    stage.list(ONE, TWO, ELSEWHERE)
    stage.end_list()
    stage.list(ONE, ELSEWHERE)
    stage.end_list()
    stage.index.claim(THREE, OTHER_BRANCH)
    assert set(stage.index.of_app("a", "app", "backend")) == {"one"}
    assert set(stage.index.of_app("b", "app", "backend")) == {"one"}


def test_a_branch_nobody_has_is_not_certain_to_be_free_while_releases_are_listed() -> None:
    stage = Stage()
    stage.index.begin_list("a")
    stage.index.begin_list("b")
    assert stage.index.claim(ONE, BRANCH) == BranchClaim(None, is_certain=False)
    stage.now += LIST_SECONDS - 1
    stage.list(ELSEWHERE)
    stage.now += 1
    assert stage.index.claim(ONE, OTHER_BRANCH) == BranchClaim(None, is_certain=False)
    stage.end_list()
    assert stage.index.claim(ONE, OTHER_BRANCH) == FREE


def test_a_finished_release_takes_few_bytes() -> None:
    record = progress.release(record_before(StepName.DEPLOYED))
    status = json.dumps(render_status(RELEASE, record, NOW))
    index = ReleaseIndex()

    def tell(number: int) -> None:
        """Tell of a release whose body is gone afterwards, as those of events are."""
        app, version = f"app-{number % 50}", f"v1.{number // 50}.0"
        body = raw_release(f"{app}-{version}")
        body["status"] = {**json.loads(status), "app": app, "version": version}
        ref = Ref(NAMESPACE, body["metadata"]["name"])
        index.note_listed(ref)
        index.note(ref, parse_seen(body))

    tell(0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1, RELEASES):
            tell(number)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used / RELEASES < BYTES
