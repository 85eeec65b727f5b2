"""The parts of `make test` leave out no test that is collected."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest
from tests.unit.docs.documents import ROOT

MARKED = """
import pytest

@pytest.mark.e2e
def test_a_release_goes_through():
    pass
"""


def _collect(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--override-ini=markers=e2e", *options, "tests"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}"},
        capture_output=True,
        text=True,
        check=False,
    )


def _words(variable: str) -> list[str]:
    """Give a variable of the Makefile as make expands it."""
    show = ["make", "--silent", f"--eval=show: ; @echo '$({variable})'", "show"]
    apart = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(show, cwd=ROOT, env=apart, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("half", ["e2e", "not e2e"])
def test_a_test_marked_e2e_in_another_place_stops_both_halves(tmp_path: Path, half: str) -> None:
    place = tmp_path / "tests" / "testbed" / "more" / "test_more.py"
    place.parent.mkdir(parents=True)
    shutil.copy(conftest.__file__, tmp_path / "tests" / "conftest.py")
    place.write_text(MARKED)
    done = _collect(tmp_path, "-m", half)
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "test_a_release_goes_through is marked `e2e` where make looks for no such" in done.stdout

    shutil.move(place, place.parents[1])
    assert "ERROR" not in _collect(tmp_path, "-m", half).stdout


def test_where_they_may_be_is_where_make_looks_for_them() -> None:
    marker, name, *places = _words("ON_TESTBED")
    assert (marker, name) == ("-m", "e2e")
    taken = {
        path
        for place in places
        for path in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("test_*.py"))
    }
    assert taken == {path for one in conftest.ON_TESTBED for path in (ROOT / "tests").glob(one)}
    assert all(path.is_file() for path in taken)
