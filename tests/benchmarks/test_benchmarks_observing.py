"""How much more a way costs, and how sure that is."""

import pytest

from benchmarks.observing import COMPARED_PAIRS, OFF, ON, Cost, Observing, observing_goals

LAGS = {0.1: 999, float("inf"): 1000}


def observed(*pairs: tuple[float, float]) -> Observing:
    """Give what costs so many seconds with all of it, and without."""
    on, off = zip(*pairs, strict=True)
    costs = {
        way: tuple(Cost(each, each) for each in seconds) for way, seconds in ((ON, on), (OFF, off))
    }
    return Observing(costs, 0, LAGS)


def test_more_is_the_mean_of_the_pairs_in_percent_of_the_time_without() -> None:
    more = observed((1.1, 1.0), (1.3, 1.0)).more("cpu")
    assert more.percent == pytest.approx(20)
    assert more.error == pytest.approx(10)
    assert more.most == pytest.approx(40)


def test_one_pair_says_nothing_of_how_sure_it_is() -> None:
    assert observed((1.0, 1.0)).more("cpu").most == float("inf")


def test_pairs_that_disagree_miss_the_goal_though_their_mean_meets_it() -> None:
    pairs = [(1.2, 1.0), (0.8, 1.0)] * (COMPARED_PAIRS // 2)
    found = observed(*pairs)
    assert found.more("cpu").percent == pytest.approx(0)
    assert [goal.outcome for goal in observing_goals(found)] == ["MISSED", "MISSED", "met"]


def test_pairs_that_agree_meet_it() -> None:
    found = observed(*[(1.02, 1.0), (1.021, 1.0)] * (COMPARED_PAIRS // 2))
    assert observing_goals(found)[0].outcome == "met"


def test_too_few_pairs_are_no_result() -> None:
    assert observing_goals(observed((1.0, 1.0), (1.0, 1.0)))[0].outcome == "not measured"
