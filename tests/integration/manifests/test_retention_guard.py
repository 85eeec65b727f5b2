"""Which AlbumReleases the operator may delete: finished ones that nobody keeps."""

import itertools
from typing import Any

import pytest

from tests.fakes.builders import NOW, raw_finished
from tests.integration.manifests.conftest import Installed

RELEASES = "/apis/album.dev/v1alpha1/namespaces/album/albumreleases"

NUMBERS = itertools.count(1)
"""Of the releases: each has its own name."""


def _create(installed: Installed, *, finished: bool, keep: str | None = None) -> str:
    """Give the path of a release that is there."""
    raw: dict[str, Any] = raw_finished("backend-v1.1.0", NOW)
    annotations = {"album.dev/keep": keep} if keep is not None else {}
    metadata = {"name": f"old-{next(NUMBERS)}", "annotations": annotations}
    answer = installed.server.request("POST", RELEASES, {**raw, "metadata": metadata})
    assert answer.status == 201, answer.message
    path = f"{RELEASES}/{metadata['name']}"
    if finished:
        patch = {"status": raw["status"]}
        answer = installed.as_operator("PATCH", f"{path}/status", patch)
        assert answer.status == 200, answer.message
    return path


@pytest.mark.parametrize("keep", [None, "false"])
def test_the_operator_deletes_a_finished_release(installed: Installed, keep: str | None) -> None:
    path = _create(installed, finished=True, keep=keep)
    answer = installed.as_operator("DELETE", path)

    assert answer.status == 200, answer.message


@pytest.mark.parametrize(("finished", "keep"), [(False, None), (True, "yes"), (True, "")])
def test_the_operator_deletes_none_in_flight_and_none_that_a_person_keeps(
    installed: Installed, finished: bool, keep: str | None
) -> None:
    path = _create(installed, finished=finished, keep=keep)
    answer = installed.as_operator("DELETE", path)

    assert answer.status == 403
    assert "deletes no AlbumRelease that has not finished" in answer.message


def test_people_delete_any(installed: Installed) -> None:
    path = _create(installed, finished=False, keep="yes")

    assert installed.server.request("DELETE", path).status == 200
