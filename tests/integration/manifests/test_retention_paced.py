"""Finished releases beyond those kept are removed, one after another, on a real API server."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fakes.builders import raw_finished
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.tag_desk import PIPELINE, Desk, desk_in

MANY = int(os.environ.get("ALBUM_TEST_FINISHED", "25"))
A_SECOND = 5
MOST_SECONDS = 120 + MANY


def _finish(desk: Desk, number: int) -> str:
    """Make a release that was Released, each later than the one before."""
    name = f"backend-v0.{number}.0"
    raw = raw_finished(name, datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=number))
    raw["metadata"] = {"name": name}
    raw["spec"]["pipelineRef"] = {"name": PIPELINE}
    made = desk.server.request("POST", desk.releases, raw)
    assert made.status == 201, made.message
    status = {"status": raw["status"]}
    patched = desk.installed.as_operator("PATCH", f"{desk.releases}/{name}/status", status)
    assert patched.status == 200, patched.message
    return name


def _left(desk: Desk) -> set[str]:
    items = desk.server.request("GET", desk.releases).body["items"]
    return {item["metadata"]["name"] for item in items}


def test_all_but_the_last_ones_go_and_never_more_than_five_a_second(
    installed: Installed, tmp_path: Path
) -> None:
    spec = {"policy": {"history": {"released": 2}}}
    with desk_in(installed, "paced", tmp_path, spec) as desk:
        names = [_finish(desk, number) for number in range(MANY)]
        with desk.operator() as operator:
            operator.until(lambda: len(_left(desk)) < MANY, "remove one", MOST_SECONDS)
            began, first = time.monotonic(), len(_left(desk))
            operator.until(lambda: len(_left(desk)) == 2, "remove the others", MOST_SECONDS)
            took = time.monotonic() - began
        assert _left(desk) == set(names[-2:])
        assert (first - 2) / took <= A_SECOND
