"""What the testbed's registry holds, read as anybody may."""

from __future__ import annotations

import gzip
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


@dataclass(frozen=True)
class Repository:
    """A repository of images.

    Attributes:
        registry: `host:port`, plain HTTP.
        path: below it.
    """

    registry: str
    path: str

    def tags(self) -> list[str]:
        """Give all tags."""
        found: list[str] = json.loads(self._get("tags/list"))["tags"]
        return found

    def layers(self, name: str) -> list[str]:
        """Give the digests of an image's layers, by its tag or digest."""
        return [layer["digest"] for layer in self._manifest(name)["layers"]]

    def contents(self, name: str) -> Iterator[bytes]:
        """Give an image's manifest and configuration, and each layer unpacked."""
        manifest = self._manifest(name)
        yield json.dumps(manifest).encode()
        yield self._get(f"blobs/{manifest['config']['digest']}")
        for digest in self.layers(name):
            yield gzip.decompress(self._get(f"blobs/{digest}"))

    def _manifest(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._get(f"manifests/{name}"))
        return found

    def _get(self, what: str) -> bytes:
        request = urllib.request.Request(
            f"http://{self.registry}/v2/{self.path}/{what}", headers={"Accept": _MANIFESTS}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return bytes(answer.read())
