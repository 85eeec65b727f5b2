"""New keys and items for a YAML file: where they go and how they look, by the file's own habits.

A growth only ever inserts. It goes after the last line of its mapping or list, indented like the
keys or items there; between brackets it goes after the last value.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ruamel.yaml.events import Event

from album_operator.domain.keys import Item
from album_operator.render.yaml_nodes import Node, RefusedError, is_plain_string, line_and_column
from album_operator.render.yaml_places import Gap

Tree: TypeAlias = "str | dict[str | Item, Tree]"
"""What is new below a gap; a mapping's keys are texts, a list's are Items."""

Growth: TypeAlias = dict[str | Item, Tree]
"""What is new in one gap."""

Cut: TypeAlias = tuple[int, int, str]
"""Start, end and new text of a replacement."""

COLON = re.compile(r"[ \t]*:")
LINE_END = re.compile(r"\r\n|[\r\n]")
REST = re.compile(r"[ \t]*(?:(?:(?<=[ \t\r\n])|^)#[^\r\n\x85\u2028\u2029]*)?(\r\n|[\r\n]|\Z)")
"""What may follow a value on its line, and the line's end."""

FILLING = re.compile(r"(?:[ \t\r\n]|(?<=[ \t\r\n])#[^\r\n]*)*")
"""Blanks, line ends and comments between two tokens."""

KEYS, DASHES = re.compile(r"( *)"), re.compile(r"( *)- +")
"""What stands on a line before the first key of a mapping, or the first item of a list."""

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
"""Texts without any character that could mean something to YAML."""


@dataclass(frozen=True)
class Habits:
    """How a file is written.

    Attributes:
        step: blanks from the keys of a mapping to those of a mapping in it.
        dash: blanks from a key to the dashes of its list.
        item: characters from a dash to its item.
        line_end: the first one in it.
    """

    step: int
    dash: int
    item: int
    line_end: str


def add_to_tree(trees: Growth, steps: Sequence[str | Item], value: str) -> bool:
    """Put a value into a tree, at the end of some steps.

    Returns:
        False where something else is wanted at one of the steps already.
    """
    *above, last = steps
    for step in above:
        below = trees.setdefault(step, {})
        if isinstance(below, str) or _is_mixed(trees):
            return False
        trees = below
    return trees.setdefault(last, value) == value and not _is_mixed(trees)


def _is_mixed(tree: Growth) -> bool:
    """Tell whether what is new would be a list for one edit and a mapping for another."""
    return len({isinstance(step, Item) for step in tree}) > 1


def new_item(item: Item, fields: Tree) -> Growth:
    """Give a new item of a list as the mapping it is."""
    return {item.field: item.value, **_fields(fields)}


def _fields(tree: Tree) -> Growth:
    return tree if isinstance(tree, dict) else {}


def grow(
    text: str, events: Sequence[Event], root: Node | None, gap: Gap, tree: Growth
) -> Iterator[Cut]:
    """Give the insertions that bring a tree into a gap.

    Raises:
        RefusedError: there is no place for it that is certain.
    """
    habits = _habits(text, [node for node in (gap.parent, root) if node is not None])
    parent, owner, around = gap.parent, gap.owner, gap.around
    if parent is not None and parent.tag is not None:
        raise RefusedError(parent.at, "what is there has a tag of its own", "Remove the tag")
    if parent is None:
        yield _at_end(text, _block(tree, habits), habits)
    elif not parent.is_null:
        if parent.is_flow:
            yield from _into_flow(text, parent, owner, tree)
        else:
            column = _column(parent) if not parent.event.anchor else _column_below(text, parent)
            yield _below(text, _end(text, parent, None), column, tree, habits)
    elif owner is parent:
        raise RefusedError(parent.at, "the item of the list there is empty", "Write it")
    elif owner is None or around is None:
        # The document's start stands right before its root.
        after = int(events[parent.number - 1].end_mark.index)
        yield _below(text, after, 0, tree, habits)
    elif around.is_flow:
        at = colon_end(text, owner)
        yield at, at, f" {_flow(tree, quoted=owner.style is not None)}"
    else:
        column = int(owner.event.start_mark.column) + _pad(tree, habits)
        yield _below(text, colon_end(text, owner), column, tree, habits)


