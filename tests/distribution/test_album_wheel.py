"""The wheel alone, with what it names as its needs, is the whole command."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from distribution.lock import ROOT
from tests.cli.command import CHANGES, commit, git

PROGRAMS = ("album", "kubectl-album", "kubectl_complete-album")


def _run(
    *words: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it into an environment of its own, and give that one's programs."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    pins = ROOT / "requirements/dev.txt"
    for words in (
        ("build", "--wheel", "--out-dir", folder),
        ("venv", "--python", sys.executable, folder / "env"),
    ):
        assert _run(uv, *words).returncode == 0
    (wheel,) = folder.glob("*.whl")
    install = ("pip", "install", "--python", folder / "env/bin/python", "--constraint", pins, wheel)
    done = _run(uv, *install)
    assert done.returncode == 0, done.stderr
    return folder / "env/bin"


def test_it_plans_without_what_only_the_operator_needs(programs: Path, tmp_path: Path) -> None:
    repository = tmp_path / "config"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main")
    # Too large to be edited in the command's own process.
    filler = "".join(f"key{number}: {{a: [1, 2, 3]}}\n" for number in range(2_000))
    values = f'image:\n  tag: "v1.0.0"\n{filler}'.encode()
    commit(repository, "values", {"backend/values.yaml": values})
    source = "https://git.example.org/owner/album-app"
    options = ("--tag", "backend-v1.1.0", "--source", source, "--config-repo", str(repository))

    ended = _run(
        programs / "album", "plan", *options, cwd=tmp_path, env={"PATH": os.environ["PATH"]}
    )

    assert (ended.returncode, ended.stderr) == (CHANGES, "")
    assert '+  tag: "v1.1.0"\n' in ended.stdout
    assert _run(programs / "python", "-c", "import kubernetes").returncode != 0


def test_kubectl_finds_the_plugin_and_its_completion(programs: Path) -> None:
    assert all((programs / name).exists() for name in PROGRAMS)
    assert _run(programs / "kubectl-album", "plan", "--help").stdout.startswith(
        "Usage: kubectl album plan "
    )
    assert _run(programs / "kubectl_complete-album", "pl").stdout.startswith("plan\t")
