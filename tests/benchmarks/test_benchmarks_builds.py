"""Goals of builds are judged by what was measured, and an engine that was not is said aloud."""

from dataclasses import replace

from benchmarks.build_overhead import CREATED, DONE, ENDED, RUNNING, BuildOverhead, Timeline
from benchmarks.builds import Builds, build_goals
from benchmarks.rebuilds import FILLING, WITH, WITHOUT, Rebuild
from benchmarks.report import Results, render_json, render_text
from benchmarks.settings import BUILDS, read_settings
from testbed.samples.dependencies import _FOLDER, CHANGED


def timeline(until_running: float, until_done: float) -> Timeline:
    return Timeline({CREATED: 1.0, RUNNING: 1 + until_running, ENDED: 50.0, DONE: 50 + until_done})


OVERHEAD = BuildOverhead(
    engine="BuildKit",
    builds=(timeline(3, 2), timeline(3, 2.5)),
    empty=(timeline(1, 1), timeline(2, 0.5)),
    asked=0,
    reused=(0.4, 1.0),
)
BUILDKIT = Rebuild("BuildKit", {FILLING: (100.0,), WITHOUT: (90.0,), WITH: (30.0,)})
KANIKO = Rebuild("Kaniko", {FILLING: (100.0,), WITHOUT: (90.0,), WITH: (31.0,)})
RESULTS = Builds((OVERHEAD,), (BUILDKIT, KANIKO))


def outcomes(found: Builds) -> list[str]:
    return [goal.outcome for goal in build_goals(found)]


def test_goals_are_met_at_their_bounds() -> None:
    assert outcomes(RESULTS) == ["met", "met", "met", "MISSED", "met"]


def test_a_poll_a_slow_reuse_and_a_slow_job_are_misses() -> None:
    slow = replace(OVERHEAD, builds=(timeline(9, 9),) * 2, asked=1, reused=(0.1, 1.1))
    assert outcomes(replace(RESULTS, overheads=(slow,)))[:3] == ["MISSED"] * 3


def test_kaniko_without_its_image_is_not_measured_and_said_aloud() -> None:
    text = render_text(Results(None, None, builds=Builds((OVERHEAD,), (BUILDKIT,))))
    assert "kaniko was NOT measured" in text
    assert text.splitlines()[-1] == "5 goals: 4 met, 0 MISSED, 1 not measured."


def test_what_was_measured_is_all_in_the_report() -> None:
    found = render_json(Results(None, None, builds=RESULTS))["builds"]
    assert isinstance(found, dict)
    assert found["rebuilds"][0]["seconds"][WITH] == (30.0,)
    assert "| Kaniko | after a change, cache | 31.0 | 31.0 to 31.0 | 2.9 |" in render_text(
        Results(None, None, builds=RESULTS)
    )


def test_builds_need_a_testbed_and_are_measured_alone() -> None:
    assert BUILDS not in read_settings({}).parts
    assert read_settings({"BENCH_ONLY": "builds"}).parts == (BUILDS,)


def test_the_line_that_a_change_replaces_is_in_the_sample_once() -> None:
    line, path = CHANGED
    assert (_FOLDER / path.rpartition("/")[2]).read_text().count(line) == 1
