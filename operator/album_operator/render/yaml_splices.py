"""What some edits of one file come to: the text after them, and what proves it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ruamel.yaml.events import Event

from album_operator.render.yaml_growth import Cut, Growth, add_to_tree, colon_end, grow, in_quotes
from album_operator.render.yaml_nodes import STRING, Node, RefusedError, is_plain_string
from album_operator.render.yaml_places import Gap, Target


@dataclass
class Splices:
    """Replacements and insertions in a file.

    Attributes:
        text: the file.
        events: ruamel.yaml's.
        wanted: new value by position of its scalar's event.
        cuts: replacements of text, each with the event's position of where it belongs.
        gaps: what is new, by position of the event that it comes before or replaces, with the root
            of its document.
    """

    text: str
    events: Sequence[Event]
    wanted: dict[int, str] = field(default_factory=dict)
    cuts: list[tuple[Cut, int]] = field(default_factory=list)
    gaps: dict[int, tuple[Gap, Growth, Node | None]] = field(default_factory=dict)

    @property
    def grown(self) -> Mapping[int, Growth]:
        """What is new, by position of the event that it comes before or replaces."""
        return {number: tree for number, (_, tree, _) in self.gaps.items()}

    def replace(self, target: Target, value: str) -> None:
        """Put a value in the place of a scalar.

        Raises:
            RefusedError: another one is to be there, or there is no place for it.
        """
        number = target.value.number
        if number in self.wanted:
            if self.wanted[number] != value:
                raise _contradiction(target.value)
            return
        self.wanted[number] = value
        if not _is_string(target.value, value):
            self.cuts.append((_cut(self.text, target, value), number))

    def replace_lines(self, node: Node, cut: Cut, value: str) -> None:
        """Put other lines into a block of text, which then reads as a value."""
        self.wanted[node.number] = value
        self.cuts.append((cut, node.number))

    def add(self, gap: Gap, root: Node | None, value: str) -> None:
        """Put a value where nothing is yet.

        Args:
            gap: where.
            root: of its document, None in a file without one.
            value: is added.

        Raises:
            RefusedError: another one is to be there.
        """
        number = len(self.events) - 1 if gap.parent is None else gap.parent.last
        _, tree, _ = self.gaps.setdefault(number, (gap, {}, root))
        if not add_to_tree(tree, gap.steps, value):
            raise _contradiction(gap.parent)

    def make(self) -> str | None:
        """Give the text after all of them, None where nothing had to change.

        Raises:
            RefusedError: one is in the place of another.
        """
        cuts = [*self.cuts, *self._growth()]
        return _spliced(self.text, cuts) if cuts else None

    def _growth(self) -> Iterator[tuple[Cut, int]]:
        """Give the insertions for all gaps, once all that goes into each is known."""
        for number, (gap, tree, root) in self.gaps.items():
            if number in self.wanted:
                raise _contradiction(gap.parent)
            order = gap.parent.number if gap.parent is not None else 0
            for cut in grow(self.text, self.events, root, gap, tree):
                yield cut, order


def _contradiction(node: Node | None) -> RefusedError:
    at = node.at if node is not None else (1, 1)
    return RefusedError(at, "two edits want it different", "Remove one")


def _spliced(text: str, cuts: Collection[tuple[Cut, int]]) -> str:
    """Apply replacements; of two at one place, the one that belongs further inside goes first."""
    parts, at = [], 0
    for (start, end, new), _ in sorted(cuts, key=lambda item: (*item[0][:2], -item[1])):
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _is_string(node: Node, value: str) -> bool:
    """Tell whether a scalar reads as this very string, by YAML 1.1 and by 1.2."""
    if node.text != value:
        return False
    return node.style is not None or node.tag == STRING or is_plain_string(value)


def _cut(text: str, target: Target, value: str) -> Cut:
    """Give start, end and new text of a replacement."""
    node = target.value
    if node.style == "'":
        return target.start, node.end, "'" + value.replace("'", "''") + "'"
    if not node.is_empty:
        return target.start, node.end, in_quotes(value)
    if target.key is node:
        raise RefusedError(node.at, "the item of the list there is empty", "Write a value there")
    at = colon_end(text, target.key)
    return at, at, f" {in_quotes(value)}"