def _at_end(text: str, lines: list[str], habits: Habits) -> Cut:
    """Give the insertion into a file that is empty, or nothing but comments."""
    end = habits.line_end
    if text.removeprefix("\ufeff") == "" or LINE_END.match(text, len(text) - 1):
        return len(text), len(text), "".join(line + end for line in lines)
    return len(text), len(text), "".join(end + line for line in lines)


def _below(text: str, after: int, column: int, tree: Growth, habits: Habits) -> Cut:
    """Give the insertion of lines after the line in which something ends."""
    lines = [" " * column + line for line in _block(tree, habits)]
    if LINE_END.match(text, after - 1):  # a block scalar ends with the end of its line
        rest = LINE_END.match(text, after - (2 if text[after - 2 : after] == "\r\n" else 1))
        at, end = after, rest[0] if rest else habits.line_end
    else:
        rest = REST.match(text, after)
        if rest is None:
            raise RefusedError(
                line_and_column(text[:after]),
                "something follows on the line after which it would be added",
                "Begin a new line there",
            )
        at, end = rest.end(), rest[1]
    if end:
        return at, at, "".join(line + end for line in lines)
    return at, at, "".join(habits.line_end + line for line in lines)


def _end(text: str, node: Node, key: Node | None) -> int:
    """Give the index after the last character of a value that is not between brackets."""
    while node.children and not node.is_flow:
        key = node.children[-2] if node.is_mapping else None
        node = node.children[-1]
    if node.closing is not None:
        return int(node.closing.end_mark.index)
    if node.style in {"|", ">"}:
        return _end_of_block_scalar(text, node)
    if not node.is_empty:
        return node.end
    return colon_end(text, key) if key is not None else node.start


def _end_of_block_scalar(text: str, node: Node) -> int:
    """Give the index after the line end of its last line that is not empty, if it keeps none."""
    header, _, _ = text[node.start : node.end].replace("\r", "\n").partition("\n")
    # Not by a search for line ends up to the end: that takes the square of how many there are.
    last = node.start + len(text[node.start : node.end].rstrip("\r\n"))
    line_end = LINE_END.match(text, last, node.end)
    if line_end is None:
        raise RefusedError(
            node.at,
            "the file ends in this block scalar without a line end, and one more would change it",
            "End the file with a line end",
        )
    return node.end if "+" in header else line_end.end()


def colon_end(text: str, key: Node) -> int:
    """Give the index after the colon of a key without a value.

    The mark of a value that is not there is that of the next token, maybe lines below.

    Raises:
        RefusedError: the colon is not right after the key.
    """
    colon = COLON.match(text, key.end)
    if colon is None:
        raise RefusedError(key.at, "the key has no `:` right after it", "Write it as `key: value`")
    return colon.end()


def _into_flow(text: str, parent: Node, owner: Node | None, tree: Growth) -> Iterator[Cut]:
    """Give the insertions between the brackets of a mapping or list."""
    opening = int(parent.event.end_mark.index)
    beside = parent.children[0] if parent.is_mapping and parent.children else owner
    members = _members(tree, quoted=beside is None or beside.style is not None)
    if text[opening - 1 : opening] != ("{" if parent.is_mapping else "["):
        raise RefusedError(parent.at, "it has no brackets of its own", "Write the brackets")
    if not parent.children:
        yield opening, opening, ", ".join(members)
        return
    last = parent.children[-1]
    if last.is_empty:
        raise RefusedError(last.at, "the last value between the brackets is empty", "Write it")
    end = int(last.closing.end_mark.index) if last.closing is not None else last.end
    filling = FILLING.match(text, end)
    comma = filling.end() if filling and text.startswith(",", filling.end()) else None
    first = parent.children[-2] if parent.is_mapping else last
    lead = _lead(text, first.start)
    rest = REST.match(text, end if comma is None else comma + 1)
    if lead is None or rest is None or not rest[1]:
        at = end if comma is None else comma + 1
        yield at, at, f"{',' if comma is None else ''} {', '.join(members)}"
        return
    if comma is None:
        yield end, end, ","
    lines = f",{rest[1]}".join(f"{lead}{member}" for member in members)
    yield rest.end(), rest.end(), f"{lines}{'' if comma is None else ','}{rest[1]}"


