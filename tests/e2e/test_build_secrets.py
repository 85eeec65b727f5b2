"""What is in the Secrets of a release is nowhere else, neither while it is built nor after."""

from __future__ import annotations

import base64
import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from album_operator.settings import BUILDKIT_IMAGE
from testbed.deploy import NAMESPACE, deploy
from tests.contract.distribution_server import PASSWORD, USER, running_distribution
from tests.contract.registry_stages import RealRegistryStage
from tests.e2e.processes import watching
from tests.e2e.registry import Repository
from tests.e2e.troubled_builds import apply
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

DOCKERFILE = (
    "FROM debian:bookworm-slim\n"
    "RUN --mount=type=secret,id=word wc -c </run/secrets/word >/length-of-the-secret && sleep 2\n"
    "RUN touch /after\n"
)

LET_PODS_MOUNT_SYSFS = """
mountpoint -q /run/sysfs || { mkdir -p /run/sysfs && mount -t sysfs sysfs /run/sysfs; }
mount -o remount,rw,nosuid,nodev,noexec /run/sysfs
"""
"""A node of kind has its /sys read-only, and the kernel lets a user namespace see no more of it
than its parent does (`mount_too_revealing`). A machine's own is as the kubelet needs it."""

HELPED = "FROM {image}\nCOPY docker-credential-testbed /usr/local/bin/\n"
HELPER = """#!/bin/sh
read -r server
test "$1" = get && test "$server" = '{host}' || exit 1
printf '{{"ServerURL": "%s", "Username": "{user}", "Secret": "{password}"}}' "$server"
"""
"""A cloud's program that knows the password of one registry (Docker's `credential-helpers`)."""

GIT = "GIT_ASKPASS="
"""What git alone has in its environment, beside the token that a program of ours tells it."""


@pytest.fixture(scope="module")
def deploys(session_world: World) -> Iterator[Callable[..., str]]:
    """Deploys the operator with other settings, on a node that gives Pods user namespaces."""
    testbed = session_world.testbed
    docker = ["docker", f"--host={testbed.docker_host}", "exec"]
    node = f"{testbed.settings.name}-control-plane"
    subprocess.run([*docker, node, "sh", "-c", LET_PODS_MOUNT_SYSFS], check=True)
    yield partial(deploy, testbed)
    deploy(testbed)


@pytest.mark.usefixtures("engine")
def test_what_a_release_holds_secret_is_nowhere_but_in_its_secrets(world: World) -> None:
    _release_and_look(world)


def test_where_buildkit_cannot_run_that_is_told_in_time_and_the_remedy_helps(
    world: World, deploys: Callable[..., str]
) -> None:
    deploys(ALBUM_BUILDKIT_MODE="Rootless", ALBUM_BUILDKIT_IMAGE=BUILDKIT_IMAGE)
    name = world.release(world.new_tag())
    ready = world.await_finished(name)
    assert ready["reason"] == "NodeUnsuitable"
    assert "or none there" in ready["message"]
    assert _seconds_of_build(world.get(name)) < 30
    deploys(ALBUM_BUILDKIT_MODE="Rootless")
    world.testbed.kubectl(
        "annotate", "albumrelease", name, "-n", NAMESPACE, "album.dev/retry=again"
    )
    wait_for(f"{name} AwaitingMerge", lambda: world.reason(name) == "AwaitingMerge")


@pytest.mark.parametrize("mode", ["Rootless", "UserNamespace"])
def test_without_privileges_it_builds_pushes_and_caches_and_shows_no_secret(
    world: World, deploys: Callable[..., str], mode: str
) -> None:
    deploys(ALBUM_BUILDKIT_MODE=mode)
    _release_and_look(world)


async def test_buildkit_pushes_by_what_a_credential_helper_of_its_image_tells(
    world: World, deploys: Callable[..., str], tmp_path: Path
) -> None:
    testbed, path = world.testbed, f"{USER}/{uuid.uuid4().hex[:8]}"
    network, _, _ = testbed.registry.rpartition(".")
    with running_distribution(tmp_path, "htpasswd", f"{network}.1") as server:
        helper = _image_with_helper(world, tmp_path, server.host)
        forge = testbed.forge_url.partition("://")[2]
        deploys(
            ALBUM_BUILDKIT_IMAGE=helper,
            ALBUM_BUILDKIT_CREDENTIAL_HELPERS="testbed",
            ALBUM_INSECURE_HOSTS=f"{forge},{testbed.registry},{server.host}",
        )
        _make_docker_secret(world, "by-a-helper", {"credHelpers": {server.host: "testbed"}})
        world.pipeline(
            build__image={"registry": server.host, "repository": path, "insecure": True},
            build__pushSecretRef={"name": "by-a-helper"},
            # The operator has no such program, and this registry tells nobody else anything.
            build__proof="Builder",
        )
        tag = world.new_tag()
        image = world.await_reason(world.release(tag), "AwaitingMerge")["status"]["image"]

        there = RealRegistryStage(
            server.host, f"{path}-backend", (USER, PASSWORD), server.authorize
        )
        seen = await there.registry.find(there.place, tag.removeprefix("backend-"))
        await there.registry.close()
    assert seen is not None
    assert (seen.digest, image["origin"]) == (image["digest"], "Built")
    testbed.kubectl("delete", "secret", "by-a-helper", "-n", NAMESPACE)


