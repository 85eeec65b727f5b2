"""What holds for all tests, and the one testbed of those that need one."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from testbed import Settings, Testbed, from_environment, lifecycle

# A busy machine is no failure: nothing is timed, and what is slow is told by pytest's own figures.
settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

ON_TESTBED = ("e2e/**/test_*.py", "samples/**/test_*.py", "testbed/test_*.py")
"""Where `make tests-on-testbed` looks for tests marked `e2e`; no other part of `make test` has any.
"""


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, object, object]:
    """Refuse tests marked `e2e` in other places: `-m` would leave them out without a word."""
    made = yield
    marked = [
        item
        for item in (made if isinstance(made, list) else [made])
        if isinstance(item, pytest.Item) and item.get_closest_marker("e2e") is not None
    ]
    here = Path(__file__).parent
    if marked and not any(collector.path in here.glob(pattern) for pattern in ON_TESTBED):
        raise collector.CollectError(
            f"{marked[0].name} is marked `e2e` where make looks for no such test: "
            f"move it to one of {', '.join(ON_TESTBED)} below tests/"
        )
    return made


@pytest.fixture(scope="session")
def testbed_settings() -> Settings:
    """The settings of the tests' testbed, whose name is not the developer's own."""
    os.environ.setdefault("TESTBED_NAME", "album-test")
    return from_environment()


@pytest.fixture(scope="session")
def testbed(testbed_settings: Settings) -> Testbed:
    """The tests' testbed, up; `make test` takes it down."""
    lifecycle.up(testbed_settings)
    return Testbed.from_settings(testbed_settings)
