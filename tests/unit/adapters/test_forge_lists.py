"""Lists of forges that have more than one page: what is on a later one is found, or not guessed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.domain.errors import TransientError
from album_operator.domain.places import Draft, ForgePlace
from album_operator.domain.pull_requests import Checks, PullRequestState, Review
from album_operator.domain.reasons import Reason
from tests.unit.adapters import github_server
from tests.unit.adapters.github_server import Asked, forge, reply
from tests.unit.adapters.test_gitea_answers import OPEN, RULES, SHA, credential_for

HEAD = "release/a_v1.0.0"
AT = "/api/v1/repos/o/n"

Items = Callable[[web.Request], list[dict[str, Any]]]


def pull(number: int, state: str = "closed", head: str = "other") -> dict[str, Any]:
    """Give a pull request of a Gitea."""
    return OPEN | {
        "number": number,
        "state": state,
        "mergeable": True,
        "draft": False,
        "head": OPEN["head"] | {"label": head, "ref": head},
    }


@asynccontextmanager
async def gitea(
    paths: dict[str, Any], *, page_limit: int = 50, counts: bool = True
) -> AsyncIterator[tuple[GiteaPullRequests, ForgePlace, list[str]]]:
    """Run a Gitea whose lists have pages.

    Args:
        paths: what is there; what is callable gives the whole list for a request.
        page_limit: most items of a page, as its admin has set it.
        counts: it tells how many there are in all.
    """
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        answer = paths.get(request.path, 404)
        if isinstance(answer, int):
            return web.json_response({}, status=answer)
        if not callable(answer):
            return web.json_response(answer)
        items = answer(request)
        size = min(page_limit, int(request.query["limit"]))
        start = size * (int(request.query["page"]) - 1)
        page, count = items[start : start + size], len(items)
        if request.path.endswith("/status"):
            # Gitea counts the statuses of the page.
            return web.json_response({"statuses": page, "total_count": len(page)})
        headers = {"X-Total-Count": str(count)} if counts else {}
        return web.json_response(page, headers=headers)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    adapter = GiteaPullRequests({host})
    place = ForgePlace(f"http://{host}/api/v1", "o/n", credential_for(host))
    try:
        yield adapter, place, asked
    finally:
        await adapter.close()
        await runner.cleanup()


def by_state(pulls: list[dict[str, Any]]) -> Items:
    """Give pull requests by the state that is asked for, the newest first, as Gitea does."""
    newest = sorted(pulls, key=lambda raw: -int(raw["number"]))
    return lambda request: [raw for raw in newest if raw["state"] == request.query["state"]]


def having(pulls: list[dict[str, Any]], first: dict[str, Any]) -> dict[str, Any]:
    """Give a repository with pull requests, of which Gitea shows one for our branches."""
    return {
        AT: {"archived": False, "permissions": {"push": True}},
        f"{AT}/pulls/main/{HEAD}": first,
        f"{AT}/pulls": by_state(pulls),
    }


@pytest.mark.parametrize("page_limit", [50, 7])
@pytest.mark.parametrize("counts", [True, False])
async def test_a_no_behind_more_than_a_thousand_others_is_heard(
    page_limit: int, *, counts: bool
) -> None:
    first, newest = pull(1, head=HEAD), pull(3, head=HEAD)
    others = [pull(number) for number in range(4, 1_104)]
    paths = having([first, pull(2), newest, *others], first)
    async with gitea(paths, page_limit=page_limit, counts=counts) as (adapter, place, _):
        found = await adapter.find(place, HEAD, "main")
    assert found is not None
    assert (found.number, found.state) == (3, PullRequestState.CLOSED)


async def test_an_open_one_behind_many_others_is_the_answer() -> None:
    closed = pull(9, head=HEAD)
    ours = pull(2, "open", head=HEAD)
    others = [pull(number, "open") for number in range(10, 1_210)]
    async with gitea(having([ours, closed, *others], closed)) as (adapter, place, _):
        found = await adapter.find(place, HEAD, "main")
    assert found is not None
    assert found.number == 2


async def test_what_is_older_than_the_one_gitea_shows_is_not_read() -> None:
    shown = pull(1_000, head=HEAD)
    pulls = [*(pull(number) for number in range(1, 1_000)), shown, pull(1_001)]
    async with gitea(having(pulls, shown)) as (adapter, place, asked):
        found = await adapter.find(place, HEAD, "main")
    assert found is not None
    assert found.number == 1_000
    assert asked.count(f"GET {AT}/pulls") == 2


async def test_a_list_that_goes_on_behind_what_is_read_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("album_operator.adapters.gitea.api.ITEMS", 100)
    others = [pull(number) for number in range(2, 200)]
    first = pull(1, head=HEAD)
    async with gitea(having([first, *others], first)) as (adapter, place, _):
        with pytest.raises(TransientError) as caught:
            await adapter.find(place, HEAD, "main")
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    assert "more than 100 items" in caught.value.sentence


def looked_at(**change: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give what a look at a pull request reads."""
    return {
        AT: {"archived": False, "permissions": {"push": True}},
        f"{AT}/pulls/7": pull(7, "open", HEAD),
        f"{AT}/branches/main": RULES,
        f"{AT}/commits/{SHA}/status": lambda _: [],
        f"{AT}/pulls/7/reviews": lambda _: [],
    } | {f"{AT}/{path}": answer for path, answer in change.items()}


