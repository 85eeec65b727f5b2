"""Comparisons are read off what watches tell, and judged beside Argo CD's own polling."""

import time
from dataclasses import replace

import pytest

from benchmarks.comparisons import (
    UNASKED,
    Comparison,
    Comparisons,
    Merge,
    comparison_goals,
    polled,
)
from benchmarks.report import Results, render_json, render_text
from benchmarks.settings import COMPARISONS, read_settings
from benchmarks.sightings import ASKED, MERGED, REFRESH, Sightings, what_is_seen
from benchmarks.tasks import WrongResultError

MERGE = Comparison(merging=0.3, noticed=0.5, asked=0.7, compared=2.0)
SLOW = replace(MERGE, compared=2.1)
RESULTS = Comparisons(asked=(MERGE,) * 48 + (SLOW,) * 2, polled=(80.0, None))


def test_the_goal_is_for_all_but_the_slowest_twentieth() -> None:
    (goal,) = comparison_goals(RESULTS)
    assert (goal.measured, goal.outcome) == (2.0, "met")
    slow = replace(RESULTS, asked=(*RESULTS.asked[1:], SLOW))
    assert comparison_goals(slow)[0].outcome == "MISSED"


def test_the_goal_is_not_judged_by_fewer_merges() -> None:
    few = replace(RESULTS, asked=RESULTS.asked[1:])
    assert comparison_goals(few)[0].outcome == "not measured"


def test_a_merge_is_polled_once_it_or_a_later_one_is_seen() -> None:
    sightings = Sightings()
    merges = [Merge(MERGE, time.monotonic(), commit) for commit in "abc"]
    sightings.note(UNASKED, "b")
    sightings.note(UNASKED, "c")
    first, second, third = polled(sightings, merges)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first > second


def test_polling_that_somebody_helped_is_no_result() -> None:
    sightings, merge = Sightings(), Merge(MERGE, time.monotonic(), "a")
    sightings.note(UNASKED, ASKED)
    sightings.note(UNASKED, "a")
    with pytest.raises(WrongResultError, match=UNASKED):
        polled(sightings, [merge])


def test_what_was_measured_is_in_the_report_and_what_was_not_seen_is_said_aloud() -> None:
    results = Results(None, None, comparisons=RESULTS)
    text = render_text(results)
    assert "| to the comparison, by Argo CD's own polling | 1 | 80.00 | 80.00 | 80.00 |" in text
    assert "| of this, until Argo CD is asked | 50 | 0.70 | 0.70 | 0.70 |" in text
    assert "1 of 2 were not compared within 200 s of the last." in text
    found = render_json(results)["comparisons"]
    assert isinstance(found, dict)
    assert found["polled"] == (80.0, None)


def test_a_comparison_that_nobody_asked_for_has_no_time_of_asking() -> None:
    unasked = replace(RESULTS, asked=(replace(MERGE, asked=None),), polled=(80.0,))
    text = render_text(Results(None, None, comparisons=unasked))
    assert "until Argo CD is asked" not in text
    assert "were not compared" not in text


def test_comparisons_need_a_testbed_and_are_measured_alone() -> None:
    assert COMPARISONS not in read_settings({}).parts
    assert read_settings({"BENCH_ONLY": "comparisons"}).parts == (COMPARISONS,)


@pytest.mark.parametrize(
    ("found", "seen"),
    [
        ({"metadata": {}}, []),
        ({"metadata": {}, "status": {"config": {"mergedCommit": "c"}}}, [MERGED]),
        (
            {
                "metadata": {"annotations": {REFRESH: "normal"}},
                "status": {"sync": {"revision": "c"}},
            },
            [ASKED, "c"],
        ),
    ],
)
def test_each_object_shows_what_it_is_watched_for(
    found: dict[str, object], seen: list[str]
) -> None:
    assert list(what_is_seen(found)) == seen


def test_what_was_seen_before_does_not_count() -> None:
    sightings, before = Sightings(), time.monotonic()
    sightings.note("shop", "c")
    after = time.monotonic()
    sightings.note("shop", "c")
    first = sightings.first("shop", "c", before, before)
    second = sightings.first("shop", "c", after, after)
    assert first is not None
    assert second is not None
    assert before <= first <= after <= second
    assert sightings.first("shop", "d", before, before) is None
