"""Values of a YAML file, read and replaced with every other byte left as it is.

No YAML library writes a file back as it was, so none is asked to: the scalar is located, its
characters are exchanged, and the result is read by another library to prove that nothing else
changed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ruamel.yaml.events import Event

from album_operator.domain.errors import TerminalError
from album_operator.domain.images import as_written, split_pin
from album_operator.domain.keys import render_key
from album_operator.domain.names import join_words
from album_operator.domain.release import Anchors, Edit, EditFormat, EditValue
from album_operator.render.yaml_again import read_again, without_tabs
from album_operator.render.yaml_budget import check_events
from album_operator.render.yaml_documents import find_document
from album_operator.render.yaml_neighbours import Placed, check_neighbours, has_digest_beside
from album_operator.render.yaml_nodes import (
    Node,
    RefusedError,
    find_roots,
    parse_events,
    parse_text,
)
from album_operator.render.yaml_places import Gap, Target, Way, Within, find_place
from album_operator.render.yaml_proof import check_agreement, check_only_changed
from album_operator.render.yaml_sharing import key_of, places_shared
from album_operator.render.yaml_sops import check_sops
from album_operator.render.yaml_splices import Splices
from album_operator.render.yaml_steps import CORRECT
from album_operator.render.yaml_texts import Block, find_block

MOST_NAMED = 12
"""How many of the places that change together are named."""


SET_AT = " cannot be set at "


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
class _Inner:
    """Edits of a block of text that is YAML itself.

    Attributes:
        edits: each as one of the text alone, by the one of the file.
    """

    node: Node
    block: Block
    edits: dict[Edit, Edit] = field(default_factory=dict)

    def read(self) -> Mapping[Edit, str]:
        """Give the value each edit would replace."""
        with self._explained():
            before = read_values(self.block.alone.encode(), self.edits.values())
        return {edit: before[alone] for edit, alone in self.edits.items()}

    def exchange(self, values: Mapping[Edit, str]) -> Exchanged:
        """Make the edits; the new bytes are those of the text alone."""
        wanted = {alone: values[edit] for edit, alone in self.edits.items()}
        with self._explained():
            made = exchange_values(self.block.alone.encode(), wanted)
        before = {edit: made.before[alone] for edit, alone in self.edits.items()}
        return Exchanged(before, made.data, made.notes)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Name the keys as the pipeline does, of the file."""
        try:
            yield
        except NotEditableError as error:
            names = ", ".join(edit.place for edit in self.edits)
            said = error.message.partition(SET_AT)[2]
            raise NotEditableError(error.reason, f"{names}{SET_AT}{said}", error.remedy) from error


@dataclass(frozen=True)
class _File:
    """A file, parsed once.

    Attributes:
        roots: the tree of each document.
    """

    text: str
    events: Sequence[Event]
    roots: Sequence[Node]

    def place(self, edits: Collection[Edit]) -> tuple[list[Placed], list[_Inner]]:
        """Find the places of edits; a gap only where the edit may fill it."""
        placed: list[Placed] = []
        inner: dict[int, _Inner] = {}
        for edit in edits:
            with _explained(edit):
                place = self._place(edit)
                if isinstance(place, Placed):
                    placed.append(place)
                    continue
                known = inner.get(place.text.number)
                if known is None:
                    block = find_block(self.text, place.text)
                    known = inner[place.text.number] = _Inner(place.text, block)
                known.edits[edit] = replace(edit, key=render_key(place.steps), document=None)
        for one in placed:
            with _explained(one.edit):
                check_neighbours(one, placed)
        return placed, list(inner.values())

    def _place(self, edit: Edit) -> Placed | Within:
        try:
            steps = edit.steps
        except ValueError as error:
            raise RefusedError((1, 1), str(error), CORRECT) from error
        root = find_document(self.roots, edit.document)
        place = find_place(self.text, root, Way(steps, edit.place, edit.anchors is Anchors.EDIT))
        if isinstance(place, Within):
            check_sops(self.roots, place.text)
            if edit.format is EditFormat.KUSTOMIZE:
                raise place.refusal
            return place
        check_sops(self.roots, place.value if isinstance(place, Target) else None)
        if isinstance(place, Gap) and not edit.create:
            raise place.refusal
        return Placed(edit, steps, place, root)


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
    placed, inner = _parse(data, edits).place(edits)
    return {**_read(placed), **{edit: text for one in inner for edit, text in one.read().items()}}


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
    return exchange_values(data, edits).data


def exchange_values(data: bytes, edits: Mapping[Edit, str]) -> Exchanged:
    """Do both, `read_values` and then `edit_values`, with one parse less.

    Raises:
        NotEditableError: as these.
    """
    file = _parse(data, edits)
    placed, inner = file.place(edits)
    made = [(one, one.exchange(edits)) for one in inner]
    before = dict(_read(placed))
    notes = [note for one in placed for note in _notes(one)]
    for _, exchanged in made:
        before |= exchanged.before
        notes += exchanged.notes
    return Exchanged(before, _edit(data, file, placed, edits, made), tuple(notes))


def _read(placed: Collection[Placed]) -> Mapping[Edit, str]:
    return {
        one.edit: one.place.value.text or "" if isinstance(one.place, Target) else ""
        for one in placed
    }


def _edit(
    data: bytes,
    file: _File,
    placed: Collection[Placed],
    values: Mapping[Edit, str],
    inner: Collection[tuple[_Inner, Exchanged]],
) -> bytes:
    splices = Splices(file.text, file.events)
    for one, made in inner:
        block, lines = one.block, one.block.lines_in(made.data.decode())
        if lines != block.lines:
            cut = (block.start, block.end, lines)
            splices.replace_lines(one.node, cut, block.says(lines))
    for place in placed:
        with _explained(place.edit):
            value = _fitting(place, values[place.edit], placed)
            if isinstance(place.place, Gap):
                splices.add(place.place, place.root, value)
            else:
                splices.replace(place.place, value)
    with _explained(*values):
        text = splices.make()
        if text is None:
            return data
        check_only_changed(file.events, read_again(text), splices.wanted, splices.grown)
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
            f"{names}{SET_AT}{edits[0].path}:{error.line}:{error.column}: {error.said}.",
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
