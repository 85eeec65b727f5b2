"""What a GitHub may answer, sane or not, seen through the adapter."""

import gzip
import tracemalloc
from typing import Any

import pytest

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import Draft
from album_operator.domain.pull_requests import RepositorySeen
from album_operator.domain.reasons import Reason
from tests.unit.adapters.github_server import (
    OPEN,
    OURS,
    REPOSITORY,
    SEEN,
    TOKEN,
    Asked,
    always,
    forge,
    graphql,
    reply,
)

DRAFT = Draft(OURS, "main", "t", "b")


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, TerminalError, Reason.CREDENTIALS_REFUSED),
        (403, TerminalError, Reason.CREDENTIALS_REFUSED),
        (301, TerminalError, Reason.REPOSITORY_NOT_FOUND),
        (307, TerminalError, Reason.REPOSITORY_NOT_FOUND),
        (404, TerminalError, Reason.REPOSITORY_NOT_FOUND),
        (422, TerminalError, Reason.PUSH_REFUSED),
        (429, TransientError, Reason.RATE_LIMITED),
        (500, TransientError, Reason.FORGE_UNAVAILABLE),
        (502, TransientError, Reason.FORGE_UNAVAILABLE),
        (204, TransientError, Reason.FORGE_UNAVAILABLE),
    ],
)
async def test_each_status_has_its_reason_and_keeps_the_token_to_itself(
    status: int, kind: type[OutsideError], reason: Reason
) -> None:
    body: Any = b"" if status == 204 else {"message": f"no, {TOKEN}, because of X"}
    async with forge(always(body, status)) as github:
        with pytest.raises(kind) as caught:
            await github.adapter.open(github.place, DRAFT)
    assert caught.value.reason is reason
    assert TOKEN not in caught.value.sentence
    assert TOKEN not in str(caught.value.__cause__)
    assert all(TOKEN not in str(item.path) + str(item.query) for item in github.asked)
    if status in (401, 403, 422):
        assert "because of X" in caught.value.sentence


@pytest.mark.parametrize(
    "body",
    [
        b"<html>log in</html>",
        b"",
        b"[" * 100_000,
        b"null",
        [],
        {},
        "text",
        OPEN | {"number": "x"},
        OPEN | {"state": "odd"},
        OPEN | {"head": None},
        OPEN | {"head": {"ref": OURS, "sha": "main", "repo": {"id": 1}}},
        OPEN | {"html_url": "javascript:alert(1)"},
        OPEN | {"html_url": "https://x/\n"},
        OPEN | {"labels": 3},
        OPEN | {"merged_at": "yesterday"},
        OPEN | {"merged_at": "2026-01-01T00:00:00"},
        OPEN | {"merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": None},
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_passing_trouble(body: Any) -> None:  # noqa: ANN401
    async with forge(always(body, 201)) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.open(github.place, DRAFT)
        assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    listed = body if isinstance(body, bytes | list) else [body]
    if listed != []:
        async with forge(always(listed)) as github:
            with pytest.raises(TransientError) as caught:
                await github.adapter.find(github.place, OURS, "main")
            assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    async with forge(always(body)) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.get(github.place, 7)
        assert caught.value.reason is Reason.FORGE_UNAVAILABLE


@pytest.mark.parametrize(
    "change",
    [
        {"state": "ODD"},
        {"mergeable": None, "state": 3},
        {"headRefOid": "main"},
        {"state": "MERGED"},
        {"reviewDecision": "MAYBE"},
        {"commits": {"nodes": [{"commit": None}]}},
        {"commits": {"nodes": [{"commit": {"statusCheckRollup": {"state": "ODD"}}}]}},
        {"mergeQueueEntry": {}},
        {"url": "javascript:alert(1)"},
    ],
)
async def test_a_pull_request_that_makes_no_sense_is_a_passing_trouble(
    change: dict[str, Any],
) -> None:
    async with forge(always(graphql(SEEN | change))) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.get(github.place, 7)
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE


@pytest.mark.parametrize("name", ["X-RateLimit-Remaining", "X-RateLimit-Reset"])
async def test_a_header_that_makes_no_sense_does_no_harm(name: str) -> None:
    headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", name: "9" * 400}
    async with forge(always(REPOSITORY, 200, headers)) as github:
        assert (await github.adapter.get_repository(github.place)).may_push


DEEP = b'{"message": ' + b"[" * 500 + b"]" * 500 + b"}"
WIDE = b"[" + b"{}," * 1_000_000 + b"{}]"


@pytest.mark.parametrize(("body", "said"), [(DEEP, "64 deep"), (WIDE, "400000 values")])
@pytest.mark.parametrize("status", [200, 404, 422])
async def test_an_answer_no_honest_forge_gives_says_what_it_is(
    status: int, body: bytes, said: str
) -> None:
    async with forge(always(body, status)) as github:
        for work in (
            github.adapter.get(github.place, 7),
            github.adapter.find(github.place, OURS, "main"),
        ):
            with pytest.raises(TransientError) as caught:
                await work
            assert caught.value.reason is Reason.FORGE_UNAVAILABLE
            assert said in caught.value.sentence


async def test_a_compressed_answer_counts_as_what_comes_out() -> None:
    bomb = gzip.compress(b" " * (100 * 1024 * 1024), 1)
    async with forge(always(bomb, 200, {"Content-Encoding": "gzip"})) as github:
        tracemalloc.start()
        with pytest.raises(TransientError) as caught:
            await github.adapter.get(github.place, 7)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert "bytes" in caught.value.sentence
    assert peak < 64 * 1024 * 1024


async def test_an_endless_answer_is_broken_off() -> None:
    async with forge(always(b" " * (9 * 1024 * 1024))) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.find(github.place, OURS, "main")
    assert "bytes" in caught.value.sentence


async def test_an_answer_that_is_put_off_is_not_asked_for_again_and_again() -> None:
    async with forge(always({}, 202)) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.get_repository(github.place)
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    assert len(github.asked) == 1


async def test_a_forge_that_is_not_there_says_so_in_few_words() -> None:
    async with forge(always({})) as github:
        pass
    with pytest.raises(TransientError) as caught:
        await github.adapter.get_repository(github.place)
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    assert "Connection refused" in caught.value.sentence
    assert "Pool" not in caught.value.sentence
    await github.adapter.close()


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (
            {"X-OAuth-Scopes": "read:user", "X-Accepted-OAuth-Scopes": "repo, public_repo"},
            "needs scope repo or public_repo and has read:user",
        ),
        ({"X-OAuth-Scopes": ""}, "needs scope repo and has none"),
        ({"X-Accepted-GitHub-Permissions": "metadata=read"}, "needs permission metadata=read"),
        ({"X-GitHub-SSO": "required; url=https://github.com/orgs/o/sso?x=1"}, "single sign-on"),
    ],
)
async def test_a_token_without_a_right_is_told_which(headers: dict[str, str], words: str) -> None:
    for status, reason in ((404, Reason.REPOSITORY_NOT_FOUND), (403, Reason.CREDENTIALS_REFUSED)):
        async with forge(always({"message": "Not here"}, status, headers)) as github:
            with pytest.raises(TerminalError) as caught:
                await github.adapter.get_repository(github.place)
        assert caught.value.reason is reason
        assert words in caught.value.sentence
        assert "x=1" not in caught.value.sentence


