"""The tests' testbed after all that ran on it: killed, brought back, removed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import engine, lifecycle, network, standin, state, status
from testbed.access import Testbed
from testbed.offline import recipes
from testbed.settings import Settings
from testbed.state import ForgeKind
from tests.testbed.processes import find_mentions, find_mounts, find_processes, kill

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


@pytest.fixture
def running(testbed: Testbed) -> Settings:
    return testbed.settings


def test_a_testbed_whose_every_process_is_killed_comes_up_again_as_it_was(
    running: Settings,
) -> None:
    docker = engine.find(running)
    assert docker is not None
    before = Testbed.from_settings(running)
    before.kubectl("create", "configmap", "witness")
    victims = find_processes(running, docker)
    assert len(victims) > 20, "kubelet, containerd, API server and so on are among them"

    kill(victims)
    assert status.report(running) == 1
    lifecycle.up(running)

    assert status.report(running) == 0
    after = Testbed.from_settings(running)
    assert (after.registry, after.forge_url) == (before.registry, before.forge_url)
    assert after.forge_token == before.forge_token
    assert after.kubectl("get", "configmap", "witness", "--output=name") == "configmap/witness"


def test_the_second_up_changes_nothing(running: Settings) -> None:
    docker = engine.find(running)
    assert docker is not None
    listing = ("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}", "--filter")
    before = docker.docker(*listing, f"network={network.name(running)}")

    lifecycle.up(running)

    assert docker.docker(*listing, f"network={network.name(running)}") == before


def test_the_environment_is_ready_for_a_shell(running: Settings) -> None:
    script = f'eval "$({sys.executable} -m testbed env)" && kubectl get nodes --output=name'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == f"node/{running.name}-control-plane"
    assert (running.state / "state.json").stat().st_mode & 0o077 == 0


def test_the_api_server_writes_who_asked_for_what(running: Settings) -> None:
    testbed = Testbed.from_settings(running)

    testbed.kubectl("create", "configmap", "audited")

    assert '"name":"audited"' in testbed.audit_log.read_text()


def test_an_image_archive_is_put_into_the_node(running: Settings, tmp_path: Path) -> None:
    docker = engine.find(running)
    assert docker is not None
    archive = tmp_path / "image.tar"
    docker.docker("tag", recipes.REGISTRY, "loaded.invalid/registry:1")
    docker.docker("save", "--output", str(archive), "loaded.invalid/registry:1")
    docker.docker("rmi", "loaded.invalid/registry:1")
    subprocess.run(
        [sys.executable, "-m", "testbed", "load-image", archive],
        cwd=ROOT,
        check=True,
    )

    node = f"{running.name}-control-plane"
    assert "loaded.invalid/registry" in docker.docker("exec", node, "crictl", "images")


def test_down_leaves_nothing_but_the_cache(running: Settings) -> None:
    docker = engine.find(running)
    assert docker is not None
    bridge = state.load(running).gateway
    # Beside Gitea, whose place it takes in other testbeds: both are to go.
    standin.ensure(running, replace(state.load(running), forge=ForgeKind.GITHUB_STANDIN))

    lifecycle.down(running)

    assert not running.state.exists()
    # What is left there is another testbed's.
    assert not running.state_root.exists() or any(running.state_root.iterdir())
    assert not find_mounts(running.state)
    assert not find_mentions(running.name)
    addresses = subprocess.run(["ip", "-br", "addr"], capture_output=True, text=True, check=True)
    assert bridge not in addresses.stdout
    left = engine.find(running)
    if left is None:
        assert not engine.run_folder(running).exists()
        assert not find_mounts(engine.run_folder(running), running.cache)
        volumes = running.cache / "engine" / "data" / "volumes"
        assert not [entry for entry in volumes.iterdir() if entry.is_dir()]
    else:
        # Another testbed of the machine uses the engine: nothing of ours is in it.
        named = f"name={running.name}"
        assert not left.docker("ps", "--all", "--quiet", "--filter", named)
        assert not left.docker("network", "ls", "--quiet", "--filter", named)


def test_down_of_a_testbed_that_is_not_there_is_fine(testbed_settings: Settings) -> None:
    lifecycle.down(testbed_settings)
