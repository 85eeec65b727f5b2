"""What the testbed's registry holds, read and deleted as anybody may."""

from __future__ import annotations

import gzip
import hashlib
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

    def digest(self, tag: str) -> str:
        """Give what a tag stands for."""
        return f"sha256:{hashlib.sha256(self._get(f'manifests/{tag}')).hexdigest()}"

    def delete(self, tag: str) -> None:
        """Take an image away, with all its tags: this registry deletes no tag alone."""
        self._get(f"manifests/{self.digest(tag)}", "DELETE")

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

    def _get(self, what: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(
            f"http://{self.registry}/v2/{self.path}/{what}",
            method=method,
            headers={"Accept": _MANIFESTS},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return bytes(answer.read())
