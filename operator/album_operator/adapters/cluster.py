"""Requests to the API server, with plain JSON in and out and its errors translated."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio import client, config

from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.reasons import Reason

FIELD_MANAGER = "album-operator"

MERGE_PATCH = "application/merge-patch+json"

REQUEST_TIMEOUT = 30
"""Seconds a request may take in all."""

NOT_FOUND, CONFLICT, GONE = 404, 409, 410

RETRIED = frozenset({408, 429, 500, 502, 503, 504})


class NotFoundError(TerminalError):
    """The API server has no such object."""


class ConflictError(StaleError):
    """The object changed since it was read, or exists already."""


class GoneError(TransientError):
    """The resource version asked for is too old to watch from."""


class Cluster:
    """One API server, by the official client's connection, credentials and TLS."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    @classmethod
    async def connect(cls) -> "Cluster":
        """Connect as the Pod's ServiceAccount, else by the kubeconfig of the environment.

        Raises:
            kubernetes.aio.config.ConfigException: there is neither.
        """
        settings = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=settings)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=settings)
        return cls(client.ApiClient(settings))

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read an object or a list."""
        return await self._request("GET", path, query)

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

    async def watch(
        self, path: str, resource_version: str, seconds: int
    ) -> AsyncIterator[dict[str, Any]]:
        """Follow changes after a resource version, as `{type, object}`.

        Args:
            path: of the list.
            resource_version: of the list read before.
            seconds: how long the server keeps the watch open.
        """
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        timeout = aiohttp.ClientTimeout(total=seconds + 30, sock_read=seconds + 30)
        response = await self._send("GET", path, query, None, None, timeout)
        try:
            async for line in response.content:
                event = json.loads(line)
                if event.get("type") == "ERROR":
                    _raise(event["object"].get("code", 500), event["object"], path, None)
                yield event
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unreachable(error) from error
        finally:
            response.close()

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> dict[str, Any]:
        response = await self._send(method, path, query, body, content_type, REQUEST_TIMEOUT)
        try:
            answer = json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unreachable(error) from error
        if not isinstance(answer, dict):
            raise _unreachable(ValueError("the answer is no JSON object"))
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        content_type: str | None,
        timeout: float | aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        url = f"{self._api.configuration.host}{path}"
        if query:
            url += f"?{urlencode(query)}"
        headers = {"Accept": "application/json", "User-Agent": FIELD_MANAGER}
        if content_type is not None:
            headers["Content-Type"] = content_type
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        try:
            answer = await self._api.call_api(method, url, headers, body, _request_timeout=timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error
        response: aiohttp.ClientResponse = answer.response
        if response.status >= 400:
            await _refuse(response, path)
        return response


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


def parse_time(text: str | None) -> datetime | None:
    """Read a Kubernetes time, with or without fractions of a second."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


async def _refuse(response: aiohttp.ClientResponse, path: str) -> None:
    try:
        status = json.loads(await response.read())
    except (aiohttp.ClientError, TimeoutError, ValueError):
        status = {}
    _raise(
        response.status,
        status if isinstance(status, dict) else {},
        path,
        response.headers.get("Retry-After"),
    )


def _raise(code: int, status: Mapping[str, Any], path: str, retry_after: str | None) -> None:
    said = str(status.get("message") or f"HTTP status {code}")[:512]
    if code == NOT_FOUND:
        raise NotFoundError(Reason.FORBIDDEN, f"The API server has no {path}: {said}.")
    if code == CONFLICT:
        raise ConflictError(Reason.CLUSTER_UNAVAILABLE, f"The object changed meanwhile: {said}.")
    if code == GONE:
        raise GoneError(Reason.CLUSTER_UNAVAILABLE, f"The watch is too old: {said}.")
    if code in RETRIED:
        digits = retry_after or ""
        wait = timedelta(seconds=int(digits)) if digits.isdigit() else None
        raise TransientError(
            Reason.CLUSTER_UNAVAILABLE, f"The API server cannot answer now: {said}.", wait
        )
    if code not in {401, 403}:
        raise TerminalError(Reason.INTERNAL_ERROR, f"The API server did not understand: {said}.")
    raise TerminalError(
        Reason.FORBIDDEN,
        f"The API server refused the operator: {said}. Give its ServiceAccount the rights of "
        "manifests/namespace and manifests/argocd, then set the annotation album.dev/retry.",
    )


def _unreachable(error: Exception) -> TransientError:
    what = str(error) or type(error).__name__
    return TransientError(
        Reason.CLUSTER_UNAVAILABLE, f"The API server cannot be reached: {what[:256]}."
    )


async def is_allowed(
    cluster: Cluster, namespace: str, verb: str, group: str, resource: str
) -> bool:
    """Ask the API server whether we may do something (SelfSubjectAccessReview)."""
    plural, _, subresource = resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": plural}
    if subresource:
        attributes["subresource"] = subresource
    review = await cluster.create(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        },
    )
    return bool(review.get("status", {}).get("allowed"))
