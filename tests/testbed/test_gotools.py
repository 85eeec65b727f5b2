from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from testbed.commands import PartError
from testbed.offline import gotools
from testbed.settings import Settings


def test_a_program_nobody_knows_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PartError, match=r"no recipe for kubectx; known are .*kubectl"):
        gotools.ensure(["kubectx"], Settings("tools", tmp_path, tmp_path))


def test_another_recipe_is_another_folder() -> None:
    kind = gotools.get_set("kind")

    assert gotools.recipe_hash(kind) == gotools.recipe_hash(kind)
    assert gotools.recipe_hash(kind) != gotools.recipe_hash(dataclasses.replace(kind, ldflags="-s"))


def test_without_go_on_the_path_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PartError, match="install Go"):
        gotools.ensure(["kind"], Settings("tools", tmp_path, tmp_path))


def test_every_import_of_a_tool_set_is_one_of_its_programs() -> None:
    folder = Path(gotools.__file__).parent / "go"
    sets = (*gotools.SETS, *gotools.ON_DEMAND)
    assert {path.name for path in folder.iterdir()} == {tools.name for tools in sets}
    for tools in sets:
        if set(tools.programs.values()) == {"."}:
            assert "package main" in (folder / tools.name / "main.go").read_text()
            continue
        imported = {
            line.split('"')[1]
            for line in (folder / tools.name / "tools.go").read_text().splitlines()
            if "_ " in line
        }
        assert imported == set(tools.programs.values())


def test_a_program_is_built_once_and_has_its_version() -> None:
    kubectl = gotools.ensure(["kubectl"]) / "kubectl"
    before = kubectl.stat().st_mtime_ns

    answer = subprocess.run(
        [kubectl, "version", "--client", "--output=json"], capture_output=True, check=True
    )

    assert gotools.ensure(["kubectl"]) / "kubectl" == kubectl
    assert kubectl.stat().st_mtime_ns == before
    assert json.loads(answer.stdout)["clientVersion"]["gitVersion"] == f"v{gotools.KUBERNETES}"
