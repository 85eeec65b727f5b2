"""Strategies: YAML files in many hands' styles, and what stands in them."""

import json
from typing import TypeAlias

import yaml
from hypothesis import strategies as st

from album_operator.domain.keys import Index, Step

Tree: TypeAlias = "str | list[Tree] | dict[str, Tree]"

KEYS = st.sampled_from(["tag", "picture", "a b", "on", "'", '"', "x#y", "ключ", "1", "-a"])
WORDS = st.text(st.sampled_from("ab1.v-_:#'\"{}[],&*!|>%@` \\é😀"), min_size=0, max_size=8)
PLAIN = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,6}[a-z0-9])?", fullmatch=True)
TREES = st.recursive(
    WORDS | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)
TABBED = st.sampled_from(["\t", "\t# c", " \t ", "\t\t# {{ x }}"])
"""What may follow a key or value, but not a dash: libyaml takes no tab there."""

COMMENTS = st.sampled_from(["", "", "", ' # tag: "v0"', "   #", " ", "  # {{ x }} 'é😀"])

MARKS = st.sampled_from("\n\t\r \"'{}[]|>,~!%@`#\x00\x85\u2028\ufeff\ud7ffé😀")
TOKENS = st.sampled_from(["image:", "\n  ", "tag:", "*t", "&t ", "!!str ", ">-", "- ", "? ", ": "])
RARE = st.sampled_from(["---\n", "...\n", "<<: ", "{{", "\\ud800", "\\U99999999", "%YAML 1.1\n"])
SNIPPETS = TOKENS | MARKS | RARE | st.sampled_from(["%TAG ! tag:x,2000:\n", "!<tag:y.z:str> "])


class Writer:
    """Writes a tree as YAML in a style drawn anew at every turn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._anchors = 0

    def anchor(self) -> str:
        """Write an anchor that no alias uses, or none."""
        if self._draw(st.integers(0, 7)):
            return ""
        self._anchors += 1
        return f"&a{self._anchors} "

    def scalar(self, text: str) -> str:
        styles = ['"', "'"]
        if text.isascii() and text.replace(".", "a").isalnum():
            styles.append("plain")
        match self._draw(st.sampled_from(styles)):
            case '"':
                return json.dumps(text, ensure_ascii=False)
            case "'":
                return "'" + text.replace("'", "''") + "'"
        return text

    def flow(self, tree: Tree) -> str:
        return self.anchor() + self._flow(tree)

    def _flow(self, tree: Tree) -> str:
        blank = self._draw(st.sampled_from(["", " ", "  "]))
        if isinstance(tree, dict):
            items = [f"{self.scalar(key)}: {self.flow(item)}" for key, item in tree.items()]
            return "{" + blank + f",{blank} ".join(items) + blank + "}"
        if isinstance(tree, list):
            return "[" + f"{blank}, ".join(self.flow(item) for item in tree) + blank + "]"
        return self.scalar(tree)

    def block(self, tree: Tree, indent: str) -> str:
        """Write all lines of a mapping or list, each with its line end."""
        lines = []
        items = tree.items() if isinstance(tree, dict) else (("", item) for item in tree)
        for key, item in items:
            if self._draw(st.booleans()):
                lines.append(self._draw(st.sampled_from(["\n", "# tag: x\n", "    # a\n", "  \n"])))
            head = indent + (f"{self.scalar(key)}:" if isinstance(tree, dict) else "-")
            tabs = TABBED if isinstance(tree, dict) and not self._draw(st.integers(0, 4)) else None
            comment = self._draw(COMMENTS if tabs is None else tabs)
            if item and isinstance(item, (dict, list)) and self._draw(st.booleans()):
                least = 0 if isinstance(tree, dict) and isinstance(item, list) else 1
                deeper = indent + " " * self._draw(st.integers(least, 4))
                body = self.block(item, deeper)
                beside = head == f"{indent}-" and body.startswith(f"{indent}  ")
                if beside and body.strip()[0] != "#" and body[: len(deeper)] == deeper:
                    lines.append(head + body[len(head) :])
                else:
                    lines.append(f"{head} {self.anchor()}{comment}\n{body}")
            else:
                gap = "\t" if tabs is not None else " " * self._draw(st.integers(1, 3))
                lines.append(f"{head}{gap}{self.flow(item)}{comment}\n")
        return "".join(lines)


def scalar_keys(tree: Tree, prefix: tuple[Step, ...] = ()) -> list[tuple[Step, ...]]:
    """Give the ways to all scalars, through lists by indexes."""
    if isinstance(tree, str):
        return [prefix]
    items: list[tuple[Step, Tree]] = (
        [*tree.items()]
        if isinstance(tree, dict)
        else [(Index(number), item) for number, item in enumerate(tree)]
    )
    return [key for step, item in items for key in scalar_keys(item, (*prefix, step))]


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, Tree], bytes]:
    """Draw a tree and a file that reads as this tree."""
    tree = draw(st.dictionaries(KEYS, TREES, min_size=1, max_size=4))
    return tree, draw(written(tree))


@st.composite
def written(draw: st.DrawFn, tree: dict[str, Tree]) -> bytes:
    """Draw a file that reads as a tree."""
    writer = Writer(draw)
    text = writer.block(tree, "") if draw(st.booleans()) else writer.flow(tree) + "\n"
    text = draw(st.sampled_from(["", "", "---\n", "# head\n\n"])) + text
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return (draw(st.sampled_from(["", "\ufeff"])) + text).encode()


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[dict[str, Tree]], bytes]:
    """Draw trees and a file of as many documents."""
    trees = draw(
        st.lists(st.dictionaries(KEYS, TREES, min_size=1, max_size=3), min_size=2, max_size=3)
    )
    texts = [Writer(draw).block(tree, "") for tree in trees]
    marks = [draw(st.sampled_from(["---\n", "--- # c\n", "---\t# c\n"])) for _ in texts]
    return trees, "".join(f"{mark}{text}" for mark, text in zip(marks, texts, strict=True)).encode()


def loaded(data: bytes) -> object:
    """Read with libyaml, of which Helm's parser is a port; scalars stay texts."""
    return yaml.load(data.decode("utf-8-sig"), Loader=yaml.CBaseLoader)  # noqa: S506


