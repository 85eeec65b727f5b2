"""Prometheus' own tool, which checks rules and runs them on series."""

from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.commands import capture
from testbed.offline import gotools

Promtool = Callable[..., str]


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Give a function that runs promtool, and fails with its words where it does."""
    program = gotools.ensure(["promtool"]) / "promtool"

    def run(*arguments: str | Path) -> str:
        return capture([program, *arguments], part="promtool", timeout=120)

    return run
