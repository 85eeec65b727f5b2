"""GitHub Apps: tokens that are made anew, and keys that nobody sees."""

import base64
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import jwt
import pytest
from aiohttp import web

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import GitHubApp
from album_operator.domain.pull_requests import RepositorySeen
from album_operator.domain.reasons import Reason
from tests.unit.adapters.github_server import (
    OURS,
    REPOSITORY,
    Asked,
    always,
    forge,
    make_key,
    reply,
)

MINTED = "ghs_canary"


def app() -> GitHubApp:
    return GitHubApp("12", 34, make_key()[0])


def minted(number: int = 1, contents: str = "write") -> web.Response:
    until = datetime.now(UTC) + timedelta(hours=1)
    return reply(
        {
            "token": f"{MINTED}{number}",
            "expires_at": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": {"contents": contents, "pull_requests": "write"},
        },
        201,
    )


async def test_an_app_asks_for_a_token_once_and_shows_it() -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        if asked.path.endswith("/access_tokens"):
            return minted()
        return reply(REPOSITORY | {"permissions": {"push": False}})

    async with forge(answer, app=app()) as github:
        seen = await github.adapter.get_repository(github.place)
        await github.adapter.get_repository(github.place)
        assert await github.adapter.git_token(github.place) == f"{MINTED}1"
    assert seen == RepositorySeen(is_archived=False, may_push=True)
    first, *others = github.asked
    assert first.path == "/api/v3/app/installations/34/access_tokens"
    claims = jwt.decode(
        first.headers["authorization"].removeprefix("Bearer "), make_key()[1], algorithms=["RS256"]
    )
    assert claims["iss"] == "12"
    assert [item.headers["authorization"] for item in others] == [f"token {MINTED}1"] * 2


async def test_an_app_that_may_not_write_contents_says_so() -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        is_mint = asked.path.endswith("/access_tokens")
        return minted(contents="read") if is_mint else reply(REPOSITORY)

    async with forge(answer, app=app()) as github:
        assert not (await github.adapter.get_repository(github.place)).may_push


async def test_a_token_of_an_app_that_is_refused_is_made_anew() -> None:
    made = 0

    def answer(asked: Asked) -> web.StreamResponse:
        nonlocal made
        if asked.path.endswith("/access_tokens"):
            made += 1
            return minted(made)
        is_old = asked.headers["authorization"].endswith("1")
        return reply({"message": f"Bad {MINTED}1"}, 401) if is_old else reply(REPOSITORY)

    async with forge(answer, app=app()) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.get_repository(github.place)
        assert MINTED not in caught.value.sentence
        assert (await github.adapter.get_repository(github.place)).may_push


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, {"message": "A JSON web token could not be decoded"}, Reason.CREDENTIALS_REFUSED),
        (404, {"message": "Not Found"}, Reason.CREDENTIALS_REFUSED),
        (403, {"message": "This installation has been suspended"}, Reason.CREDENTIALS_REFUSED),
        (401, {"message": "'Issued at' claim ('iat') must be"}, Reason.FORGE_UNAVAILABLE),
        (502, b"<html>", Reason.FORGE_UNAVAILABLE),
        (302, b"", Reason.FORGE_UNAVAILABLE),
        (201, b"<html>", Reason.FORGE_UNAVAILABLE),
        (201, {"token": 3}, Reason.FORGE_UNAVAILABLE),
        (201, {"token": "a b", "expires_at": "2999-01-01T00:00:00Z", "permissions": {}},
         Reason.FORGE_UNAVAILABLE),
        (429, {"message": "slow down"}, Reason.RATE_LIMITED),
    ],
)  # fmt: skip
async def test_an_app_without_a_token_says_why(status: int, body: object, reason: Reason) -> None:
    async with forge(always(body, status, {"Location": "/elsewhere"}), app=app()) as github:
        with pytest.raises(OutsideError) as caught:
            await github.adapter.find(github.place, OURS, "main")
    assert caught.value.reason is reason
    assert len(github.asked) == 1


@pytest.mark.parametrize("skew", [timedelta(minutes=-16), timedelta(minutes=16)])
async def test_a_node_whose_clock_is_wrong_signs_by_githubs(skew: timedelta) -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        now = datetime.now(UTC) + skew
        headers = {"Date": format_datetime(now, usegmt=True)}
        if not asked.path.endswith("/access_tokens"):
            return reply(REPOSITORY, 200, headers)
        shown = jwt.decode(
            asked.headers["authorization"].removeprefix("Bearer "),
            make_key()[1],
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False},
        )
        if not shown["iat"] <= now.timestamp() < shown["exp"] <= now.timestamp() + 600:
            said = "'Expiration time' claim ('exp') must be a numeric value representing the future"
            return reply({"message": said}, 401, headers)
        until = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"token": MINTED, "expires_at": until, "permissions": {"contents": "write"}}
        return reply(body, 201, headers)

    async with forge(answer, app=app()) as github:
        await github.adapter.get_repository(github.place)
        await github.adapter.get_repository(github.place)
        assert await github.adapter.git_token(github.place) == MINTED
    assert [asked.path.endswith("/access_tokens") for asked in github.asked] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(("minutes", "mints"), [(58, 1), (60, 2)])
async def test_a_token_lasts_as_long_as_its_forge_says_by_a_clock_that_does_not_step(
    minutes: int, mints: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0

    def answer(asked: Asked) -> web.StreamResponse:
        nonlocal made
        if asked.path.endswith("/access_tokens"):
            made += 1
            return minted(made)
        return reply(REPOSITORY)

    async with forge(answer, app=app()) as github:
        await github.adapter.git_token(github.place)
        begun = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: begun + 60 * minutes)
        assert await github.adapter.git_token(github.place) == f"{MINTED}{mints}"


async def test_a_key_that_is_none_is_not_shown_to_anybody() -> None:
    wrong = GitHubApp("12", 34, "-----BEGIN RSA PRIVATE KEY-----\ncanarycanarycanary\n")
    async with forge(always(REPOSITORY), app=wrong) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.get_repository(github.place)
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert "privateKey" in caught.value.sentence
    assert "canary" not in caught.value.sentence + repr(github.place)
    assert caught.value.__cause__ is None
    assert github.asked == []


async def test_no_form_of_a_secret_gets_out() -> None:
    line = make_key()[0].splitlines()[3]
    leaks = f"{MINTED}1 {base64.b64encode(f'{MINTED}1'.encode()).decode()} {line}"

    def answer(asked: Asked) -> web.StreamResponse:
        is_mint = asked.path.endswith("/access_tokens")
        return minted() if is_mint else reply({"message": leaks}, 403)

    async with forge(answer, app=app()) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.find(github.place, OURS, "main")
    for secret in leaks.split():
        assert secret not in caught.value.sentence


async def test_tokens_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        return minted() if asked.path.endswith("/access_tokens") else reply(REPOSITORY)

    with caplog.at_level(logging.DEBUG):
        async with forge(answer, app=app()) as github:
            await github.adapter.get_repository(github.place)
    assert MINTED not in caplog.text
