"""Requests to a Gitea's API v1, each to the one host its token is for."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import yarl

from album_operator.adapters.foreign_words import WORDS_LENGTH, scrub
from album_operator.adapters.forge_answers import ITEMS, READING, find_failure, reading, require
from album_operator.adapters.forge_failures import (
    SHARES,
    ListTooLongError,
    commit_unknown,
    garbage,
    no_name,
    repository_not_found,
    unavailable,
)
from album_operator.adapters.gitea.answers import GiteaAnswer, parse_answer
from album_operator.adapters.servers.addresses import (
    check_address,
    check_forge_credential,
    check_found,
)
from album_operator.adapters.servers.gateway import Gateway
from album_operator.adapters.servers.sessions import Sessions, read_at_most
from album_operator.adapters.servers.tunnels import refused_by
from album_operator.codec.foreign_json import BYTES
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import ForgePlace
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head

REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")

TIME_LIMIT = timedelta(seconds=20)
"""Longest a request may take in all."""

PAGE = 50
"""Items asked for at once: Gitea's own limit, unless its admin lowered it."""


class GiteaApi:
    """Sends requests about repositories.

    Args:
        insecure_hosts: `host[:port]` of forges that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a request may take in all.
        refused_pause: after which a token that was refused is tried once more.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        allowed_hosts: Collection[str],
        gateway: Gateway | None,
        time_limit: timedelta,
        refused_pause: timedelta,
    ) -> None:
        self._insecure_hosts = frozenset(insecure_hosts)
        self._allowed_hosts = frozenset(allowed_hosts)
        self._gateway = gateway or Gateway(SHARES, Reason.FORGE_UNAVAILABLE)
        self._check_found = partial(check_found, listed={*insecure_hosts, *allowed_hosts})
        self._refused_pause = refused_pause
        self._sessions = Sessions(self._gateway, self._check_found, time_limit)

    async def close(self) -> None:
        """Close all connections."""
        await self._sessions.close()

    async def get_repository(self, place: ForgePlace) -> Any:  # noqa: ANN401 - JSON
        """Read the repository; also tells a missing one from a missing pull request: both are 404.

        Raises:
            TerminalError: `RepositoryNotFound`.
        """
        answer = await self.send(place, "GET", "")
        if answer.status == 404:
            raise repository_not_found(place)
        require(place, answer, 200, "read")
        return answer.body

    async def read(self, place: ForgePlace, path: str) -> Any:  # noqa: ANN401 - JSON
        """Read what must be there.

        Raises:
            OutsideError: it cannot be read, or the repository is not there.
        """
        return (await self._ask(place, path)).body

    async def list(self, place: ForgePlace, path: str) -> AsyncIterator[Mapping[str, Any]]:
        """Give the items of a list, page by page as they are taken.

        An admin of Gitea may have lowered how many a page has (MAX_RESPONSE_ITEMS), so a short one
        need not be the last.

        Args:
            place: the repository.
            path: with a query.

        Raises:
            ListTooLongError: at the end of what is read of a list that goes on.
        """
        count = 0
        for page in itertools.count(1):
            answer = await self._ask(place, f"{path}&limit={PAGE}&page={page}")
            # Where a timeline has ended Gitea answers null.
            if not isinstance(answer.body, list | None):
                raise garbage(place, "a list is no list")
            for raw in answer.body or ():
                yield raw
            count += len(answer.body or ())
            if not answer.body or (answer.total is not None and count >= answer.total):
                return
            if count >= ITEMS:
                raise ListTooLongError(place, ITEMS)

    async def list_statuses(self, place: ForgePlace, commit: str) -> Sequence[Mapping[str, Any]]:
        """Give the last status of each context of a commit."""
        found: list[Mapping[str, Any]] = []
        for page in itertools.count(1):
            path = f"/commits/{commit}/status?limit={PAGE}&page={page}"
            body = (await self._ask(place, path, commit_unknown(place, commit))).body
            with reading(place, "statuses have"):
                statuses = body.get("statuses") or []
                found += statuses
            # Gitea's `total_count` counts the statuses of the page.
            if not statuses:
                break
            if len(found) >= ITEMS:
                raise ListTooLongError(place, ITEMS)
        return found

    async def _ask(
        self, place: ForgePlace, path: str, missing: OutsideError | None = None
    ) -> GiteaAnswer:
        answer = await self.send(place, "GET", path)
        if answer.status == 404:
            await self.get_repository(place)
            if missing is not None:
                raise missing
        require(place, answer, 200, READING)
        return answer

    async def send(
        self, place: ForgePlace, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> GiteaAnswer:
        """Send one request about a repository.

        Args:
            place: the repository.
            method: of HTTP.
            path: below the repository, percent-encoded, with its query.
            body: sent as JSON.

        Raises:
            OutsideError: it must not be sent, or no answer came.
        """
        answer = await self._send_once(place, method, path, body)
        if answer.status == 401:
            # A Gitea that shuts down has closed its database, and answers so to any token.
            await asyncio.sleep(self._refused_pause.total_seconds())
            answer = await self._send_once(place, method, path, body)
        return answer

    async def _send_once(
        self, place: ForgePlace, method: str, path: str, body: Mapping[str, Any] | None
    ) -> GiteaAnswer:
        self._check(place)
        return await self._gateway.run(
            place,
            lambda: self._exchange(place, method, path, body),
            check=self._check_found,
            proxy=self._gateway.proxies.find(place.api_url),
            find_failure=find_failure,
        )

    async def _exchange(
        self, place: ForgePlace, method: str, path: str, body: Mapping[str, Any] | None
    ) -> GiteaAnswer:
        url = f"{place.api_url}/repos/{place.repository}{path}"
        headers = {
            "Accept": "application/json",
            "Authorization": f"token {place.credential.token}",
            "User-Agent": "album-operator",
        }
        proxy = self._gateway.proxies.find(place.api_url)
        if method != "GET":
            self._gateway.term.check()
        try:
            async with self._sessions.through(proxy).request(
                method,
                yarl.URL(url, encoded=True),
                headers=headers,
                json=body,
                # The token is for this host alone.
                allow_redirects=False,
                proxy=proxy.url if proxy is not None else None,
                proxy_headers=proxy.headers if proxy is not None else None,
            ) as response:
                answered = {name.lower(): value for name, value in response.headers.items()}
                data = await read_at_most(response, BYTES)
                return parse_answer(place, response.status, answered, data)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if proxy is not None and isinstance(error, aiohttp.ClientHttpProxyError):
                raise unavailable(place, refused_by(proxy, error.status)) from error
            said = str(error) or type(error).__name__
            raise unavailable(place, head(scrub(said, place.credential), WORDS_LENGTH)) from error

    def _check(self, place: ForgePlace) -> None:
        check_address(place.api_url, self._insecure_hosts, self._allowed_hosts)
        if not REPOSITORY.fullmatch(place.repository) or ".." in place.repository:
            raise no_name(place)
        check_forge_credential(place.credential, place.api_url, place.url)
