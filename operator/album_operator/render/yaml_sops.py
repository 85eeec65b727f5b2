"""Files that SOPS encrypted: which of their values may change without a key.

SOPS keeps a message authentication code of the values, and refuses to decrypt a file of which it is
not that any more (getsops/sops, `sops.go`: `Tree.Encrypt`, `Metadata.MACOnlyEncrypted`).
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from album_operator.render.yaml_nodes import Node, RefusedError

ENCRYPTED = "ENC["
"""How an encrypted value begins (SOPS's `ENC[AES256_GCM,…]`, and that of hiera-eyaml)."""

MARKS = frozenset({"mac", "lastmodified"})
"""Keys of SOPS's metadata that no other mapping `sops` would have."""

ONLY_ENCRYPTED = "mac_only_encrypted"
YES = frozenset({"true", "True", "TRUE"})


def check_sops(roots: Iterable[Node], value: Node | None) -> None:
    """Refuse an edit after which SOPS could not decrypt the file.

    Args:
        roots: the trees of all documents of the file, which have one code together.
        value: the scalar that is to be replaced, None where one is to be added.

    Raises:
        RefusedError: it is encrypted, or the file's code covers it.
    """
    if value is not None and (value.text or "").startswith(ENCRYPTED):
        raise RefusedError(
            value.at,
            "the value is encrypted, and the edit would put a plain one in its place",
            "Keep what is released out of what is encrypted, as by unencrypted_suffix of SOPS",
        )
    for key, metadata in chain.from_iterable(map(_metadata, roots)):
        if value is None:
            raise RefusedError(
                key.at,
                "the file is encrypted by SOPS, whose rules decide of a new key whether its value "
                "must be encrypted",
                "Add the key by sops itself",
            )
        if metadata.get(ONLY_ENCRYPTED) not in YES:
            raise RefusedError(
                key.at,
                "the file is encrypted by SOPS, whose code covers the plain values too, so that "
                "after the edit nobody could decrypt it",
                "Encrypt it with mac_only_encrypted: true, or keep what is released in a file of "
                "its own",
            )


def _metadata(root: Node) -> Iterator[tuple[Node, dict[str, str]]]:
    """Give SOPS's metadata with the key it begins at, nested as in YAML or flat as in dotenv."""
    if not root.is_mapping:
        return
    flat: dict[str, str] = {}
    first: Node | None = None
    for key, value in root.pairs():
        name = key.text or ""
        if name == "sops" and value.is_mapping:
            nested = {inner.text or "": _plain(below) for inner, below in value.pairs()}
            if nested.keys() & MARKS:
                yield key, nested
        elif name.startswith("sops_"):
            first = first or key
            flat[name.removeprefix("sops_")] = _plain(value)
    if first is not None and flat.keys() & MARKS:
        yield first, flat


def _plain(node: Node) -> str:
    """Give what a plain scalar reads as; in quotes `true` is a text and no yes."""
    return (node.text or "") if node.style is None else ""