def _lead(text: str, at: int) -> str | None:
    """Give the blanks before the first token of a line, None for a later token."""
    line = re.split(r"[\r\n]", text[:at])
    return line[-1] if len(line) > 1 and not line[-1].strip(" \t") else None


def _habits(text: str, nodes: list[Node]) -> Habits:
    """Read from a file how it is written, nearest to the first of some nodes."""
    line_end = LINE_END.search(text)
    step, dash, item = None, None, None
    nodes = nodes[::-1]
    while nodes and (step is None or dash is None or item is None):
        node = nodes.pop()
        nodes += reversed(node.children)
        if node.is_flow or _is_marked(node):
            continue
        for child in node.children:
            width = _column(child) - _column(node)
            if node.is_sequence and child.event.start_mark.line == node.event.start_mark.line:
                item = item or width
            elif node.is_mapping and child.children and not (child.is_flow or _is_marked(child)):
                if child.is_mapping:
                    step = step or width
                else:
                    dash = width if dash is None else dash
    return Habits(step or 2, dash or 0, item or 2, line_end[0] if line_end else "\n")


def _is_marked(node: Node) -> bool:
    """Tell whether it begins with a tag or an anchor, maybe lines before what is in it."""
    return node.tag is not None or node.event.anchor is not None


def _column(node: Node) -> int:
    """Give the column of what has no tag and no anchor, from 0."""
    return int(node.event.start_mark.column)


def _column_below(text: str, node: Node) -> int:
    """Give the column of the keys or dashes of what begins with an anchor, maybe a line before."""
    before = re.split(r"[\r\n]", text[: node.children[0].start])[-1]
    found = (KEYS if node.is_mapping else DASHES).fullmatch(before)
    if found is None:
        raise RefusedError(
            node.at, "where its items begin is not certain for the anchor there", "Remove it"
        )
    return len(found[1])


def _pad(tree: Growth, habits: Habits) -> int:
    return habits.dash if any(isinstance(step, Item) for step in tree) else habits.step


def _block(tree: Growth, habits: Habits) -> list[str]:
    """Write a tree as lines without line ends."""
    lines = []
    for step, below in tree.items():
        if isinstance(step, Item):
            head = f"{_plain(step.field)}: {_plain(step.value)}"
            first, *more = [head, *_block(_fields(below), habits)]
            lines.append("-".ljust(habits.item) + first)
            lines += [" " * habits.item + line for line in more]
        elif isinstance(below, str):
            lines.append(f"{_plain(step)}: {in_quotes(below)}")
        else:
            pad = " " * _pad(below, habits)
            lines += [f"{_plain(step)}:", *(pad + line for line in _block(below, habits))]
    return lines


def _flow(tree: Tree, *, quoted: bool) -> str:
    """Write a tree between brackets."""
    if isinstance(tree, str):
        return in_quotes(tree)
    members = ", ".join(_members(tree, quoted=quoted))
    is_list = any(isinstance(step, Item) for step in tree)
    return f"[{members}]" if is_list else f"{{{members}}}"


def _members(tree: Growth, *, quoted: bool) -> list[str]:
    """Write what stands between the brackets of a tree; keys in quotes where JSON may read it."""
    write = in_quotes if quoted else _plain
    members = []
    for step, below in tree.items():
        if isinstance(step, Item):
            members.append(_flow(new_item(step, below), quoted=quoted))
        else:
            members.append(f"{write(step)}: {_flow(below, quoted=quoted)}")
    return members


def _plain(text: str) -> str:
    """Write a text without quotes where every reader takes it for a string."""
    return text if SAFE.fullmatch(text) and is_plain_string(text) else in_quotes(text)


def in_quotes(text: str) -> str:
    """Write a text as a double-quoted scalar."""
    # JSON's strings are YAML's double-quoted ones; escapes of UTF-16 halves are not, hence raw.
    return json.dumps(text, ensure_ascii=False)
