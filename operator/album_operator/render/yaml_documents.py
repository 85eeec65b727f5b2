"""Which document of a file an edit is in."""

from collections.abc import Sequence

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Document
from album_operator.render.yaml_nodes import Node, RefusedError

WAY_OUT = (
    "Name one beside the key, such as document: {index: 0} or document: {kind: Deployment, name: "
    "web}"
)
CORRECT = "Correct edits[].document of the pipeline"


def find_document(roots: Sequence[Node], wish: Document | None) -> Node | None:
    """Give the root of a document, None in a file that holds none.

    Where none is named, it is the first, and all after it must be empty: Helm and kustomize read
    the first of a file alone.

    Raises:
        RefusedError: none or several are meant.
    """
    if wish is None:
        return _only(roots)
    if wish.index is None:
        return _named(roots, wish)
    if wish.index >= len(roots):
        said = f"the file has {len(roots)} documents, counted from 0, and no {wish}"
        raise RefusedError((1, 1), said, CORRECT, Reason.VALUES_KEY_NOT_FOUND)
    return roots[wish.index]


def _only(roots: Sequence[Node]) -> Node | None:
    for root in roots[1:]:
        if not root.is_null:
            raise RefusedError(
                root.at, f"one of {len(roots)} documents of the file begins there", WAY_OUT
            )
    return roots[0] if roots else None


def _named(roots: Sequence[Node], wish: Document) -> Node:
    found = [root for root in roots if _is_it(root, wish)]
    if not found:
        said = f"no document of the file is {wish}"
        raise RefusedError((1, 1), said, CORRECT, Reason.VALUES_KEY_NOT_FOUND)
    if len(found) > 1:
        raise RefusedError(
            found[1].at,
            f"a second document that is {wish} begins there",
            "Name it by its index, such as document: {index: 1}, or remove one of them",
        )
    return found[0]


def _is_it(root: Node, wish: Document) -> bool:
    kind, metadata = _value(root, "kind"), _value(root, "metadata")
    name = _value(metadata, "name") if metadata is not None else None
    texts = (kind.text if kind is not None else None, name.text if name is not None else None)
    return texts == (wish.kind, wish.name)


def _value(node: Node, name: str) -> Node | None:
    pairs = node.pairs() if node.is_mapping else ()
    return next((value.meant for key, value in pairs if key.text == name), None)
