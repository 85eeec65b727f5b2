"""What a pipeline says of its builds' Pods gets into the Job, and the operator's own wins."""

from dataclasses import replace

import pytest

from album_operator.domain.build_pod import (
    PodWish,
    PullSecret,
    TaintEffect,
    Toleration,
    TolerationOperator,
)
from album_operator.domain.release import BuildType, Release, Resources
from album_operator.domain.resolved import Resolved
from album_operator.render.job import render_job
from tests.unit.render.test_job import ENGINE, pod_of, with_build

POD = PodWish(
    labels={"team": "web", "album.dev/release": "another"},
    annotations={"sidecar.istio.io/inject": "false"},
    node_selector={"kubernetes.io/arch": "arm64"},
    tolerations=(
        Toleration("dedicated", value="builds", effect=TaintEffect.NO_SCHEDULE),
        Toleration("spot", TolerationOperator.EXISTS, None, TaintEffect.NO_EXECUTE, 0),
    ),
    service_account_name="builder",
    priority_class_name="low",
    image_pull_secrets=(PullSecret("pull"),),
)


def test_a_pod_is_as_the_pipeline_wants_it(release: Release, resolved: Resolved) -> None:
    job = render_job(release, with_build(resolved, pod=POD), 1, ENGINE)
    pod, metadata = pod_of(job), job["spec"]["template"]["metadata"]

    assert metadata["annotations"] == {"sidecar.istio.io/inject": "false"}
    assert metadata["labels"] == {"team": "web", **job["metadata"]["labels"]}
    assert metadata["labels"]["album.dev/release"] == "backend-v1.1.0"
    assert pod["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert pod["tolerations"] == [
        {"key": "dedicated", "operator": "Equal", "value": "builds", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0},
    ]
    assert pod["serviceAccountName"] == "builder"
    assert pod["priorityClassName"] == "low"
    assert pod["imagePullSecrets"] == [{"name": "pull"}]


def test_a_service_account_brings_no_token_for_the_api_server(
    release: Release, resolved: Resolved
) -> None:
    job = render_job(release, with_build(resolved, pod=POD), 1, ENGINE)

    assert pod_of(job)["automountServiceAccountToken"] is False


@pytest.mark.parametrize("registry", ["gcr.io", "docker.io"])
def test_without_a_push_secret_the_builder_has_no_credential_but_its_pods(
    release: Release, resolved: Resolved, registry: str
) -> None:
    build = with_build(resolved, push_secret_name="", image=f"{registry}/acme/shop:v1")
    pod = pod_of(render_job(release, build, 1, ENGINE))
    mounts = [
        mount["name"]
        for container in [*pod["initContainers"], *pod["containers"]]
        for mount in container["volumeMounts"]
    ]

    assert not {"registry", "push"} & {*mounts, *(volume["name"] for volume in pod["volumes"])}


def test_a_pipeline_that_says_nothing_changes_nothing(release: Release, resolved: Resolved) -> None:
    job = render_job(release, resolved, 1, ENGINE)

    assert job["spec"]["template"]["metadata"] == {"labels": job["metadata"]["labels"]}
    assert not pod_of(job).keys() & {
        "nodeSelector", "tolerations", "serviceAccountName", "priorityClassName",
        "imagePullSecrets",
    }  # fmt: skip


def test_the_fetching_container_has_its_own_resources(release: Release, resolved: Resolved) -> None:
    own = Resources({"memory": "64Mi"}, {"cpu": "2"})
    (fetch,) = pod_of(render_job(release, with_build(resolved, fetch_resources=own), 1, ENGINE))[
        "initContainers"
    ]

    assert fetch["resources"] == {
        "requests": {"memory": "64Mi", "ephemeral-storage": "1Gi"},
        "limits": {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "20Gi"},
    }


@pytest.mark.parametrize("engine", BuildType)
@pytest.mark.parametrize("own", [Resources(), Resources({}, {"cpu": "1"})])
def test_a_quota_on_limits_and_requests_can_always_be_met(
    release: Release, resolved: Resolved, engine: BuildType, own: Resources
) -> None:
    """Each container says both of each, or a limit that Kubernetes takes for the request too."""
    build = replace(resolved.build, type=engine, resources=own, fetch_resources=own)
    pod = pod_of(render_job(release, replace(resolved, build=build), 1, ENGINE))

    for container in [*pod["initContainers"], *pod["containers"]]:
        limits = container["resources"]["limits"]
        assert limits.keys() == {"cpu", "memory", "ephemeral-storage"}
        assert limits.keys() == {*limits, *container["resources"]["requests"]}
