"""The build Job, field by field, and both engines, flag by flag."""

import json
import tomllib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.image_labels import BUILD, labels_of
from album_operator.domain.images import label_of
from album_operator.domain.release import BuildArg, BuildType, Ref, Release, Resources
from album_operator.domain.resolved import Resolved, ResolvedBuild
from album_operator.render.buildkit import render_buildkitd_toml
from album_operator.render.engines import Mirror, literal
from album_operator.render.job import EngineSettings, render_job

ENGINE = EngineSettings(
    operator_image="registry.example.org/album-operator:v0.1.0",
    kaniko_image="registry.example.org/kaniko:v1.28.3",
    buildkit_image="registry.example.org/buildkit:v0.34.2",
)
LOCAL = replace(
    ENGINE,
    registry_mirrors=(
        Mirror("172.18.0.1:5000"),
        Mirror("mirror.example.org/hub"),
        Mirror("mirror.example.org/quay", "quay.io"),
    ),
    insecure_hosts=frozenset({"172.18.0.1:5000", "172.18.0.1:3000"}),
)


BOUNDED = {
    "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
    "limits": {"cpu": "4", "memory": "4Gi", "ephemeral-storage": "20Gi"},
}


def with_build(resolved: Resolved, **changes: Any) -> Resolved:  # noqa: ANN401
    return replace(resolved, build=replace(resolved.build, **changes))


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def builder_of(job: dict[str, Any]) -> dict[str, Any]:
    [builder] = pod_of(job)["containers"]
    assert builder["name"] == "build"
    return dict(builder)


def expanded(text: str, variables: dict[str, str]) -> str:
    """Replace `$(NAME)` as the kubelet does, by the rules of the API reference."""
    out, at = "", 0
    while at < len(text):
        closing = text.find(")", at)
        if text[at] == "$" and text[at + 1 : at + 2] == "$":
            out, at = out + "$", at + 2
        elif text[at] == "$" and text[at + 1 : at + 2] == "(" and closing > 0:
            name = text[at + 2 : closing]
            out, at = out + variables.get(name, f"$({name})"), closing + 1
        else:
            out, at = out + text[at], at + 1
    return out


