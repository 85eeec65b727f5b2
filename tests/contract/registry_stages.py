"""Registries on which others push: one in memory, a real Gitea's, and distribution's own."""

import base64
import hashlib
import json
import secrets
import urllib.request
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol
from urllib.parse import urljoin

from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.registry import ImagePlace, RegistryCredential
from album_operator.ports import Registry
from tests.contract.distribution_server import PASSWORD, USER, DistributionServer
from tests.contract.gitea_server import ADMIN, GiteaServer
from tests.fakes.registry import FakeRegistry

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
AMD64 = "linux/amd64"
INDEX = "application/vnd.oci.image.index.v1+json"


class RegistryStage(Protocol):
    """A registry with a repository of the test's own."""

    @property
    def registry(self) -> Registry:
        """What is tested."""

    @property
    def place(self) -> ImagePlace:
        """The repository, which is not there before the first push."""

    def push(self, tag: str, labels: Mapping[str, str], platform: str = AMD64) -> str:
        """Push an image as a builder does, and give its digest."""

    def push_index(self, tag: str, labels: Mapping[str, Mapping[str, str]]) -> str:
        """Push an index with an image for each platform, by its labels."""


class FakeRegistryStage:
    """A registry in memory."""

    def __init__(self) -> None:
        self.registry = FakeRegistry()
        self.place = ImagePlace("registry.example.org/acme/shop")

    def push(self, tag: str, labels: Mapping[str, str], platform: str = AMD64) -> str:
        return self.registry.push(self.place.repository, tag, labels, (platform,))

    def push_index(self, tag: str, labels: Mapping[str, Mapping[str, str]]) -> str:
        shared = set.intersection(*(set(each.items()) for each in labels.values()))
        return self.registry.push(self.place.repository, tag, dict(shared), tuple(labels))


class RealRegistryStage:
    """A registry over HTTP.

    Args:
        host: `host:port`, in plain HTTP.
        path: of the repository.
        user: who may do all in it; None where anybody may.
        authorize: gives what is shown to push.
        also: who makes its tokens, in plain HTTP too.
    """

    def __init__(
        self,
        host: str,
        path: str,
        user: tuple[str, str] | None,
        authorize: Callable[[str], str],
        also: Collection[str] = (),
    ) -> None:
        self._authorize = authorize
        self.registry = HttpRegistry({host, *also})
        credential = RegistryCredential("push", host, *user) if user is not None else None
        self.place = ImagePlace(f"{host}/{path}", credential, "a", insecure=True)

    def push(self, tag: str, labels: Mapping[str, str], platform: str = AMD64) -> str:
        return self._put(tag, self._image(platform, labels))

    def push_index(self, tag: str, labels: Mapping[str, Mapping[str, str]]) -> str:
        listed = [self._listed(platform, each) for platform, each in labels.items()]
        return self._put(tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})

    def _listed(self, platform: str, labels: Mapping[str, str]) -> dict[str, Any]:
        image = self._image(platform, labels)
        data = json.dumps(image).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._put(digest, image)
        system, architecture = platform.split("/")
        return {
            "mediaType": MANIFEST,
            "digest": digest,
            "size": len(data),
            "platform": {"os": system, "architecture": architecture},
        }

    def _image(self, platform: str, labels: Mapping[str, str]) -> dict[str, Any]:
        system, architecture = platform.split("/")
        config = {
            "os": system,
            "architecture": architecture,
            "config": {"Labels": dict(labels)},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        data = json.dumps(config).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        where = self._send("POST", "blobs/uploads/", b"", "application/octet-stream")
        joined = f"{where}{'&' if '?' in where else '?'}digest={digest}"
        self._send("PUT", joined, data, "application/octet-stream")
        wanted = {"mediaType": CONFIG, "digest": digest, "size": len(data)}
        return {"schemaVersion": 2, "mediaType": MANIFEST, "config": wanted, "layers": []}

    def _put(self, name: str, manifest: Mapping[str, Any]) -> str:
        data = json.dumps(manifest).encode()
        self._send("PUT", f"manifests/{name}", data, str(manifest["mediaType"]))
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def _send(self, method: str, path: str, data: bytes, kind: str) -> str:
        """Send something, below the repository or where an answer led, and give where that is."""
        shown = {"Authorization": self._authorize(self.place.path)}
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            urljoin(f"{self.place.url}/v2/{self.place.path}/", path),
            method=method,
            data=data,
            headers={**(shown if self.place.credential else {}), "Content-Type": kind},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            assert answer.status in {201, 202}
            return str(answer.headers["Location"])


def on_gitea(server: GiteaServer) -> RealRegistryStage:
    """Give a stage in the registry of a Gitea, whose tokens it makes itself."""
    pair = base64.b64encode(f"{ADMIN}:{server.token}".encode()).decode()
    path = f"{ADMIN}/shop-{secrets.token_hex(4)}"
    return RealRegistryStage(server.host, path, (ADMIN, server.token), lambda _: f"Basic {pair}")


def on_distribution(server: DistributionServer, *, is_open: bool) -> RealRegistryStage:
    """Give a stage in a registry of its own."""
    user = None if is_open else (USER, PASSWORD)
    path = f"{USER}/shop-{secrets.token_hex(4)}"
    also = [server.tokens.host] if server.tokens is not None else []
    return RealRegistryStage(server.host, path, user, server.authorize, also)
