"""Whose an object is: the one owner reference that names its controller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RELEASE_GROUP, RELEASE_KIND = "album.dev", "AlbumRelease"
JOB_GROUP, JOB_KIND = "batch", "Job"


@dataclass(frozen=True)
class Owner:
    """The object that controls another one; both are in the same namespace."""

    name: str
    uid: str


def release_of(metadata: Mapping[str, Any]) -> Owner | None:
    """Give the AlbumRelease that controls an object, None where none does."""
    return _controller(metadata, RELEASE_GROUP, RELEASE_KIND)


def job_of(metadata: Mapping[str, Any]) -> Owner | None:
    """Give the Job that controls an object, None where none does."""
    return _controller(metadata, JOB_GROUP, JOB_KIND)


def _controller(metadata: Mapping[str, Any], group: str, kind: str) -> Owner | None:
    """Find the owner with `controller: true`; the API server lets an object have one at most.

    An owner of another kind, and one that does not control, says nothing of who made the object.
    """
    for owner in metadata.get("ownerReferences") or ():
        if (
            owner.get("controller") is True
            and owner.get("kind") == kind
            and str(owner.get("apiVersion")).startswith(f"{group}/")
        ):
            return Owner(owner["name"], owner["uid"])
    return None
