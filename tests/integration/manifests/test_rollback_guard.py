"""Which AlbumReleases the operator may create: those that take another one back."""

import itertools

from tests.integration.manifests.conftest import Installed

RELEASES = "/apis/album.dev/v1alpha1/namespaces/album/albumreleases"

NUMBERS = itertools.count(1)
"""Of the releases: each has its own name."""


def _release(**spec: object) -> dict[str, object]:
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"name": f"taken-back-{next(NUMBERS)}"},
        "spec": {"pipelineRef": {"name": "album-app"}, "tag": "backend-v1.1.0", **spec},
    }


def test_the_operator_creates_a_rollback(installed: Installed) -> None:
    raw = _release(rollbackOf={"name": "backend-v1.2.0"})
    answer = installed.as_operator("POST", f"{RELEASES}?dryRun=All", raw)

    assert answer.status == 201, answer.message


def test_the_operator_creates_no_other_release(installed: Installed) -> None:
    for raw in (_release(), _release(allowDowngrade=True)):
        answer = installed.as_operator("POST", f"{RELEASES}?dryRun=All", raw)

        assert answer.status == 403
        assert "creates no AlbumRelease but one that takes another one back" in answer.message


def test_people_create_both(installed: Installed) -> None:
    for raw in (_release(), _release(rollbackOf={"name": "backend-v1.2.0"})):
        answer = installed.server.request("POST", f"{RELEASES}?dryRun=All", raw)

        assert answer.status == 201, answer.message
