"""A whole testbed of its own name: killed, brought back, removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import engine, lifecycle, network, recipes, standin, state, status
from testbed.access import Testbed
from testbed.settings import Settings, from_environment
from testbed.state import ForgeKind
from tests.testbed.processes import find_mentions, find_mounts, find_processes, kill

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    base = from_environment()
    mine = Settings(
        f"kill-{os.getpid()}", base.cache, tmp_path_factory.mktemp("state"), base.mirror
    )
    try:
        yield mine
    finally:
        lifecycle.down(mine)


@pytest.fixture(scope="module")
def running(settings: Settings) -> Settings:
    """The testbed, up."""
    lifecycle.up(settings)
    return settings


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "TESTBED_NAME": settings.name,
        "TESTBED_CACHE": str(settings.cache),
        "TESTBED_STATE": str(settings.state_root),
    }


def _take_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_up_ends_at_once_and_the_next_one_goes_on(settings: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "testbed", "up"],
        env=_environment(settings),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests themselves run in the background, a shell has made SIGINT ignored.
        preexec_fn=_take_interrupts,
    ) as command:
        assert command.stderr is not None
        for line in command.stderr:
            if "▸ create cluster" in line:
                command.send_signal(signal.SIGINT)
                break
        rest = command.stderr.read()
        assert command.wait(timeout=20) == 130, rest

    lifecycle.up(settings)
    assert status.report(settings) == 0


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
        env=_environment(running),
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
        env=_environment(running),
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

    assert not running.state_root.exists()
    assert not find_mounts(running.state_root)
    assert not find_mentions(running.name)
    addresses = subprocess.run(["ip", "-br", "addr"], capture_output=True, text=True, check=True)
    assert bridge not in addresses.stdout
    left = engine.find(running)
    if left is None:
        assert not engine.run_folder(running).exists()
        assert not find_mounts(engine.run_folder(running), running.cache)
    else:
        # Another testbed of the machine uses the engine: nothing of ours is in it.
        named = f"name={running.name}"
        assert not left.docker("ps", "--all", "--quiet", "--filter", named)
        assert not left.docker("network", "ls", "--quiet", "--filter", named)


def test_down_of_a_testbed_that_is_not_there_is_fine(settings: Settings) -> None:
    lifecycle.down(settings)
