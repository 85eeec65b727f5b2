"""The Deployment keeps to the restricted Pod security standard, and its settings are ours."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from album_operator.adapters.git.cache import ALLOCATED
from album_operator.adapters.git.git import SHARES
from album_operator.adapters.git.room import FETCHES, FREE_DISK
from album_operator.settings import Settings, read_settings

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "manifests"
USER = 65532


class Recorder(Mapping[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        # A proxy's variables are read in either spelling.
        self.asked.add(name.upper())
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _deployment() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((MANIFESTS / "base/deployment.yaml").read_text())
    return loaded


def _pod() -> dict[str, Any]:
    pod: dict[str, Any] = _deployment()["spec"]["template"]["spec"]
    return pod


def _container() -> dict[str, Any]:
    (container,) = _pod()["containers"]
    assert isinstance(container, dict)
    return container


def _defaults() -> dict[str, str]:
    """Read `settings.env` as kustomize does: comments, blank lines, NAME=value."""
    lines = (MANIFESTS / "base/settings.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


POD = {
    "metadata.namespace": "album-system",
    "metadata.name": "album-operator-59f8c-x2x7k",
    "spec.serviceAccountName": "album-operator",
    "status.podIP": "10.244.0.7",
}


def _fixed() -> dict[str, str]:
    """Give what the Pod sets, its own fields as a kubelet would."""
    return {
        entry["name"]: (
            entry["value"] if "value" in entry else POD[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        )
        for entry in _container()["env"]
    }


def _read(values: Mapping[str, str]) -> tuple[Settings, set[str]]:
    environment = Recorder(values)
    return read_settings(environment), environment.asked


def test_the_pod_runs_without_any_privilege() -> None:
    pod, container = _pod(), _container()
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    tmp, cache, *read_only = pod["volumes"]
    names = ["tmp", "cache", "webhook", "notifications", "ca"]
    assert [one["name"] for one in pod["volumes"]] == names
    assert not any("emptyDir" in volume for volume in read_only)
    assert all("sizeLimit" in volume["emptyDir"] for volume in (tmp, cache))


def test_the_cache_fits_into_its_volume() -> None:
    (mount,) = [one for one in _container()["volumeMounts"] if one["name"] == "cache"]
    settings, _ = _read(_defaults() | _fixed())
    assert mount["mountPath"] == str(settings.cache_folder)
    limits = {
        volume["name"]: int(volume["emptyDir"]["sizeLimit"].removesuffix("Gi")) * 1024**3
        for volume in _pod()["volumes"]
        if volume["name"] in ("tmp", "cache")
    }
    works = SHARES.total + SHARES.own * len(settings.namespaces)
    fetched = FETCHES * settings.fetch_bytes + works * FREE_DISK
    assert ALLOCATED * settings.cache_bytes + fetched < limits["cache"]
    assert fetched < limits["tmp"]


def test_another_pod_is_always_there_to_lead() -> None:
    spec = _deployment()["spec"]
    assert spec["replicas"] == 2
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    budget = yaml.safe_load((MANIFESTS / "base/disruption.yaml").read_text())["spec"]
    assert budget["minAvailable"] == 1
    pod = _pod()
    (spread,) = pod["topologySpreadConstraints"]
    (apart,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    found = [budget["selector"], spread["labelSelector"], apart["podAffinityTerm"]["labelSelector"]]
    assert found == [spec["selector"]] * 3
    # A cluster of one node takes both.
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"


def test_the_lease_is_beside_the_pod_that_holds_it_and_may_be_written_by_it() -> None:
    settings, _ = _read(_defaults() | _fixed())
    candidacy = settings.candidacy
    assert candidacy is not None
    assert (candidacy.lease, candidacy.renew, candidacy.retry) == (15, 10, 2)
    role, binding = yaml.safe_load_all((MANIFESTS / "base/lease-rbac.yaml").read_text())
    assert role["rules"][0]["resourceNames"] == [candidacy.name]
    assert {candidacy.namespace} == {
        role["metadata"]["namespace"],
        binding["metadata"]["namespace"],
        binding["subjects"][0]["namespace"],
    }
    assert binding["subjects"][0]["name"] == _pod()["serviceAccountName"]


def test_probes_ask_the_port_the_operator_listens_on() -> None:
    container = _container()
    port = container["ports"][0]
    settings, _ = _read(_defaults() | _fixed())
    assert (port["name"], port["containerPort"]) == ("health", settings.health_port)
    paths = {
        kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")
    }
    assert paths == {
        "startup": {"path": "/healthz", "port": "health"},
        "liveness": {"path": "/healthz", "port": "health"},
        "readiness": {"path": "/readyz", "port": "health"},
    }


def test_webhooks_come_to_the_port_the_operator_listens_on() -> None:
    settings, _ = _read(_defaults() | _fixed())
    assert _served("service.yaml") == {"webhooks": settings.webhook_port}


def test_who_asks_for_metrics_gets_to_each_pod_even_one_that_is_not_ready() -> None:
    settings, _ = _read(_defaults() | _fixed())
    assert _served("metrics.yaml") == {"metrics": settings.metrics_port}
    spec = yaml.safe_load((MANIFESTS / "base/metrics.yaml").read_text())["spec"]
    assert (spec["clusterIP"], spec["publishNotReadyAddresses"]) == ("None", True)
    # A Service without an address of its own forwards no port to another.
    assert [port["port"] for port in spec["ports"]] == [settings.metrics_port]


def _served(file: str) -> dict[str, int]:
    """Give the ports of the operator's Pods that a Service of the base leads to, by name."""
    service, deployment = yaml.safe_load((MANIFESTS / "base" / file).read_text()), _deployment()
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert service["metadata"]["namespace"] == deployment["metadata"]["namespace"]
    listed = yaml.safe_load((MANIFESTS / "base/kustomization.yaml").read_text())["resources"]
    assert file in listed
    ports = {one["name"]: one["containerPort"] for one in _container()["ports"]}
    return {port["targetPort"]: ports[port["targetPort"]] for port in service["spec"]["ports"]}


