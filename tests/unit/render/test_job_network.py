"""What the containers of a build are told of a company's network."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.domain.proxies import Proxies, Proxy
from album_operator.domain.release import BuildArg, BuildType, Release
from album_operator.domain.resolved import Resolved
from album_operator.render.job import EngineSettings, render_job
from album_operator.render.network import JobNetwork

PROXY = "http://proxy.example.org:3128"
PLAIN = Proxies(Proxy("proxy.example.org:3128"), ("example.org", "10.0.0.0/8"))
SECRET = Proxies(Proxy("proxy.example.org:3128", "ann", "canary-password"), ("example.org",))

BOTH = pytest.mark.parametrize("engine", [BuildType.KANIKO, BuildType.BUILDKIT])


def containers(
    release: Release, resolved: Resolved, engine: BuildType, network: JobNetwork
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Give Pod, init container and builder, their variables by name."""
    settings = EngineSettings(
        "op", "kaniko", "buildkit", insecure_hosts=frozenset({"r:5000"}), network=network
    )
    build = replace(resolved.build, type=engine)
    job = render_job(release, replace(resolved, build=build), 1, settings)
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    [fetch], [builder] = pod["initContainers"], pod["containers"]
    for one in (fetch, builder):
        one["env"] = {item.pop("name"): item for item in one.get("env", ())}
    return pod, fetch, builder


@BOTH
def test_all_containers_go_through_the_proxy_and_past_it_in_plain_http(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    _, fetch, builder = containers(release, resolved, engine, JobNetwork(PLAIN))
    assert fetch["env"]["HTTPS_PROXY"] == builder["env"]["HTTPS_PROXY"] == {"value": PROXY}
    assert fetch["env"]["NO_PROXY"] == {"value": "example.org,10.0.0.0/8"}
    assert builder["env"]["NO_PROXY"] == {"value": "example.org,10.0.0.0/8,r:5000"}
    assert "HTTP_PROXY" not in builder["env"]


@BOTH
def test_the_steps_of_a_dockerfile_have_the_proxy_too_unless_the_pipeline_says_another(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    own = replace(
        resolved, build=replace(resolved.build, args=(BuildArg("https_proxy", "http://own:1"),))
    )
    _, _, builder = containers(release, own, engine, JobNetwork(PLAIN))
    given = [arg.partition("build-arg")[2][1:] for arg in builder["args"] if "build-arg" in arg]
    direct = "example.org,10.0.0.0/8,r:5000"
    assert sorted(given) == [
        f"HTTPS_PROXY={PROXY}",
        f"NO_PROXY={direct}",
        "https_proxy=http://own:1",
        f"no_proxy={direct}",
    ]


@BOTH
def test_a_password_comes_from_a_secret_and_stands_nowhere_in_the_job(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    network = JobNetwork(SECRET, proxy_secret="album-proxy")
    pod, fetch, builder = containers(release, resolved, engine, network)
    reference = {"secretKeyRef": {"name": "album-proxy", "key": "HTTPS_PROXY"}}
    for one in (fetch, builder):
        assert one["env"]["HTTPS_PROXY"] == {"valueFrom": reference}
        assert one["env"]["NO_PROXY"]["value"].startswith("example.org")
    for word in ("canary", "ann:", "HTTPS_PROXY=", "https_proxy="):
        assert word not in str(pod)


@BOTH
def test_authorities_are_mounted_for_all_and_trusted_beside_those_of_the_images(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    pod, fetch, builder = containers(release, resolved, engine, JobNetwork(ca_configmap="company"))
    assert pod["volumes"][-1] == {
        "name": "authorities",
        "configMap": {
            "name": "company",
            "items": [{"key": "ca.crt", "path": "ca.crt"}],
            "optional": True,
        },
    }
    folder = "/var/run/secrets/album/ca"
    assert {"name": "authorities", "mountPath": folder, "readOnly": True} in fetch["volumeMounts"]
    assert fetch["env"]["ALBUM_CA_FILE"] == {"value": f"{folder}/ca.crt"}
    assert fetch["env"]["ALBUM_BUILD_CA_CONFIGMAP"] == {"value": "company"}
    images, own = builder["env"]["SSL_CERT_DIR"]["value"].split(":")
    wanted = {
        # Where kaniko's own image has them; below /kaniko it snapshots and deletes nothing.
        BuildType.KANIKO: ("/kaniko/ssl/certs", "/kaniko/album-ca"),
        BuildType.BUILDKIT: ("/etc/ssl/certs", folder),
    }
    assert (images, own) == wanted[engine]
    assert {"name": "authorities", "mountPath": own, "readOnly": True} in builder["volumeMounts"]


@BOTH
def test_an_open_network_leaves_no_trace(
    release: Release, resolved: Resolved, engine: BuildType
) -> None:
    text = str(containers(release, resolved, engine, JobNetwork(Proxies(None, ("example.org",)))))
    for word in ("PROXY", "proxy", "authorities", "SSL_CERT_DIR", "ALBUM_CA_FILE"):
        assert word not in text
