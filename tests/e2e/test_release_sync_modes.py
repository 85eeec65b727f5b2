"""Who syncs, and who releases: the operator once, others alone, and a release that is followed."""

import base64
from typing import Any

import pytest

from testbed.deploy import NAMESPACE
from tests.e2e.applications import APP, application, applied, ensure_file, image_of
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

CONSENT = "album.dev/authorized-pipeline"
OWN = {"albumreleases", "albumpipelines", "events"}


def _pipeline(world: World, name: str, sync: str) -> dict[str, Any]:
    """Apply a pipeline with values of its own, and give its Application as its owner has it."""
    path = f"backend/{name}.yaml"
    ensure_file(world, path, 'image:\n  tag: "v1.0.0"\n')
    app = {
        "name": "backend",
        "edits": [{"path": path, "key": "image.tag"}],
        "applications": [{"namespace": "argocd", "name": name}],
    }
    argocd = {"sync": sync, "settle": "1s", "timeout": "4m"}
    branch = {"branch": f"{name}/${{app}}_${{version}}"}
    world.pipeline(name, argocd=argocd, apps=[app], config__pullRequest=branch)
    return application(
        world, name, name, {"path": "backend", "helm": {"valueFiles": [f"{name}.yaml"]}}
    )


def _without_consent(found: dict[str, Any]) -> dict[str, Any]:
    found["metadata"]["annotations"] = {}
    found["spec"]["syncPolicy"] = {"automated": {}}
    return found


def _refresh(world: World, name: str) -> None:
    """Ask Argo CD to compare, as the webhook that others have would."""
    refresh = {"argocd.argoproj.io/refresh": "normal"}
    world.patch_application(name, {"metadata": {"annotations": refresh}})


def test_who_syncs_and_who_releases_is_the_teams_choice(world: World) -> None:
    operated, observed, followed = (f"{APP}-{one}" for one in ("operated", "observed", "followed"))
    by_us = _pipeline(world, operated, "Operation")
    by_us["spec"]["syncPolicy"] = {"syncOptions": ["PruneLast=true"]}
    watched = _without_consent(_pipeline(world, observed, "Observe"))
    theirs = _without_consent(_pipeline(world, followed, "Automated"))
    tag = world.new_tag()
    version = tag.removeprefix("backend-")
    with applied(world, by_us, watched, theirs):
        release = world.merge_and_finish(world.release(tag, pipeline=operated))
        _check_operation(world, operated, release)
        assert image_of(world, operated).endswith(f":{version}")

        name = world.release(tag, f"{tag}-observed", observed)
        status = world.await_reason(name, "AwaitingMerge")["status"]
        world.reviewer.merge(CONFIG, status["pullRequest"]["number"])
        world.await_reason(name, "Syncing")
        _refresh(world, observed)
        assert world.await_finished(name)["reason"] == "Released"
        assert world.application(observed)["spec"]["syncPolicy"] == {"automated": {}}

        since = world.audit_offset()
        name = world.release(tag, f"{tag}-followed", followed, mode="Follow")
        world.await_reason(name, "AwaitingCommit")
        world.change_base(f"backend/{followed}.yaml", _tag_in(world, followed), version)
        world.await_reason(name, "Syncing")
        _refresh(world, followed)
        assert world.await_finished(name)["reason"] == "Released"
        (made, *_) = world.commits("main")
        assert world.get(name)["status"]["config"]["mergedCommit"] == made["sha"]
        assert {one["objectRef"]["resource"] for one in world.operator_writes(since)} <= OWN


def _tag_in(world: World, name: str) -> str:
    """Give the version that an earlier run has left in the values."""
    found = world.forge.call("GET", f"/repos/{CONFIG}/contents/backend/{name}.yaml?ref=main")
    return base64.b64decode(found["content"]).decode().split('"')[1]


def _check_operation(world: World, name: str, release: dict[str, Any]) -> None:
    found = world.application(name)
    assert found["spec"]["syncPolicy"] == {"syncOptions": ["PruneLast=true"]}
    assert found.get("operation") is None
    assert len(found["status"]["history"]) == 1
    operation = found["status"]["operationState"]["operation"]
    uid = release["metadata"]["uid"]
    assert operation["info"] == [
        {"name": "album.dev/release", "value": f"album/{release['metadata']['name']}"},
        {"name": "album.dev/attempt", "value": f"{uid}/1"},
    ]
    assert operation["initiatedBy"] == {"username": "album-operator", "automated": True}
    assert operation["sync"] == {"syncOptions": ["PruneLast=true"]}
    assert release["status"]["applications"][0]["operationStarted"] is True


def test_an_application_has_its_policy_back_once_no_pipeline_holds_it(world: World) -> None:
    names = [f"{APP}-lent", f"{APP}-lent-too"]
    found = [_pipeline(world, name, "Automated") for name in names]
    for one in found:
        one["metadata"]["annotations"] = {CONSENT: f"{NAMESPACE}/{names[0]}"}
        one["spec"]["syncPolicy"] = {"automated": {"prune": True}}
    before = found[0]["spec"]["syncPolicy"]
    app = {
        "name": "backend",
        "edits": [{"path": f"backend/{name}.yaml", "key": "image.tag"} for name in names],
        "applications": [{"namespace": "argocd", "name": name} for name in names],
    }
    argocd = {"settle": "1s", "timeout": "4m"}
    pipeline = world.pipeline(
        names[0], argocd=argocd, apps=[app], config__delivery="Commit", config__forge={}
    )
    with applied(world, *found):
        name = world.release(world.new_tag(), pipeline=pipeline["metadata"]["name"])
        assert world.await_finished(name)["reason"] == "Released"
        assert world.application(names[0])["spec"]["syncPolicy"] != before

        consent = {"metadata": {"annotations": {CONSENT: None}}}
        world.patch_application(names[1], consent)
        wait_for(f"{names[1]} as before", lambda: _is_as_before(world, names[1], before), 30)
        assert not _is_as_before(world, names[0], before)

        world.testbed.kubectl("delete", "albumpipeline", names[0], "-n", NAMESPACE)
        wait_for(f"{names[0]} as before", lambda: _is_as_before(world, names[0], before), 90)


def _is_as_before(world: World, name: str, policy: dict[str, Any]) -> bool:
    found = world.application(name)
    kept = [one for one in found["metadata"]["annotations"] if one.endswith("-sync-policy")]
    return not kept and found["spec"]["syncPolicy"] == policy
