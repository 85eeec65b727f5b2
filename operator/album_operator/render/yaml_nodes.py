"""YAML text as a tree of ruamel.yaml's events: where each scalar begins and ends, nothing loaded.

Events, not `compose()`: they come without recursion, show an alias as an alias (the composer hands
back the anchored node itself), and cost 0.7 s of CPU where composing 360 KB costs 1.7 s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from album_operator.domain.reasons import Reason

MAX_BYTES = 1 << 20
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""How a pointer begins (git-lfs, docs/spec.md, "The Pointer")."""

STRING = "tag:yaml.org,2002:str"
MAX_DEPTH = 100
MAX_NODES = 1_000_000
"""Most nodes a file may stand for with its aliases expanded, as Helm will expand them."""

MAX_EVENTS = 250_000
"""Most events of a file that is edited: each takes 600 bytes and up to 0.05 ms of CPU. A mebibyte
of block style has 165,000 where lines are as long as people write them."""


class RefusedError(Exception):
    """A text, or a place in it, that is not edited.

    Attributes:
        line: counted from 1.
        column: in characters, counted from 1.
        said: what is wrong, as a clause without full stop.
        remedy: what to do about it, as a clause without full stop.
    """

    def __init__(
        self,
        at: tuple[int, int],
        said: str,
        remedy: str,
        reason: Reason = Reason.VALUES_NOT_EDITABLE,
    ) -> None:
        super().__init__(said)
        self.line, self.column = at
        self.said = said
        self.remedy = remedy
        self.reason = reason


@dataclass(slots=True)
class Node:
    """A scalar, an alias, or a mapping or sequence with what is in it.

    Attributes:
        event: its event; for a mapping or sequence the one that starts it.
        number: position of the event in the stream.
        children: items of a sequence; key, value, key, value of a mapping.
        last: position of the event that ends it; that of its own event for a scalar or alias.
        closing: the event that ends a mapping or sequence.
        uses: the aliases of its anchor.
        target: of an alias, the node it stands for; None where there is none.
    """

    event: NodeEvent
    number: int
    last: int
    closing: Event | None = None
    children: "Sequence[Node]" = ()
    uses: "Sequence[Node]" = ()
    target: "Node | None" = None

    @property
    def at(self) -> tuple[int, int]:
        """Line and column of its first character, both counted from 1."""
        mark = self.event.start_mark
        return mark.line + 1, mark.column + 1

    @property
    def start(self) -> int:
        """Index of its first character, anchor and tag included."""
        return int(self.event.start_mark.index)

    @property
    def end(self) -> int:
        """Index after its last character."""
        return int(self.event.end_mark.index)

    @property
    def text(self) -> str | None:
        """What a scalar reads as; None for all else."""
        return str(self.event.value) if isinstance(self.event, ScalarEvent) else None

    @property
    def style(self) -> str | None:
        """Give `'`, `"`, `|` or `>` of a scalar; None for a plain one and all else."""
        return self.event.style if isinstance(self.event, ScalarEvent) else None

    @property
    def tag(self) -> str | None:
        """The tag written before it, in full, None where none is."""
        event = self.event
        return event.tag if isinstance(event, ScalarEvent | CollectionStartEvent) else None

    @property
    def is_mapping(self) -> bool:
        """Tell whether it is a mapping."""
        return isinstance(self.event, MappingStartEvent)

    @property
    def is_sequence(self) -> bool:
        """Tell whether it is a sequence."""
        return isinstance(self.event, SequenceStartEvent)

    @property
    def is_flow(self) -> bool:
        """Tell whether it is a mapping or sequence in brackets."""
        return isinstance(self.event, CollectionStartEvent) and bool(self.event.flow_style)

    @property
    def is_alias(self) -> bool:
        """Tell whether it is an alias, `*name`."""
        return isinstance(self.event, AliasEvent)

    @property
    def meant(self) -> "Node":
        """The node itself, or the one that an alias stands for."""
        return self.target if self.target is not None else self

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing at all is written, as after `tag:`; it reads as null."""
        return self.text == "" and self.style is None and self.start == self.end

    @property
    def is_null(self) -> bool:
        """Tell whether nothing is written, no tag or anchor either."""
        return self.is_empty and self.tag is None and not self.event.anchor

    def pairs(self) -> "Iterator[tuple[Node, Node]]":
        """Go through the keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)


