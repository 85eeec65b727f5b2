"""The chart's own test, as an admin runs it after the install."""

import pytest

from testbed.deploy import RELEASE, SYSTEM
from tests.e2e.world import World

pytestmark = pytest.mark.e2e


def test_helm_test_finds_the_operator_ready(world: World) -> None:
    said = world.testbed.helm("test", RELEASE, "--namespace", SYSTEM, "--timeout=180s")
    assert "Phase:          Succeeded" in said
