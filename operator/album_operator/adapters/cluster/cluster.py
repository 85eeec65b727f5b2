"""Requests to the API server, with plain JSON in and out and its errors translated."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from kubernetes.aio import client, config

from album_operator.adapters.cluster.refusals import (
    FORBIDDEN,
    Refusal,
    Right,
    error_of,
    forbidden,
    right_for,
)
from album_operator.clock import ServerClock
from album_operator.domain.errors import OutsideError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.requests import (
    RequestResult,
    TellRequest,
    judge_status,
    tell_nobody,
)
from album_operator.term import Term

FIELD_MANAGER = "album-operator"

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

MERGE_PATCH = "application/merge-patch+json"

REQUEST_TIMEOUT = 30
"""Seconds a request may take in all."""

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

METADATA_PAGE = 250
PAGE = 20
"""Objects of a list read at once; each has up to 1.5 MiB (etcd's own limit)."""

WATCH_CHUNK = 1 << 20
"""Bytes read at once of a watch. Its lines may be as long as objects are: `readline` of aiohttp
ends a watch at a line of 128 KiB."""


class Cluster:
    """One API server, by the official client's connection, credentials and TLS.

    Attributes:
        clock: follows the times of its answers.
    """

    def __init__(
        self,
        api: client.ApiClient,
        clock: ServerClock | None = None,
        term: Term | None = None,
        tell: TellRequest = tell_nobody,
    ) -> None:
        self._api = api
        self._tell = tell
        self._host = urlsplit(api.configuration.host).netloc
        self._term = term or Term.endless()
        self.clock = clock or ServerClock()

    @classmethod
    async def connect(
        cls, clock: ServerClock, term: Term, tell: TellRequest = tell_nobody
    ) -> "Cluster":
        """Connect as the Pod's ServiceAccount, else by the kubeconfig of the environment.

        Args:
            clock: follows the times of its answers.
            term: in which something may be written.
            tell: is told of each request; of a watch when it begins.

        Raises:
            kubernetes.aio.config.ConfigException: there is neither.
        """
        settings = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=settings)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=settings)
        return cls(client.ApiClient(settings), clock, term, tell)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read an object or a list."""
        return await self._request("GET", path, query)

    async def list_all(self, path: str, **query: str) -> AsyncIterator[dict[str, Any]]:
        """Read a list page by page: whoever may write to a namespace says how long it is."""
        more: str | None = ""
        while more is not None:
            page = await self.get(path, limit=str(PAGE), **query)
            for item in page.get("items", []):
                yield item
            more = page.get("metadata", {}).get("continue") or None
            query["continue"] = more or ""

    async def list_metadata(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Read the metadata alone of all objects of a list, page by page."""
        more = ""
        while True:
            query = {"limit": str(METADATA_PAGE)} | ({"continue": more} if more else {})
            page = await self._request("GET", path, query, accept=METADATA_ONLY)
            for item in page.get("items", []):
                yield item
            more = page.get("metadata", {}).get("continue") or ""
            if not more:
                return

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object; one that exists is a `ConflictError`."""
        return await self._request("POST", path, {"fieldManager": FIELD_MANAGER}, body)

    async def merge(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Apply a JSON merge patch (RFC 7386).

        With `metadata.resourceVersion` in it, a patch of an object that changed meanwhile is a
        `ConflictError`.
        """
        return await self._request(
            "PATCH", path, {"fieldManager": FIELD_MANAGER}, body, MERGE_PATCH
        )

    async def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Put an object in place of the one whose `metadata.resourceVersion` it has.

        One that changed meanwhile is a `ConflictError`.
        """
        return await self._request("PUT", path, {"fieldManager": FIELD_MANAGER}, body, JSON)

    async def delete(self, path: str, preconditions: Mapping[str, str]) -> dict[str, Any]:
        """Delete an object, and afterwards what it owns.

        Args:
            path: of the object.
            preconditions: `uid` and `resourceVersion` of the object as it was read; it is a
                `ConflictError` where it is another one by now, or changed.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": preconditions,
            "propagationPolicy": "Background",
        }
        return await self._request("DELETE", path, {}, options, JSON)

    async def try_merge(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask what `merge` would be answered with; nothing is changed (`dryRun`)."""
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All"}
        return await self._request("PATCH", path, query, body, MERGE_PATCH)

    async def watch(
        self, path: str, resource_version: str, seconds: int, idle: float
    ) -> AsyncIterator[dict[str, Any]]:
        """Follow changes after a resource version, as `{type, object}`.

        A line that cannot be read is an empty event.

        Args:
            path: of the list.
            resource_version: of the list or event read before.
            seconds: how long the server keeps the watch open.
            idle: seconds without a byte after which the watch counts as dead. The server sends a
                bookmark about each minute (kube-apiserver's `defaultBookmarkFrequency`).
        """
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        timeout = aiohttp.ClientTimeout(total=seconds + idle, sock_connect=idle, sock_read=idle)
        response = await self._send("GET", path, query, None, None, timeout)
        try:
            async for line in _lines(response.content):
                event = _parse(line)
                status = event.get("object")
                if event.get("type") == "ERROR" and isinstance(status, dict):
                    raise error_of(Refusal(path, status.get("code", 500), status))
                yield event
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error
        finally:
            response.close()

    async def is_allowed(self, right: Right) -> bool:
        """Ask the API server whether we may do something (SelfSubjectAccessReview)."""
        plural, _, subresource = right.resource.partition("/")
        attributes = {
            "namespace": right.namespace,
            "verb": right.verb,
            "group": right.group,
            "resource": plural,
        }
        if subresource:
            attributes["subresource"] = subresource
        review = await self.create(
            REVIEWS,
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
        return bool(review.get("status", {}).get("allowed"))

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        accept: str = JSON,
    ) -> dict[str, Any]:
        response = await self._send(
            method, path, query, body, content_type, REQUEST_TIMEOUT, accept
        )
        try:
            answer = _parse(await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error
        if not answer:
            raise TransientError(
                Reason.CLUSTER_UNAVAILABLE, f"The answer for {path} is nothing that can be read."
            )
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        content_type: str | None,
        timeout: float | aiohttp.ClientTimeout,
        accept: str = JSON,
    ) -> aiohttp.ClientResponse:
        url = f"{self._api.configuration.host}{path}"
        if query:
            url += f"?{urlencode(query)}"
        headers = {"Accept": accept, "User-Agent": FIELD_MANAGER}
        if content_type is not None:
            headers["Content-Type"] = content_type
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        if method != "GET":
            self._term.check()
        begun = time.monotonic()
        try:
            answer = await self._api.call_api(method, url, headers, body, _request_timeout=timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._tell(self._host, RequestResult.TRANSIENT, time.monotonic() - begun)
            raise _unreachable(error) from error
        response: aiohttp.ClientResponse = answer.response
        self._tell(self._host, judge_status(response.status), time.monotonic() - begun)
        self.clock.note(response.headers.get("Date"))
        if response.status >= 400:
            right = right_for(method, path, watch="watch" in query)
            raise await self._judge(await _read_refusal(response, path), right)
        return response

    async def _judge(self, refusal: Refusal, right: Right | None) -> OutsideError:
        """Say what a refusal means: a right is missing only where the API server says so.

        Around its own restart it refuses what is allowed, and answers 401, 403 and 404 alike.
        """
        error = error_of(refusal)
        if refusal.code != FORBIDDEN or right is None:
            return error
        try:
            return error if await self.is_allowed(right) else forbidden(refusal, right)
        except OutsideError:
            return error


def path_of(api: str, plural: str, namespace: str, name: str | None = None, sub: str = "") -> str:
    """Give the path of an object or of a list.

    Args:
        api: such as `/apis/album.dev/v1alpha1` or `/api/v1`.
        plural: resource name.
        namespace: its namespace.
        name: of the object, None for the list.
        sub: subresource.
    """
    path = f"{api}/namespaces/{quote(namespace, safe='')}/{plural}"
    if name is not None:
        path += f"/{quote(name, safe='')}"
    return f"{path}/{sub}" if sub else path


def application_path(namespace: str, name: str | None = None) -> str:
    """Give the path of an Argo CD Application, or of those of a namespace."""
    return path_of("/apis/argoproj.io/v1alpha1", "applications", namespace, name)


def parse_time(text: str | None) -> datetime | None:
    """Read a Kubernetes time, with or without fractions of a second; None where nobody can.

    The API server takes a year 0, which has no place in a `datetime`.
    """
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
    except ValueError:
        return None


async def _read_refusal(response: aiohttp.ClientResponse, path: str) -> Refusal:
    try:
        status = _parse(await response.read())
    except (aiohttp.ClientError, TimeoutError):
        status = {}
    known = status if status.get("kind") == "Status" else {}
    return Refusal(path, response.status, known, response.headers.get("Retry-After"))


def _parse(text: bytes) -> dict[str, Any]:
    """Read a JSON object; empty for anything else, and for one too deep to be read."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in content.iter_chunked(WATCH_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


def _unreachable(error: Exception) -> TransientError:
    what = str(error) or type(error).__name__
    return TransientError(
        Reason.CLUSTER_UNAVAILABLE, f"The API server cannot be reached: {head(what, 256)}."
    )
