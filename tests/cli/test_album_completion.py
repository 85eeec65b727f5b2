"""Shells and kubectl are told what may come next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from album_cli.__main__ import COMPLETES
from tests.cli.command import ROOT, album


def kubectl_asks(*words: str) -> list[str]:
    """Run what kubectl finds as `kubectl_complete-album`."""
    code = f"import sys; sys.argv[0] = {COMPLETES!r}; from album_cli.__main__ import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={"PYTHONPATH": str(ROOT / "operator")},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.splitlines()


def test_a_script_as_other_plugins_have_it_is_answered_too(tmp_path: Path) -> None:
    answer = album("__complete", "plan", "--re", cwd=tmp_path).out.decode()
    assert answer.startswith("--rev\t")
    assert answer.endswith("\n:4\n")


def test_kubectl_is_told_the_commands_with_what_they_do() -> None:
    *lines, directive = kubectl_asks("")
    assert [line.partition("\t")[0] for line in lines] == ["completion", "plan"]
    assert lines[1].startswith("plan\tPrint the change")
    assert directive == ":4"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["plan", "--f"], ["--filename\tFile with", ":4"]),
        (["plan", "-f", ""], [":0"]),
        (["plan", "--filename="], [":0"]),
        (["plan", "--config-repo", "../al"], [":16"]),
        (["completion", "z"], ["zsh", ":4"]),
        (["plan", "--tag", "back"], [":4"]),
    ],
)
def test_kubectl_is_told_what_an_option_takes(words: list[str], answer: list[str]) -> None:
    told = kubectl_asks(*words)
    assert [line[: len(said)] for line, said in zip(told, answer, strict=True)] == answer


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_asks_album(shell: str, tmp_path: Path) -> None:
    script = album("completion", shell, cwd=tmp_path)
    assert script.status == 0
    assert f"_ALBUM_COMPLETE={shell}_complete" in script.out.decode()


def test_bash_completes_by_the_script(tmp_path: Path) -> None:
    (tmp_path / "album").write_text(f'#!/bin/sh\nexec {sys.executable} -m album_cli "$@"\n')
    (tmp_path / "album").chmod(0o755)
    ask = (
        "source <(album completion bash); COMP_WORDS=(album pl) COMP_CWORD=1; "
        '_album_completion album; echo "${COMPREPLY[@]}"'
    )
    ended = subprocess.run(
        ["bash", "-euc", ask],
        env={"PYTHONPATH": str(ROOT / "operator"), "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("plan\n", "")
