from __future__ import annotations

import ipaddress
import tomllib
from pathlib import Path

import pytest

from testbed import cluster, network
from testbed.access import buildkitd_config
from testbed.settings import Settings
from testbed.state import State, load, save

READY = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}]


def _running(since: str) -> dict[str, object]:
    return {"state": {"running": {"startedAt": since}}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"conditions": READY, "containerStatuses": [_running("2026-01-01T10:00:05Z")]},
            True,
        ),
        (
            {"conditions": READY, "containerStatuses": [_running("2026-01-01T09:59:59Z")]},
            False,
        ),
        ({"conditions": READY[:1], "containerStatuses": [_running("2026-01-01T10:00:05Z")]}, False),
        ({"conditions": READY, "containerStatuses": [{"state": {"waiting": {}}}]}, False),
        ({}, False),
    ],
    ids=["began after", "from before the node went down", "not ready", "waiting", "unknown"],
)
def test_a_pod_counts_when_its_containers_began_after_the_node(
    status: dict[str, object], expected: bool
) -> None:
    assert cluster.is_ready_since("2026-01-01T10:00:00", status) is expected


def test_candidate_subnets_overlap_no_route_of_the_machine() -> None:
    taken = [ipaddress.IPv4Network("172.30.0.0/17"), ipaddress.IPv4Network("10.0.0.0/8")]

    free = network.free_subnets("album", taken)

    assert len(free) == 128
    assert all(int(subnet.split(".")[2]) >= 128 for subnet in free)


def test_two_testbeds_begin_their_search_at_different_subnets() -> None:
    assert network.free_subnets("album", [])[0] != network.free_subnets("album-test", [])[0]


def test_the_state_is_for_its_user_only_and_keeps_its_secrets(tmp_path: Path) -> None:
    settings = Settings("album", tmp_path, tmp_path)
    state = State(subnet="172.30.7")
    key = state.secret("key")

    save(state, settings)
    again = load(settings)

    assert (settings.state / "state.json").stat().st_mode & 0o777 == 0o600
    assert again.secret("key") == key
    assert again.registry == "172.30.7.250:5000"
    assert again.forge_url == "http://172.30.7.251:3000"


def test_buildkit_takes_public_images_from_the_registry_over_plain_http() -> None:
    registries = tomllib.loads(buildkitd_config("172.30.7.250:5000"))["registry"]

    assert registries["172.30.7.250:5000"] == {"http": True}
    assert registries["docker.io"] == {"mirrors": ["172.30.7.250:5000"]}