def _image_with_helper(world: World, folder: Path, host: str) -> str:
    """Make BuildKit's image with the program in it, as an admin derives one."""
    program = folder / "docker-credential-testbed"
    program.write_text(HELPER.format(host=host, user=USER, password=PASSWORD))
    program.chmod(0o755)
    (folder / "Dockerfile").write_text(HELPED.format(image=BUILDKIT_IMAGE))
    name = f"album/buildkit-with-helper:{host.rpartition(':')[2]}"
    return world.testbed.build_and_push(folder / "Dockerfile", folder, name)


def _seconds_of_build(release: dict[str, Any]) -> float:
    (step,) = [one for one in release["status"]["steps"] if one["name"] == "ImageReady"]
    began, ended = (datetime.fromisoformat(step[key]) for key in ("startedAt", "finishedAt"))
    return (ended - began).total_seconds()


def _release_and_look(world: World) -> None:
    own = f"secret-{uuid.uuid4().hex[:8]}"
    word, password, proof = (uuid.uuid4().hex for _ in range(3))
    _make_secrets(world, own, word, password)
    world.pipeline(
        build__cache={"repository": f"album/{own}"},
        build__secrets=[{"name": "word", "secretRef": {"name": own, "key": "word"}}],
        build__pushSecretRef={"name": f"{own}-push"},
    )
    world.branch_source("backend/Dockerfile", DOCKERFILE, own)
    user, token = world.testbed.forge_user, world.testbed.forge_token
    secrets = ((own, word), ("testbed", password), (user, token))
    canaries = [each for pair in secrets for each in _spellings(*pair)]

    with watching(world, proof, [*canaries, GIT]) as found:
        name = world.release(world.new_tag(target=own))
        status = world.await_reason(name, "AwaitingMerge")["status"]

    assert "Nothing is kept" not in world.condition(name, "ImageReady")["message"]
    of_git = {process for process, _, word in found.places if word == GIT}
    let = {(process, "environ", word) for process in of_git for word in (GIT, token)}
    assert {place[1:] for place in found.places - let} == {("cmdline", proof)}
    told = "\n".join(_told(world, name, status))
    assert not [canary for canary in canaries if canary in told]
    held = list(_held(world, own, status["image"]["digest"]))
    assert any(b"length-of-the-secret" in each for each in held)
    assert not [canary for canary in canaries for each in held if canary.encode() in each]
    world.testbed.kubectl("delete", "secret", own, f"{own}-push", "-n", NAMESPACE)


def _make_secrets(world: World, name: str, word: str, password: str) -> None:
    """Make one for a step of the Dockerfile, and one to push with, to a registry that takes any."""
    auths = {world.testbed.registry: {"auth": _encode(f"testbed:{password}")}}
    apply(
        world.testbed,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "stringData": {"word": word},
        },
    )
    _make_docker_secret(world, f"{name}-push", {"auths": auths})


def _make_docker_secret(world: World, name: str, config: dict[str, Any]) -> None:
    """Make one by which a builder pushes, of Docker's own configuration."""
    apply(
        world.testbed,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps(config)},
        },
    )


def _spellings(user: str, secret: str) -> Iterator[str]:
    """Give a secret as it is, and as Secrets and HTTP's basic authentication write it."""
    yield secret
    yield from (_encode(text).rstrip("=") for text in (secret, f"{user}:{secret}"))


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _told(world: World, name: str, status: dict[str, Any]) -> Iterator[str]:
    """Give what anybody may read who may not read Secrets."""
    kinds = "jobs,pods,events,configmaps,albumreleases,albumpipelines"
    yield world.testbed.kubectl("get", kinds, "-n", NAMESPACE, "-o", "yaml")
    yield world.testbed.kubectl("get", "applications", "-n", "argocd", "-o", "yaml")
    (job,) = world.jobs(name)
    yield world.testbed.kubectl("logs", f"job/{job}", "-n", NAMESPACE, "--all-containers")
    yield world.operator_logs()
    number = status["pullRequest"]["number"]
    yield json.dumps(world.forge.call("GET", f"/repos/{CONFIG}/pulls/{number}"))


def _held(world: World, cache: str, digest: str) -> Iterator[bytes]:
    """Give all of the image and of its cache: manifests, configurations, each layer unpacked."""
    yield from Repository(world.testbed.registry, "album/album-app-backend").contents(digest)
    cached = Repository(world.testbed.registry, f"album/{cache}-backend")
    tags = cached.tags()
    assert tags
    for tag in tags:
        yield from cached.contents(tag)
