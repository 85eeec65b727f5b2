"""The workflows take actions by commit, few rights, and name only what there is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from distribution.lock import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def _steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
        yield from job.get("steps", [])


@each_workflow
def test_every_action_is_named_by_its_commit_and_one_alone(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text("utf-8"))
    for action, comment in used:
        if action.startswith("./"):
            assert (ROOT / action).exists()
            continue
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
    commits: dict[str, set[str]] = {}
    for everywhere in WORKFLOWS:
        for name, commit in re.findall(r"uses: (\S+)@(\S+)", everywhere.read_text("utf-8")):
            commits.setdefault(name, set()).add(commit)
    assert {name: len(those) for name, those in commits.items() if len(those) > 1} == {}


@each_workflow
def test_nothing_may_write_unless_its_job_says_so(path: Path) -> None:
    assert yaml.safe_load(path.read_text("utf-8"))["permissions"] == {"contents": "read"}


@each_workflow
def test_no_script_is_put_together_of_expressions(path: Path) -> None:
    assert [step["run"] for step in _steps(path) if "${{" in step.get("run", "")] == []


@each_workflow
def test_targets_and_files_that_are_named_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)$", text, re.MULTILINE))
    for row in re.findall(r"target: \[(.+)\]", text):
        named |= set(re.split(r",? ", row))
    assert named <= targets
    paths = set(re.findall(r"(?<![\w/-])(?:charts|docs|manifests|operator)/[\w./-]+", text))
    assert {one for one in paths if not (ROOT / one).exists()} == set()


def test_a_scan_and_a_signature_come_before_the_tag() -> None:
    (release,) = [path for path in WORKFLOWS if path.stem == "release"]
    text = release.read_text("utf-8")
    order = ["needs: test", "push-by-digest", "scan-action", "cosign sign", "imagetools create"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
