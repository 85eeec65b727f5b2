"""What all documents name exists: pages, headings, targets, variables, files, fields."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from album_operator.api.crd import render_crds
from album_operator.api.pipeline import AlbumPipeline
from album_operator.api.release import AlbumRelease
from tests.unit.docs.documents import (
    DOCUMENTS,
    ROOT,
    anchors,
    code_spans,
    fences,
    read,
    without_fences,
)

WIDTH = 120

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")

PROGRAMS = ("operator", "benchmarks", "testbed", "tests/e2e", "manifests", "Makefile")

MODELS: dict[str, type[AlbumPipeline] | type[AlbumRelease]] = {
    "AlbumPipeline": AlbumPipeline,
    "AlbumRelease": AlbumRelease,
}
SCHEMAS = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for crd in map(yaml.safe_load, render_crds().values())
}

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def _source() -> str:
    """Give the text of all programs and manifests."""
    files = [
        path
        for top in (ROOT / name for name in PROGRAMS)
        for path in ([top] if top.is_file() else sorted(top.rglob("*")))
        if path.is_file() and path.suffix in {"", ".py", ".yaml", ".env"}
    ]
    return "\n".join(path.read_text("utf-8") for path in files)


@every_document
def test_links_lead_to_pages_and_headings_that_exist(path: Path) -> None:
    broken = []
    for link in LINK.findall(without_fences(read(path))):
        page, _, anchor = link.partition("#")
        if "://" in page:
            continue
        target = (path.parent / page) if page else path
        if not target.exists() or (anchor and anchor not in anchors(read(target))):
            broken.append(link)
    assert broken == []


@every_document
def test_lines_of_text_fit_the_width(path: Path) -> None:
    lines = without_fences(read(path)).splitlines()
    # A row of a table cannot be broken.
    assert [line for line in lines if len(line) > WIDTH and not line.startswith("|")] == []


@every_document
def test_make_targets_that_are_named_exist(path: Path) -> None:
    named = set(re.findall(r"\bmake (?:-s )?([a-z][a-z-]+)", _commands(read(path))))
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert named <= targets


@every_document
def test_variables_that_are_named_are_read_somewhere(path: Path) -> None:
    source = _source()
    named = set(re.findall(r"\b(?:ALBUM|BENCH|TESTBED)_[A-Z_]*[A-Z]\b", read(path)))
    assert {name for name in named if name not in source} == set()


@every_document
def test_paths_that_are_named_exist(path: Path) -> None:
    named = {
        span.rstrip("/")
        for span in [*code_spans(read(path)), *re.findall(r"-[kf] (\S+)", _shell(read(path)))]
        if re.fullmatch(r"(operator|benchmarks|docs|manifests|crds|tests|testbed)/[\w./-]*", span)
    }
    made = set(re.findall(r"^cp -r \S+ (\S+)$", _shell(read(path)), re.MULTILINE))
    assert {name for name in named - made if not (ROOT / name).exists()} == set()


@every_document
def test_resources_that_are_shown_are_of_the_right_shape(path: Path) -> None:
    for resource in _resources(read(path)):
        MODELS[resource["kind"]].parse(resource)
        assert (
            list(_unknown(resource["spec"], SCHEMAS[resource["kind"]]["properties"]["spec"])) == []
        )


def test_the_install_shows_both_kinds() -> None:
    shown = {resource["kind"] for resource in _resources(read("docs/install.md"))}
    assert shown == set(MODELS)


def _shell(text: str) -> str:
    return "\n".join(fence.text for fence in fences(text) if fence.language in {"sh", "console"})


def _commands(text: str) -> str:
    return "\n".join([_shell(text), *code_spans(text)])


def _resources(text: str) -> Iterator[dict[str, Any]]:
    for fence in fences(text):
        if fence.language == "yaml":
            for resource in yaml.safe_load_all(fence.text):
                if isinstance(resource, dict) and resource.get("kind") in MODELS:
                    yield resource


def _unknown(value: object, schema: dict[str, Any], path: str = "spec") -> Iterator[str]:
    """Give the fields the schema does not have, which the API server would drop."""
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, schema.get("items", {}), f"{path}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            below = schema.get("properties", {}).get(name)
            if below is None:
                yield f"{path}.{name}"
            else:
                yield from _unknown(inner, below, f"{path}.{name}")
