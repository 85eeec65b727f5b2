"""Where an edit takes place: the scalar at the end of some steps, or the gap where it would be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from album_operator.domain.keys import Index, Item, Step, render_key
from album_operator.domain.reasons import Reason
from album_operator.render.yaml_nodes import MAX_DEPTH, STRING, Node, RefusedError
from album_operator.render.yaml_sharing import key_of
from album_operator.render.yaml_steps import CORRECT, go, no_mapping

PREFIX = re.compile(r"(?:[!&]\S*[ \t]+)*")
"""Tag and anchor before a value."""


LINE_BREAK = re.compile(r"[\r\n\x85\u2028\u2029]")


SUBSTITUTION = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)")
"""What Flux, envsubst and their like replace in a file."""


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
    steps: tuple[str | Item, ...]
    refusal: RefusedError
    above: tuple[Node, ...]

    @property
    def around(self) -> Node | None:
        """The mapping or list in which a null stands for `parent`."""
        return self.above[-1] if self.above else None


@dataclass(frozen=True)
class Within:
    """A place in a block of text, which is YAML itself.

    Attributes:
        text: the block.
        steps: the way to the place from what the text says.
        refusal: to raise where texts are not looked into.
    """

    text: Node
    steps: tuple[Step, ...]
    refusal: RefusedError


@dataclass(frozen=True)
class Way:
    """A way from the root of a document.

    Attributes:
        steps: one at least.
        name: the way as the pipeline names it, for messages.
        shared: whether it may go through what an anchor shares.
    """

    steps: tuple[Step, ...]
    name: str
    shared: bool = False


def find_place(text: str, root: Node | None, way: Way) -> Target | Gap | Within:
    """Follow a way from the root to a scalar.

    Args:
        text: the file.
        root: its tree, None where it holds no document.
        way: the way to go.

    Raises:
        RefusedError: what is on the way or at its end cannot be replaced with certainty.
    """
    steps = way.steps
    _check_steps(steps)
    node, owner, number = root, None, 0
    above: list[Node] = []
    while True:
        step, found = steps[number], None
        if node is None or node.is_null:
            refusal = _nothing_yet(owner, step, way.name)
        else:
            node = _through_anchors(node, root, way)
            if node.style == "|" and not node.uses:
                return Within(node, steps[number:], no_mapping(node, step))
            above.append(node)
            found = go(node, step, shared=way.shared)
            refusal = _absent(node, step, way.name)
        if found is None:
            _check_spelling(above, steps)
            missing = tuple(one for one in steps[number:] if not isinstance(one, Index))
            if len(missing) < len(steps) - number:
                raise refusal
            return Gap(node, owner, missing, refusal, tuple(above))
        owner, node = found
        number += 1
        if number == len(steps):
            node = _through_anchors(node, root, way)
            return _check_scalar(text, owner, node, tuple(above))


def _check_steps(steps: Sequence[Step]) -> None:
    """Refuse a way that can lead to no scalar, or that the edit itself would change."""
    if len(steps) > MAX_DEPTH:
        raise RefusedError((1, 1), f"the key has more than {MAX_DEPTH} steps", CORRECT)
    if isinstance(steps[-1], Item):
        raise RefusedError(
            (1, 1),
            f"the key ends with the {steps[-1]} of a list, which is a mapping and not one value",
            f"{CORRECT}: add the name of one of its values",
        )
    if len(steps) > 1 and isinstance(steps[-2], Item) and steps[-2].field == steps[-1]:
        raise RefusedError(
            (1, 1),
            "the edit would change the very value by which its item is told from the others",
            f"{CORRECT}: name the item by another of its keys, or by its index",
        )


def _check_spelling(above: Sequence[Node], steps: Sequence[Step]) -> None:
    """Refuse to go on where some of the names are there as one key, with the dots in it."""
    for depth, node in enumerate(above):
        names = []
        for step in steps[depth:]:
            if not isinstance(step, str):
                break
            names.append(step)
        spelled = {".".join(names[:end]) for end in range(2, len(names) + 1)}
        for candidate, _ in node.pairs() if node.is_mapping else ():
            if candidate.text in spelled:
                raise RefusedError(
                    candidate.at,
                    f"the key {candidate.text} is there as one name with dots in it, beside which "
                    "the same way in several names would be another value",
                    f"Name it as {render_key([candidate.text])} in edits[].key of the pipeline, or "
                    "write it as a mapping for each name",
                )


def _nothing_yet(owner: Node | None, step: Step, key: str) -> RefusedError:
    needed = f"a mapping with the key {step}" if isinstance(step, str) else f"a list with an {step}"
    return RefusedError(
        owner.at if owner is not None else (1, 1),
        f"there is nothing yet where {needed} is needed",
        _add(key, step),
        Reason.VALUES_KEY_NOT_FOUND,
    )


def _absent(node: Node, step: Step, key: str) -> RefusedError:
    lacks = f"list that begins there has no {step}"
    if isinstance(step, str):
        lacks = f"mapping that begins there has no key {step}"
    elif isinstance(step, Index):
        lacks = f"list that begins there has {len(node.children)} items and no {step}"
    return RefusedError(node.at, f"the {lacks}", _add(key, step), Reason.VALUES_KEY_NOT_FOUND)


def _add(key: str, step: Step) -> str:
    if isinstance(step, Index):
        return f"Add {key} to the file or correct edits[].key of the pipeline"
    return (
        f"Add {key} to the file, correct edits[].key of the pipeline or set create: true beside it"
    )


def _through_anchors(node: Node, root: Node | None, way: Way) -> Node:
    """Go to what an alias stands for, and refuse what others share, unless that is wished."""
    wish = "set anchors: Edit beside the key if all of them shall change"
    if node.is_alias and (not way.shared or node.target is None):
        raise RefusedError(
            node.at,
            f"the alias *{node.event.anchor} is there, and an edit would change every place that "
            "uses its anchor",
            f"Write the value itself instead of the alias, or {wish}",
        )
    node = node.meant
    if node.uses and not way.shared:
        places = ", ".join(key_of(root, use) for use in node.uses[:3]) if root is not None else ""
        raise RefusedError(
            node.at,
            f"the anchor &{node.event.anchor} is there, and an edit would change what its aliases "
            f"stand for too ({places})",
            f"Write their values themselves instead of the aliases, or {wish}",
        )
    return node


def _check_scalar(text: str, owner: Node, node: Node, above: tuple[Node, ...]) -> Target:
    """Refuse all that is not a scalar written on one line."""
    written = text[node.start : node.end]
    if text.startswith("{{", node.start) or "{{" in (node.text or ""):
        raise RefusedError(
            node.at,
            "the value looks like a Go template, and an edit would lose it",
            "Name the key the template takes its value from",
        )
    if SUBSTITUTION.search(node.text or ""):
        raise RefusedError(
            node.at,
            "the value is filled in from a variable, and an edit would lose that",
            "Name the place the variable takes its value from",
        )
    if node.text is None:
        what = "a mapping" if node.is_mapping else "a list"
        raise RefusedError(node.at, f"what is there is {what}, not one value", CORRECT)
    if node.style in {"|", ">"} or LINE_BREAK.search(written):
        raise RefusedError(
            node.at, "the value spans several lines, or is a block scalar", "Write it on one line"
        )
    if node.tag not in {None, STRING}:
        raise RefusedError(
            node.at, "the value has a tag of its own", "Remove the tag (a word with `!`)"
        )
    if (node.tag or node.event.anchor) and node.text == "" and node.style is None:
        raise RefusedError(
            node.at, "there is a tag or anchor without a value", "Write a value after it"
        )
    prefix = PREFIX.match(written) if node.tag or node.event.anchor else None
    return Target(owner, node, node.start + (prefix.end() if prefix is not None else 0), above)
