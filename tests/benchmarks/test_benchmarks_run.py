"""A whole run of the benchmarks, small: that what they measure is right, never how fast it is."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """What a run printed and wrote, and the folder of its cache."""

    text: str
    report: dict[str, Any]
    cache: Path
    environment: dict[str, str]


def run_benchmarks(
    environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "operator:.", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("benchmarks")
    environment = {
        "BENCH_SIZES": "200",
        "BENCH_PAIRS": "1",
        "BENCH_RELEASES": "10",
        "BENCH_WAITING": "2,3",
        "BENCH_MERGES": "2",
        "BENCH_NEIGHBOURS": "3",
        "BENCH_LOOKS": "1",
        "BENCH_ROUND_TRIPS": "0,5",
        "BENCH_FINISHED": "20",
        "BENCH_SUSPENDED": "3",
        "BENCH_STARTS": "1",
        "BENCH_APPLICATIONS": "3",
        "BENCH_PIPELINES": "2",
        "BENCH_PUSHES": "2",
        "BENCH_POLLED": "3",
        "BENCH_TAKEOVERS": "1",
        "BENCH_OBSERVED": "1",
        "BENCH_IDLE": "1",
        "BENCH_CACHE": str(folder / "cache"),
        "BENCH_REPORT": str(folder / "bench.json"),
    }
    ended = run_benchmarks(environment)
    assert ended.returncode == 0, ended.stderr
    report = json.loads((folder / "bench.json").read_text())
    return Run(ended.stdout, report, folder / "cache", environment)


def test_each_way_is_run_and_each_run_is_right(run: Run) -> None:
    (measured,) = run.report["write_back"]
    assert measured["files"] == 200
    assert {way: len(samples) for way, samples in measured["samples"].items()} == {
        "ours, cold": 1,
        "ours, warm": 1,
        "shallow checkout": 1,
        "full clone": 1,
        "lazy fetch, cold": 1,
    }
    for sample in (samples[0] for samples in measured["samples"].values()):
        assert sample["received"] > 1000
        assert sample["requests"] > 1


def test_all_releases_at_once_are_right_and_the_other_writer_lost_nothing(run: Run) -> None:
    contention = run.report["contention"]
    assert contention["releases"] == 10
    assert contention["base_pushes"] >= 1
    assert len(contention["checkout_seconds"]) == 5
    assert "every branch right, no push lost" in run.text


def test_each_request_of_a_release_at_github_is_listed(run: Run) -> None:
    for release in run.report["pull_requests"]["requests"]:
        opened = [each for each in release["asked"] if each["status"] == 201]
        assert [(each["method"], each["path"]) for each in opened] == [
            ("POST", "/repos/{repository}/pulls")
        ]
        assert all(each["creates_content"] for each in opened)
    assert "| propose | POST /repos/{repository}/pulls | 201 | 1 | yes | yes |" in run.text


def test_waiting_is_counted_tick_by_tick_and_beside_one_get_each(run: Run) -> None:
    few, many = run.report["pull_requests"]["waiting"]
    assert [few["pull_requests"], many["pull_requests"]] == [2, 3]
    for waiting in (few, many):
        unchanged, look, merge = waiting["ticks"].values()
        assert unchanged == {"lists": 1, "pages": 0, "counted": 0}
        assert look == {"lists": 1, "pages": 1, "counted": 1}
        assert merge["lists"] == 1
        assert waiting["one_by_one"]["counted"] == waiting["pull_requests"]
        assert [span["lists"] for span in waiting["spans"].values()] == [20, 30]


def test_each_merge_is_noticed(run: Run) -> None:
    noticing = run.report["pull_requests"]["noticing"]
    assert len(noticing["by_webhook"]) == len(noticing["from_delivery"]) == 2
    assert min(noticing["from_delivery"]) > 0
    assert len(noticing["by_polling"]) == 1


def test_each_look_beside_a_bad_server_is_measured(run: Run) -> None:
    neighbours = run.report["neighbours"]
    assert neighbours["releases"] == 3
    assert {beside: len(looks) for beside, looks in neighbours["seconds"].items()} == {
        "alone": 1,
        "a stalling server": 1,
        "a silent server": 1,
        "a dead host": 1,
        "names nobody answers for": 1,
    }


def test_each_way_is_run_near_and_far(run: Run) -> None:
    distance = run.report["distance"]
    assert distance["files"] == 200
    near, far = (distance["by_round_trip"][round_trip]["samples"] for round_trip in ("0", "5"))
    for samples in (near, far):
        assert {way: len(found) for way, found in samples.items()} == {
            "ours, cold": 1,
            "ours, git's commands, cold": 1,
            "ours, warm": 1,
            "ours, git's commands, warm": 1,
            "lazy fetch, cold": 1,
            "shallow checkout": 1,
        }
        for temperature in ("cold", "warm"):
            ours = samples[f"ours, {temperature}"][0]
            by_commands = samples[f"ours, git's commands, {temperature}"][0]
            assert ours["requests"] < by_commands["requests"]


def test_each_start_is_measured_beside_a_kopf_that_only_watches(run: Run) -> None:
    scale = run.report["scale"]
    assert [scale["finished"], scale["suspended"]] == [20, 3]
    assert {way: len(starts) for way, starts in scale["starts"].items()} == {
        "the operator": 1,
        "a Kopf that only watches": 1,
    }
    for (start,) in scale["starts"].values():
        assert start["quiet"] > 0
        assert start["memory"] > 1 << 20


def test_the_watched_applications_are_written_at_their_turns(run: Run) -> None:
    found = run.report["applications"]
    assert (found["applications"], found["seconds"]) == (3, 1)
    assert found["core"] >= 0


def test_each_pushed_tag_has_its_release_and_each_repository_one_list(run: Run) -> None:
    found = run.report["tags"]
    assert len(found["seconds"]) == 2
    assert found["lists"] == 3
    assert found["requests"] <= 6
    assert found["received"] > 3 * 500 * 40


def test_pipelines_are_answered_before_they_are_idle(run: Run) -> None:
    found = run.report["pipelines"]
    assert (found["pipelines"], found["idle_seconds"]) == (2, 1)
    assert found["asked"] > 0
    assert found["first"] > 0


def test_a_standby_takes_over_from_a_leader_that_is_killed_or_stopped(run: Run) -> None:
    seconds = run.report["takeovers"]["seconds"]
    assert {way: len(found) for way, found in seconds.items()} == {
        "killed (SIGKILL)": 1,
        "stopped (SIGTERM)": 1,
    }


def test_releases_are_observed_and_not_and_the_event_loop_is_looked_at(run: Run) -> None:
    found = run.report["observing"]
    assert {way: len(costs) for way, costs in found["costs"].items()} == {
        "with all of it": 1,
        "without": 1,
    }
    for (cost,) in found["costs"].values():
        assert cost["overhead"] > 0
    assert found["traces"] == 3
    assert found["lags"]["Infinity"] > 10


def test_every_goal_has_its_line_and_the_end_counts_them(run: Run) -> None:
    lines = re.findall(r"^goal .+: [≥≤] .+ measured .+ (met|MISSED|not measured)$", run.text, re.M)
    assert len(lines) == len(run.report["goals"]) == 40
    assert run.text.splitlines()[-1].startswith("40 goals: ")


def test_few_pairs_are_called_no_result(run: Run) -> None:
    assert "Fewer than 5 pairs" in run.text


def test_only_the_generated_repositories_stay_and_purge_removes_them(run: Run) -> None:
    assert list((run.cache / "runs").iterdir()) == []
    kept = run.cache / "of-somebody-else"
    kept.touch()
    assert run_benchmarks(run.environment, "purge").returncode == 0
    assert list(run.cache.iterdir()) == [kept]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BENCH_SIZES", "1,000"),
        ("BENCH_SIZES", "30"),
        ("BENCH_PAIRS", "0"),
        ("BENCH_RELEASES", "x"),
        ("BENCH_WAITING", "0"),
        ("BENCH_MERGES", "65"),
        ("BENCH_NEIGHBOURS", "0"),
        ("BENCH_LOOKS", "many"),
        ("BENCH_ROUND_TRIPS", "0,-1"),
        ("BENCH_FINISHED", "0"),
        ("BENCH_SUSPENDED", "-1"),
        ("BENCH_STARTS", "0"),
        ("BENCH_IDLE", "1.5"),
        ("BENCH_OBSERVED", "0"),
        ("BENCH_ONLY", "everything"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(variable: str, value: str, tmp_path: Path) -> None:
    ended = run_benchmarks({variable: value, "BENCH_CACHE": str(tmp_path)})
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"{variable}: ")
