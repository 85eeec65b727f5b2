"""Where an edit takes place: the scalar at the end of some steps, or the gap where it would be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from album_operator.domain.reasons import Reason
from album_operator.render.yaml_nodes import STRING, Node, RefusedError

TAG_PREFIX = re.compile(r"!\S*[ \t]+")
LINE_BREAK = re.compile(r"[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True)
class Item:
    """The one item of a list that is a mapping with this `name`."""

    name: str

    def __str__(self) -> str:
        return f"item with name {self.name}"


Step: TypeAlias = str | Item
"""From a mapping to the value of a key, or from a list to an item."""


@dataclass(frozen=True)
class Target:
    """A scalar to replace.

    Attributes:
        key: the scalar of its key; needed where no value is written yet.
        start: index of the first character that is replaced: after a tag such as `!!str`.
        above: the mappings and lists on the way, the outermost first.
    """

    key: Node
    value: Node
    start: int
    above: tuple[Node, ...]


@dataclass(frozen=True)
class Gap:
    """A place that does not exist yet.

    Attributes:
        parent: the mapping or list without the first of `steps`, or the null that stands where
            one is needed; None in a file without a document.
        owner: key whose value `parent` is, None at the root; of an item of a list the item itself.
        steps: what is missing below `parent`, one step at least.
        refusal: to raise where nothing may be added.
        above: the mappings and lists on the way, the outermost first, up to `parent`.
    """

    parent: Node | None
    owner: Node | None
    steps: tuple[Step, ...]
    refusal: RefusedError
    above: tuple[Node, ...]

    @property
    def around(self) -> Node | None:
        """The mapping or list in which a null stands for `parent`."""
        return self.above[-1] if self.above else None


def find_place(text: str, root: Node | None, steps: Sequence[Step], key: str) -> Target | Gap:
    """Follow steps from the root to a scalar.

    Args:
        text: the file.
        root: its tree, None where it holds no document.
        steps: the way; the last one is a key.
        key: the way as the pipeline names it, for messages.

    Raises:
        RefusedError: what is on the way or at its end cannot be replaced with certainty.
    """
    node, owner, number = root, None, 0
    above: list[Node] = []
    while True:
        step, found = steps[number], None
        if node is None or node.is_null:
            refusal = _nothing_yet(owner, step, key)
        else:
            _check_shared(node)
            above.append(node)
            found = _item(node, step) if isinstance(step, Item) else _value(node, step)
            refusal = _absent(node, step, key)
        if found is None:
            _check_spelling(above, steps)
            return Gap(node, owner, tuple(steps[number:]), refusal, tuple(above))
        owner, node = found
        number += 1
        if number == len(steps):
            return _check_scalar(text, owner, node, tuple(above))


def _check_spelling(above: Sequence[Node], steps: Sequence[Step]) -> None:
    """Refuse to go on where some of the names are there as one key, with the dots in it."""
    for depth, node in enumerate(above):
        names = [step for step in steps[depth:] if isinstance(step, str)]
        spelled = {".".join(names[:end]) for end in range(2, len(names) + 1)}
        for candidate, _ in node.pairs() if node.is_mapping else ():
            if candidate.text in spelled:
                raise RefusedError(
                    candidate.at,
                    f"the key {candidate.text} is there as one name with dots in it, beside which "
                    "the same way in several names would be another value",
                    "Write it as a mapping for each name, or remove it",
                )


def _value(node: Node, name: str) -> tuple[Node, Node] | None:
    """Go from a mapping to the key and value of one name in it."""
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
        _check_merge(node, name)
        return None
    return found[0]


def _item(node: Node, item: Item) -> tuple[Node, Node] | None:
    """Go from a list to the item with a name, which has no key and stands for it."""
    if not node.is_sequence:
        raise RefusedError(
            node.at, "what is there is no list of images", "Write `images` as a list"
        )
    found = [child for child in node.children if _name(child) == item.name]
    if len(found) > 1:
        raise RefusedError(found[1].at, f"an {item} is there twice", "Remove one of them")
    return (found[0], found[0]) if found else None


def _name(item: Node) -> str | None:
    """Give the name of an item of a list, which may lack one."""
    if not item.is_mapping:
        raise RefusedError(
            item.at, "the item there is no mapping with a name", "Write it as `- name: …`"
        )
    found = _value(item, "name")
    if found is None:
        return None
    if found[1].is_alias:
        raise RefusedError(found[1].at, "the name there is an alias", "Write the name itself")
    return found[1].text


def _check_merge(node: Node, name: str) -> None:
    for candidate, _ in node.pairs():
        if candidate.text == "<<" and candidate.style is None:
            raise RefusedError(
                candidate.at,
                f"the key {name} can only come from the merge key `<<` there, and an edit of what "
                "is merged would change other places too",
                f"Write {name} into this mapping",
            )


def _nothing_yet(owner: Node | None, step: Step, key: str) -> RefusedError:
    needed = "a list of images" if isinstance(step, Item) else f"a mapping with the key {step}"
    return RefusedError(
        owner.at if owner is not None else (1, 1),
        f"there is nothing yet where {needed} is needed",
        _remedy(key),
        Reason.VALUES_KEY_NOT_FOUND,
    )


def _absent(node: Node, step: Step, key: str) -> RefusedError:
    lacks = f"list that begins there has no {step}"
    if not isinstance(step, Item):
        lacks = f"mapping that begins there has no key {step}"
    return RefusedError(node.at, f"the {lacks}", _remedy(key), Reason.VALUES_KEY_NOT_FOUND)


def _remedy(key: str) -> str:
    return (
        f"Add {key} to the file, correct edits[].key of the pipeline or set create: true beside it"
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


def _check_scalar(text: str, owner: Node, node: Node, above: tuple[Node, ...]) -> Target:
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
    return Target(owner, node, start, above)