async def test_an_archived_repository_says_so() -> None:
    said = {"message": "Repository was archived so is read-only."}
    async with forge(always(said, 403)) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.open(github.place, DRAFT)
    assert caught.value.reason is Reason.REPOSITORY_ARCHIVED


async def test_a_renamed_repository_is_named_anew() -> None:
    def answer(asked: Asked) -> Any:  # noqa: ANN401
        if asked.path == "/api/v3/repositories/1":
            return reply(REPOSITORY | {"full_name": "o/new"})
        status = 301 if asked.method == "GET" else 307
        return reply(
            {}, status, {"Location": f"http://{asked.headers['host']}/api/v3/repositories/1/x"}
        )

    async with forge(answer) as github:
        for work in (
            github.adapter.find(github.place, OURS, "main"),
            github.adapter.open(github.place, DRAFT),
            github.adapter.get_repository(github.place),
        ):
            with pytest.raises(TerminalError) as caught:
                await work
            assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND
            assert "was renamed to o/new" in caught.value.sentence
    async with forge(always(graphql(SEEN, nameWithOwner="o/new"))) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.get(github.place, 7)
    assert "was renamed to o/new" in caught.value.sentence


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_is_not_followed(status: int) -> None:
    async with forge(always(REPOSITORY)) as other:
        location = f"{other.url}/api/v3/repositories/1"
        async with forge(always({}, status, {"Location": location})) as github:
            for work in (
                github.adapter.get_repository(github.place),
                github.adapter.get(github.place, 7),
                github.adapter.open(github.place, DRAFT),
                github.adapter.comment(github.place, 7, "key", "text"),
            ):
                with pytest.raises(TerminalError) as caught:
                    await work
                assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND
            assert len(github.asked) == 4
    assert other.asked == []


async def test_rights_are_read_with_the_repository() -> None:
    async with forge(always(REPOSITORY | {"archived": True, "permissions": None})) as github:
        seen = await github.adapter.get_repository(github.place)
    assert seen == RepositorySeen(is_archived=True, may_push=False)
