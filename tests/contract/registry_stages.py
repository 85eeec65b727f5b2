"""Registries on which others push: one in memory, and the one of a real Gitea."""

import base64
import hashlib
import json
import secrets
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol

from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.registry import ImagePlace, RegistryCredential
from album_operator.ports import Registry
from tests.contract.gitea_server import ADMIN, GiteaServer
from tests.fakes.registry import FakeRegistry

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class RegistryStage(Protocol):
    """A registry with a repository of the test's own."""

    @property
    def registry(self) -> Registry:
        """What is tested."""

    @property
    def place(self) -> ImagePlace:
        """The repository, which is not there before the first push."""

    def push(self, tag: str, labels: Mapping[str, str]) -> str:
        """Push an image as a builder does, and give its digest."""

    def push_index(self, tag: str, labels: Mapping[str, Mapping[str, str]]) -> str:
        """Push an index with an image for each platform, by its labels."""


class FakeRegistryStage:
    """A registry in memory."""

    def __init__(self) -> None:
        self.registry = FakeRegistry()
        self.place = ImagePlace("registry.example.org/acme/shop")

    def push(self, tag: str, labels: Mapping[str, str]) -> str:
        return self.registry.push(self.place.repository, tag, labels)

    def push_index(self, tag: str, labels: Mapping[str, Mapping[str, str]]) -> str:
        shared = set.intersection(*(set(each.items()) for each in labels.values()))
        return self.registry.push(self.place.repository, tag, dict(shared), tuple(labels))


class GiteaRegistryStage:
    """The registry of a Gitea, whose tokens it makes itself."""

    def __init__(self, server: GiteaServer) -> None:
        self._server = server
        self.registry = HttpRegistry({server.host})
        credential = RegistryCredential("push", server.host, ADMIN, server.token)
        name = f"shop-{secrets.token_hex(4)}"
        self.place = ImagePlace(f"{server.host}/{ADMIN}/{name}", credential, "a", insecure=True)

    def push(self, tag: str, labels: Mapping[str, str]) -> str:
        return self._put(tag, self._image("linux/amd64", labels))

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
        self._send("POST", f"blobs/uploads/?digest={digest}", data, "application/octet-stream")
        wanted = {"mediaType": CONFIG, "digest": digest, "size": len(data)}
        return {"schemaVersion": 2, "mediaType": MANIFEST, "config": wanted, "layers": []}

    def _put(self, name: str, manifest: Mapping[str, Any]) -> str:
        data = json.dumps(manifest).encode()
        self._send("PUT", f"manifests/{name}", data, str(manifest["mediaType"]))
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def _send(self, method: str, path: str, data: bytes, kind: str) -> None:
        pair = base64.b64encode(f"{ADMIN}:{self._server.token}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self._server.url}/v2/{self.place.path}/{path}",
            method=method,
            data=data,
            headers={"Authorization": f"Basic {pair}", "Content-Type": kind},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            assert answer.status == 201
