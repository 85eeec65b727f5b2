"""The Applications of an app are found by their labels, once, when a release begins."""

from typing import Any

import pytest

from tests.fakes.builders import raw_application
from tests.unit.core.stage import Stage

LABELS = {"app": "backend"}
NOW = "2026-11-20T12:00:00Z"


def _stage(*names: str) -> Stage:
    """Give a stage whose backend runs in Applications of these names."""
    stage = Stage()
    (pipeline,) = stage.cluster.all_of("AlbumPipeline")
    selector = {"matchLabels": dict(LABELS)}
    pipeline["spec"]["apps"] = [{"name": "backend", "applicationSelector": selector}]
    for name in names:
        _add(stage, name)
    return stage


def _add(stage: Stage, name: str) -> dict[str, Any]:
    application = raw_application("backend")
    application["metadata"] |= {"name": name, "labels": {**LABELS, "cluster": name}}
    stage.cluster.apply(application)
    stage.argocd.sync(name)
    path = f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}"
    return stage.cluster.objects[path]


def _named(stage: Stage, name: str = "backend-v1.1.0") -> list[str]:
    argocd = stage.status(name)["resolved"]["argocd"]
    assert argocd["applicationSelector"] == {"namespace": "argocd", "matchLabels": LABELS}
    return [one["name"] for one in argocd["applications"]]


async def test_all_that_have_the_labels_are_proved() -> None:
    stage = _stage("backend-us", "backend-eu")
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert _named(stage) == ["backend-eu", "backend-us"]
    assert [one["name"] for one in stage.status()["applications"]] == _named(stage)


async def test_one_that_appears_later_is_the_next_releases() -> None:
    stage = _stage("backend-eu")
    stage.apply()
    await stage.settle()
    _add(stage, "backend-us")
    await stage.release()
    assert _named(stage) == ["backend-eu"]

    stage.apply("backend-v1.2.0", tag="backend-v1.2.0")
    await stage.release("backend-v1.2.0")
    assert stage.ready("backend-v1.2.0") == ("True", "Released")
    assert _named(stage, "backend-v1.2.0") == ["backend-eu", "backend-us"]


async def test_consent_is_asked_of_each() -> None:
    stage = _stage("backend-eu")
    del _add(stage, "backend-us")["metadata"]["annotations"]
    stage.apply()
    await stage.settle()

    assert stage.ready() == ("False", "NotAuthorized")
    assert "argocd/backend-us does not let" in stage.message()
    assert "backend-eu does not" not in stage.message()
    assert stage.jobs == []


async def test_labels_of_no_application_are_told_with_what_else_is_missing() -> None:
    stage = _stage()
    del stage.source.tags["backend-v1.1.0"]
    stage.apply()
    await stage.settle()

    reasons = [miss["reason"] for miss in stage.status()["misses"]]
    assert sorted(reasons) == ["ApplicationNotFound", "TagNotFound"]
    assert "kubectl label application -n argocd NAME app=backend" in str(stage.status()["misses"])


async def test_one_that_is_being_deleted_is_not_found() -> None:
    stage = _stage("backend-eu", "backend-old")
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/backend-old"
    stage.cluster.objects[path]["metadata"]["deletionTimestamp"] = NOW
    stage.apply()
    await stage.settle()
    assert _named(stage) == ["backend-eu"]


@pytest.mark.parametrize("count", [16, 17, 40])
async def test_a_release_has_sixteen_at_most(count: int) -> None:
    stage = _stage(*(f"backend-{number}" for number in range(count)))
    stage.apply()
    await stage.settle()

    if count > 16:
        assert stage.ready() == ("False", "ApplicationMismatch")
        assert "More than 16 Applications" in stage.message()
        assert stage.jobs == []
    else:
        assert len(_named(stage)) == count
