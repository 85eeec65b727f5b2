"""The documents of the repository, taken apart for the tests beside this file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]

DOCUMENTS = (
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
)

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, empty for none, and its text."""

    language: str
    text: str


def read(path: Path | str) -> str:
    """Read a document, given by its path or by its path below the root."""
    return (ROOT / path).read_text("utf-8")


def fences(text: str) -> list[Fence]:
    """Give the fenced blocks of a document."""
    return [Fence(found[2], found[3]) for found in _FENCE.finditer(text)]


def without_fences(text: str) -> str:
    """Give a document without its fenced blocks."""
    return _FENCE.sub("", text)


def section(text: str, heading: str) -> str:
    """Give what stands below a heading, up to the next of its level or above.

    Raises:
        KeyError: no heading has that text.
    """
    headings = list(_HEADING.finditer(text))
    for index, found in enumerate(headings):
        if found[2] == heading:
            ends = [
                later.start() for later in headings[index + 1 :] if len(later[1]) <= len(found[1])
            ]
            return text[found.end() : ends[0] if ends else len(text)]
    raise KeyError(heading)


def anchors(text: str) -> set[str]:
    """Give the anchors GitHub and Gitea make of the headings."""
    return {
        re.sub(r"[^\w\- ]", "", found[2].lower()).replace(" ", "-")
        for found in _HEADING.finditer(without_fences(text))
    }


def code_spans(text: str) -> list[str]:
    """Give what stands between single backticks outside fenced blocks."""
    return _CODE.findall(without_fences(text))


def items(text: str) -> Iterator[str]:
    """Give the items of bulleted lists, each as one line."""
    for found in re.finditer(r"^- (.+(?:\n  .+)*)", text, re.MULTILINE):
        yield re.sub(r"\n  ", " ", found[1])


def rows(text: str) -> list[list[str]]:
    """Give the rows of all tables, without their headings."""
    tables = re.findall(r"^\|.+\n\|[-| ]+\|\n((?:\|.+\n)*)", text, re.MULTILINE)
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for table in tables
        for line in table.splitlines()
    ]