def test_the_secret_of_the_webhooks_may_be_missing_and_is_only_read() -> None:
    (volume,) = [one for one in _pod()["volumes"] if one["name"] == "webhook"]
    (mount,) = [one for one in _container()["volumeMounts"] if one["name"] == "webhook"]
    assert volume["secret"] == {"secretName": "album-webhook", "optional": True}
    # With `subPath` a rotated Secret would not arrive.
    assert mount == {
        "name": "webhook",
        "mountPath": "/etc/album-operator/webhook",
        "readOnly": True,
    }
    assert f"{mount['mountPath']}/secret" in (MANIFESTS / "base/settings.env").read_text()
    assert f"{mount['mountPath']}/secret" in (ROOT / "docs/install.md").read_text()


def test_nobody_need_be_told_of_releases() -> None:
    (volume,) = [one for one in _pod()["volumes"] if one["name"] == "notifications"]
    (mount,) = [one for one in _container()["volumeMounts"] if one["name"] == "notifications"]
    assert volume["secret"] == {"secretName": "album-notifications", "optional": True}
    assert mount["readOnly"]
    for text in ("manifests/base/settings.env", "docs/install.md"):
        assert f"{mount['mountPath']}/sinks.yaml" in (ROOT / text).read_text()


def test_every_setting_is_listed_in_the_manifests_and_known_to_the_operator() -> None:
    _, asked = _read(_defaults() | _fixed())
    assert asked == _defaults().keys() | _fixed().keys()


def test_the_listed_values_are_the_defaults() -> None:
    without_default = {"ALBUM_NAMESPACES": "album", **_fixed()}
    assert _read(_defaults() | _fixed())[0] == _read(without_default)[0]


def test_the_build_jobs_fetch_with_the_image_the_operator_runs() -> None:
    assert _fixed()["ALBUM_OPERATOR_IMAGE"] == _container()["image"]


def test_the_user_settings_win_over_the_listed_ones() -> None:
    assert _container()["envFrom"] == [
        {"configMapRef": {"name": "album-operator-defaults"}},
        {"configMapRef": {"name": "album-operator-settings", "optional": True}},
        {"secretRef": {"name": "album-operator-proxy", "optional": True}},
        {"secretRef": {"name": "album-operator-traces", "optional": True}},
    ]


def test_the_authorities_of_a_company_may_be_missing() -> None:
    (volume,) = [one for one in _pod()["volumes"] if one["name"] == "ca"]
    (mount,) = [one for one in _container()["volumeMounts"] if one["name"] == "ca"]
    assert volume["configMap"] == {"name": "album-ca", "optional": True}
    assert mount == {"name": "ca", "mountPath": "/etc/album-operator/ca", "readOnly": True}
    for text in ("manifests/base/settings.env", "docs/install.md"):
        assert f"{mount['mountPath']}/ca.crt" in (ROOT / text).read_text()


def test_the_image_runs_as_the_user_of_the_pod() -> None:
    dockerfile = (ROOT / "operator/Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == [f"{USER}:{USER}"]


@pytest.mark.parametrize("name", ["operator", "dev", "archive"])
def test_requirements_are_pinned_and_hashed_and_name_no_registry(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    logical = text.replace("\\\n", " ").splitlines()
    pins = [line for line in logical if line and not line.lstrip().startswith("#")]
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+ ", pin), pin
        assert "--hash=sha256:" in pin
    assert "://" not in text


def test_what_is_developed_with_is_what_the_image_has() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / f"requirements/{name}.txt").read_text()
        return set(re.findall(r"^([a-z0-9-]+(?:\[.+\])?==\S+)", text, re.MULTILINE))

    assert pins("operator") <= pins("dev")
