"""One step of the way to a place: from a mapping or list to what it has under a name."""

from album_operator.domain.keys import Index, Item, Step
from album_operator.render.yaml_nodes import Node, RefusedError
from album_operator.render.yaml_sharing import effective_pairs, is_merge

CORRECT = "Correct edits[].key of the pipeline"


def go(node: Node, step: Step, *, shared: bool) -> tuple[Node, Node] | None:
    """Go one step; an item of a list has no key and stands for it.

    Args:
        node: the mapping or list, no alias.
        step: the name or item to go to.
        shared: whether it may go through merge keys.

    Returns:
        Key and value, None where there is none.

    Raises:
        RefusedError: the node is of another kind, or has the step twice.
    """
    match step:
        case Index(number):
            _check_sequence(node, f"the {step}")
            if number >= len(node.children):
                return None
            return node.children[number], node.children[number]
        case Item():
            return _item(node, step)
        case _:
            return _value(node, step, shared=shared)


def _value(node: Node, name: str, *, shared: bool) -> tuple[Node, Node] | None:
    """Go from a mapping to the key and value of one name in it."""
    if not node.is_mapping:
        _refuse_names(node, name)
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
    if found:
        return found[0]
    if not shared:
        _check_merge(node, name)
        return None
    return next((pair for pair in effective_pairs(node) if pair[0].text == name), None)


def _refuse_names(node: Node, name: str) -> None:
    if node.is_sequence:
        raise RefusedError(
            node.at,
            f"what is there is a list, not a mapping with the key {name}",
            f"{CORRECT}: items of lists are named as [0] or [name=…]",
        )
    raise no_mapping(node, name)


def no_mapping(node: Node, step: Step) -> RefusedError:
    """Say that a text stands where the step needs a mapping or list."""
    wanted = f"a mapping with the key {step}" if isinstance(step, str) else f"a list with an {step}"
    is_text = node.style in {"'", '"', ">"}
    remedy = f"{CORRECT}, or write the text as a block (|), which is looked into"
    return RefusedError(
        node.at, f"what is there is a text, not {wanted}", remedy if is_text else CORRECT
    )


def _item(node: Node, item: Item) -> tuple[Node, Node] | None:
    """Go from a list to the item that a key of it tells from the others."""
    _check_sequence(node, f"the {item}")
    found = [child for child in node.children if _is_it(child, item)]
    if len(found) > 1:
        raise RefusedError(
            found[1].at,
            f"an {item} is there twice",
            "Remove one of them, or name it by its index where format is YAML",
        )
    return (found[0], found[0]) if found else None


def _is_it(child: Node, item: Item) -> bool:
    if not child.meant.is_mapping:
        raise RefusedError(
            child.at,
            f"the item there is no mapping with the key {item.field}",
            f"Write it as `- {item.field}: …`",
        )
    names = [value for key, value in effective_pairs(child.meant) if key.text == item.field]
    if len(names) > 1:
        raise RefusedError(
            names[1].at, f"the key {item.field} is there twice", "Remove one of them"
        )
    return any(name.text == item.value for name in names)


def _check_sequence(node: Node, what: str) -> None:
    if not node.is_sequence:
        raise RefusedError(
            node.at,
            f"what is there is no list with {what}",
            "Write a list there or correct edits[].key of the pipeline",
        )


def _check_merge(node: Node, name: str) -> None:
    for candidate, _ in node.pairs():
        if is_merge(candidate):
            raise RefusedError(
                candidate.at,
                f"the key {name} can only come from the merge key `<<` there, and an edit of what "
                "is merged would change other places too",
                f"Write {name} into this mapping, or set anchors: Edit beside the key if all of "
                "them shall change",
            )
