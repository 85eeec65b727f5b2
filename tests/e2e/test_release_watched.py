"""A real Prometheus sees a whole release, tells of one that stalled, and fills the dashboard."""

from pathlib import Path

import pytest

from distribution.dora import Window, figures
from tests.e2e.prometheus import running_prometheus
from tests.e2e.world import World, wait_for
from tests.monitoring.queries import queries

pytestmark = pytest.mark.e2e

RELEASED = 'album_releases_finished_total{namespace="album",app="backend",reason="Released"}'
WAITS = 'album_waiting_since_timestamp_seconds{app="backend",reason="AwaitingMerge"}'

OF_TROUBLE = {"Failed deployment recovery time", "Hosts in trouble", "Left of the rate limit",
              "Until the limit is reset", "Objects nobody can read", "Watches begun anew",
              "Sent", "Waiting"}  # fmt: skip
"""Panels that are empty while nothing of theirs has happened, or nothing is set up."""


def test_prometheus_sees_a_release_and_tells_of_one_that_stalled(
    world: World, tmp_path: Path
) -> None:
    with running_prometheus(world.testbed, tmp_path) as server:
        wait_for("one leads", lambda: server.value("sum(album_leader)") == 1)
        before = server.value(RELEASED)
        name = world.release(world.new_tag())
        world.await_reason(name, "AwaitingMerge")
        wait_for("its review is waited for", lambda: server.series(WAITS))
        world.merge_and_finish(name)
        wait_for("it is counted", lambda: server.value(RELEASED) == before + 1)

        stalled = world.release("backend-v0.0.0-never-tagged")
        world.await_finished(stalled)
        labels = {"namespace": "album", "app": "backend", "reason": "TagNotFound"}
        alert = wait_for("an alert", lambda: server.firing("AlbumReleaseStalled", **labels))
        assert alert["annotations"]["runbook_url"] == "docs/runbooks.md#albumreleasestalled"
        assert server.firing("AlbumNoLeader") is server.firing("AlbumOperatorDown") is None

        empty = {title for title, query in queries() if not server.series(query)}
        assert empty <= OF_TROUBLE
        lead_time, frequency, *_ = figures(Window("1h", "1", 'namespace="album",app="backend"'))
        assert server.value(lead_time.query) > 0
        assert server.value(frequency.query) > 0