def loaded_all(data: bytes) -> list[object]:
    """Read all documents."""
    return list(yaml.load_all(data.decode("utf-8-sig"), Loader=yaml.CBaseLoader))


def with_value(tree: Tree, key: tuple[Step, ...], value: str) -> Tree:
    """Give a tree with one value set, mappings on the way added where they are missing."""
    if not key:
        return value
    step, *rest = key
    if isinstance(step, Index):
        assert isinstance(tree, list)
        new = with_value(tree[step.number], tuple(rest), value)
        return [*tree[: step.number], new, *tree[step.number + 1 :]]
    assert isinstance(tree, dict)
    assert isinstance(step, str)
    return {**tree, step: with_value(tree.get(step, {}), tuple(rest), value)}


def any_mapping_of(tree: Tree) -> st.SearchStrategy[tuple[Step, ...]]:
    """Draw the way to a mapping."""
    ways: list[tuple[Step, ...]] = [()]
    for key in scalar_keys(tree):
        ways += [key[:end] for end in range(1, len(key)) if isinstance(key[end], str)]
    return st.sampled_from(ways)


def is_within(before: bytes, after: bytes) -> bool:
    """Tell whether all bytes of a file are still there, in their order."""
    rest = iter(after)
    return all(byte in rest for byte in before)


@st.composite
def any_kustomization(draw: st.DrawFn, image: str) -> tuple[dict[str, Tree], bytes]:
    """Draw a kustomization that may have an entry for an image."""
    fields = st.sampled_from(["newTag", "digest", "newName"])
    names = st.lists(st.sampled_from([image, "app", f"{image}-b", "q:5/x"]), unique=True)
    images: list[Tree] = [
        {"name": name, **draw(st.dictionaries(fields, PLAIN))} for name in draw(names)
    ]
    tree: dict[str, Tree] = {"resources": ["a.yaml", "b"], "images": images, "namePrefix": "x-"}
    for name in draw(st.sets(st.sampled_from(sorted(tree)), max_size=2)):
        del tree[name]
    return tree, draw(written(tree or {"kind": "Kustomization"}))
