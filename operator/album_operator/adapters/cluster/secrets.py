"""Credentials from Secrets of the release's namespace; the adapter of port `Secrets`."""

import asyncio
import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.refusals import NotFoundError
from album_operator.codec.docker_config import access_in, credential_in
from album_operator.domain.credential_errors import missing_key
from album_operator.domain.errors import OutsideError, TerminalError
from album_operator.domain.names import origin_of
from album_operator.domain.notifications import SinkSecret
from album_operator.domain.places import (
    APP_KEYS,
    INSTALLATION,
    USERNAME,
    Credential,
    GitHubApp,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import RegistryCredential
from album_operator.domain.registry_access import DOCKER_CONFIG, RegistryAccess
from album_operator.domain.release import Ref
from album_operator.secrecy import KnownSecrets


class ClusterSecrets:
    """Reads Secrets by name, each time anew, so that a replaced token works at once."""

    def __init__(self, cluster: Cluster, known: KnownSecrets | None = None) -> None:
        self._cluster = cluster
        self._known = known or KnownSecrets()

    async def find_credential(self, ref: Ref) -> Credential | None:
        """Read `url` with `token` and optionally `username`, or `identity` and `known_hosts`.

        In place of `token` there may be a GitHub App: `appID`, `installationID` and `privateKey`.
        """
        data = await self._find(ref)
        if data is None:
            return None
        identity = _decoded(data, "identity", ref)
        app = _find_app(data, ref)
        other = identity or app
        credential = Credential(
            secret=ref.name,
            url=_required(data, "url", ref),
            username=_decoded(data, "username", ref) or USERNAME,
            token=_decoded(data, "token", ref) if other else _required(data, "token", ref),
            identity=identity,
            known_hosts=_decoded(data, "known_hosts", ref),
            app=app,
        )
        if identity and not credential.known_hosts:
            raise missing_key(str(ref), "known_hosts", origin_of(credential.url))
        return credential

    async def find_registry_access(self, ref: Ref) -> RegistryAccess | None:
        """Give which registries a `kubernetes.io/dockerconfigjson` Secret is for."""
        text = await self._find_docker_config(ref)
        if text is None:
            return None
        with _reading_docker_config(ref):
            return access_in(text)

    async def find_registry_credential(self, ref: Ref, image: str) -> RegistryCredential | None:
        """Give what the `auths` of such a Secret have for an image's registry."""
        text = await self._find_docker_config(ref)
        if text is None:
            return None
        with _reading_docker_config(ref):
            return credential_in(text, image, ref.name)

    async def _find_docker_config(self, ref: Ref) -> str | None:
        data = await self._find(ref)
        return None if data is None else _required(data, DOCKER_CONFIG, ref)

    async def find_keys(self, ref: Ref) -> frozenset[str] | None:
        """Give the keys of a Secret that have a value."""
        data = await self._find(ref)
        return None if data is None else frozenset(key for key, value in data.items() if value)

    async def find_sink_secret(self, ref: Ref) -> SinkSecret | None:
        """Read `url`, and optionally `key`."""
        data = await self._find(ref)
        if data is None:
            return None
        return SinkSecret(_required(data, "url", ref), _decoded(data, "key", ref))

    async def learn(self, refs: Collection[Ref]) -> bool:
        """Read those of some Secrets that were not read lately."""
        found = await asyncio.gather(
            *(self._find(ref) for ref in refs if not self._known.is_fresh(ref)),
            return_exceptions=True,
        )
        for error in found:
            if isinstance(error, BaseException) and not isinstance(error, OutsideError):
                raise error
        return not any(isinstance(error, OutsideError) for error in found)

    def learn_token(self, token: str) -> None:
        """Know a token that a forge made for us."""
        self._known.learn_token(token)

    def clean(self, namespace: str, text: str) -> str:
        """Take the known values of a namespace's Secrets out of a text."""
        return self._known.clean(namespace, text)

    async def _find(self, ref: Ref) -> Mapping[str, Any] | None:
        try:
            secret = await self._cluster.get(path_of("/api/v1", "secrets", ref.namespace, ref.name))
        except NotFoundError:
            self._known.learn(ref, {})
            return None
        data: Mapping[str, Any] = secret.get("data") or {}
        self._known.learn(ref, {key: _bytes(value) for key, value in data.items()})
        return data


@contextmanager
def _reading_docker_config(ref: Ref) -> Iterator[None]:
    """Refuse what has no credentials of registries.

    Raises:
        TerminalError: `CredentialsMissing`.
    """
    remedy = (
        f"Make it anew with kubectl create secret docker-registry -n {ref.namespace} {ref.name}"
    )
    try:
        yield
    except (ValueError, KeyError, TypeError):
        # `from None`: the text of a JSON error quotes what it could not read.
        said = f"Secret {ref} has no `auths` in its key {DOCKER_CONFIG}."
        raise TerminalError(Reason.CREDENTIALS_MISSING, said, remedy) from None


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value))
    except binascii.Error:
        return str(value).encode()


def _find_app(data: Mapping[str, Any], ref: Ref) -> GitHubApp | None:
    """Read a GitHub App; a Secret that has a token needs none."""
    if not any(key in data for key in APP_KEYS) or _decoded(data, "token", ref):
        return None
    app_id, installation, private_key = (_required(data, key, ref) for key in APP_KEYS)
    if not INSTALLATION.fullmatch(installation):
        raise TerminalError(
            Reason.CREDENTIALS_MISSING,
            f"Key `installationID` of Secret {ref} is no number.",
            "It stands at the end of the installation's URL in GitHub's settings; correct it",
        )
    return GitHubApp(app_id, int(installation), private_key)


def _decoded(data: Mapping[str, Any], key: str, ref: Ref) -> str:
    try:
        return base64.b64decode(str(data.get(key, "")), validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        raise TerminalError(
            Reason.CREDENTIALS_MISSING,
            f"Key `{key}` of Secret {ref} is no text.",
            "Correct it",
        ) from None


def _required(data: Mapping[str, Any], key: str, ref: Ref) -> str:
    value = _decoded(data, key, ref)
    if not value:
        raise TerminalError(
            Reason.CREDENTIALS_MISSING,
            f"Secret {ref} has no key `{key}`.",
            f"Add it (kubectl patch secret -n {ref.namespace} {ref.name} "
            f'-p \'{{"stringData":{{"{key}":"…"}}}}\')',
        )
    return value
