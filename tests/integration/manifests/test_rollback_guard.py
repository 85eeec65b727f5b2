"""Which AlbumReleases the operator may create: what takes another one back, or a tag makes."""

import itertools
from typing import Any

import pytest

from album_operator.domain.release import Ref
from album_operator.render.triggered import render_triggered
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


def _made(spec: dict[str, object] | None = None, **metadata: object) -> dict[str, Any]:
    """Give what a tag makes, with something changed; None takes it out."""
    ref = Ref("album", f"made-{next(NUMBERS)}")
    raw = render_triggered(ref, "album-app", "backend-v1.1.0", "ada")
    for part, changes in ((raw["spec"], spec or {}), (raw["metadata"], metadata)):
        part.update(changes)
        for key in [key for key, value in part.items() if value is None]:
            del part[key]
    return raw


def test_the_operator_creates_a_rollback(installed: Installed) -> None:
    raw = _release(rollbackOf={"name": "backend-v1.2.0"})
    answer = installed.as_operator("POST", f"{RELEASES}?dryRun=All", raw)

    assert answer.status == 201, answer.message


@pytest.mark.parametrize("raw", [_made(), _made(annotations=None)], ids=["asked", "not told"])
def test_the_operator_creates_what_a_tag_makes(
    installed: Installed, raw: dict[str, object]
) -> None:
    answer = installed.as_operator("POST", f"{RELEASES}?dryRun=All", raw)

    assert answer.status == 201, answer.message


OTHERS = {
    "plain": _release(),
    "a downgrade": _release(allowDowngrade=True),
    "no label": _made(labels=None),
    "another label": _made(labels={"album.dev/trigger": "Person"}),
    "a further label": _made(labels={"album.dev/trigger": "Tag", "team": "albums"}),
    "a further annotation": _made(annotations={"album.dev/retry": "1"}),
    "a downgrade by tag": _made({"allowDowngrade": True}),
    "a plan": _made({"mode": "Plan"}),
    "a followed one": _made({"mode": "Follow"}),
    "a suspended one": _made({"suspend": True}),
    "app and version": _made({"tag": None, "app": "backend", "version": "v1.1.0"}),
    "a finalizer": _made(finalizers=["album.dev/x"]),
    "an owner": _made(
        ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "1"}]
    ),
}


@pytest.mark.parametrize("raw", OTHERS.values(), ids=OTHERS)
def test_the_operator_creates_no_other_release(
    installed: Installed, raw: dict[str, object]
) -> None:
    answer = installed.as_operator("POST", f"{RELEASES}?dryRun=All", raw)

    assert answer.status == 403
    assert "creates no AlbumRelease but one that takes another one back" in answer.message


def test_people_create_all(installed: Installed) -> None:
    for raw in (_release(), _release(rollbackOf={"name": "backend-v1.2.0"}), _made()):
        answer = installed.server.request("POST", f"{RELEASES}?dryRun=All", raw)

        assert answer.status == 201, answer.message
