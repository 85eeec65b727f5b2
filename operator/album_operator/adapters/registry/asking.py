"""Questions to a registry, with what it wants to be shown, and what its answers mean."""

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from album_operator.adapters.registry.api import Answer, RegistryApi, Request
from album_operator.adapters.registry.challenge import parse_challenge
from album_operator.adapters.registry.failures import garbage, redirected, refused
from album_operator.adapters.registry.manifests import MOST
from album_operator.adapters.registry.tokens import PULL, PUSH, Tokens
from album_operator.domain.registry import ImagePlace

REDIRECTS = 3
"""How often a blob may be elsewhere: registries keep them in stores of others."""

DENIED = "requested access to the resource is denied"
"""Of a repository that is not there, too (distribution, `ErrorCodeDenied`; ghcr.io)."""

ELSEWHERE = frozenset({301, 302, 303, 307, 308})


class Asking:
    """Asks about one repository at a time.

    Args:
        api: sends requests.
    """

    def __init__(self, api: RegistryApi) -> None:
        self._api = api
        self._tokens = Tokens(api)

    async def ask(self, place: ImagePlace, method: str, path: str, accept: str) -> Answer | None:
        """Ask the registry; None where there is nothing."""
        answer = await self.answer(place, method, path, accept)
        if answer.status in ELSEWHERE:
            return await self._follow(place, method, f"{place.url}/v2/{place.path}/{path}", answer)
        if _is_missing(place, answer):
            return None
        if answer.status in {401, 403}:
            self._tokens.forget(place, PULL)
            raise refused(place, answer.said)
        if answer.status != 200:
            raise garbage(place, answer.said)
        return answer

    async def answer(self, place: ImagePlace, method: str, path: str, accept: str) -> Answer:
        """Ask the registry, and give whatever it says."""
        url = f"{place.url}/v2/{place.path}/{path}"
        return await self._send(place, PULL, Request(method, url, accept=accept, limit=MOST))

    async def put(self, place: ImagePlace, path: str, content: bytes, kind: str) -> Answer:
        """Give the registry something to keep, and give whatever it says.

        Args:
            place: the repository.
            path: below it.
            content: what is to be kept, as it is.
            kind: its media type.
        """
        url = f"{place.url}/v2/{place.path}/{path}"
        request = Request("PUT", url, content=content, content_type=kind)
        answer = await self._send(place, PUSH, request)
        if answer.status in {401, 403}:
            self._tokens.forget(place, PUSH)
        return answer

    async def _send(self, place: ImagePlace, actions: str, request: Request) -> Answer:
        """Send a request, with what the registry wants to be shown."""
        shown = self._tokens.find(place, actions)
        answer = await self._api.send(place, replace(request, authorization=shown))
        if answer.status == 401 and shown:
            # Harbor says only to who shows nothing where its tokens are made.
            self._tokens.forget(place, actions)
            shown = self._tokens.find(place, actions)
            answer = await self._api.send(place, replace(request, authorization=shown))
        if answer.status == 401:
            challenge = parse_challenge(place, answer.challenges)
            wanted = await self._tokens.make(place, actions, challenge)
            if wanted:
                answer = await self._api.send(place, replace(request, authorization=wanted))
        return answer

    async def _follow(
        self, place: ImagePlace, method: str, url: str, answer: Answer
    ) -> Answer | None:
        """Read a blob where the registry keeps it, which is shown nothing: its bytes are proved."""
        if method != "GET" or "/blobs/" not in url:
            raise redirected(place, urlsplit(_there(place, url, answer)).netloc)
        for _ in range(REDIRECTS):
            url = _there(place, url, answer)
            answer = await self._api.send(place, Request(method, url, limit=MOST))
            if answer.status not in ELSEWHERE:
                break
        if answer.status == 200:
            return answer
        if answer.status == 404:
            return None
        raise garbage(place, f"where it keeps its blobs, {answer.said} came")


def _there(place: ImagePlace, url: str, answer: Answer) -> str:
    """Give where a redirect leads."""
    try:
        there = urljoin(url, answer.headers["location"]).partition("#")[0]
        parts = urlsplit(there)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return there
    except (KeyError, ValueError):  # none, a bracket left open, a port that is no number
        pass
    raise garbage(place, "it leads to no URL")


def _is_missing(place: ImagePlace, answer: Answer) -> bool:
    """Tell whether an image is not there, or the repository that a push would make.

    Docker Hub, Quay and Harbor say of a repository that is not there yet what they say of one that
    a user must not see. Where they made a token for the credential it is good, and who may push to
    what is there may read it; so there is nothing.

    Raises:
        TransientError: no registry says that it is not there.
    """
    if answer.status == 404:
        if not answer.is_of_registry:
            raise garbage(place, f"{answer.said} came from no registry")
        return True
    login = place.credential
    is_made = answer.shown == "Bearer" and login is not None and not login.registry_token
    return is_made and (
        answer.status == 401 or (answer.status == 403 and answer.said.endswith(DENIED))
    )
