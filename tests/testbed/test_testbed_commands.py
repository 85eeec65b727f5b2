from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.commands import PartError, capture, locked, run, succeeds, wait_until


def test_a_program_that_fails_is_told_by_part_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "part.log"

    with pytest.raises(PartError) as caught:
        run(["sh", "-c", "seq 100; exit 3"], part="registry", log=log)

    lines = str(caught.value).splitlines()
    assert lines[0] == "registry: sh ended with status 3"
    assert [line.strip() for line in lines[-3:-1]] == ["99", "100"]
    assert "50" not in lines
    assert lines[-1] == f"The whole log is {log}"


def test_a_program_that_is_not_installed_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="no-such-program is not installed"):
        run(["no-such-program"], part="tool", log=tmp_path / "log")
    with pytest.raises(PartError, match="no-such-program is not installed"):
        capture(["no-such-program"], part="tool")
    assert not succeeds(["no-such-program"])


ROOT = Path(__file__).parents[2]

INTERRUPTED = """
import signal
from pathlib import Path
from testbed.commands import end_running, run
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    run(["sh", "-c", "echo $$ > pid.new; mv pid.new pid; exec sleep 60"], part="x", log=Path("log"))
except KeyboardInterrupt:
    end_running()
"""


def test_an_interrupted_command_ends_what_it_has_started(tmp_path: Path) -> None:
    words = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(
        words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as command:
        pid = tmp_path / "pid"
        wait_until(pid.exists, part="program", what="start", seconds=20)
        command.send_signal(signal.SIGINT)
        assert command.wait(timeout=20) == 0
    words_file = Path("/proc", pid.read_text().strip(), "cmdline")
    wait_until(
        lambda: not words_file.exists() or words_file.read_bytes() == b"",
        part="program", what="end", seconds=20,
    )  # fmt: skip


def test_the_last_words_of_a_failed_question_are_in_the_error() -> None:
    with pytest.raises(PartError, match="status 1: no such thing"):
        capture(["sh", "-c", "echo no such thing >&2; exit 1"], part="question")


def test_a_program_that_gives_no_answer_is_ended() -> None:
    with pytest.raises(PartError, match="gave no answer in 0 s"):
        capture(["sleep", "60"], part="question", timeout=0.1)


def test_a_condition_that_is_never_met_ends_at_its_deadline() -> None:
    with pytest.raises(PartError, match="gitea: did not answer within 0 s"):
        wait_until(lambda: False, part="gitea", what="answer", seconds=0.2)


def test_who_waits_for_a_lock_says_so_once(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "testbed"
    lock.parent.mkdir()
    free = subprocess.Popen(
        ["flock", lock, "sh", "-c", "echo held; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    waited: list[bool] = []

    def release() -> None:
        waited.append(True)
        free.communicate(b"\n")

    assert free.stdout is not None
    assert free.stdout.readline() == b"held\n"
    with locked(lock, release):
        assert waited == [True]
    with locked(lock, release):
        assert waited == [True]
