"""Whatever answer of a GitHub is lost, at each call: the next try meets what was done."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from album_operator.adapters.github.api import GitHubApi
from album_operator.domain.errors import TransientError
from album_operator.domain.pull_requests import PullRequestState
from album_operator.domain.reasons import Reason
from testbed.github import faults
from testbed.github.faults import Fault
from testbed.github.server import GitHubServer
from tests.contract.github_desk import OURS, WISH, Desk, open_desk
from tests.contract.github_stage import REVIEWER


@pytest_asyncio.fixture
async def desk(github: GitHubServer, tmp_path: Path, name: str) -> AsyncIterator[Desk]:
    async with open_desk(github, tmp_path, name) as made:
        yield made


LOST: list[Fault] = [
    faults.lost_answer("before"),
    faults.lost_answer("after"),
    faults.server_error(502, when="after"),
    faults.server_error(503, when="before"),
]


async def tried_again(work: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(TransientError) as caught:
        await work()
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    await work()


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/pulls"),
        ("POST", "/issues/1/labels"),
        ("POST", "/issues/1/assignees"),
        ("GET", "/milestones"),
        ("PATCH", "/issues/1"),
        ("POST", "/pulls/1/requested_reviewers"),
    ],
)
async def test_a_pull_request_is_opened_once_whatever_answer_is_lost(
    desk: Desk, fault: Fault, method: str, path: str
) -> None:
    desk.server.faults.arm(method, f".*/repos/{desk.name}{path}", fault)
    await tried_again(lambda: desk.open(WISH))
    assert desk.stage.count_pull_requests(desk.place) == 1
    found = await desk.stage.pull_requests.find(desk.forge, OURS, "main")
    assert found is not None
    assert found.labels == {"release"}
    assert found.reviewers == found.assignees == {REVIEWER}
    assert found.milestone == "May"


@pytest.mark.parametrize("fault", LOST)
async def test_a_merge_is_done_once_whatever_answer_is_lost(desk: Desk, fault: Fault) -> None:
    opened = await desk.open()
    desk.server.faults.arm("PUT", f".*/{desk.name}/pulls/1/merge", fault)
    await tried_again(lambda: desk.merge(opened))
    merged = await desk.get(opened.number)
    assert merged.state is PullRequestState.MERGED
    assert merged.merge_commit == desk.stage.head(desk.place, "main")


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("lost", ["query", "mutate"])
async def test_auto_merge_is_armed_once_whatever_answer_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: Fault, lost: str
) -> None:
    desk.stage.protect_base(desk.place, 1, [])
    opened = await desk.open()
    await desk.get(opened.number)
    # Both go to the same path, so the fault is set right before the one it is for.
    ask = getattr(GitHubApi, lost)

    async def ask_and_lose(*arguments: Any) -> Any:  # noqa: ANN401
        monkeypatch.undo()
        desk.server.faults.arm("POST", "/api/graphql", fault)
        return await ask(*arguments)

    monkeypatch.setattr(GitHubApi, lost, ask_and_lose)
    await tried_again(lambda: desk.merge(opened, by_forge=True))
    gate = (await desk.get(opened.number)).gate
    assert gate is not None
    assert gate.is_armed


@pytest.mark.parametrize("fault", LOST)
async def test_a_comment_is_written_once_whatever_answer_is_lost(desk: Desk, fault: Fault) -> None:
    opened = await desk.open()
    desk.server.faults.arm("POST", f".*/{desk.name}/issues/1/comments", fault)
    await tried_again(
        lambda: desk.stage.pull_requests.comment(desk.forge, opened.number, "key", "It runs.")
    )
    assert len(desk.stage.comments(desk.place, opened.number)) == 1


@pytest.mark.parametrize("fault", LOST)
async def test_one_is_withdrawn_whatever_answer_is_lost(desk: Desk, fault: Fault) -> None:
    opened = await desk.open()
    desk.server.faults.arm("PATCH", f".*/{desk.name}/pulls/1", fault)
    await tried_again(lambda: desk.stage.pull_requests.withdraw(desk.forge, opened.number))
    assert (await desk.get(opened.number)).state is PullRequestState.CLOSED


@pytest.mark.parametrize("call", ["find", "get", "list_changed", "get_repository"])
async def test_an_answer_that_ends_in_the_middle_is_a_passing_trouble(
    desk: Desk, call: str
) -> None:
    await desk.open()
    forge = desk.stage.pull_requests
    works: dict[str, Callable[[], Awaitable[object]]] = {
        "find": lambda: forge.find(desk.forge, OURS, "main"),
        "get": lambda: forge.get(desk.forge, 1),
        "list_changed": lambda: forge.list_changed(desk.forge, None),
        "get_repository": lambda: forge.get_repository(desk.forge),
    }
    path = "/api/graphql" if call == "get" else f"/api/v3/repos/{desk.name}.*"
    desk.server.faults.arm("POST" if call == "get" else "GET", path, faults.truncated())
    await tried_again(works[call])
