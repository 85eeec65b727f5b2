"""What a mapping has from others by merge keys, and which places of a file share a node."""

from bisect import bisect_left
from collections.abc import Iterator

from album_operator.domain.keys import Index, Step, render_key
from album_operator.render.yaml_nodes import Node

MERGE = "<<"


def effective_pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """Go through the keys and values a mapping has, those from merge keys after its own.

    The value of a merge key is a mapping or a list of them, of which the first wins
    (yaml.org/type/merge). Values are given as what aliases stand for.
    """
    seen: set[str | None] = set()
    mappings, known = [node], {node.number}
    while mappings:
        mapping = mappings.pop(0)
        merged: list[Node] = []
        for key, value in mapping.pairs():
            if is_merge(key):
                merged += [value.meant] if not value.meant.is_sequence else value.meant.children
            elif key.text not in seen:
                yield key, value.meant
        seen.update(key.text for key, _ in mapping.pairs())
        merged = [one.meant for one in merged if one.meant.is_mapping]
        mappings = [one for one in merged if one.number not in known] + mappings
        known.update(one.number for one in merged)


def places_shared(root: Node, node: Node) -> list[str]:
    """Give the keys of all places that change with a node: those of aliases of what it is in."""
    found: dict[int, str] = {}
    waiting = [node]
    while waiting:
        for inner in _nodes_to(root, waiting.pop()):
            fresh = [use for use in inner.uses if use.number not in found]
            found |= {use.number: key_of(root, use) for use in fresh}
            waiting += fresh
    return [found[number] for number in sorted(found)]


def key_of(root: Node, node: Node) -> str:
    """Write the way from a root to a node of its tree as a key, items of lists by their index."""
    steps: list[Step] = []
    for parent in _nodes_to(root, node)[:-1]:
        position = _position(parent, node)
        if parent.is_sequence:
            steps.append(Index(position))
        else:
            steps.append(parent.children[position - position % 2].text or "")
    return render_key(steps)


def _nodes_to(root: Node, node: Node) -> list[Node]:
    """Give the nodes from the root to one of the tree, both included."""
    way = [root]
    while way[-1].number != node.number:
        way.append(way[-1].children[_position(way[-1], node)])
    return way


def _position(parent: Node, node: Node) -> int:
    """Give which child of a node another node of the tree is, or is in."""
    return bisect_left(parent.children, node.number, key=lambda child: child.last)


def is_merge(key: Node) -> bool:
    """Tell whether a key is `<<`, written without quotes."""
    return key.text == MERGE and key.style is None
