"""No right too many: the last file of this folder, by its name, looks at what all others did."""

import pytest

from testbed import rights
from tests.e2e.world import World

pytestmark = pytest.mark.e2e


def test_the_tests_of_this_folder_have_used_each_right_of_the_operator(world: World) -> None:
    log = world.testbed.audit_log
    assert rights.report(rights.find_logs(log)) == 0, f"no request of it in {log}"
