"""A pipeline may say what the Pods of its builds are like; an admin, how far."""

import pytest

from tests.fakes.builders import raw_pipeline
from tests.fakes.cluster import raw_secret
from tests.unit.core.stage import REPOSITORY, Stage

POD = {
    "annotations": {"sidecar.istio.io/inject": "false"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "serviceAccountName": "builder",
    "imagePullSecrets": [{"name": "pull"}],
}


def _stage(account: str = "", taint: str = "") -> Stage:
    stage = Stage(ALBUM_BUILD_SERVICE_ACCOUNTS=account, ALBUM_BUILD_TOLERATIONS=taint)
    stage.cluster.apply(raw_pipeline(build={"pod": POD}))
    return stage


@pytest.mark.parametrize("mode", ["Apply", "Plan"])
async def test_what_no_admin_allows_is_told_before_anything_is_begun(mode: str) -> None:
    stage = _stage()
    stage.apply(tag="backend-v1.1.0", mode=mode)
    due = await stage.settle()

    assert due.after is None
    assert stage.ready() == ("False", "PodNotAllowed")
    assert "`builder` in ALBUM_BUILD_SERVICE_ACCOUNTS" in stage.message()
    assert "`dedicated` in ALBUM_BUILD_TOLERATIONS" in stage.message()
    assert (stage.jobs, stage.config.pushes, stage.forge.count(REPOSITORY)) == ([], [], 0)


async def test_a_build_secret_that_lacks_is_told_before_anything_is_begun() -> None:
    stage = Stage()
    secret = {"name": "npmrc", "secretRef": {"name": "npm", "key": ".npmrc"}}
    stage.cluster.apply(raw_pipeline(build={"secrets": [secret], "tags": ["latest"]}))
    stage.apply()
    await stage.settle()

    assert stage.ready() == ("False", "CredentialsMissing")
    assert stage.jobs == []
    stage.cluster.apply(raw_secret("npm", **{".npmrc": "//registry/:_authToken=hush"}))
    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert "hush" not in repr(stage.jobs)


async def test_what_an_admin_allows_is_in_the_pod_and_in_the_status() -> None:
    stage = _stage("album/builder", "dedicated")
    path = stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    (job,) = stage.jobs
    pod = job["spec"]["template"]
    assert pod["metadata"]["annotations"] == POD["annotations"]
    assert pod["spec"]["serviceAccountName"] == "builder"
    assert stage.cluster.objects[path]["status"]["resolved"]["build"]["pod"] == POD
