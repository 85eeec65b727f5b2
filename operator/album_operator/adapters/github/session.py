"""One credential at one GitHub: a thread of its own, in which PyGithub sends one thing at a time.

PyGithub's objects are not thread-safe, so each credential has one object and one thread, and no
credential waits for another's limits.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import github
import requests
import urllib3.exceptions
from github.Requester import Requester

from album_operator.adapters.foreign_words import scrub
from album_operator.adapters.forge_answers import ODD
from album_operator.adapters.forge_failures import garbage, unavailable
from album_operator.adapters.github.answers import GitHubAnswer, parse_answer, printable
from album_operator.adapters.github.auth import AppAuth, InstallationAuth, make_auth, parse_token
from album_operator.adapters.github.cache import EtagCache, Kept
from album_operator.adapters.github.connection import Connection, TunnelError
from album_operator.adapters.github.limits import Cost, Limits
from album_operator.adapters.github.line import LateError
from album_operator.codec.foreign_json import ExcessiveError
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import ForgePlace
from album_operator.term import Term

API_VERSION = "2022-11-28"

ACCEPT = "application/vnd.github+json, application/vnd.github.merge-info-preview+json"
"""The second is for `mergeStateStatus` of older GitHub Enterprise Servers."""

APP = Cost("app")
"""Tokens of a GitHub App count against a limit of the App's own."""

MINTS = 2
"""Tokens of an App that may still be on their way, and are taken out of messages."""

# At DEBUG it logs answers as they are, tokens of a GitHub App among them.
logging.getLogger("github.Requester").setLevel(logging.INFO)

Slim = Callable[[Any], Any]
"""Takes out of an answer what is read of it, as JSON: lists of GitHub have megabytes."""


FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    github.GithubException,
    OSError,
    RuntimeError,
    AssertionError,
    ValueError,
)
"""What a request may raise; PyGithub checks with `assert` and reads headers as numbers."""


@dataclass(frozen=True)
class Request:
    """What to send.

    Attributes:
        path: below the API's base URL, with its query; None for GraphQL.
        slim: for a GET, which is then conditional.
    """

    method: str
    path: str | None
    cost: Cost
    body: Any = None
    slim: Slim | None = None


