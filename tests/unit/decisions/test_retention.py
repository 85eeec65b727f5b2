"""What is removed of finished releases, and above all what is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions.retention import find_expendable
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.history import Ended, HistoryWish
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.versions import Versioning
from tests.fakes.builders import NOW

DAY = timedelta(days=1)
HISTORY = HistoryWish(released=3, others=2, age=90 * DAY)

Known = dict[str, ReleaseSeen]


def _ended(version: str, days: float, outcome: Outcome = Outcome.RELEASED) -> ReleaseSeen:
    """Give a release that ended so many days ago."""
    end = Ended(f"uid-{version}", "7", NOW - days * DAY)
    return ReleaseSeen("app", "backend", version, None, outcome, ended=end)


def _flying(version: str | None, rollback_of: str | None = None) -> ReleaseSeen:
    app = "backend" if version is not None else None
    step = StepName.MERGED
    return ReleaseSeen("app", app, version, step, Outcome.WORKING, rollback_of=rollback_of)


def _released(count: int) -> Known:
    """Give releases of v1.1.0, v1.2.0 and so on, one a day, the last one today."""
    return {f"v{n}": _ended(f"v1.{n}.0", count - n) for n in range(1, count + 1)}


def _failed(count: int) -> Known:
    return {f"f{n}": _ended(f"v2.{n}.0", count - n, Outcome.STALLED) for n in range(1, count + 1)}


def _expendable(known: Known, history: HistoryWish = HISTORY) -> list[str]:
    return find_expendable(history, known, lambda _: Versioning.SEMVER, NOW)


def test_what_is_beyond_either_number_is_removed_the_oldest_first() -> None:
    assert _expendable({**_released(5), **_failed(4)}) == ["v1", "f1", "v2", "f2"]


def test_what_fits_stays() -> None:
    assert _expendable({**_released(3), **_failed(2)}) == []


@pytest.mark.parametrize("outcome", [Outcome.STALLED, Outcome.PLANNED])
def test_whatever_ended_otherwise_counts_among_the_others(outcome: Outcome) -> None:
    known = {f"x{n}": _ended(f"v1.{n}.0", n, outcome) for n in range(4)}

    assert _expendable(known) == ["x3", "x2"]


def test_each_app_has_numbers_of_its_own() -> None:
    theirs = {f"t{name}": replace(seen, app="frontend") for name, seen in _released(3).items()}

    assert _expendable({**_released(4), **theirs}) == ["v1"]


def test_releases_whose_app_never_was_known_are_counted_together() -> None:
    known = {name: replace(seen, app=None, version=None) for name, seen in _failed(3).items()}

    assert _expendable(known) == ["f1"]


def test_what_ended_too_long_ago_is_removed_however_few_there_are() -> None:
    known = {
        "old": _ended("v1.0.0", 92),
        "before": _ended("v1.1.0", 91),
        "last": _ended("v1.2.0", 90.5),
        "failed": _ended("v1.3.0", 90.1, Outcome.STALLED),
        "young": _ended("v1.4.0", 90, Outcome.STALLED),
    }

    assert _expendable(known) == ["old", "failed"]


def test_the_last_that_was_released_stays_and_one_of_another_version_before_it() -> None:
    history = HistoryWish(released=1, others=1, age=timedelta(hours=1))
    again = {f"again{n}": _ended("v1.5.0", 0.5 - n / 10) for n in range(3)}

    assert _expendable({**_released(4), **again}, history) == ["v1", "v2", "v3", "again0", "again1"]


def test_what_is_in_flight_stays() -> None:
    assert _expendable({"flying": _flying("v3.0.0"), **_released(3)}) == []


def test_what_is_kept_stays_and_takes_nobodys_place() -> None:
    known = _released(5)
    for name in ("v1", "v5"):
        end = known[name].ended
        assert end is not None
        known[name] = replace(known[name], ended=replace(end, is_kept=True))

    assert _expendable(known) == []
    assert _expendable({**known, "v0": _ended("v1.0.0", 9)}) == ["v0"]


def test_a_downgrade_in_flight_keeps_what_it_would_be_rolled_back_to() -> None:
    known = {"flying": _flying("v1.2.5"), **_released(6)}

    assert _expendable(known) == ["v1", "v3"]


def test_a_rollback_in_flight_keeps_the_version_it_brings_back_and_what_it_takes_back() -> None:
    known = {**_released(6), **_failed(4), "back": _flying("v1.2.0", "f1")}

    assert _expendable(known) == ["v3", "f2"]


def test_while_a_rollback_has_not_begun_nothing_is_removed() -> None:
    known = {**_released(6), "back": _flying(None, "v6")}

    assert _expendable(known) == []


def test_the_last_rollback_of_an_app_stays_for_it_holds_the_app() -> None:
    known = {
        **_failed(4),
        "back1": replace(_ended("v1.1.0", 20), rollback_of="f1"),
        "back2": replace(_ended("v1.2.0", 19), rollback_of="f2"),
        **_released(4),
    }

    assert _expendable(known) == ["back1", "v1"]


def test_without_releases_there_is_nothing_to_remove() -> None:
    assert _expendable({}) == []