def review(number: int, state: str) -> dict[str, Any]:
    return {"user": {"login": f"u{number}"}, "state": state, "dismissed": False, "official": True}


async def test_reviews_on_later_pages_count() -> None:
    reviews = [review(number, "COMMENT") for number in range(70)]
    reviews.append(review(71, "REQUEST_CHANGES"))
    paths = looked_at(**{"pulls/7/reviews": lambda _: reviews})
    async with gitea(paths) as (adapter, place, _):
        gate = (await adapter.get(place, 7)).gate
    assert gate is not None
    assert gate.review is Review.CHANGES_REQUESTED


async def test_checks_on_later_pages_count() -> None:
    statuses = [{"context": f"c{number}", "status": "success"} for number in range(70)]
    statuses.append({"context": "unit", "status": "failure"})
    paths = looked_at(**{f"commits/{SHA}/status": lambda _: statuses})
    async with gitea(paths) as (adapter, place, _):
        gate = (await adapter.get(place, 7)).gate
    assert gate is not None
    assert (gate.checks, gate.failing) == (Checks.FAILING, ("unit",))


async def test_a_label_on_a_later_page_is_not_made_again() -> None:
    labels = [{"id": number, "name": f"l{number}"} for number in range(1_100)]
    opened = pull(7, "open", HEAD)
    paths = looked_at(**{"labels": lambda _: labels, "issues/7/labels": [], "pulls": 409}) | {
        f"{AT}/pulls/main/{HEAD}": opened
    }
    async with gitea(paths) as (adapter, place, asked):
        await adapter.open(place, Draft(HEAD, "main", "t", "b", labels=("l1099",)))
    assert f"POST {AT}/labels" not in asked
    assert f"POST {AT}/issues/7/labels" in asked


def paged(items: dict[str, list[dict[str, Any]]]) -> Callable[[Asked], web.Response]:
    """Answer as a GitHub with these lists, by path."""

    def handle(asked: Asked) -> web.Response:
        path = asked.path.removeprefix("/api/v3/repos/o/n")
        if asked.method != "GET":
            return reply(github_server.OPEN if path == "/pulls" else {}, 201)
        size, page = int(asked.query["per_page"]), int(asked.query["page"])
        return reply(items[path][size * (page - 1) : size * page])

    return handle


async def test_an_open_one_on_a_later_page_of_a_github_is_found() -> None:
    old = github_server.OPEN | {"number": 1}
    closed = [github_server.OPEN | {"number": n, "state": "closed"} for n in range(250, 1, -1)]
    async with forge(paged({"/pulls": [*closed, old]})) as github:
        found = await github.adapter.find(github.place, github_server.OURS, "main")
    assert found is not None
    assert (found.number, found.state) == (1, PullRequestState.OPEN)
    assert [item.query["page"] for item in github.asked] == ["1", "2", "3"]


async def test_a_comment_on_a_later_page_of_a_github_is_not_written_again() -> None:
    comments = [{"body": f"word {number}"} for number in range(2_300)]
    comments.append({"body": "Released.\n\n<!-- album:released -->"})
    async with forge(paged({"/issues/7/comments": comments})) as github:
        await github.adapter.comment(github.place, 7, "released", "Released.")
    assert {item.method for item in github.asked} == {"GET"}


async def test_a_list_of_a_github_that_goes_on_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("album_operator.adapters.github.api.ITEMS", 200)
    comments = [{"body": "word"}] * 201
    async with forge(paged({"/issues/7/comments": comments})) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.comment(github.place, 7, "released", "Released.")
    assert "more than 200 items" in caught.value.sentence


async def test_a_milestone_on_a_later_page_of_a_github_is_found() -> None:
    milestones = [{"number": number, "title": f"v{number}"} for number in range(150)]
    handle = paged({"/milestones": milestones})

    def answer(asked: Asked) -> web.Response:
        return reply({}) if asked.method == "PATCH" else handle(asked)

    draft = Draft(github_server.OURS, "main", "t", "b", milestone="v149")
    async with forge(answer) as github:
        opened = await github.adapter.open(github.place, draft)
    assert opened.milestone == "v149"
    assert github.asked[-1].body == {"milestone": 149}
