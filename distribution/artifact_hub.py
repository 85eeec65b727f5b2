"""What Artifact Hub shows of a published chart: its image, where the project is, what is new."""

from __future__ import annotations

import re
import sys
from typing import Any

import yaml

from album_cli import VERSION
from distribution.chart import CHART, ROOT

_ITEM = re.compile(r"^- (.+(?:\n  .+)*)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def annotate(chart: str, changelog: str, image: str, home: str) -> str:
    """Give the text of a `Chart.yaml` as it is published.

    Args:
        chart: its text in the checkout.
        changelog: of all versions.
        image: where it is pulled from, with its digest.
        home: URL of the project.

    Raises:
        ValueError: The changelog has nothing of this version.
    """
    told: dict[str, Any] = yaml.safe_load(chart)
    told |= {"home": home, "sources": [home]}
    told["annotations"] |= {
        "artifacthub.io/images": _text([{"name": "album-operator", "image": image}]),
        "artifacthub.io/changes": _text(read_changes(changelog, VERSION)),
    }
    return _text(told)


def read_changes(changelog: str, version: str) -> list[dict[str, str]]:
    """Give what is new in a version: Artifact Hub's kinds are the headings of Keep a Changelog.

    Source: Artifact Hub, "Helm annotations", `artifacthub.io/changes`.

    Raises:
        ValueError: The changelog has nothing of that version.
    """
    for section in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        if section.split()[0].strip("[]") == version:
            return [
                {"kind": part.split()[0].lower(), "description": _plain(item)}
                for part in re.split(r"^### ", section, flags=re.MULTILINE)[1:]
                for item in _ITEM.findall(part)
            ]
    raise ValueError(f"CHANGELOG.md has no heading `## {version}`: give it to what is new")


def _plain(item: str) -> str:
    """Give a text in one line, without links that lead nowhere outside of the repository."""
    return _LINK.sub(r"\1", item.replace("\n  ", " ")).replace("**", "")


def _text(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    path = CHART / "Chart.yaml"
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    path.write_text(annotate(path.read_text("utf-8"), changelog, *sys.argv[1:]), "utf-8")