class Session:
    """PyGithub with one credential at one forge.

    Args:
        place: any repository there.
        cache: of all sessions.
        limits: of this credential.
        time_limit: longest a request may take, in seconds.
        connection: to the forge's host.
        term: asked right before each write.
    """

    def __init__(
        self,
        place: ForgePlace,
        cache: EtagCache,
        limits: Limits,
        time_limit: int,
        connection: Connection,
        term: Term,
    ) -> None:
        self._key = key_of(place)
        self._cache = cache
        self._limits = limits
        self._time_limit = time_limit
        self._connection = connection
        self._term = term
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="github")
        self._github: github.Github | None = None
        self._minted: tuple[str, ...] = ()

    def close(self) -> None:
        """Let what was begun end, and close the connection then."""
        self._executor.submit(self._connection.close)
        self._executor.shutdown(wait=False)

    async def send(self, place: ForgePlace, request: Request) -> GitHubAnswer:
        """Send a request after those before it.

        Raises:
            OutsideError: it must not be sent now, no answer came, or the answer is a limit.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._send, place, request)

    async def give_token(self, place: ForgePlace) -> tuple[str, Mapping[str, Any] | None]:
        """Give the token that is valid now, and its permissions where it is a GitHub App's."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._give_token, place)

    def _give_token(self, place: ForgePlace) -> tuple[str, Mapping[str, Any] | None]:
        with self._translated(place):
            auth = self._connected(place).auth
            if isinstance(auth, InstallationAuth):
                return auth.token, auth.permissions
        return place.credential.token, None

    def _send(self, place: ForgePlace, request: Request) -> GitHubAnswer:
        with self._translated(place):
            self._limits.check(request.cost)
            requester = self._connected(place)
            key = (self._key, request.path or "")
            kept = self._cache.find(key) if request.slim is not None else None
            headers = {"If-None-Match": kept.etag} if kept is not None else {}
            if request.method != "GET":
                self._term.check()
            answer = self._exchange(place, requester, request, headers)
            self._limits.note(request.cost, answer.status, answer.headers, answer.said)
            if answer.status == 401 and isinstance(requester.auth, InstallationAuth):
                # Such a token was good when it was made: take another one the next time.
                self._github = None
                raise unavailable(place, f"it refused its own token: {answer.said}")
            if answer.status == 304 and kept is not None:
                return replace(answer, status=200, body=json.loads(kept.text))
            if answer.status != 200 or request.slim is None:
                return answer
            return replace(answer, body=self._keep(place, key, answer, request.slim))

    def _keep(
        self, place: ForgePlace, key: tuple[object, str], answer: GitHubAnswer, slim: Slim
    ) -> Any:  # noqa: ANN401 - JSON
        try:
            body = slim(answer.body)
        except ODD as error:
            raise garbage(place, f"it has no proper {_words(error)}") from error
        etag = answer.headers.get("etag")
        if etag:
            self._cache.keep(key, Kept(etag, json.dumps(body)))
        return body

    def _connected(self, place: ForgePlace) -> Requester:
        """Give what sends, with a token that is good for a while."""
        if self._github is None:
            auth = make_auth(
                place.credential, lambda requester, number: self._mint(place, requester, number)
            )
            self._github = github.Github(
                base_url=place.api_url,
                auth=auth,
                user_agent="album-operator",
                api_version=API_VERSION,
                timeout=self._time_limit,
                per_page=100,
                # Ours are the retries and the waits.
                retry=None,
                seconds_between_requests=0,
                seconds_between_writes=0,
                lazy=True,
            )
        return self._github.requester

    def _exchange(
        self, place: ForgePlace, requester: Requester, request: Request, headers: dict[str, str]
    ) -> GitHubAnswer:
        status, answered, text = requester.requestJson(
            request.method,
            requester.graphql_url if request.path is None else request.path,
            headers={"Accept": ACCEPT, **headers},
            input=request.body,
            cnx=self._connection,
        )
        return parse_answer(status, answered, text, lambda said: self._scrub(place, said))

    def _mint(
        self, place: ForgePlace, requester: Requester, installation_id: int
    ) -> Mapping[str, Any]:
        """Ask for a token of a GitHub App's installation."""
        self._limits.check(APP)
        path = f"/app/installations/{installation_id}/access_tokens"
        request = Request("POST", path, APP, {})
        answer = self._exchange(place, requester, request, {})
        if isinstance(requester.auth, AppAuth) and requester.auth.follow(answer):
            answer = self._exchange(place, requester, request, {})
        headers = {**answer.headers, "x-ratelimit-resource": APP.resource}
        self._limits.note(APP, answer.status, headers, answer.said)
        made = parse_token(place, answer)
        self._minted = (made["token"], *self._minted[: MINTS - 1])
        return made

    def _scrub(self, place: ForgePlace, text: str) -> str:
        """Take all secrets of the credential out of a text."""
        credential = place.credential
        text = scrub(text, credential)
        for token in self._minted:
            text = scrub(text, credential.with_token(token))
        return text

    @contextmanager
    def _translated(self, place: ForgePlace) -> Iterator[None]:
        """Turn what PyGithub and the libraries below it raise into an error for the user."""
        try:
            yield
        except OutsideError:
            raise
        except ExcessiveError as error:
            raise garbage(place, str(error)) from error
        except FAILURES as error:
            said = printable(self._scrub(place, _words(_root(error))))
            raise unavailable(place, said or type(error).__name__) from error


def key_of(place: ForgePlace) -> tuple[object, ...]:
    """Give what tells sessions apart: where, and with whose token."""
    return (place.api_url, place.credential.token, place.credential.app)


def _root(error: BaseException) -> BaseException:
    """Find the first cause: the libraries wrap `Connection refused` four times."""
    while (cause := error.__cause__ or error.__context__) is not None:
        if isinstance(error, LateError | TunnelError):
            break
        error = cause
    return error


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
