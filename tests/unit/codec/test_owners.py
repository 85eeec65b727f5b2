"""Whose an object is: only the one owner that controls it counts."""

from typing import Any

import pytest

from album_operator.codec import Owner, job_of, release_of

RELEASE: dict[str, Any] = {
    "apiVersion": "album.dev/v1alpha1",
    "kind": "AlbumRelease",
    "name": "backend-v1.1.0",
    "uid": "u1",
    "controller": True,
}
JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "name": "build-1",
    "uid": "u2",
    "controller": True,
}


def test_the_controller_is_the_owner() -> None:
    assert release_of({"ownerReferences": [RELEASE]}) == Owner("backend-v1.1.0", "u1")
    assert job_of({"ownerReferences": [{**RELEASE, "controller": False}, JOB]}) == Owner(
        "build-1", "u2"
    )


def test_another_kinds_controller_is_none_of_ours() -> None:
    assert release_of({"ownerReferences": [JOB]}) is None
    assert job_of({"ownerReferences": [RELEASE]}) is None


@pytest.mark.parametrize("metadata", [{}, {"ownerReferences": None}, {"ownerReferences": []}])
def test_what_nobody_owns_has_no_owner(metadata: dict[str, Any]) -> None:
    assert release_of(metadata) is None


@pytest.mark.parametrize(
    "change",
    [
        {"controller": False},
        {"controller": "true"},
        {"kind": "albumrelease"},
        {"apiVersion": None},
        {"apiVersion": "album.dev"},
        {"apiVersion": "x.album.dev/v1"},
    ],
    ids=str,
)
def test_an_owner_that_is_not_quite_one_of_ours_is_none(change: dict[str, Any]) -> None:
    assert release_of({"ownerReferences": [{**RELEASE, **change}]}) is None
