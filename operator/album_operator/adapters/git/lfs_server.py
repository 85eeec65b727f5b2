"""Git LFS's batch API, as much of it as a download needs (git-lfs, docs/api/batch.md).

Of our own, because git-lfs goes wherever a repository's `.lfsconfig` and a server's answer lead.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import yarl

from album_operator.adapters.foreign_words import WORDS_LENGTH, scrub
from album_operator.adapters.servers.addresses import check_address, check_found
from album_operator.adapters.servers.gateway import Gateway
from album_operator.adapters.servers.sessions import Sessions, read_at_most
from album_operator.adapters.servers.tunnels import refused_by
from album_operator.codec.foreign_json import parse_json
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import Credential
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head

MEDIA_TYPE = "application/vnd.git-lfs+json"

BATCH = 100
"""Objects asked for at a time, as git-lfs does."""

ANSWER_BYTES = 4 * 1024 * 1024

REDIRECTS = 3
"""A server may keep the objects elsewhere."""

CHUNK = 64 * 1024

RETRIED = frozenset({408, 429, *range(500, 600)})

# What the server tells us to show, it does not let us break the request with.
HEADER = re.compile(r"[A-Za-z0-9-]+")
OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})

ODD = (KeyError, TypeError, AttributeError, ValueError, IndexError)


@dataclass(frozen=True)
class _Way:
    """How an object is got.

    Attributes:
        headers: to be shown to the URL's host; they may hold a token.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class LfsServer:
    """One server of Git LFS.

    Args:
        endpoint: URL of its API.
        credential: shown there if it is for that place.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers.
        time_limit: longest a request may take in all.
    """

    def __init__(
        self,
        endpoint: str,
        credential: Credential,
        insecure_hosts: Collection[str],
        allowed_hosts: Collection[str],
        gateway: Gateway,
        time_limit: timedelta,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._credential = credential
        self._insecure_hosts, self._allowed_hosts = insecure_hosts, allowed_hosts
        self._proxies = gateway.proxies
        check = partial(check_found, listed={*insecure_hosts, *allowed_hosts})
        self._sessions = Sessions(gateway, check, time_limit)

    async def download(self, wanted: Mapping[str, int], folder: Path) -> None:
        """Put objects into a folder, each by its id; what is there is what was asked for.

        Args:
            wanted: bytes of each object by its SHA-256.
            folder: gets the files.

        Raises:
            TransientError: a try later may do.
            TerminalError: the server has not got one, lets us have none, or leads where the
                operator does not go.
        """
        objects = iter(wanted.items())
        try:
            while batch := dict(islice(objects, BATCH)):
                for oid, way in (await self._ask(batch)).items():
                    await self._get(way, oid, batch[oid], folder / oid)
        finally:
            await self._sessions.close()

    async def _ask(self, batch: Mapping[str, int]) -> Mapping[str, _Way]:
        body = {
            "operation": "download",
            "transfers": ["basic"],
            "hash_algo": "sha256",
            "objects": [{"oid": oid, "size": size} for oid, size in batch.items()],
        }
        headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, **self._authorization()}
        way = _Way(f"{self._endpoint}/objects/batch", headers)
        check_address(way.url, self._insecure_hosts, self._allowed_hosts)
        async with self._request("POST", way, json.dumps(body).encode()) as response:
            self._check(response.status)
            data = await read_at_most(response, ANSWER_BYTES)
        try:
            answered = {one["oid"]: one for one in parse_json(data)["objects"]}
            return {oid: self._read(oid, answered[oid]) for oid in batch}
        except ODD as error:
            raise self._unavailable("what it answered is no list of objects") from error

    def _read(self, oid: str, answer: Mapping[str, Any]) -> _Way:
        if (error := answer.get("error")) is not None:
            said = f"{error.get('code', '')} {error.get('message', '')}".strip()
            raise self._refused(f"It has not got object {oid[:12]} for us: {self._clean(said)}.")
        action = answer["actions"]["download"]
        url = str(action["href"])
        headers = {
            str(name): str(value)
            for name, value in (action.get("header") or {}).items()
            if HEADER.fullmatch(name) and name.lower() not in OURS
        }
        is_ours = _origin_of(url) == _origin_of(self._endpoint)
        if is_ours and "authorization" not in map(str.lower, headers):
            headers |= self._authorization()
        return _Way(url, headers)

    async def _get(self, way: _Way, oid: str, size: int, path: Path) -> None:
        for _ in range(1 + REDIRECTS):
            async with self._request("GET", way) as response:
                target = response.headers.get("Location")
                if response.status in {301, 302, 303, 307, 308} and target:
                    way = _redirected(way, target)
                    continue
                self._check(response.status)
                await self._write(response, oid, size, path)
                return
        raise self._unavailable(f"it redirects more than {REDIRECTS} times")

    async def _write(
        self, response: aiohttp.ClientResponse, oid: str, size: int, path: Path
    ) -> None:
        digest, count = hashlib.sha256(), 0
        with path.open("wb") as stream:
            async for chunk in response.content.iter_chunked(CHUNK):
                count += len(chunk)
                if count > size:
                    break
                digest.update(chunk)
                stream.write(chunk)
        if count != size or digest.hexdigest() != oid:
            raise self._unavailable(f"what it gave for object {oid[:12]} is another content")

    @asynccontextmanager
    async def _request(
        self, method: str, way: _Way, data: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        check_address(_origin_of(way.url), self._insecure_hosts, self._allowed_hosts)
        proxy = self._proxies.find(way.url)
        try:
            async with self._sessions.through(proxy).request(
                method,
                yarl.URL(way.url, encoded=True),
                headers={**way.headers, "Accept-Encoding": "identity"},
                data=data,
                # What it is shown is for this host alone.
                allow_redirects=False,
                proxy=proxy.url if proxy is not None else None,
                proxy_headers=proxy.headers if proxy is not None else None,
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            if proxy is not None and isinstance(error, aiohttp.ClientHttpProxyError):
                raise self._unavailable(refused_by(proxy, error.status)) from error
            said = self._clean(str(error) or type(error).__name__)
            raise self._unavailable(f"{urlsplit(way.url).netloc}: {said}") from error

    def _authorization(self) -> dict[str, str]:
        credential = self._credential
        if not credential.token or not credential.may_go_to(self._endpoint):
            return {}
        pair = f"{credential.username}:{credential.token}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}

    def _check(self, status: int) -> None:
        if status == 200:
            return
        if status in RETRIED:
            raise self._unavailable(f"HTTP status {status}")
        if status in {401, 403}:
            shown = self._authorization()
            raise self._refused(
                f"It refused the token of the git Secret (HTTP status {status})."
                if shown
                else f"It wants a token (HTTP status {status}), and the git Secret of the source "
                "has none for it by its keys `url` and `token`."
            )
        raise self._refused(f"It does not serve the files (HTTP status {status}).")

    def _refused(self, said: str) -> TerminalError:
        return TerminalError(
            Reason.BUILD_FAILED,
            f"Files of Git LFS are asked for at {self._endpoint}. {said}",
            "Mend that there, or set spec.build.source.lfs: false in the pipeline for a build that "
            "needs none of them",
        )

    def _unavailable(self, said: str) -> TransientError:
        return TransientError(
            Reason.GIT_UNAVAILABLE, f"Git LFS at {self._endpoint} cannot be used: {said}."
        )

    def _clean(self, text: str) -> str:
        return head(scrub(text, self._credential), WORDS_LENGTH)


def _redirected(way: _Way, target: str) -> _Way:
    """Give the next URL, which is shown the headers only if it is on the same host."""
    url = urljoin(way.url, target)
    same = _origin_of(url) == _origin_of(way.url)
    return replace(way, url=url, headers=way.headers if same else {})


def _origin_of(url: str) -> str:
    """Give what of a URL decides who is gone to; servers choose the rest."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
