"""A published chart names its image and what is new in its version, as Artifact Hub reads it."""

import pytest
import yaml

from album_cli import VERSION
from distribution.artifact_hub import annotate, read_changes
from distribution.chart import CHART, ROOT

HOME = "https://git.example.org/album/album-release-operator"
IMAGE = f"registry.example.org/album/album-release-operator@sha256:{'0' * 64}"
CHANGELOG = f"""\
# Changelog

## Unreleased

### Added

- Not yet.

## [{VERSION}] - 2026-12-01

### Changed

- **Breaking**: a field is an object ([how](docs/reference.md#field)),
  and a text no more.

### Fixed

- One thing.
- Another: with a colon, and "quotes".

## 0.0.9

### Added

- Old.
"""
CHANGES = [
    {"kind": "changed", "description": "Breaking: a field is an object (how), and a text no more."},
    {"kind": "fixed", "description": "One thing."},
    {"kind": "fixed", "description": 'Another: with a colon, and "quotes".'},
]


def test_what_is_new_in_the_version_is_listed_by_kind_and_nothing_else() -> None:
    assert read_changes(CHANGELOG, VERSION) == CHANGES
    assert read_changes(CHANGELOG, "0.0.9") == [{"kind": "added", "description": "Old."}]


def test_a_version_without_a_heading_of_its_own_is_not_published() -> None:
    with pytest.raises(ValueError, match=r"no heading `## 0\.0\.8`: give it to what is new"):
        read_changes(CHANGELOG, "0.0.8")


def test_all_that_is_new_now_would_be_taken() -> None:
    changes = read_changes((ROOT / "CHANGELOG.md").read_text("utf-8"), "Unreleased")
    # Artifact Hub leaves a version out whose annotations it cannot read.
    kinds = {"added", "changed", "deprecated", "removed", "fixed", "security"}
    assert {one["kind"] for one in changes} <= kinds
    assert [one for one in changes if "](" in one["description"]] == []


def test_the_chart_keeps_what_it_says_and_names_the_image_and_the_changes() -> None:
    text = (CHART / "Chart.yaml").read_text("utf-8")
    before, after = yaml.safe_load(text), yaml.safe_load(annotate(text, CHANGELOG, IMAGE, HOME))
    annotations = after["annotations"]
    images = yaml.safe_load(annotations.pop("artifacthub.io/images"))
    assert images == [{"name": "album-operator", "image": IMAGE}]
    assert yaml.safe_load(annotations.pop("artifacthub.io/changes")) == CHANGES
    assert (after.pop("home"), after.pop("sources")) == (HOME, [HOME])
    assert after == before
