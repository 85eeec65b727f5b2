"""Pull requests of a Gitea or Forgejo; the adapter of port `PullRequests`.

Written against Gitea 1.26: `/repos/{owner}/{name}/pulls` and `/pulls/{base}/{head}` of its API v1.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import yarl

from album_operator.adapters.addresses import check_address, check_forge_credential
from album_operator.adapters.git_failures import WORDS_LENGTH, scrub
from album_operator.adapters.git_names import check_ref_name
from album_operator.adapters.gitea_answers import (
    Answer,
    garbage,
    is_between,
    parse_answer,
    parse_pull_request,
    parse_repository,
    parse_retry_after,
    read_body,
    require,
    unavailable,
)
from album_operator.decisions.preflight import RETRY
from album_operator.domain.errors import TerminalError
from album_operator.domain.places import Draft, ForgePlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import PullRequestSeen, PullRequestState, RepositorySeen

API_PATH = "/api/v1"

REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")

TIME_LIMIT = timedelta(seconds=20)
"""Longest a request may take in all."""

PAGE = 50
"""Pull requests asked for at once: Gitea's own limit, unless its admin lowered it."""

PAGES = 20

REFUSED_PAUSE = timedelta(seconds=2)
"""After which a token that was refused is tried once more."""


class GiteaPullRequests:
    """Finds, reads and opens pull requests.

    Args:
        insecure_hosts: `host[:port]` of forges that may be spoken to in plain HTTP.
        time_limit: longest a request may take in all.
        refused_pause: after which a token that was refused is tried once more.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        time_limit: timedelta = TIME_LIMIT,
        refused_pause: timedelta = REFUSED_PAUSE,
    ) -> None:
        self._insecure_hosts = frozenset(insecure_hosts)
        self._timeout = aiohttp.ClientTimeout(total=time_limit.total_seconds())
        self._refused_pause = refused_pause
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def get_repository(self, place: ForgePlace) -> RepositorySeen:
        """Read what the token's user may do with the repository."""
        return parse_repository(place, await self._get_repository(place))

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from branch `head` of the same repository into `base`."""
        check_ref_name(head)
        check_ref_name(base)
        # Gitea gives any one of several for the same branches, so only an open one is the answer.
        any_one = f"/pulls/{quote(base, safe='')}/{quote(head, safe='')}"
        answer = await self._send(place, "GET", any_one)
        if answer.status == 404:
            await self._get_repository(place)
            return None
        require(place, answer, 200, "read pull requests of")
        found = parse_pull_request(place, answer.body)
        if found.state is PullRequestState.OPEN and is_between(answer.body, head, base):
            return found
        for state in ("open", "closed"):
            async for raw in self._list(place, base, state):
                if is_between(raw, head, base):
                    return parse_pull_request(place, raw)
        return None

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request."""
        answer = await self._send(place, "GET", f"/pulls/{int(number)}")
        if answer.status == 404:
            await self._get_repository(place)
            raise TerminalError(
                Reason.PULL_REQUEST_CLOSED,
                f"Pull request #{number} of {place.repository} no longer exists in "
                f"{place.api_url}. Delete its branch, {RETRY}.",
            )
        require(place, answer, 200, "read pull requests of")
        return parse_pull_request(place, answer.body)

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back."""
        check_ref_name(draft.head)
        check_ref_name(draft.base)
        body = {
            "head": draft.head,
            "base": draft.base,
            "title": draft.title,
            "body": draft.body,
        }
        answer = await self._send(place, "POST", "/pulls", body)
        if answer.status == 409:
            found = await self.find(place, draft.head, draft.base)
            if found is None or found.state is not PullRequestState.OPEN:
                raise unavailable(place, f"a pull request for {draft.head} came and went")
            return found
        if answer.status == 404:
            await self._get_repository(place)
            raise unavailable(place, f"it does not know branch {draft.head} or {draft.base} yet")
        require(place, answer, 201, "open pull requests in")
        return parse_pull_request(place, answer.body)

    async def _list(
        self, place: ForgePlace, base: str, state: str
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Give pull requests into a branch, newest first."""
        for page in range(1, PAGES + 1):
            query = f"?state={state}&base_branch={quote(base, safe='')}&limit={PAGE}&page={page}"
            answer = await self._send(place, "GET", f"/pulls{query}")
            if answer.status == 404:
                await self._get_repository(place)
            require(place, answer, 200, "read pull requests of")
            if not isinstance(answer.body, list):
                raise garbage(place, "a list of pull requests is no list")
            for raw in answer.body:
                yield raw
            if not answer.body:
                return

    async def _get_repository(self, place: ForgePlace) -> Any:  # noqa: ANN401 - JSON
        """Read the repository; also tells a missing one from a missing pull request: both are 404.

        Raises:
            TerminalError: `RepositoryNotFound`.
        """
        answer = await self._send(place, "GET", "")
        if answer.status == 404:
            raise TerminalError(
                Reason.REPOSITORY_NOT_FOUND,
                f"{place.repository} does not exist in {place.api_url}, or the token of Secret "
                f"{place.credential.secret} may not see it. Correct spec.config.repository of the "
                f"pipeline or the token's rights, {RETRY}.",
            )
        require(place, answer, 200, "read")
        return answer.body

    async def _send(
        self, place: ForgePlace, method: str, path: str, body: Mapping[str, str] | None = None
    ) -> Answer:
        answer = await self._send_once(place, method, path, body)
        if answer.status == 401:
            # A Gitea that shuts down has closed its database, and answers so to any token.
            await asyncio.sleep(self._refused_pause.total_seconds())
            answer = await self._send_once(place, method, path, body)
        return answer

    async def _send_once(
        self, place: ForgePlace, method: str, path: str, body: Mapping[str, str] | None
    ) -> Answer:
        self._check(place)
        url = f"{place.api_url}/repos/{place.repository}{path}"
        headers = {
            "Accept": "application/json",
            "Authorization": f"token {place.credential.token}",
            "User-Agent": "album-operator",
        }
        try:
            async with self._connected().request(
                method,
                yarl.URL(url, encoded=True),
                headers=headers,
                json=body,
                # The token is for this host alone.
                allow_redirects=False,
            ) as response:
                data = await read_body(response)
                wait = parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
                return parse_answer(place, response.status, data, wait)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = str(error) or type(error).__name__
            raise unavailable(place, scrub(said, place.credential)[:WORDS_LENGTH]) from error

    def _check(self, place: ForgePlace) -> None:
        check_address(place.api_url, self._insecure_hosts)
        if not REPOSITORY.fullmatch(place.repository) or ".." in place.repository:
            raise TerminalError(
                Reason.REPOSITORY_NOT_FOUND,
                f"{place.repository[:128]!r} is no owner/name of a Gitea repository. Correct "
                f"spec.config.repository of the pipeline, {RETRY}.",
            )
        web = place.api_url.removesuffix(API_PATH)
        check_forge_credential(place.credential, place.api_url, f"{web}/{place.repository}")

    def _connected(self) -> aiohttp.ClientSession:
        # Made at the first request, because a session belongs to the event loop that runs.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session
