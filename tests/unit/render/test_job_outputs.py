"""Further tags, platforms and build secrets, as each engine is told them."""

import itertools

import pytest

from album_operator.domain.build_outputs import BuildSecret, SecretKeyRef
from album_operator.domain.build_pod import PodWish
from album_operator.domain.release import BuildType, Release
from album_operator.domain.resolved import Resolved
from album_operator.render.job import render_job
from tests.unit.render.test_job import ENGINE, builder_of, pod_of, with_build

SECRETS = (
    BuildSecret("npmrc", SecretKeyRef("npm", ".npmrc")),
    BuildSecret("pip", SecretKeyRef("python", "conf")),
)


def _flags(args: list[str], flag: str) -> list[str]:
    """Give the values of a flag, of either way to write it."""
    beside = [value for name, value in itertools.pairwise(args) if name == flag]
    return beside + [arg.split("=", 1)[1] for arg in args if arg.startswith(f"{flag}=")]


def test_kaniko_pushes_to_each_tag(release: Release, resolved: Resolved) -> None:
    build = with_build(resolved, image="docker.io/acme/shop:v1", tags=("latest", "edge"))
    args = builder_of(render_job(release, build, 1, ENGINE))["args"]

    assert _flags(args, "--destination") == [
        "docker.io/acme/shop:v1",
        "docker.io/acme/shop:latest",
        "docker.io/acme/shop:edge",
    ]


def test_buildkit_pushes_to_each_tag(release: Release, resolved: Resolved) -> None:
    build = with_build(
        resolved, type=BuildType.BUILDKIT, image="ghcr.io/acme/shop:v1", tags=("latest",)
    )
    args = builder_of(render_job(release, build, 1, ENGINE))["args"]

    assert _flags(args, "--output") == [
        'type=image,"name=ghcr.io/acme/shop:v1,ghcr.io/acme/shop:latest",push=true'
    ]


def test_kaniko_builds_for_a_platform_on_a_node_of_it(release: Release, resolved: Resolved) -> None:
    build = with_build(resolved, platforms=("linux/arm64",), pod=PodWish(node_selector={"a": "b"}))
    job = render_job(release, build, 1, ENGINE)

    assert _flags(builder_of(job)["args"], "--custom-platform") == ["linux/arm64"]
    assert pod_of(job)["nodeSelector"] == {"kubernetes.io/arch": "arm64", "a": "b"}


def test_buildkit_builds_for_several_platforms_on_any_node(
    release: Release, resolved: Resolved
) -> None:
    platforms = ("linux/amd64", "linux/arm/v7")
    build = with_build(resolved, type=BuildType.BUILDKIT, platforms=platforms)
    job = render_job(release, build, 1, ENGINE)

    assert "platform=linux/amd64,linux/arm/v7" in _flags(builder_of(job)["args"], "--opt")
    assert "nodeSelector" not in pod_of(job)


@pytest.mark.parametrize(
    ("engine", "folder"),
    [
        (BuildType.KANIKO, "/kaniko/album-secrets"),
        (BuildType.BUILDKIT, "/var/run/secrets/album/build"),
    ],
)
def test_secrets_are_files_and_only_their_paths_are_told(
    release: Release, resolved: Resolved, engine: BuildType, folder: str
) -> None:
    job = render_job(release, with_build(resolved, type=engine, secrets=SECRETS), 1, ENGINE)
    builder, pod = builder_of(job), pod_of(job)

    assert _flags(builder["args"], "--secret") == [
        f"id=npmrc,src={folder}/npmrc",
        f"id=pip,src={folder}/pip",
    ]
    mount = {"name": "secrets", "mountPath": folder, "readOnly": True}
    assert mount in builder["volumeMounts"]
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "secrets")
    assert volume["projected"] == {
        "sources": [
            {"secret": {"name": "npm", "items": [{"key": ".npmrc", "path": "npmrc"}]}},
            {"secret": {"name": "python", "items": [{"key": "conf", "path": "pip"}]}},
        ],
        "defaultMode": 0o400,
    }
    (fetch,) = pod["initContainers"]
    assert mount["name"] not in {each["name"] for each in fetch["volumeMounts"]}
