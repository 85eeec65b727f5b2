"""Values of a YAML file, read and replaced with every other byte left as it is.

No YAML library writes a file back as it was, so none is asked to: the scalar is located, its
characters are exchanged, and the result is read by another library to prove that nothing else
changed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ruamel.yaml.events import Event

from album_operator.domain.errors import TerminalError
from album_operator.domain.images import as_written, split_pin
from album_operator.domain.names import join_words
from album_operator.domain.release import Anchors, Edit, EditValue
from album_operator.render.yaml_again import read_again, without_tabs
from album_operator.render.yaml_budget import check_events
from album_operator.render.yaml_documents import find_document
from album_operator.render.yaml_growth import Cut, Growth, add_to_tree, colon_end, grow, in_quotes
from album_operator.render.yaml_neighbours import Placed, check_neighbours, has_digest_beside
from album_operator.render.yaml_nodes import (
    STRING,
    Node,
    RefusedError,
    find_roots,
    is_plain_string,
    parse_events,
    parse_text,
)
from album_operator.render.yaml_places import (
    CORRECT,
    Gap,
    Target,
    Way,
    find_place,
    key_of,
    places_shared,
)
from album_operator.render.yaml_proof import check_agreement, check_only_changed
from album_operator.render.yaml_sops import check_sops

MOST_NAMED = 12
"""How many of the places that change together are named."""


class NotEditableError(TerminalError):
    """A value that cannot be read or replaced with certainty, told with file, line, column and key.

    Its reason is `ValuesKeyNotFound` or `ValuesNotEditable`.
    """


@dataclass(frozen=True)
class Exchanged:
    """What some edits of one file found and made.

    Attributes:
        before: the value each would replace.
        data: the file's new bytes; the old ones where nothing had to change.
        notes: what else changes with a value that an anchor shares, as sentences.
    """

    before: Mapping[Edit, str]
    data: bytes
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _File:
    """A file, parsed once.

    Attributes:
        roots: the tree of each document.
    """

    text: str
    events: Sequence[Event]
    roots: Sequence[Node]

    def place(self, edits: Collection[Edit]) -> list[Placed]:
        """Find the places of edits; a gap only where the edit may fill it."""
        placed = []
        for edit in edits:
            with _explained(edit):
                placed.append(self._place(edit))
        for one in placed:
            with _explained(one.edit):
                check_neighbours(one, placed)
        return placed

    def _place(self, edit: Edit) -> Placed:
        try:
            steps = edit.steps
        except ValueError as error:
            raise RefusedError((1, 1), str(error), CORRECT) from error
        root = find_document(self.roots, edit.document)
        place = find_place(self.text, root, Way(steps, edit.place, edit.anchors is Anchors.EDIT))
        check_sops(self.roots, place.value if isinstance(place, Target) else None)
        if isinstance(place, Gap) and not edit.create:
            raise place.refusal
        return Placed(edit, steps, place, root)


@dataclass
class _Plan:
    """What some edits of one file come to.

    Attributes:
        wanted: new value by position of its scalar's event.
        cuts: replacements of text, each with the event's position of where it belongs.
        gaps: what is new, by position of the event that it comes before or replaces, with the root
            of its document.
    """

    wanted: dict[int, str] = field(default_factory=dict)
    cuts: list[tuple[Cut, int]] = field(default_factory=list)
    gaps: dict[int, tuple[Gap, Growth, Node | None]] = field(default_factory=dict)


def read_values(data: bytes, edits: Collection[Edit]) -> Mapping[Edit, str]:
    """Read the values some edits of one file would replace.

    Args:
        data: the file's bytes.
        edits: edits of this file.

    Returns:
        Each scalar as it reads, without quotes; the empty text where none is written, or where the
        edit would add it.

    Raises:
        NotEditableError: `edit_values` would refuse one of them too.
    """
    return _read(_parse(data, edits).place(edits))


def edit_values(data: bytes, edits: Mapping[Edit, str]) -> bytes:
    """Replace or add values of one file and leave every other byte as it is.

    A quoted scalar keeps its quotes; a plain or missing one becomes double quoted, so that YAML
    1.1 and 1.2 readers alike see a string in `1.10` or `on`. A scalar that is this very string
    already is not touched. ruamel.yaml parses the file once, whatever the number of edits.

    Args:
        data: the file's bytes, UTF-8.
        edits: new value of each edit of this file. A tag or reference may have the image's digest
            after an `@`: it is written where what stands there is pinned too.

    Returns:
        The new bytes; `data` itself where nothing had to change.

    Raises:
        NotEditableError: the place does not exist, or what is there cannot be replaced with
            certainty (block scalar, template, what an anchor shares, …).
    """
    file = _parse(data, edits)
    return _edit(data, file, file.place(edits), edits)


def exchange_values(data: bytes, edits: Mapping[Edit, str]) -> Exchanged:
    """Do both, `read_values` and then `edit_values`, with one parse less.

    Raises:
        NotEditableError: as these.
    """
    file = _parse(data, edits)
    placed = file.place(edits)
    notes = tuple(note for one in placed for note in _notes(one))
    return Exchanged(_read(placed), _edit(data, file, placed, edits), notes)


def _read(placed: Collection[Placed]) -> Mapping[Edit, str]:
    return {
        one.edit: one.place.value.text or "" if isinstance(one.place, Target) else ""
        for one in placed
    }


def _edit(
    data: bytes, file: _File, placed: Collection[Placed], values: Mapping[Edit, str]
) -> bytes:
    plan = _Plan()
    for one in placed:
        with _explained(one.edit):
            value = _fitting(one, values[one.edit], placed)
            if isinstance(one.place, Gap):
                _plan_growth(file, plan, one, one.place, value)
            else:
                _plan_change(file, plan, one.place, value)
    with _explained(*values):
        cuts = [*plan.cuts, *_growth(file, plan)]
        if not cuts:
            return data
        text = _spliced(file.text, cuts)
        trees = {number: tree for number, (_, tree, _) in plan.gaps.items()}
        check_only_changed(file.events, read_again(text), plan.wanted, trees)
    return text.encode("utf-8")


def _parse(data: bytes, edits: Collection[Edit]) -> _File:
    with _explained(*edits):
        text = parse_text(data)
        check_events(text)
        events = list(parse_events(without_tabs(text)))
        roots = find_roots(events)
        check_agreement(events, read_again(text))
        return _File(text, events, roots)


def _notes(placed: Placed) -> Iterator[str]:
    """Tell which places change together, where an edit is of what an anchor shares."""
    node = placed.place.value if isinstance(placed.place, Target) else placed.place.parent
    if placed.edit.anchors is Anchors.REFUSE or placed.root is None or node is None:
        return
    shared = places_shared(placed.root, node)
    if shared:
        named = [key_of(placed.root, node), *shared][:MOST_NAMED]
        more = [f"{len(shared) + 1 - len(named)} more"] if len(shared) >= len(named) else []
        places = join_words([*named, *more])
        yield f"{placed.edit.place} of {placed.edit.path} is shared, so {places} change together."


@contextmanager
def _explained(*edits: Edit) -> Iterator[None]:
    """Turn a refusal into a sentence that names the file and key."""
    try:
        yield
    except RefusedError as error:
        names = ", ".join(edit.place for edit in edits)
        raise NotEditableError(
            error.reason,
            f"{names} cannot be set at {edits[0].path}:{error.line}:{error.column}: {error.said}.",
            error.remedy,
        ) from error


def _fitting(placed: Placed, value: str, others: Collection[Placed]) -> str:
    """Give a value as it fits what stands there: with a pin or without, a digest in its form."""
    target = placed.place
    present = (target.value.text or "") if isinstance(target, Target) else ""
    if placed.edit.value is EditValue.DIGEST:
        return as_written(value, present)
    plain, pin = split_pin(value)
    if not split_pin(present)[1] or has_digest_beside(placed, others):
        return plain
    if isinstance(target, Target) and not pin:
        raise RefusedError(
            target.value.at,
            f"{present} is pinned to a digest, and that of the image is not known",
            "Take the pin out of it",
        )
    return value


def _plan_growth(file: _File, plan: _Plan, placed: Placed, gap: Gap, value: str) -> None:
    number = len(file.events) - 1 if gap.parent is None else gap.parent.last
    _, tree, _ = plan.gaps.setdefault(number, (gap, {}, placed.root))
    if not add_to_tree(tree, gap.steps, value):
        raise _contradiction(gap.parent)


def _plan_change(file: _File, plan: _Plan, target: Target, value: str) -> None:
    number = target.value.number
    if number in plan.wanted:
        if plan.wanted[number] != value:
            raise _contradiction(target.value)
        return
    plan.wanted[number] = value
    if not _is_string(target.value, value):
        plan.cuts.append((_cut(file.text, target, value), number))


def _growth(file: _File, plan: _Plan) -> Iterator[tuple[Cut, int]]:
    """Give the insertions for all gaps, once all that goes into each is known."""
    for number, (gap, tree, root) in plan.gaps.items():
        if number in plan.wanted:
            raise _contradiction(gap.parent)
        order = gap.parent.number if gap.parent is not None else 0
        for cut in grow(file.text, file.events, root, gap, tree):
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
