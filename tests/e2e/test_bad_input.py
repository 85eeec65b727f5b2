"""What cannot be released stalls with its own reason and the exact field, and leaves no trace."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest

from testbed.deploy import NAMESPACE, secrets
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e


def _backend(**fields: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [{"name": "backend", **fields}, {"name": "frontend"}]


# Changes of the pipeline's spec (`__` goes deeper), the reason, and what the message names.
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no Dockerfile": (
        {"apps": _backend(dockerfile="Missing.Dockerfile")},
        "DockerfileNotFound",
        "backend/Missing.Dockerfile",
    ),
    "no git Secret": (
        {"source__secretRef": {"name": "nowhere"}},
        "CredentialsMissing",
        "Secret album/nowhere",
    ),
    "no registry Secret": (
        {"build__pushSecretRef": {"name": "nowhere"}},
        "CredentialsMissing",
        "kubectl create secret docker-registry",
    ),
    "a refused token": (
        {"config__forge__secretRef": {"name": "wrong-token"}},
        "CredentialsRefused",
        "wrong-token",
    ),
    "a Secret for another host": (
        {"source__secretRef": {"name": "other-host"}},
        "HostNotAllowed",
        "https://git.example.org",
    ),
    "a registry the Secret does not know": (
        {"build__image__registry": "registry.example.org"},
        "HostNotAllowed",
        "registry.example.org",
    ),
    "a Pod that no admin allows": (
        {"build__pod": {"priorityClassName": "system-node-critical"}},
        "PodNotAllowed",
        "`system-node-critical` in ALBUM_BUILD_PRIORITY_CLASSES",
    ),
    "no config repository": (
        {"config__repository": "{forge}/album/nowhere"},
        "RepositoryNotFound",
        "album/nowhere",
    ),
    "no base branch": ({"config__branch": "nowhere"}, "BaseBranchNotFound", "nowhere"),
    "no values file": (
        {"apps": _backend(edits=[{"path": "backend/nowhere.yaml", "key": "image.tag"}])},
        "ValuesFileNotFound",
        "backend/nowhere.yaml",
    ),
    "no such key": (
        {"apps": _backend(edits=[{"path": "backend/values.yaml", "key": "image.nowhere"}])},
        "ValuesKeyNotFound",
        "image.nowhere",
    ),
    "a key that is no scalar": (
        {"apps": _backend(edits=[{"path": "backend/values.yaml", "key": "image"}])},
        "ValuesNotEditable",
        "backend/values.yaml",
    ),
    "no Application": (
        {"apps": _backend(applications=[{"namespace": "argocd", "name": "nowhere"}])},
        "ApplicationNotFound",
        "argocd/nowhere",
    ),
    "an Application of another folder": (
        {"apps": _backend(applications=[{"namespace": "argocd", "name": "album-app-frontend"}])},
        "ApplicationMismatch",
        "album-app-frontend",
    ),
    "an Application that has not consented": (
        {},
        "NotAuthorized",
        "kubectl annotate application -n argocd album-app-backend",
    ),
}


@pytest.fixture(scope="session")
def bad_secrets(session_world: World) -> None:
    """Secrets that exist but are of no use."""
    for name, url, token in (
        ("wrong-token", session_world.testbed.forge_url, "0" * 40),
        ("other-host", "https://git.example.org", "x"),
    ):
        manifest: dict[str, Any] = dict(secrets(session_world.testbed, NAMESPACE)[0])
        manifest["metadata"] = {"name": name, "namespace": NAMESPACE}
        manifest["stringData"] = {"url": url, "token": token}
        session_world.testbed.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


def _assert_no_trace(world: World, name: str, branch: str) -> None:
    assert world.jobs(name) == []
    assert world.find_branch(branch) is None
    assert world.pull_requests(branch) == []


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("bad_secrets")
def test_a_release_stalls_before_its_first_write_for(case: str, world: World) -> None:
    changes, reason, named = REFUSED[case]
    forge = world.testbed.forge_url
    filled = {
        key: value.format(forge=forge) if isinstance(value, str) else value
        for key, value in changes.items()
    }
    world.pipeline("album-app-bad", **filled)
    tag = world.new_tag()
    name = world.release(tag, pipeline="album-app-bad")

    ready = world.await_finished(name, 60)

    assert (ready["status"], ready["reason"]) == ("False", reason), ready["message"]
    assert named in ready["message"]
    assert world.condition(name, "Stalled")["status"] == "True"
    assert world.get(name)["status"]["failure"]["step"] == "Preflight"
    _assert_no_trace(world, name, f"release/backend_{tag.removeprefix('backend-')}")


@pytest.mark.parametrize(
    ("tag", "pipeline", "reason"),
    [
        ("backend-v9.9.9", "album-app", "TagNotFound"),
        ("other-v1.0.0", "album-app", "TagInvalid"),
        ("backend-v1.0.0", "nowhere", "PipelineNotFound"),
    ],
)
def test_a_release_of_nothing_stalls(tag: str, pipeline: str, reason: str, world: World) -> None:
    name = world.release(tag, name="of-nothing", pipeline=pipeline)
    ready = world.await_finished(name, 60)
    assert ready["reason"] == reason
    assert "album.dev/retry" in ready["message"]
    assert world.jobs(name) == []


def test_an_older_version_is_superseded_and_writes_nothing(world: World) -> None:
    name = world.release(world.new_tag(major=0))
    ready = world.await_finished(name, 60)
    assert ready["reason"] == "Superseded"
    assert world.get(name)["status"]["supersededBy"]["version"].startswith("v1.")
    _assert_no_trace(world, name, f"release/backend_{name.removeprefix('backend-')}")


@pytest.mark.usefixtures("engine")
def test_a_failed_build_says_where_to_look_and_a_retry_is_a_second_attempt(world: World) -> None:
    branch = f"broken-{uuid.uuid4().hex[:8]}"
    world.branch_source("backend/Dockerfile", "FROM scratch\nCOPY nowhere /\n", branch)
    name = world.release(world.new_tag(target=branch))
    ready = world.await_finished(name)
    assert ready["reason"] == "BuildFailed"
    failure = world.get(name)["status"]["failure"]
    assert f"kubectl logs -n album {failure['pod']} -c build" in ready["message"]
    assert failure["step"] == "ImageReady"
    assert failure["container"] == "build"
    assert failure["exitCode"] != 0
    assert "nowhere" not in str(world.get(name)["status"])

    world.testbed.kubectl(
        "annotate", "albumrelease", name, "-n", NAMESPACE, "album.dev/retry=again"
    )

    def attempt() -> bool:
        status = world.get(name)["status"]
        return bool(status["attempt"] == 2 and world.condition(name, "Finished"))

    wait_for("the second attempt", attempt)
    assert len(world.jobs(name)) == 2


def test_a_branch_of_somebody_else_is_not_taken(world: World) -> None:
    tag = world.new_tag()
    branch = f"release/backend_{tag.removeprefix('backend-')}"
    world.forge.call(
        "POST", f"/repos/{CONFIG}/branches", {"new_branch_name": branch, "old_branch_name": "main"}
    )
    before = world.commits(branch)[0]["sha"]
    name = world.release(tag)
    ready = world.await_finished(name)
    assert ready["reason"] == "BranchTaken"
    assert world.commits(branch)[0]["sha"] == before
    assert world.pull_requests(branch) == []


def test_a_head_changed_by_somebody_else_stalls(world: World) -> None:
    name = world.release(world.new_tag())
    status = world.await_reason(name, "AwaitingMerge")["status"]
    world.forge.call(
        "POST",
        f"/repos/{CONFIG}/contents/added-by-hand.txt",
        {
            "content": base64.b64encode(b"by hand\n").decode(),
            "branch": status["config"]["branch"],
            "message": "One more thing",
        },
    )
    assert world.await_finished(name, 60)["reason"] == "HeadChanged"


def test_an_application_whose_owner_switched_sync_off_is_left_alone(world: World) -> None:
    off = {"automated": {"enabled": False}}
    name = world.release(world.new_tag())
    number = world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]
    world.patch_application("album-app-backend", {"spec": {"syncPolicy": None}})
    world.patch_application("album-app-backend", {"spec": {"syncPolicy": off}})
    try:
        world.reviewer.merge(CONFIG, number)
        assert world.await_finished(name, 60)["reason"] == "AutoSyncDisabled"
        assert world.application("album-app-backend")["spec"]["syncPolicy"] == off
    finally:
        world.patch_application("album-app-backend", {"spec": {"syncPolicy": None}})
