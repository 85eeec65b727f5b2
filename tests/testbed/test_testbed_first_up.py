"""The tests' testbed from nothing: `make test` begins with it, and all that follows runs on it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import Settings, lifecycle, status

# A new machine compiles all of the testbed here.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(4500)]

ROOT = Path(__file__).parents[2]


def test_an_interrupted_up_ends_at_once_and_the_next_one_goes_on(
    testbed_settings: Settings,
) -> None:
    lifecycle.down(testbed_settings)
    with subprocess.Popen(
        [sys.executable, "-m", "testbed", "up"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests themselves run in the background, a shell has made SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as command:
        assert command.stderr is not None
        for line in command.stderr:
            if "▸ create cluster" in line:
                command.send_signal(signal.SIGINT)
                break
        rest = command.stderr.read()
        assert command.wait(timeout=20) == 130, rest

    lifecycle.up(testbed_settings)
    assert status.report(testbed_settings) == 0
