"""Goals of pull requests are judged by what was measured, also where nothing else was."""

from dataclasses import replace

import pytest

from benchmarks.noticing import Noticing
from benchmarks.pull_requests import PullRequestResults, percentile, pull_request_goals
from benchmarks.release_requests import BEFORE, NOTICE, PROPOSE, Asked, ReleaseRequests
from benchmarks.report import Results, render_json, render_text
from benchmarks.settings import (
    APPLICATIONS,
    DISTANCE,
    NEIGHBOURS,
    OBSERVING,
    PIPELINES,
    PULL_REQUESTS,
    SCALE,
    TAGS,
    TAKEOVER,
    WRITE_BACK,
    read_settings,
)
from benchmarks.waiting import LOOK, MERGE, SPANS, UNCHANGED, Tick, Waiting

CHECK = Asked(BEFORE, "GET", "/repos/{repository}", 200, is_counted=True, creates_content=False)
OPENED = Asked(
    PROPOSE, "POST", "/repos/{repository}/pulls", 201, is_counted=True, creates_content=True
)
READ = Asked(NOTICE, "POST", "/graphql", 200, is_counted=True, creates_content=False)
KNOWN = Asked(
    NOTICE, "GET", "/repos/{repository}/pulls", 304, is_counted=False, creates_content=False
)


def waiting(size: int, unchanged: int, look: int, merge: int) -> Waiting:
    counts = {UNCHANGED: unchanged, LOOK: look, MERGE: merge}
    ticks = {kind: Tick(1, counted, counted) for kind, counted in counts.items()}
    return Waiting(size, ticks, {span: Tick(20, 10, 30) for span in SPANS}, Tick(0, 0, size))


RESULTS = PullRequestResults(
    requests=(ReleaseRequests("a way", (CHECK, OPENED, *[READ] * 7, *[KNOWN] * 5)),),
    waiting=(waiting(50, 0, 1, 2), waiting(500, 9, 10, 11)),
    noticing=Noticing((0.1,) * 19 + (5.0,), (0.05,) * 20, (2.4,)),
)


def outcomes(results: PullRequestResults) -> list[str]:
    return [goal.outcome for goal in pull_request_goals(results)]


def test_all_goals_are_met_at_their_bounds() -> None:
    assert outcomes(RESULTS) == ["met"] * 7


def test_one_request_or_one_page_too_many_is_a_miss() -> None:
    asked = (*RESULTS.requests[0].asked, replace(READ, creates_content=True))
    missed = PullRequestResults(
        (ReleaseRequests("a way", asked),),
        (waiting(50, 0, 1, 2), waiting(500, 10, 11, 12)),
        Noticing((0.1,) * 19 + (1.1, 1.2), (0.05,) * 21, (2.4, 2.6)),
    )
    assert outcomes(missed) == ["MISSED"] * 7


def test_a_request_before_the_proposal_is_not_in_its_sum() -> None:
    assert RESULTS.requests[0].counted == 8
    assert RESULTS.requests[0].content == 1


@pytest.mark.parametrize(("percent", "value"), [(1, 1.0), (50, 10.0), (95, 19.0), (100, 20.0)])
def test_a_percentile_is_a_value_that_was_measured(percent: int, value: float) -> None:
    assert percentile([float(number) for number in range(20, 0, -1)], percent) == value


def test_a_run_of_this_part_alone_has_a_whole_report() -> None:
    results = Results(None, RESULTS)
    text = render_text(results)
    assert text.splitlines()[-1] == "7 goals: 7 met, 0 MISSED, 0 not measured."
    assert "Write-back" not in text
    assert "| 500 | one GET each a minute |  |  | 1,000 |" in text
    assert "write_back" not in render_json(results)


def test_one_part_may_be_chosen() -> None:
    assert read_settings({"BENCH_ONLY": "pullrequests"}).parts == (PULL_REQUESTS,)
    assert read_settings({}).parts == (
        WRITE_BACK,
        PULL_REQUESTS,
        NEIGHBOURS,
        DISTANCE,
        SCALE,
        APPLICATIONS,
        TAGS,
        PIPELINES,
        TAKEOVER,
        OBSERVING,
    )
