"""Requests to GitHubs, each to the one host its credential is for."""

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from album_operator.adapters.forge_answers import ITEMS, READING, find_failure, require
from album_operator.adapters.forge_failures import (
    SHARES,
    ListTooLongError,
    garbage,
    no_name,
    redirected,
    repository_not_found,
)
from album_operator.adapters.github.answers import (
    GitHubAnswer,
    credential_refused,
    is_right_missing,
    name_missing_right,
    renamed,
)
from album_operator.adapters.github.auth import INSTALLATION_TOKEN
from album_operator.adapters.github.cache import EtagCache
from album_operator.adapters.github.connection import LOCATION, connect
from album_operator.adapters.github.limits import MUTATION, QUERY, READ, WRITE, Cost, Limits
from album_operator.adapters.github.session import Request, Session, Slim, key_of
from album_operator.adapters.servers.addresses import (
    check_address,
    check_forge_credential,
    check_found,
)
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import RepositorySeen
from album_operator.domain.reasons import Reason

REPOSITORY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9._-]+")

SESSIONS = 100
"""Most credentials that are kept with their connection and limits, each in a thread."""

PAGE = 100


class GitHubApi:
    """Sends requests about repositories.

    Args:
        insecure_hosts: `host[:port]` of forges that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a request may take, in seconds.
        make_limits: gives a credential's limits at the forge of that base URL.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        allowed_hosts: Collection[str],
        gateway: Gateway | None,
        time_limit: int,
        make_limits: Callable[[str], Limits],
    ) -> None:
        self._insecure_hosts = frozenset(insecure_hosts)
        self._allowed_hosts = frozenset(allowed_hosts)
        self._gateway = gateway or Gateway(SHARES, Reason.FORGE_UNAVAILABLE)
        self._listed = self._insecure_hosts | self._allowed_hosts
        self._check_found = partial(check_found, listed=self._listed)
        self._time_limit = time_limit
        self._make_limits = make_limits
        self._cache = EtagCache()
        self._sessions: OrderedDict[tuple[object, ...], Session] = OrderedDict()

    def close(self) -> None:
        """Close all connections."""
        while self._sessions:
            self._sessions.popitem()[1].close()

    async def get_repository(self, place: ForgePlace) -> RepositorySeen:
        """Read the repository; also tells a missing one from a missing pull request: both are 404.

        Raises:
            TerminalError: `RepositoryNotFound`.
        """
        answer = await self._send(place, Request("GET", _path(place), READ, None, _slim_repository))
        if answer.status == 404:
            raise repository_not_found(place, name_missing_right(answer))
        require(place, answer, 200, "read")
        name, is_archived, may_push = answer.body
        if name.lower() != place.repository.lower():
            raise renamed(place, name)
        if place.credential.token.startswith(INSTALLATION_TOKEN):
            may_push = True
        elif place.credential.app is not None:
            # For an App's token `permissions.push` of a repository is always false.
            _, permissions = await self._give_token(place)
            may_push = (
                permissions.get("contents") == "write" if permissions is not None else may_push
            )
        return RepositorySeen(is_archived, may_push)

    async def read(self, place: ForgePlace, path: str, slim: Slim) -> Any:  # noqa: ANN401 - JSON
        """Read what must be there; what did not change since is not sent again.

        Args:
            place: the repository.
            path: below the repository, percent-encoded, with its query.
            slim: takes out of the answer what is read of it.

        Raises:
            OutsideError: it cannot be read, or the repository is not there.
        """
        return (await self.ask(place, path, slim)).body

    async def ask(self, place: ForgePlace, path: str, slim: Slim) -> GitHubAnswer:
        """Do as `read` does, and give the whole answer."""
        answer = await self._send(place, Request("GET", _path(place) + path, READ, None, slim))
        if answer.status == 404:
            await self.get_repository(place)
        require(place, answer, 200, READING)
        return answer

    async def list(self, place: ForgePlace, path: str, slim: Slim) -> AsyncIterator[Any]:
        """Give what is read of each item of a list, page by page as they are taken.

        Args:
            place: the repository.
            path: as of `read`.
            slim: takes out of a page what is read of it, item by item.

        Raises:
            ListTooLongError: at the end of what is read of a list that goes on.
        """
        joint = "&" if "?" in path else "?"
        for page in range(1, ITEMS // PAGE + 1):
            items = await self.read(place, f"{path}{joint}per_page={PAGE}&page={page}", slim)
            for item in items:
                yield item
            if len(items) < PAGE:
                return
        raise ListTooLongError(place, ITEMS)

    async def send(
        self,
        place: ForgePlace,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        cost: Cost = WRITE,
    ) -> GitHubAnswer:
        """Send one request about a repository.

        Args:
            place: the repository.
            method: of HTTP.
            path: below the repository, percent-encoded, with its query.
            body: sent as JSON.
            cost: what it counts for.

        Raises:
            OutsideError: it must not be sent, or no answer came.
        """
        return await self._send(place, Request(method, _path(place) + path, cost, body))

    async def query(
        self, place: ForgePlace, text: str, variables: Mapping[str, Any]
    ) -> GitHubAnswer:
        """Ask in GraphQL; `owner` and `name` of the repository are among the variables.

        Returns:
            An answer with at least a part of the data.
        """
        owner, name = place.repository.split("/")
        variables = {"owner": owner, "name": name, **variables}
        answer = await self._graphql(place, QUERY, text, variables)
        repository = _repository(answer)
        if repository is None:
            await self.get_repository(place)
            if is_right_missing(answer):
                raise credential_refused(place, answer, READING)
            raise garbage(place, answer.said)
        found = repository.get("nameWithOwner")
        if not isinstance(found, str):
            raise garbage(place, "a repository has no name")
        if found.lower() != place.repository.lower():
            raise renamed(place, found)
        return answer

    async def mutate(self, place: ForgePlace, name: str, wish: Mapping[str, Any]) -> GitHubAnswer:
        """Change something by a mutation of GraphQL; what it did not do is in `errors`."""
        kind = name[:1].upper() + name[1:]
        text = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ clientMutationId }} }}"
        return await self._graphql(place, MUTATION, text, {"input": wish})

    async def give_token(self, place: ForgePlace) -> str:
        """Give a token that is good for a while."""
        self._check(place)
        return (await self._give_token(place))[0]

    async def _graphql(
        self, place: ForgePlace, cost: Cost, text: str, variables: Mapping[str, Any]
    ) -> GitHubAnswer:
        body = {"query": text, "variables": variables}
        answer = await self._send(place, Request("POST", None, cost, body))
        require(place, answer, 200, READING)
        if not isinstance(answer.body, dict) or not (answer.body.get("data") or answer.errors):
            raise garbage(place, "it has neither data nor errors")
        return answer

    async def _send(self, place: ForgePlace, request: Request) -> GitHubAnswer:
        self._check(place)
        answer = await self._exchange(place, request)
        if 300 <= answer.status < 400 and answer.status != 304:
            raise await self._moved(place, answer)
        return answer

    async def _exchange(self, place: ForgePlace, request: Request) -> GitHubAnswer:
        return await self._gateway.run(
            place,
            lambda: self._session(place).send(place, request),
            check=self._check_found,
            proxy=self._gateway.proxies.find(place.api_url),
            find_failure=find_failure,
        )

    async def _give_token(self, place: ForgePlace) -> tuple[str, Mapping[str, Any] | None]:
        return await self._gateway.run(
            place,
            lambda: self._session(place).give_token(place),
            check=self._check_found,
            proxy=self._gateway.proxies.find(place.api_url),
        )

    async def _moved(self, place: ForgePlace, answer: GitHubAnswer) -> OutsideError:
        """Say where a redirect leads; it is never followed as it is written."""
        target, api = urlsplit(answer.headers.get(LOCATION, "")), urlsplit(place.api_url)
        number = re.fullmatch(
            re.escape(api.path) + r"(/repositories/[0-9]{1,18})(/.*)?", target.path
        )
        if number is not None and (target.scheme, target.netloc) == (api.scheme, api.netloc):
            asked = Request("GET", number[1], READ, None, _slim_repository)
            now = await self._exchange(place, asked)
            if now.status == 200:
                return renamed(place, now.body[0])
        return redirected(place)

    def _check(self, place: ForgePlace) -> None:
        check_address(place.api_url, self._insecure_hosts, self._allowed_hosts)
        if not REPOSITORY.fullmatch(place.repository) or ".." in place.repository:
            raise no_name(place)
        check_forge_credential(place.credential, place.api_url, place.url)

    def _session(self, place: ForgePlace) -> Session:
        key = key_of(place)
        if key not in self._sessions:
            limits = self._make_limits(place.api_url)
            proxy = self._gateway.proxies.find(place.api_url)
            line = connect(place.api_url, self._time_limit, self._listed, proxy)
            self._sessions[key] = Session(
                place, self._cache, limits, self._time_limit, line, self._gateway.term
            )
            if len(self._sessions) > SESSIONS:
                self._sessions.popitem(last=False)[1].close()
        self._sessions.move_to_end(key)
        return self._sessions[key]


def _path(place: ForgePlace) -> str:
    return f"/repos/{place.repository}"


def _slim_repository(raw: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Give name, whether it is archived, and whether our user may push."""
    may_push = (raw.get("permissions") or {}).get("push", False)
    return [str(raw["full_name"]), bool(raw["archived"]), bool(may_push)]


def _repository(answer: GitHubAnswer) -> Mapping[str, Any] | None:
    data = answer.body.get("data")
    found = data.get("repository") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else None
