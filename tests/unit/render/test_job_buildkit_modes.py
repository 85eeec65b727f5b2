"""BuildKit's Pod in each mode an admin can choose, and what its script asks of the node first."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from album_operator.decisions.build_engine import LACKS, REFUSAL
from album_operator.domain.build_outputs import BuildSecret, SecretKeyRef
from album_operator.domain.builds import BuildKitMode
from album_operator.domain.release import BuildType, Release
from album_operator.domain.resolved import Resolved
from album_operator.render.buildkit_modes import way_of
from album_operator.render.engines import EngineSettings
from album_operator.render.job import render_job

ENGINE = EngineSettings("op", "kaniko", "buildkit")
UNPRIVILEGED = (BuildKitMode.USER_NAMESPACE, BuildKitMode.ROOTLESS)
SECRETS = (BuildSecret("npm", SecretKeyRef("npm-token", "token")),)

Pod = dict[str, Any]


def _pod(
    release: Release,
    resolved: Resolved,
    mode: BuildKitMode,
    engine: BuildType = BuildType.BUILDKIT,
) -> Pod:
    build = replace(resolved.build, type=engine, secrets=SECRETS)
    settings = replace(ENGINE, buildkit_mode=mode)
    job = render_job(release, replace(resolved, build=build), 1, settings)
    pod: Pod = job["spec"]["template"]["spec"]
    return pod


def _modes(pod: Pod) -> set[int]:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    return {
        volumes["registry"]["secret"]["defaultMode"],
        volumes["secrets"]["projected"]["defaultMode"],
    }


def _toml(pod: Pod) -> str:
    (env,) = [item for item in pod["containers"][0]["env"] if item["name"] == "BUILDKITD_TOML"]
    return str(env["value"])


def _state(pod: Pod) -> str:
    (mount,) = [item for item in pod["containers"][0]["volumeMounts"] if item["name"] == "buildkit"]
    return str(mount["mountPath"])


def test_in_a_user_namespace_of_the_pod_root_is_not_the_nodes(
    release: Release, resolved: Resolved
) -> None:
    pod = _pod(release, resolved, BuildKitMode.USER_NAMESPACE)
    security = pod["containers"][0]["securityContext"]
    assert pod["hostUsers"] is False
    assert (security["runAsUser"], security["privileged"]) == (0, False)
    assert security["procMount"] == "Unmasked"
    assert security["capabilities"]["drop"] == ["ALL"]
    assert "SYS_ADMIN" in security["capabilities"]["add"]
    assert (_modes(pod), _state(pod), _toml(pod)) == ({0o400}, "/var/lib/buildkit", "")


def test_rootless_it_is_the_images_user_with_the_capabilities_of_newuidmap_alone(
    release: Release, resolved: Resolved
) -> None:
    pod = _pod(release, resolved, BuildKitMode.ROOTLESS)
    security = pod["containers"][0]["securityContext"]
    assert "hostUsers" not in pod
    assert (security["runAsUser"], security["runAsGroup"]) == (1000, 1000)
    assert security["runAsNonRoot"]
    assert not security["privileged"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["SETGID", "SETUID"]}
    assert _toml(pod) == "[worker.oci]\nnoProcessSandbox = true\n"
    assert (_modes(pod), _state(pod)) == ({0o444}, "/home/user/.local/share/buildkit")


@pytest.mark.parametrize("mode", UNPRIVILEGED)
def test_without_privileges_it_is_confined_by_neither_seccomp_nor_apparmor(
    release: Release, resolved: Resolved, mode: BuildKitMode
) -> None:
    pod = _pod(release, resolved, mode)
    security, fetch = (
        pod["containers"][0]["securityContext"],
        pod["initContainers"][0]["securityContext"],
    )
    assert security["seccompProfile"] == security["appArmorProfile"] == {"type": "Unconfined"}
    assert fetch["seccompProfile"] == {"type": "RuntimeDefault"}


@pytest.mark.parametrize("mode", BuildKitMode)
def test_a_mode_of_buildkit_changes_nothing_of_kaniko(
    release: Release, resolved: Resolved, mode: BuildKitMode
) -> None:
    usual = _pod(release, resolved, BuildKitMode.PRIVILEGED, BuildType.KANIKO)
    assert _pod(release, resolved, mode, BuildType.KANIKO) == usual
    assert _modes(usual) == {0o400}


def test_the_admins_word_for_privileged_builds_makes_no_other_mode_privileged(
    release: Release, resolved: Resolved
) -> None:
    build = replace(resolved.build, type=BuildType.BUILDKIT)
    for mode in UNPRIVILEGED:
        settings = replace(ENGINE, buildkit_mode=mode, allow_privileged=True)
        job = render_job(release, replace(resolved, build=build), 1, settings)
        (builder,) = job["spec"]["template"]["spec"]["containers"]
        assert builder["securityContext"]["privileged"] is False


FINE = "exit 0"
REFUSES = "echo operation not permitted >&2; exit 1"
MAPPED, HOST = "0 3290759168 65536", "0 0 4294967295"


def _check(
    folder: Path, mode: BuildKitMode, programs: dict[str, str], users: str = MAPPED
) -> tuple[str, str]:
    """Run a mode's check with these programs; give its output and what it left."""
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    (folder / "uid_map").write_text(f"{users:>32}\n")
    script = way_of(replace(ENGINE, buildkit_mode=mode)).check
    script = script.replace("/proc/self/uid_map", str(folder / "uid_map"))
    log = folder / "termination-log"
    done = subprocess.run(
        ["/bin/sh", "-c", f"set -eu\n{script}echo begun"],
        env={"PATH": str(folder), "ALBUM_TERMINATION_LOG": str(log), "ALBUM_STATE": "/state"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert (done.returncode == 0) is (done.stdout == "begun\n")
    return done.stdout, log.read_text() if log.exists() else ""


OF_ROOTLESS = {"rootlesskit": FINE, "newuidmap": FINE, "newgidmap": FINE}


@pytest.mark.parametrize(
    ("mode", "programs"),
    [
        (BuildKitMode.USER_NAMESPACE, {"unshare": FINE}),
        (BuildKitMode.ROOTLESS, OF_ROOTLESS),
        (BuildKitMode.PRIVILEGED, {}),
    ],
)
def test_on_a_node_that_lets_it_run_it_begins(
    tmp_path: Path, mode: BuildKitMode, programs: dict[str, str]
) -> None:
    assert _check(tmp_path, mode, programs) == ("begun\n", "")


@pytest.mark.parametrize(
    ("mode", "programs", "users", "word"),
    [
        (BuildKitMode.USER_NAMESPACE, {"unshare": FINE}, HOST, "hostUsers"),
        (BuildKitMode.USER_NAMESPACE, {"unshare": REFUSES}, MAPPED, "mounts"),
        (BuildKitMode.ROOTLESS, {}, HOST, "image"),
        (BuildKitMode.ROOTLESS, {"rootlesskit": FINE, "newuidmap": FINE}, HOST, "image"),
        (BuildKitMode.ROOTLESS, {**OF_ROOTLESS, "rootlesskit": REFUSES}, HOST, "namespaces"),
        (
            BuildKitMode.ROOTLESS,
            {**OF_ROOTLESS, "rootlesskit": f'[ "$1" = true ] || {{ {REFUSES}; }}'},
            HOST,
            "mounts",
        ),
    ],
)
def test_on_a_node_that_does_not_it_ends_before_a_step_runs_and_says_why(
    tmp_path: Path, mode: BuildKitMode, programs: dict[str, str], users: str, word: str
) -> None:
    said, left = _check(tmp_path, mode, programs, users)
    assert said == ""
    assert left == f"refused: {word}"
    found = REFUSAL.fullmatch(left)
    assert found is not None
    assert found["word"] in LACKS


def test_a_privileged_mode_counts_only_where_an_admin_allows_privileged_pods() -> None:
    privileged = replace(ENGINE, buildkit_mode=BuildKitMode.PRIVILEGED)

    assert privileged.buildkit is None
    assert replace(privileged, allow_privileged=True).buildkit is BuildKitMode.PRIVILEGED
    assert replace(ENGINE, buildkit_mode=BuildKitMode.ROOTLESS).buildkit is BuildKitMode.ROOTLESS
