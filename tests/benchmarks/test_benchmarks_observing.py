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
    return Observing(costs, {"counting": 0.01, "traces": 0.03}, 0, LAGS)


def test_more_is_the_mean_of_the_pairs_in_percent_of_the_time_without() -> None:
    more = observed((1.1, 1.0), (1.3, 1.0)).more("cpu")
    assert more.percent == pytest.approx(20)
    assert more.error == pytest.approx(10)


def test_one_pair_says_nothing_of_how_sure_it_is() -> None:
    assert observed((1.0, 1.0)).more("cpu").error == float("inf")


def test_what_observing_took_is_a_share_of_the_time_without() -> None:
    found = observed((1.1, 1.0), (1.2, 1.0))
    assert found.share("overhead") == pytest.approx(4)


@pytest.mark.parametrize(("seconds", "outcome"), [(1.0, "MISSED"), (2.0, "met")])
def test_the_goal_is_for_that_share(seconds: float, outcome: str) -> None:
    found = observed(*[(seconds, seconds)] * COMPARED_PAIRS)
    assert [goal.outcome for goal in observing_goals(found)] == [outcome, outcome, "met"]


def test_too_few_pairs_are_no_result() -> None:
    assert observing_goals(observed((1.0, 1.0), (1.0, 1.0)))[0].outcome == "not measured"
