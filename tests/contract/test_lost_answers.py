"""A write whose answer is lost was done: the next try takes it as its own."""

from contextlib import suppress

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.places import Change, Draft, GitPlace
from album_operator.domain.pull_requests import PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import ConfigSeen
from tests.contract.stages import Stage
from tests.fakes.git_history import EPOCH, Commit, File

OURS = "release/backend_v1.1.0"
DRAFT = Draft(OURS, "main", "release: backend v1.1.0", "body")


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    return stage.make_repository(name)


@pytest.fixture
def base(stage: Stage, place: GitPlace) -> str:
    sha = stage.store(place, Commit((), {"values.yaml": File(b"tag: 1\n")}))
    stage.set_branch(place, "main", sha)
    return sha


async def test_a_push_without_an_answer_is_taken_as_done(
    stage: Stage, place: GitPlace, base: str
) -> None:
    change = Change(base, OURS, {"values.yaml": b"tag: 2\n"}, "ours", "Ann", "a@b.c", EPOCH)
    async with stage.losing_line(place) as line:
        # An adapter that can still ask the server may find out at once that it was done.
        with suppress(TransientError):
            await line.config.push(line.place, change)
        done = stage.head(place, OURS)
        assert done is not None
        assert await line.config.push(line.place, change) == done


async def test_a_commit_without_an_answer_is_the_base_branchs_head(
    stage: Stage, place: GitPlace, base: str
) -> None:
    made: list[Change] = []

    async def edit(seen: ConfigSeen) -> Change | None:
        if seen.files["values.yaml"] == b"tag: 2\n":
            return None
        files = {"values.yaml": b"tag: 2\n"}
        made.append(Change(base, "main", files, "ours\n", "Ann", "a@b.c", EPOCH, base))
        return made[-1]

    async with stage.losing_line(place) as line:
        with suppress(TransientError):
            await line.config.commit(line.place, "main", ["values.yaml"], edit)
        assert stage.head(place, "main") != base
        assert await line.config.commit(line.place, "main", ["values.yaml"], edit) is None
        seen = await line.config.look(line.place, "main", ["values.yaml"], "main")
    assert len(made) == 1
    assert seen.branch is not None
    assert (seen.branch.message, seen.branch.author_name) == ("ours\n", "Ann")
    assert seen.branch.parent_files == {"values.yaml": b"tag: 1\n"}


async def test_a_pull_request_opened_without_an_answer_is_the_only_one(
    stage: Stage, place: GitPlace, base: str
) -> None:
    stage.set_branch(place, OURS, stage.store(place, Commit((base,), {}, "ours")))
    async with stage.losing_line(place) as line:
        forge = stage.forge_place(line.place)
        with pytest.raises(TransientError) as caught:
            await line.pull_requests.open(forge, DRAFT)
        assert caught.value.reason is Reason.FORGE_UNAVAILABLE
        assert stage.count_pull_requests(place) == 1
        found = await line.pull_requests.find(forge, OURS, "main")
        assert found is not None
        assert found.state is PullRequestState.OPEN
        assert await line.pull_requests.open(forge, DRAFT) == found
        assert stage.count_pull_requests(place) == 1
