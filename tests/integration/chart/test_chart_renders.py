"""The chart and `manifests/` say the same, and values change what they are for."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from distribution.chart import CHART, DERIVED
from testbed.commands import PartError, capture
from tests.integration.chart.conftest import DEFAULTS, Helm, objects_of, without_helms_own, written
from tests.integration.manifests.applications import MANIFESTS

OF_THE_CLUSTER = {"CustomResourceDefinition", "ClusterRole", "Namespace"}


def _kustomize(kubectl: Path, folder: Path) -> str:
    text = capture([kubectl, "kustomize", folder], part="kustomize", timeout=60)
    digests = [
        one["metadata"]["name"] for one in yaml.safe_load_all(text) if one["kind"] == "ConfigMap"
    ]
    for name in digests:
        text = text.replace(name, name.rpartition("-")[0])
    return text


def test_with_its_own_values_it_is_the_default_overlay(helm: Helm, kubectl: Path) -> None:
    rendered = without_helms_own(objects_of(helm.template()))
    wanted = objects_of(_kustomize(kubectl, MANIFESTS / "overlays/default"))
    # Helm makes the namespace of a release where it is asked to (--create-namespace).
    del wanted["Namespace", "", "album-system"]
    assert rendered.keys() == wanted.keys()
    for name, one in rendered.items():
        assert one == wanted[name], name


def test_what_holds_releases_is_kept_by_helm_and_by_argo_cd(helm: Helm) -> None:
    kept = {
        (kind, name): one["metadata"]["annotations"]
        for (kind, _, name), one in objects_of(helm.template()).items()
        if kind in {"CustomResourceDefinition", "Namespace"}
    }
    assert len(kept) == 3
    for annotations in kept.values():
        assert annotations["helm.sh/resource-policy"] == "keep"
        assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false"


def test_under_another_name_in_another_namespace_it_is_such_an_overlay(
    helm: Helm, kubectl: Path, tmp_path: Path
) -> None:
    name = "--set=fullnameOverride=team-album-operator"
    rendered = without_helms_own(objects_of(helm.template(name, namespace="tools")))
    (tmp_path / "base").symlink_to(MANIFESTS / "base")
    fields = {"namePrefix": "team-", "namespace": "tools", "resources": ["base"]}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(fields))
    wanted = objects_of(_kustomize(kubectl, tmp_path))
    compared = 0
    for (kind, namespace, name), one in wanted.items():
        if kind in OF_THE_CLUSTER:
            continue
        compared += 1
        if kind.startswith("ValidatingAdmissionPolicy"):
            # kustomize gives these a namespace, which the API server drops.
            namespace = one["metadata"].pop("namespace") and ""
        assert rendered[kind, namespace, name] == one
    assert compared > 10


def test_its_network_policies_are_those_of_the_manifests(
    helm: Helm, kubectl: Path, tmp_path: Path
) -> None:
    names = ("--set=networkPolicies.enabled=true", "--set=namespaces[0].name=music")
    rendered = objects_of(helm.template(*names))
    (tmp_path / "manifests").symlink_to(MANIFESTS)
    places = {"operator": "album-system", "builds": "music"}
    for name, namespace in places.items():
        folder = tmp_path / name
        folder.mkdir()
        fields = {"namespace": namespace, "resources": [f"../manifests/network/{name}"]}
        (folder / "kustomization.yaml").write_text(json.dumps(fields))
        ((key, wanted),) = objects_of(_kustomize(kubectl, folder)).items()
        assert rendered[key] == wanted


REFUSED = [
    ({"replicaCount": 3}, "replicaCount"),
    ({"image": {"repository": "registry.example.org/tools/album-operator:0.1.0"}}, "repository"),
    ({"image": {"tag": 1.10}}, "/image/tag"),
    ({"image": {"digest": "0123"}}, "/image/digest"),
    ({"namespaces": []}, "/namespaces"),
    ({"namespaces": ["album"]}, "/namespaces/0"),
    ({"namespaces": [{"name": "album", "podSecurity": "none"}]}, "/namespaces/0/podSecurity"),
    ({"namespaces": [{"name": "Album"}]}, "/namespaces/0/name"),
    ({"applicationNamespaces": []}, "/applicationNamespaces"),
    ({"applicationNamespaces": "argocd"}, "/applicationNamespaces"),
    ({"settings": {"ALBUM_MERGE_POL_SECONDS": 10}}, "ALBUM_MERGE_POL_SECONDS"),
    ({"settings": {"ALBUM_MERGE_POLL_SECONDS": "10s"}}, "/settings/ALBUM_MERGE_POLL_SECONDS"),
    ({"settings": {"ALBUM_MERGE_POLL_SECONDS": 0}}, "/settings/ALBUM_MERGE_POLL_SECONDS"),
    ({"settings": {"ALBUM_REQUIRE_CONSENT": "no"}}, "/settings/ALBUM_REQUIRE_CONSENT"),
    (
        {"extraEnv": [{"name": "ALBUM_CACHE_DIR", "value": "/"}]},
        "extraEnv[0].name: ALBUM_CACHE_DIR is no further variable: settings of the operator are",
    ),
    ({"imagePullSecrets": ["registry"]}, "/imagePullSecrets/0"),
    ({"service": {"type": "ExternalName"}}, "/service/type"),
    ({"monitoring": {"enabled": True}}, "/monitoring"),
    ({"monitoring": {"serviceMonitor": {"interval": "30"}}}, "/monitoring/serviceMonitor/interval"),
    ({"monitoring": {"rules": {"runbooks": ""}}}, "/monitoring/rules/runbooks"),
    ({"monitoring": {"labels": {"release": 1}}}, "/monitoring/labels/release"),
    ({"monitoring": {"rules": {"alerts": {"AlbumReview": {}}}}}, "AlbumReview"),
    ({"monitoring": {"rules": {"alerts": {"AlbumNoLeader": {"threshold": 1}}}}}, "threshold"),
    (
        {"monitoring": {"rules": {"alerts": {"AlbumReviewWaitsLong": {"threshold": "3d"}}}}},
        "/monitoring/rules/alerts/AlbumReviewWaitsLong/threshold",
    ),
]


@pytest.mark.parametrize(("values", "field"), REFUSED, ids=lambda row: json.dumps(row)[:60])
def test_wrong_values_are_refused_with_the_field(
    helm: Helm, tmp_path: Path, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(PartError) as caught:
        helm.template(written(tmp_path, values))
    assert field in str(caught.value)


def test_a_password_of_the_proxy_is_refused_without_being_shown(helm: Helm) -> None:
    said = helm.refusal(
        *("template", "album", str(CHART)), "--set=settings.HTTPS_PROXY=http://a:secret@proxy:3128"
    )
    assert "settings.HTTPS_PROXY: a ConfigMap is no place for a password" in said
    assert "a Secret `album-operator-proxy`" in said
    assert "secret@" not in said


def test_each_setting_that_follows_from_a_value_is_refused_with_that_value(helm: Helm) -> None:
    for name, value in DERIVED.items():
        said = helm.refusal("template", "album", str(CHART), f"--set=settings.{name}=x")
        assert f"settings.{name}: it follows from the value `{value}`: say it there" in said


def _deployment(helm: Helm, *arguments: str) -> dict[str, Any]:
    (found,) = (
        one
        for (kind, *_), one in objects_of(helm.template(*arguments)).items()
        if kind == "Deployment"
    )
    return found


def _settings(helm: Helm, *arguments: str) -> dict[str, str]:
    data: dict[str, str] = objects_of(helm.template(*arguments))[
        "ConfigMap", "album-system", DEFAULTS
    ]["data"]
    return data


def test_numbers_and_booleans_are_written_as_the_operator_reads_them(
    helm: Helm, tmp_path: Path
) -> None:
    wanted = {
        "ALBUM_CACHE_BYTES": 1073741824,
        "ALBUM_FETCH_BYTES": "268435456",
        "ALBUM_MERGE_POLL_SECONDS": 0.5,
        "ALBUM_ALLOW_PRIVILEGED_BUILDS": True,
        "ALBUM_BUILDS": 20,
    }
    data = _settings(helm, written(tmp_path, {"settings": wanted}))
    assert {name: data[name] for name in wanted} == {
        "ALBUM_CACHE_BYTES": "1073741824",
        "ALBUM_FETCH_BYTES": "268435456",
        "ALBUM_MERGE_POLL_SECONDS": "0.5",
        "ALBUM_ALLOW_PRIVILEGED_BUILDS": "true",
        "ALBUM_BUILDS": "20",
    }
    assert _settings(helm, "--set=settings.ALBUM_CACHE_BYTES=1073741824") == {
        **_settings(helm),
        "ALBUM_CACHE_BYTES": "1073741824",
    }


def test_a_changed_setting_starts_new_pods(helm: Helm) -> None:
    def digest(*arguments: str) -> str:
        metadata = _deployment(helm, *arguments)["spec"]["template"]["metadata"]
        return str(metadata["annotations"]["checksum/settings"])

    assert digest() == digest("--set=podLabels.a=b")
    assert digest() != digest("--set=settings.ALBUM_BUILDS=3")
    assert digest() != digest("--set=applicationNamespaces={argocd,apps}")


DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("options", "image"),
    [
        (["repository=r.example.org:5000/t/o"], "r.example.org:5000/t/o:0.1.0"),
        (["repository=r.example.org/o", "tag=next"], "r.example.org/o:next"),
        ([f"digest={DIGEST}"], f"album-operator@{DIGEST}"),
    ],
)
def test_the_image_is_said_once_for_operator_and_build_jobs(
    helm: Helm, options: list[str], image: str
) -> None:
    deployment = _deployment(helm, *(f"--set-string=image.{option}" for option in options))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (fixed,) = (one for one in container["env"] if one["name"] == "ALBUM_OPERATOR_IMAGE")
    assert (container["image"], fixed["value"]) == (image, image)


def test_what_values_say_of_pods_is_in_them(helm: Helm, tmp_path: Path) -> None:
    of_pod = {
        "imagePullSecrets": [{"name": "registry"}],
        "priorityClassName": "platform",
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"key": "platform", "operator": "Exists"}],
        "affinity": {"podAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 2}],
    }
    env = {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "url"}}}
    more = {"extraEnv": [env], "podLabels": {"team": "a"}, "podAnnotations": {"b": "c"}}
    template = _deployment(helm, written(tmp_path, of_pod | more))["spec"]["template"]
    assert {name: template["spec"][name] for name in of_pod} == of_pod
    assert env in template["spec"]["containers"][0]["env"]
    assert template["metadata"]["labels"]["team"] == "a"
    assert template["metadata"]["annotations"]["b"] == "c"


def test_one_replica_alone_lets_its_node_be_drained(helm: Helm) -> None:
    rendered = objects_of(helm.template("--set=replicas=1"))
    assert "PodDisruptionBudget" not in {kind for kind, *_ in rendered}


def test_each_namespace_has_one_role_with_what_it_is_for(helm: Helm, tmp_path: Path) -> None:
    values = {
        "namespaces": [{"name": "a"}, {"name": "both", "create": False}],
        "applicationNamespaces": ["both", "b"],
    }
    rendered = objects_of(helm.template(written(tmp_path, values)))

    def groups(namespace: str) -> set[str]:
        rules = rendered["Role", namespace, "album-operator"]["rules"]
        return {group for rule in rules for group in rule["apiGroups"]}

    assert groups("b") == {"argoproj.io"}
    assert groups("both") == groups("a") | groups("b")
    assert {name for kind, _, name in rendered if kind == "Namespace"} == {"a"}
    settings = rendered["ConfigMap", "album-system", DEFAULTS]["data"]
    assert settings["ALBUM_NAMESPACES"] == "a,both"
    assert settings["ALBUM_ARGOCD_NAMESPACES"] == "both,b"


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    with pytest.raises(PartError, match=r">=1\.31\.0-0"):
        helm.template("--kube-version=1.30.0")
