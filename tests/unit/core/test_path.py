"""Which steps a release takes."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from album_operator import steps
from album_operator.domain.record import StepName
from album_operator.domain.release import Delivery, Mode
from album_operator.domain.resolved import Resolved
from album_operator.steps.path import Step, path
from tests.fakes.builders import RESOLVED

BESIDE_STEPS = {
    "__init__",
    "access",
    "app_notices",
    "build_cache",
    "build_checks",
    "build_look",
    "case",
    "crashes",
    "editing",
    "findings",
    "hold",
    "hydration",
    "image",
    "overrides",
    "overtaken",
    "path",
    "preflight_build",
    "preflight_change",
    "preflight_look",
    "reach",
    "sinks",
    "standing",
    "take_back",
    "turns",
    "undo",
    "world",
}


def _with(delivery: Delivery) -> Resolved:
    return replace(RESOLVED, config=replace(RESOLVED.config, delivery=delivery))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("delivery", Delivery)
def test_every_condition_of_a_release_is_that_of_one_step_in_their_order(
    delivery: Delivery, mode: Mode
) -> None:
    assert [name for step in path(mode, _with(delivery)) for name in step.NAMES] == list(StepName)


@pytest.mark.parametrize(
    "name", sorted({file.stem for file in Path(steps.__path__[0]).glob("*.py")} - BESIDE_STEPS)
)
def test_the_decision_of_a_step_has_its_name(name: str) -> None:
    for package in ("steps", "decisions"):
        assert callable(import_module(f"album_operator.{package}.{name}").decide)


def test_every_step_is_taken_by_some_release() -> None:
    taken = {
        _name(step)
        for delivery in Delivery
        for mode in Mode
        for step in path(mode, _with(delivery))
    }
    assert taken == {"build", "propose", "merge", "commit", "follow", "sync", "deploy"}


def _name(step: Step) -> str:
    assert isinstance(step, ModuleType)
    return step.__name__.rpartition(".")[2]
