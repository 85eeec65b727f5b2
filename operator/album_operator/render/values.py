"""One value of a YAML file, read and replaced with every other byte left as it is.

No YAML library writes a file back as it was, so none is asked to: the scalar is located, its
characters are exchanged, and the result is parsed again to prove that nothing else changed.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode

from album_operator.domain.reasons import Reason
from album_operator.render.yaml_nodes import (
    Node,
    RefusedError,
    find_root,
    parse_events,
    parse_text,
)
from album_operator.render.yaml_proof import check_only_changed

STRING = "tag:yaml.org,2002:str"
TAG_PREFIX = re.compile(r"!\S*[ \t]+")
COLON = re.compile(r"[ \t]*:")
LINE_BREAK = re.compile(r"[\r\n\x85\u2028\u2029]")


class NotEditableError(ValueError):
    """A value that cannot be read or replaced with certainty.

    Attributes:
        reason: `ValuesKeyNotFound` or `ValuesNotEditable`.
        message: a whole sentence with file, line and column, key and the way out.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class _Target:
    """A scalar to replace.

    Attributes:
        key: the scalar of its key; needed where no value is written yet.
        start: index of the first character that is replaced: after a tag such as `!!str`.
    """

    key: Node
    value: Node
    start: int


def read_value(path: str, data: bytes, key: str) -> str:
    """Read one scalar as text.

    Args:
        path: name of the file, for messages.
        data: the file's bytes.
        key: dotted path of mapping keys, such as `image.tag`.

    Returns:
        The scalar as it is written, without quotes; the empty text where none is written.

    Raises:
        NotEditableError: `edit_values` would refuse this key too.
    """
    with _explained(path, key):
        text = parse_text(data)
        return _find(text, find_root(parse_events(text)), key).value.text or ""


def edit_values(path: str, data: bytes, edits: Sequence[tuple[str, str]]) -> bytes:
    """Replace scalars and leave every other byte as it is.

    A quoted scalar keeps its quotes; a plain or missing one becomes double quoted, so that YAML
    1.1 and 1.2 readers alike see a string in `1.10` or `on`. A scalar that is this very string
    already is not touched. The file is parsed once before and once after, whatever the number of
    edits.

    Args:
        path: name of the file, for messages.
        data: the file's bytes, UTF-8.
        edits: dotted key and new value of each scalar.

    Returns:
        The new bytes; `data` itself where nothing had to change.

    Raises:
        NotEditableError: the key does not exist, or what is there cannot be replaced with
            certainty (alias, anchor, block scalar, template, several documents, …).
    """
    keys = ", ".join(key for key, _ in edits)
    with _explained(path, keys):
        text = parse_text(data)
        events = parse_events(text)
        root = find_root(events)
    wanted: dict[int, str] = {}
    cuts: dict[int, tuple[int, str]] = {}
    for key, value in edits:
        with _explained(path, key):
            target = _find(text, root, key)
            if wanted.setdefault(target.value.number, value) != value:
                raise RefusedError(target.value.at, "two edits want it different", "Remove one")
            if not _is_string(target.value, value):
                start, end, new = _cut(text, target, value)
                cuts[start] = (end, new)
    if not cuts:
        return data
    for start, (end, new) in sorted(cuts.items(), reverse=True):
        text = text[:start] + new + text[end:]
    with _explained(path, keys):
        check_only_changed(events, parse_events(text), wanted)
    return text.encode("utf-8")


@contextmanager
def _explained(path: str, key: str) -> Iterator[None]:
    """Turn a refusal into a sentence that names the file and key."""
    try:
        yield
    except RefusedError as error:
        raise NotEditableError(
            error.reason,
            f"{key} cannot be set at {path}:{error.line}:{error.column}: {error.said}. "
            f"{error.remedy}, then set the annotation album.dev/retry.",
        ) from error


def _find(text: str, root: Node | None, key: str) -> _Target:
    """Follow a dotted key to its scalar."""
    first, *rest = key.split(".")
    owner, node = _descend(root, first, key, (1, 1))
    for name in rest:
        owner, node = _descend(node, name, key, owner.at)
    return _check_scalar(text, owner, node)


