"""ARCHITECTURE.md draws the tree and the layers as they are."""

import re
import tomllib

from tests.unit.docs.documents import ROOT, fences, read, section

ARCHITECTURE = read("ARCHITECTURE.md")
PACKAGE = ROOT / "operator/album_operator"


def _drawn() -> set[str]:
    tree = fences(section(ARCHITECTURE, "The tree"))[0].text
    inside = tree.split("\n", 1)[1].split("\ncrds/")[0]
    return set(re.findall(r"(?:^  |  )([a-z_]+(?:\.py|/))(?= )", inside, re.MULTILINE))


def test_every_module_of_the_package_is_in_the_tree_and_no_other() -> None:
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in PACKAGE.iterdir()
        if path.name not in {"__init__.py", "__pycache__", "py.typed"}
    }
    assert _drawn() == there


def test_the_layers_are_those_the_linter_holds() -> None:
    settings = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]
    layers = next(found["layers"] for found in settings["contracts"] if found["type"] == "layers")
    text = " ".join(section(ARCHITECTURE, "The tree").split())
    assert " > ".join(layers) in text


def test_the_page_stays_one_that_is_read_in_one_go() -> None:
    assert len(ARCHITECTURE.splitlines()) <= 165