def parse_text(data: bytes) -> str:
    """Decode a file; byte order mark and line ends stay in the text.

    Raises:
        RefusedError: the file is over 1 MiB, a Git LFS pointer or not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise RefusedError(
            (1, 1),
            f"the file has {len(data)} bytes, and files over {MAX_BYTES} are not edited",
            "Split the file",
        )
    if data.startswith(LFS_POINTER):
        raise RefusedError(
            (1, 1),
            "the file is a Git LFS pointer, and its content is not in the repository",
            "Take the file out of Git LFS, whose .gitattributes names it",
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RefusedError((1, 1), "the file is UTF-16", "Save it as UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(
            line_and_column(data[: error.start].decode("utf-8")),
            f"the byte 0x{data[error.start]:02x} there is not UTF-8; the file may be Latin-1",
            "Save it as UTF-8",
        ) from error


def parse_events(text: str) -> Iterator[Event]:
    """Parse YAML to its events.

    Raises:
        RefusedError: it is no YAML, is nested deeper than 100, or has more than `MAX_EVENTS`
            events.
    """
    depth = 0
    for number, event in enumerate(_events(text), 1):
        if number > MAX_EVENTS:
            raise refuse_events(event.start_mark)
        yield event
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise refuse_depth(event.start_mark)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def find_roots(events: Sequence[Event]) -> list[Node]:
    """Make a tree of each document's events.

    Raises:
        RefusedError: its aliases stand for more than a million nodes.
    """
    roots: list[Node] = []
    open_nodes: list[tuple[Node, list[Node]]] = []
    sizes: list[int] = []
    anchors = _Anchors()
    for number, event in enumerate(events):
        if isinstance(event, CollectionEndEvent):
            (node, _), size = open_nodes.pop(), sizes.pop()
            node.last, node.closing = number, event
        elif isinstance(event, NodeEvent):
            node = Node(event, number, number)
            size = anchors.meet(node)
            beside = open_nodes[-1][1] if open_nodes else roots
            beside.append(node)
            if isinstance(event, CollectionStartEvent):
                below: list[Node] = []
                node.children = below
                open_nodes.append((node, below))
                sizes.append(1)
                continue
        else:
            if isinstance(event, DocumentStartEvent):
                anchors = _Anchors()
            continue
        if node.event.anchor:
            anchors.sizes[node.number] = size
        if sizes:
            sizes[-1] += size
            if sizes[-1] > MAX_NODES:
                said = f"its aliases stand for more than {MAX_NODES} values"
                raise RefusedError(node.at, said, "Write fewer aliases")
    return roots


@dataclass
class _Anchors:
    """The anchors of a document so far.

    Attributes:
        nodes: the last node with each.
        sizes: how many nodes each node stands for, by its number.
        uses: the aliases of each node, by its number.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    uses: dict[int, list[Node]] = field(default_factory=dict)

    def meet(self, node: Node) -> int:
        """Note an anchor, or tell an alias what it stands for; give how many nodes that are."""
        name = node.event.anchor
        if name is None:
            return 1
        if not node.is_alias:
            self.nodes[name] = node
            return 1
        node.target = self.nodes.get(name)
        if node.target is None:
            return 1
        uses = node.target.uses = self.uses.setdefault(node.target.number, [])
        uses.append(node)
        return self.sizes.get(node.target.number, 1)


def is_plain_string(value: str) -> bool:
    """Tell whether a text without quotes reads as a string, by YAML 1.1 and by 1.2."""
    return all(_plain_tag(value, version) == STRING for version in ("1.1", "1.2"))


def _plain_tag(value: str, version: str) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    return str(yaml.resolver.resolve(ScalarNode, value, (True, False)))


def _events(text: str) -> Iterator[Event]:
    """Parse, with every way ruamel.yaml fails on bad text turned into a refusal."""
    at = (1, 1)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            at = event.end_mark.line + 1, event.end_mark.column + 1
            yield event
    except ReaderError as error:
        at = line_and_column(text[: error.position])
        said = f"the character U+{ord(text[error.position]):04X} there is not allowed in YAML"
        raise RefusedError(at, said, "Remove it") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = error.problem or error.context or "it cannot be parsed"
        raise refuse_text(text, at, problem) from error
    except MemoryError:
        raise
    except Exception as error:
        # Not all bad text ends in a YAMLError: `"\U99999999"` is an OverflowError of chr(), since
        # Python 3.13 a ValueError, and `%YAML 1.3` an AssertionError.
        is_no_character = isinstance(error, OverflowError) or "chr()" in str(error)
        problem = "an escape stands for no character" if is_no_character else str(error)
        said = f"the file is no YAML from there on ({problem})"
        raise RefusedError(at, said, "Correct the file") from error


def refuse_text(text: str, at: tuple[int, int], problem: str) -> RefusedError:
    """Refuse what a parser does not take for YAML, by what the line it stopped at looks like."""
    lines = text.splitlines()
    line = lines[at[0] - 1] if at[0] <= len(lines) else ""
    if "{{" in line:
        return RefusedError(
            at,
            "the line looks like a Go template, and only plain YAML is edited",
            "Name a values file instead of a template",
        )
    if line[at[1] - 1 : at[1]] == "\t":
        return RefusedError(
            at, "there is a tab where YAML takes nothing but blanks", "Write blanks instead of it"
        )
    return RefusedError(at, f"the file is no YAML ({problem})", "Correct the file")


def refuse_events(mark: Any) -> RefusedError:  # noqa: ANN401 - of one YAML library or the other
    """Refuse a file for its number of events; the mark is where the first too many begins."""
    return RefusedError(
        (mark.line + 1, mark.column + 1),
        f"the file has more than {MAX_EVENTS} keys, values, lists and mappings up to there, and "
        "files with more are not edited",
        "Split the file",
    )


def refuse_depth(mark: Any) -> RefusedError:  # noqa: ANN401 - of one YAML library or the other
    """Refuse a file for its depth; the mark is where the first level too many begins."""
    return RefusedError(
        (mark.line + 1, mark.column + 1),
        f"it is nested deeper than {MAX_DEPTH}",
        "Flatten the file",
    )


def line_and_column(before: str) -> tuple[int, int]:
    """Give line and column, from 1, of what follows some text."""
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines), len(lines[-1]) + 1
