"""What holds for all tests, and the one testbed of those that need one."""

import os

import pytest
from hypothesis import HealthCheck, settings

from testbed import Settings, Testbed, from_environment, lifecycle

# A busy machine is no failure: nothing is timed, and what is slow is told by pytest's own figures.
settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")


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
