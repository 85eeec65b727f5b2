"""Releases of one app in flight at once, on a real API server: who goes on, who gives way."""

import os
from pathlib import Path

from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_stage import Stage
from tests.integration.manifests.tag_desk import Desk, desk_in

FIRST, SECOND = "backend-v1.1.0", "backend-v1.2.0"
ALL = {"tags": {"select": "All"}}
MANY, KILLS = int(os.environ.get("ALBUM_TEST_TAGS", "12")), 5
MANY_SECONDS = 600


def _build_first(desk: Desk, operator: Stage) -> None:
    """Let the first tag make a release that builds, and push the second."""
    desk.push(FIRST)
    desk.deliver(FIRST)
    operator.until(lambda: desk.jobs() == {FIRST}, f"build {FIRST}")
    desk.push(SECOND)
    desk.deliver(SECOND)


def test_with_queue_a_newer_version_waits_until_the_older_is_cancelled(
    installed: Installed, tmp_path: Path
) -> None:
    spec = {"triggers": ALL, "policy": {"concurrency": "Queue"}}
    with desk_in(installed, "queues", tmp_path, spec) as desk, desk.operator() as operator:
        _build_first(desk, operator)
        operator.until(lambda: desk.reason(SECOND) == "Queued", f"queue {SECOND}")
        queue = desk.find(SECOND).body["status"]["queue"]
        assert (queue["position"], queue["behind"]) == (1, FIRST)
        assert desk.jobs() == {FIRST}

        patch = {"spec": {"cancel": True}}
        assert desk.server.request("PATCH", f"{desk.releases}/{FIRST}", patch).status == 200
        operator.until(lambda: desk.reason(FIRST) == "Cancelled", f"cancel {FIRST}")
        operator.until(lambda: desk.jobs() == {SECOND}, f"build {SECOND} alone")
        assert "queue" not in desk.find(SECOND).body["status"]


def test_with_forbid_the_second_ends_at_once_and_says_which_stands_in_the_way(
    installed: Installed, tmp_path: Path
) -> None:
    spec = {"triggers": ALL, "policy": {"concurrency": "Forbid"}}
    with desk_in(installed, "forbids", tmp_path, spec) as desk, desk.operator() as operator:
        _build_first(desk, operator)
        operator.until(lambda: desk.reason(SECOND) == "AnotherInFlight", f"end {SECOND}")
        assert FIRST in str(desk.find(SECOND).body["status"]["conditions"])
        assert desk.jobs() == {FIRST}


def test_of_many_tags_the_newest_alone_builds_though_the_operator_dies_again_and_again(
    installed: Installed, tmp_path: Path
) -> None:
    tags = [f"backend-v1.{number}.0" for number in range(1, 1 + MANY)]
    with desk_in(installed, "many", tmp_path, {"triggers": ALL}) as desk:
        # What triggers find when they are set is the newest alone; each is what comes after it.
        with desk.operator() as operator:
            desk.push(tags[0])
            desk.deliver(tags[0])
            operator.until(lambda: desk.jobs() == {tags[0]}, f"build {tags[0]}")
        desk.push(*tags[1:])
        for number in range(KILLS):
            some = 1 + (MANY * number) // (KILLS + 1)
            with desk.operator() as operator:
                _await_more(desk, operator, some)
        with desk.operator() as operator:
            operator.until(lambda: _made(desk) == MANY, "make all releases", MANY_SECONDS)
            operator.until(
                lambda: {desk.reason(tag) for tag in tags[:-1]} == {"Superseded"},
                "let the older ones give way",
                MANY_SECONDS,
            )
            operator.until(lambda: desk.jobs() == {tags[-1]}, "build the newest alone")


def _made(desk: Desk) -> int:
    return len(desk.server.request("GET", desk.releases).body["items"])


def _await_more(desk: Desk, operator: Stage, count: int) -> None:
    operator.until(lambda: _made(desk) > count, f"make more than {count} releases", MANY_SECONDS)
