"""Whether an app is held, and by whom."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import hold
from album_operator.domain.claims import RollbackSeen
from album_operator.domain.pipeline import App, Pipeline
from album_operator.domain.reasons import Reason
from tests.fakes.builders import NOW, PIPELINE


def _pipeline(*held: str) -> Pipeline:
    apps = tuple(App(name, hold=name in held) for name in ("backend", "frontend"))
    return replace(PIPELINE, apps=apps)


def test_an_app_is_held_whose_pipeline_says_so() -> None:
    why = hold.find_by_hand(_pipeline("backend"), "backend")

    assert why is not None
    assert "spec.apps[name=backend].hold of AlbumPipeline album-app is true" in why
    held = hold.wait(why)
    assert (held.reason, held.message, held.is_poll) == (Reason.HELD, why, True)
    assert held.retry_after == hold.UNTIL_LIFTED


@pytest.mark.parametrize("pipeline", [None, _pipeline(), _pipeline("frontend")])
def test_no_other_app_is_held(pipeline: Pipeline | None) -> None:
    assert hold.find_by_hand(pipeline, "backend") is None


def _rollback(name: str, minutes: int) -> RollbackSeen:
    return RollbackSeen(name, "backend-v1.2.0", NOW + timedelta(minutes=minutes))


def _find(*rollbacks: RollbackSeen, lift: str | None = None) -> str | None:
    lifts = {"backend": lift} if lift is not None else {}
    pipeline = replace(PIPELINE, lifts=lifts)
    return hold.find_by_rollback(pipeline, "backend", rollbacks, NOW)


def test_an_app_is_held_since_its_last_rollback() -> None:
    why = _find(_rollback("second", -5), _rollback("first", -9))

    assert why == (
        "App backend is held since AlbumRelease second took back backend-v1.2.0. To lift that: "
        "kubectl annotate albumpipeline -n album album-app --overwrite "
        "lift-hold.album.dev/backend=2026-11-20T11:55:00Z."
    )
    assert _find() is None
    assert hold.find_by_rollback(None, "backend", [_rollback("first", -9)], NOW) is None


@pytest.mark.parametrize(
    "lift", ["2026-11-20T11:55:00Z", "2026-11-20T12:00:00+00:00", " 2026-11-20T13:57:00+02:00 "]
)
def test_a_time_from_the_last_rollback_on_lifts_that(lift: str) -> None:
    assert _find(_rollback("second", -5), _rollback("first", -9), lift=lift) is None


def test_a_lift_before_the_last_rollback_lifts_nothing_of_it() -> None:
    why = _find(_rollback("second", -5), _rollback("first", -9), lift="2026-11-20T11:52:00Z")

    assert why is not None
    assert why.endswith("11:55:00Z.")


@pytest.mark.parametrize("lift", ["", "yes", "2026-11-20T12:00:01Z", "2026-11-20T12:00:00"])
def test_what_is_no_time_that_has_come_lifts_nothing(lift: str) -> None:
    why = _find(_rollback("first", -9), lift=lift)

    assert why is not None
    assert why.endswith("What that has now is no such time, or one that is still to come.")