def test_the_job_of_a_release_is_as_recorded(release: Release, resolved: Resolved) -> None:
    job = render_job(release, resolved, 2, ENGINE)
    labels = {
        "app.kubernetes.io/managed-by": "album-operator",
        "album.dev/app": "backend",
        "album.dev/pipeline": "album-app",
        "album.dev/release": "backend-v1.1.0",
        "album.dev/image": label_of(resolved.build.image),
    }
    spec = job["spec"]
    template = spec.pop("template")
    assert job == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "album-build-backend-v1-1-0-794606d7-2",
            "namespace": "album",
            "labels": labels,
            "ownerReferences": [
                {
                    "apiVersion": "album.dev/v1alpha1",
                    "kind": "AlbumRelease",
                    "name": "backend-v1.1.0",
                    "uid": "6f1c7a52-1111-4222-8333-444455556666",
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "backoffLimit": 3,
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "Count",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    },
                    {"action": "Count", "onExitCodes": {"operator": "In", "values": [128]}},
                    {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0]}},
                ]
            },
            "activeDeadlineSeconds": 1800,
            "ttlSecondsAfterFinished": 86400,
        },
    }
    assert template["metadata"] == {"labels": labels}
    pod = template["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


def test_the_init_container_is_told_which_hosts_may_be_anywhere(
    release: Release, resolved: Resolved
) -> None:
    engine = replace(LOCAL, allowed_hosts=frozenset({"gitea.gitea.svc", "gitea.b.svc:443"}))
    [fetch] = pod_of(render_job(release, resolved, 1, engine))["initContainers"]
    hosts = "gitea.b.svc:443,gitea.gitea.svc"
    assert {"name": "ALBUM_ALLOWED_HOSTS", "value": hosts} in fetch["env"]


def test_the_init_container_fetches_the_commit_with_no_rights_at_all(
    release: Release, resolved: Resolved
) -> None:
    [fetch] = pod_of(render_job(release, resolved, 1, LOCAL))["initContainers"]
    assert fetch == {
        "name": "fetch",
        "image": "registry.example.org/album-operator:v0.1.0",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "album_operator.fetch_source"],
        "env": [
            {"name": "ALBUM_REPOSITORY", "value": "https://git.example.org/owner/album-app"},
            {"name": "ALBUM_COMMIT", "value": "c0ffee" + "0" * 34},
            {"name": "ALBUM_TAG", "value": "backend-v1.1.0"},
            {"name": "ALBUM_TARGET", "value": "/album/source"},
            {"name": "ALBUM_SOURCE_BYTES", "value": "21474836480"},
            {"name": "ALBUM_CONTEXT_DIR", "value": "backend"},
            {"name": "ALBUM_DOCKERFILE", "value": "Dockerfile"},
            {"name": "ALBUM_INSECURE_HOSTS", "value": "172.18.0.1:3000,172.18.0.1:5000"},
            {"name": "HOME", "value": "/tmp"},  # noqa: S108
        ],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "1Gi"},
            "limits": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "20Gi"},
        },
        "volumeMounts": [
            {"name": "source", "mountPath": "/album"},
            {"name": "git", "mountPath": "/var/run/secrets/album/git", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


@pytest.mark.parametrize("engine", BuildType)
def test_the_builder_never_mounts_the_git_credential(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    job = render_job(release, with_build(resolved, type=engine), 1, ENGINE)
    mounts = {mount["name"] for mount in builder_of(job)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod_of(job)["volumes"]}
    assert "git" not in mounts
    assert mounts < set(volumes)
    assert volumes["git"]["secret"] == {"secretName": "album-git", "defaultMode": 0o444}
    assert volumes["registry"]["secret"] == {
        "secretName": "album-registry",
        "defaultMode": 0o400,
        "items": [{"key": ".dockerconfigjson", "path": "config.json"}],
    }


@pytest.mark.parametrize("engine", BuildType)
@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_builders_know_docker_hub_by_one_name_and_find_its_credential(
    release: Release, resolved: Resolved, engine: BuildType, host: str
) -> None:
    resolved = with_build(resolved, type=engine, image=f"{host}/acme/shop-backend:v1.1.0")
    job = render_job(release, resolved, 1, ENGINE)
    pod, builder = pod_of(job), builder_of(job)
    [fetch] = pod["initContainers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert "docker.io/acme/shop-backend:v1.1.0" in " ".join(builder["args"])
    assert "-1.docker.io" not in " ".join(builder["args"])
    assert "index.docker.io" not in " ".join(builder["args"])
    assert volumes["push"]["secret"]["secretName"] == "album-registry"
    assert volumes["registry"]["emptyDir"]["medium"] == "Memory"
    assert {"name": "ALBUM_BUILDERS_CONFIG", "value": "/var/run/album/registry"} in fetch["env"]
    assert fetch["volumeMounts"][-2:] == [
        {"name": "push", "mountPath": "/var/run/secrets/album/push", "readOnly": True},
        {"name": "registry", "mountPath": "/var/run/album/registry"},
    ]
    mounts = {mount["name"]: mount for mount in builder["volumeMounts"]}
    assert mounts["registry"]["readOnly"] is True
    assert "push" not in mounts


def test_a_source_over_ssh_is_fetched_with_the_same_secret_and_no_option(
    release: Release, resolved: Resolved
) -> None:
    url = "ssh://git@git.example.org:2222/owner/album-app"
    over_ssh = replace(resolved, source=replace(resolved.source, repository=url))
    [ssh], [http] = (
        pod_of(render_job(release, each, 1, ENGINE))["initContainers"]
        for each in (over_ssh, resolved)
    )
    variables = {item["name"]: item["value"] for item in ssh.pop("env")}
    assert variables["ALBUM_REPOSITORY"] == url
    assert ssh == {name: value for name, value in http.items() if name != "env"}


def test_kaniko_is_called_with_these_flags(release: Release, resolved: Resolved) -> None:
    builder = builder_of(render_job(release, resolved, 1, ENGINE))
    assert builder == {
        "name": "build",
        "image": "registry.example.org/kaniko:v1.28.3",
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "--context=dir:///album/source/backend",
            "--dockerfile=/album/source/backend/Dockerfile",
            "--destination=registry.example.org/owner/album-app-backend:v1.1.0",
            "--build-arg=VERSION=v1.1.0",
            "--label=org.opencontainers.image.revision=c0ffee" + "0" * 34,
            "--label=org.opencontainers.image.source=https://git.example.org/owner/album-app",
            "--label=org.opencontainers.image.version=v1.1.0",
            f"--label=dev.album.build={labels_of(resolved)[BUILD]}",
            "--digest-file=/dev/termination-log",
            "--push-retry=2",
        ],
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {
                "drop": ["ALL"],
                "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETFCAP", "SETGID", "SETUID"],
            },
        },
        "resources": BOUNDED,
        "volumeMounts": [
            {"name": "source", "mountPath": "/album"},
            {"name": "registry", "mountPath": "/kaniko/.docker", "readOnly": True},
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


def test_kaniko_gets_target_mirrors_and_plain_http_where_asked(
    release: Release, resolved: Resolved
) -> None:
    resolved = with_build(
        resolved, target="final", insecure=True, image="10.0.0.9:5000/a/b:v1", context_dir="."
    )
    args = builder_of(render_job(release, resolved, 1, LOCAL))["args"]
    assert args[:2] == [
        "--context=dir:///album/source",
        "--dockerfile=/album/source/Dockerfile",
    ]
    assert args[4] == "--target=final"
    assert args[9:] == [
        "--digest-file=/dev/termination-log",
        "--push-retry=2",
        "--insecure",
        "--insecure-registry=10.0.0.9:5000",
        "--insecure-registry=172.18.0.1:3000",
        "--insecure-registry=172.18.0.1:5000",
        "--registry-mirror=172.18.0.1:5000",
        "--registry-mirror=mirror.example.org/hub",
        "--registry-map=quay.io=mirror.example.org/quay",
    ]


@pytest.mark.parametrize("engine_type", BuildType)
def test_no_container_is_privileged_without_an_admins_word(
    release: Release, resolved: Resolved, engine_type: BuildType
) -> None:
    pod = pod_of(render_job(release, with_build(resolved, type=engine_type), 1, ENGINE))
    containers = [*pod["initContainers"], *pod["containers"]]
    assert not any(one["securityContext"].get("privileged", False) for one in containers)


def test_buildkit_is_called_with_these_arguments(release: Release, resolved: Resolved) -> None:
    resolved = with_build(
        resolved, type=BuildType.BUILDKIT, dockerfile="docker/Dockerfile.prod", target="final"
    )
    engine = replace(ENGINE, allow_privileged=True)
    builder = builder_of(render_job(release, resolved, 1, engine))
    command, env = builder.pop("command"), builder.pop("env")
    assert builder == {
        "name": "build",
        "image": "registry.example.org/buildkit:v0.34.2",
        "imagePullPolicy": "IfNotPresent",
        "args": [
            *("--frontend", "dockerfile.v0"),
            *("--local", "context=/album/source/backend"),
            *("--local", "dockerfile=/album/source/backend/docker"),
            *("--opt", "filename=Dockerfile.prod"),
            *("--opt", "build-arg:VERSION=v1.1.0"),
            *("--opt", "target=final"),
            *("--opt", "label:org.opencontainers.image.revision=c0ffee" + "0" * 34),
            "--opt",
            "label:org.opencontainers.image.source=https://git.example.org/owner/album-app",
            *("--opt", "label:org.opencontainers.image.version=v1.1.0"),
            *("--opt", f"label:dev.album.build={labels_of(resolved)[BUILD]}"),
            "--output",
            "type=image,name=registry.example.org/owner/album-app-backend:v1.1.0,push=true",
            *("--progress", "plain"),
        ],
        "securityContext": {"runAsUser": 0, "runAsGroup": 0, "privileged": True},
        "resources": BOUNDED,
        "volumeMounts": [
            {"name": "source", "mountPath": "/album"},
            {"name": "registry", "mountPath": "/var/run/secrets/album/registry", "readOnly": True},
            {"name": "buildkit", "mountPath": "/var/lib/buildkit"},
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    assert command[:2] == ["sh", "-c"]
    assert command[3:] == ["album-build"]
    assert env == [
        {"name": "BUILDKITD_TOML", "value": ""},
        {"name": "BUILDCTL_CONNECT_RETRIES_MAX", "value": "60"},
        {"name": "DOCKER_CONFIG", "value": "/var/run/secrets/album/registry"},
        {"name": "ALBUM_TERMINATION_LOG", "value": "/dev/termination-log"},
        {"name": "ALBUM_SHOWS_LOG", "value": ""},
    ]


def test_buildkit_pushes_over_plain_http_where_asked(release: Release, resolved: Resolved) -> None:
    resolved = with_build(resolved, type=BuildType.BUILDKIT, insecure=True, image="h:5000/a:v1")
    args = builder_of(render_job(release, resolved, 1, ENGINE))["args"]
    assert args[args.index("--output") + 1] == (
        "type=image,name=h:5000/a:v1,push=true,registry.insecure=true"
    )


def test_buildkitd_knows_mirrors_and_plain_http_hosts(resolved: Resolved) -> None:
    build = with_build(resolved, insecure=True, image="10.0.0.9:5000/a:v1").build
    assert tomllib.loads(render_buildkitd_toml(build, LOCAL)) == {
        "registry": {
            "docker.io": {"mirrors": ["172.18.0.1:5000", "mirror.example.org/hub"]},
            "quay.io": {"mirrors": ["mirror.example.org/quay"]},
            "10.0.0.9:5000": {"http": True},
            "172.18.0.1:3000": {"http": True},
            "172.18.0.1:5000": {"http": True},
        }
    }


def test_a_host_that_is_both_mirrored_and_plain_http_has_one_table(resolved: Resolved) -> None:
    engine = replace(
        ENGINE, registry_mirrors=(Mirror("m"),), insecure_hosts=frozenset({"docker.io"})
    )
    assert tomllib.loads(render_buildkitd_toml(resolved.build, engine)) == {
        "registry": {"docker.io": {"mirrors": ["m"], "http": True}}
    }


@pytest.mark.parametrize("engine", BuildType)
def test_every_container_and_every_volume_is_bounded(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    pod = pod_of(render_job(release, with_build(resolved, type=engine), 1, ENGINE))
    limits = [one["resources"]["limits"] for one in (*pod["initContainers"], *pod["containers"])]
    assert [limit.keys() for limit in limits] == [{"cpu", "memory", "ephemeral-storage"}] * 2
    sizes = {
        volume["name"]: volume["emptyDir"]["sizeLimit"]
        for volume in pod["volumes"]
        if "emptyDir" in volume
    }
    assert sizes.pop("buildkit", "20Gi") == "20Gi"
    assert sizes == {"source": "20Gi", "tmp": "256Mi"}


def test_requests_and_limits_are_those_of_the_pipeline_and_then_the_settings(
    release: Release, resolved: Resolved
) -> None:
    resources = Resources(requests={"cpu": "8"}, limits={"memory": "2Gi"})
    job = render_job(release, with_build(resolved, resources=resources), 1, ENGINE)
    assert builder_of(job)["resources"] == {
        "requests": {"cpu": "8", "ephemeral-storage": "1Gi"},
        "limits": {"cpu": "8", "memory": "2Gi", "ephemeral-storage": "20Gi"},
    }
    engine = replace(
        ENGINE,
        build_resources=Resources(limits={"ephemeral-storage": "9Gi"}),
        fetch_resources=Resources(requests={"cpu": "100m"}, limits={"cpu": "50m"}),
    )
    job = render_job(release, resolved, 1, engine)
    assert builder_of(job)["resources"] == {"limits": {"ephemeral-storage": "9Gi"}}
    [fetch] = pod_of(job)["initContainers"]
    assert fetch["resources"] == {
        "requests": {"cpu": "50m"},
        "limits": {"cpu": "50m", "ephemeral-storage": "9Gi"},
    }


@pytest.mark.parametrize("engine", BuildType)
def test_a_pipelines_disk_is_that_of_its_volumes_and_of_the_fetch_too(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    resources = Resources(limits={"ephemeral-storage": "100Gi"})
    resolved = with_build(resolved, type=engine, resources=resources)
    pod = pod_of(render_job(release, resolved, 1, ENGINE))
    sizes = {volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume}
    assert sizes == {"100Gi", "256Mi"}
    for one in (*pod["initContainers"], *pod["containers"]):
        assert one["resources"]["limits"]["ephemeral-storage"] == "100Gi"
        assert "ephemeral-storage" not in one["resources"]["requests"]


def test_long_names_make_valid_labels(release: Release, resolved: Resolved) -> None:
    release = replace(release, ref=Ref("album", "r" * 200))
    job = render_job(
        release, replace(resolved, pipeline=replace(resolved.pipeline, name="p" * 100)), 1, ENGINE
    )
    assert all(len(value) <= 63 for value in job["metadata"]["labels"].values())
    assert len(job["metadata"]["name"]) <= 63


def test_the_deadline_is_in_seconds(release: Release, resolved: Resolved) -> None:
    job = render_job(release, with_build(resolved, timeout=timedelta(hours=1)), 1, ENGINE)
    assert job["spec"]["activeDeadlineSeconds"] == 3600


@pytest.mark.parametrize("engine", BuildType)
def test_the_same_release_always_gives_the_same_job(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    resolved = with_build(resolved, type=engine)
    jobs = [json.dumps(render_job(release, resolved, 1, LOCAL)) for _ in range(2)]
    assert jobs[0] == jobs[1]


NASTY = ["a b", 'say "hi"', "it's", "$(id)", "$(BUILDKITD_TOML)", "$$(x)", "`id`", ";rm -rf /",
         "a\nb", "--insecure", "$", "x,push=false", "", "é😀", "-e\\n%s"]  # fmt: skip


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("engine", BuildType)
def test_a_value_of_a_user_stays_one_argument_and_as_it_is(
    release: Release, resolved: Resolved, engine: BuildType, value: str
) -> None:
    resolved = with_build(resolved, type=engine, args=(BuildArg("A", value),), target=value)
    plain = builder_of(render_job(release, with_build(resolved, args=(), target=None), 1, LOCAL))
    builder = builder_of(render_job(release, resolved, 1, LOCAL))
    variables = {item["name"]: item["value"] for item in builder.get("env", [])}
    args = [expanded(arg, variables) for arg in builder["args"]]
    if engine is BuildType.KANIKO:
        new = [f"--build-arg=A={value}", f"--target={value}"]
    else:
        new = ["--opt", f"build-arg:A={value}", "--opt", f"target={value}"]
    assert [arg for arg in new if arg not in args] == []
    assert len(args) == len(plain["args"]) + len(new)
    assert builder.get("command") == plain.get("command")


def test_an_image_name_cannot_add_fields_to_the_output(
    release: Release, resolved: Resolved
) -> None:
    resolved = with_build(resolved, type=BuildType.BUILDKIT, image='h/a,push="no"')
    args = builder_of(render_job(release, resolved, 1, ENGINE))["args"]
    assert args[args.index("--output") + 1] == 'type=image,"name=h/a,push=""no""",push=true'


@given(st.text(st.sampled_from("$()ab \n")))
def test_the_kubelet_gives_back_what_was_escaped(text: str) -> None:
    assert expanded(literal(text), {"a": "expanded", "b": "expanded"}) == text


HOSTS = st.from_regex(r"[a-z0-9.-]{1,20}(:\d{1,5})?", fullmatch=True)


@given(st.lists(HOSTS, max_size=3), st.frozensets(HOSTS, max_size=3))
def test_buildkitd_can_read_its_configuration_for_any_hosts(
    mirrors: list[str], insecure: frozenset[str]
) -> None:
    engine = replace(ENGINE, registry_mirrors=tuple(map(Mirror, mirrors)), insecure_hosts=insecure)
    build = ResolvedBuild(
        BuildType.BUILDKIT, "h/a:v1", False, "a", "D", (), None, Resources(), timedelta(1), "s"
    )
    tables = tomllib.loads(render_buildkitd_toml(build, engine)).get("registry", {})
    assert {host for host, table in tables.items() if table.get("http")} == insecure
    assert tables.get("docker.io", {}).get("mirrors", []) == mirrors
