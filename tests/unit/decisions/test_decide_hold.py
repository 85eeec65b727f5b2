"""Whether an app is held, and by whom."""

from dataclasses import replace

import pytest

from album_operator.decisions import hold
from album_operator.domain.pipeline import App, Pipeline
from album_operator.domain.reasons import Reason
from tests.fakes.builders import PIPELINE


def _pipeline(*held: str) -> Pipeline:
    apps = tuple(App(name, hold=name in held) for name in ("backend", "frontend"))
    return replace(PIPELINE, apps=apps)


def test_an_app_is_held_whose_pipeline_says_so() -> None:
    why = hold.find(_pipeline("backend"), "backend")

    assert why is not None
    assert "spec.apps[name=backend].hold of AlbumPipeline album-app is true" in why
    held = hold.wait(why)
    assert (held.reason, held.message, held.is_poll) == (Reason.HELD, why, True)
    assert held.retry_after == hold.UNTIL_LIFTED


@pytest.mark.parametrize("pipeline", [None, _pipeline(), _pipeline("frontend")])
def test_no_other_app_is_held(pipeline: Pipeline | None) -> None:
    assert hold.find(pipeline, "backend") is None