def _descend(
    node: Node | None, name: str, key: str, owner_at: tuple[int, int]
) -> tuple[Node, Node]:
    """Go from a mapping to the key and value of one name in it."""
    if node is None or _is_null(node):
        raise RefusedError(
            owner_at,
            f"there is nothing yet where a mapping with the key {name} is needed",
            f"Add {key} to the file or correct edits[].key of the pipeline",
            Reason.VALUES_KEY_NOT_FOUND,
        )
    _check_shared(node)
    if not node.is_mapping:
        what = "a text" if node.text is not None else "a list"
        raise RefusedError(
            node.at,
            f"what is there is {what}, not a mapping with the key {name}",
            "Correct edits[].key of the pipeline; items of lists cannot be named",
        )
    found = []
    for candidate, value in node.pairs():
        if candidate.is_alias:
            raise RefusedError(
                candidate.at, "an alias is used as a key there", "Write the key itself"
            )
        if candidate.text == name:
            found.append((candidate, value))
    if len(found) > 1:
        raise RefusedError(found[1][0].at, f"the key {name} is there twice", "Remove one of them")
    if not found:
        raise _absent(node, name, key)
    return found[0]


def _absent(node: Node, name: str, key: str) -> RefusedError:
    for candidate, _ in node.pairs():
        if candidate.text == "<<" and candidate.style is None:
            return RefusedError(
                candidate.at,
                f"the key {name} can only come from the merge key `<<` there, and an edit of what "
                "is merged would change other places too",
                f"Write {name} into this mapping",
            )
    return RefusedError(
        node.at,
        f"the mapping that begins there has no key {name}",
        f"Add {key} to the file or correct edits[].key of the pipeline",
        Reason.VALUES_KEY_NOT_FOUND,
    )


def _check_shared(node: Node) -> None:
    if node.is_alias:
        raise RefusedError(
            node.at,
            f"the alias *{node.event.anchor} is there, and an edit would change every place that "
            "uses its anchor",
            "Write the value itself instead of the alias",
        )
    if node.event.anchor:
        raise RefusedError(
            node.at,
            f"the anchor &{node.event.anchor} is there, so an edit could change other places too",
            "Remove the anchor",
        )


def _check_scalar(text: str, owner: Node, node: Node) -> _Target:
    """Refuse all that is not a scalar written on one line."""
    _check_shared(node)
    written = text[node.start : node.end]
    if text.startswith("{{", node.start) or "{{" in (node.text or ""):
        raise RefusedError(
            node.at,
            "the value looks like a Go template, and an edit would lose it",
            "Name the key the template takes its value from",
        )
    if node.text is None:
        what = "a mapping" if node.is_mapping else "a list"
        raise RefusedError(
            node.at,
            f"what is there is {what}, not one value",
            "Correct edits[].key of the pipeline",
        )
    if node.style in {"|", ">"} or LINE_BREAK.search(written):
        raise RefusedError(
            node.at, "the value spans several lines, or is a block scalar", "Write it on one line"
        )
    start = node.start
    if node.tag is not None:
        prefix = TAG_PREFIX.match(written)
        if node.tag != STRING or prefix is None:
            raise RefusedError(
                node.at, "the value has a tag of its own", "Remove the tag (a word with `!`)"
            )
        start += prefix.end()
    return _Target(owner, node, start)


def _is_null(node: Node) -> bool:
    return node.is_empty and node.tag is None and not node.event.anchor


def _is_string(node: Node, value: str) -> bool:
    """Tell whether a scalar reads as this very string, by YAML 1.1 and by 1.2."""
    if node.text != value:
        return False
    return node.style is not None or node.tag == STRING or all(_plain_tags(value))


def _plain_tags(value: str) -> Iterator[bool]:
    for version in ("1.1", "1.2"):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        yield yaml.resolver.resolve(ScalarNode, value, (True, False)) == STRING


def _cut(text: str, target: _Target, value: str) -> tuple[int, int, str]:
    """Give start, end and new text of a replacement."""
    # JSON's strings are YAML's double-quoted ones; escapes of UTF-16 halves are not, hence raw.
    quoted = json.dumps(value, ensure_ascii=False)
    node = target.value
    if node.style == "'":
        return target.start, node.end, "'" + value.replace("'", "''") + "'"
    if not node.is_empty:
        return target.start, node.end, quoted
    # The mark of a value that is not there is that of the next token, maybe lines below.
    colon = COLON.match(text, target.key.end)
    if colon is None:
        raise RefusedError(
            target.key.at, "the key has no `:` right after it", "Write it as `key: value`"
        )
    return colon.end(), colon.end(), f" {quoted}"
