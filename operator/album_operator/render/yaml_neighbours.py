"""What stands beside a value that is edited, and decides instead of it which image runs.

Charts have no rule for it but habit: a digest outweighs the tag beside it whatever its key is
called (`digest`, `sha` of kube-prometheus-stack, `imageDigest` one level up), and a whole reference
outweighs both (`spec.image` of Prometheus beside `version`, `override` of Cilium). So keys are told
by the words of their names, as far as those are about images or the app itself.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from album_operator.domain.images import is_reference, split_pin, words_of
from album_operator.domain.keys import Step, render_key
from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.render.yaml_nodes import Node, RefusedError
from album_operator.render.yaml_places import Gap, Target
from album_operator.render.yaml_sharing import effective_pairs

DIGEST = frozenset({"digest", "sha", "sha256", "sha512"})
TAG = frozenset({"tag", "version", "release"})
REPOSITORY = frozenset({"repository", "repo", "registry", "path", "hub"})
REFERENCE = frozenset({"reference", "ref", "override", "full", "uri", "url", "name", "new"})
IMAGE = frozenset(
    {"image", "img", "container", "docker", "oci", "app", "manifest", "index", "pin", "pinned"}
)
OTHERS = frozenset({"policy", "pull", "port", "host", "secret", "secrets", "enabled", "registry"})
"""Words of keys beside which a digest may stand as it is: they choose no image."""

PINNED = re.compile(r"\w@sha(256|384|512)")
"""In a reference with a digest, or in a repository before digits that stand for its tag."""

UNSET = frozenset({"", "~", "null", "Null", "NULL", "false", "False", "FALSE"})


@dataclass(frozen=True)
class Placed:
    """An edit, and where it takes place.

    Attributes:
        root: the tree of the document it is in, None in a file without one.
    """

    edit: Edit
    steps: tuple[Step, ...]
    place: Target | Gap
    root: Node | None

    @property
    def words(self) -> frozenset[str]:
        """Words of all names on the way."""
        names = (step for step in self.steps if isinstance(step, str))
        return frozenset().union(*map(words_of, names))

    @property
    def number(self) -> int | None:
        """Position of the scalar that is replaced; None where one is added."""
        return self.place.value.number if isinstance(self.place, Target) else None


@dataclass(frozen=True)
class _Neighbour:
    """A scalar beside an edit's.

    Attributes:
        steps: the way to it.
        words: of its own name, and of the mapping beside the edit's that it is in.
    """

    steps: tuple[Step, ...]
    value: Node
    words: frozenset[str]

    @property
    def text(self) -> str:
        """What it reads as."""
        return self.value.text or ""

    @property
    def is_set(self) -> bool:
        """Tell whether a chart would take it for a value."""
        return bool(self.text) if self.value.style else self.text not in UNSET


def check_neighbours(placed: Placed, others: Collection[Placed]) -> None:
    """Refuse an edit whose value does not decide, or would stand beside what it does not go with.

    Args:
        placed: the edit.
        others: all edits of the file.

    Raises:
        RefusedError: a neighbour that no edit sets says so.
    """
    edited = {other.number for other in others}
    for beside in _neighbours(placed):
        if not beside.is_set or beside.value.number in edited:
            continue
        if placed.edit.value is EditValue.DIGEST:
            _check_pin(placed, beside)
        else:
            _check_digest(placed, beside)
            _check_reference(placed, beside)


def has_digest_beside(placed: Placed, others: Collection[Placed]) -> bool:
    """Tell whether an edit beside this one writes the digest, which then stands there alone."""
    here = placed.steps[:-1]
    return any(
        other.edit.value is EditValue.DIGEST
        and other.root is placed.root
        and (other.steps[:-1] in {here, here[:-1]} or other.steps[:-2] == here)
        for other in others
    )


def _neighbours(placed: Placed) -> Iterator[_Neighbour]:
    """Give the scalars in the mapping of a value, in the one above, and in mappings beside it."""
    way = placed.place.above
    steps = placed.steps[: len(way) - 1]  # the way to the last of them
    for level, mapping in enumerate(reversed(way[-2:])):
        if not mapping.is_mapping:
            return
        here = steps[: len(steps) - level]
        for key, value in effective_pairs(mapping):
            name = key.text or ""
            if value.text is not None:
                yield _Neighbour((*here, name), value, words_of(name))
            elif value.is_mapping and level == 0:
                for inner, below in effective_pairs(value):
                    words = words_of(name) | words_of(inner.text or "")
                    if below.text is not None:
                        yield _Neighbour((*here, name, inner.text or ""), below, words)


def _check_digest(placed: Placed, beside: _Neighbour) -> None:
    known = DIGEST | TAG | IMAGE | REFERENCE | REPOSITORY | placed.words
    if not beside.words & DIGEST or not beside.words <= known:
        return
    if words_of(placed.edit.field) & OTHERS:
        return
    raise RefusedError(
        beside.value.at,
        f"{_name(placed, beside)} has the value {beside.text} there, and a digest decides what "
        "runs whatever stands beside it",
        f"Remove it, or {_add(placed, beside, EditValue.DIGEST)}",
    )


def _check_reference(placed: Placed, beside: _Neighbour) -> None:
    field = words_of(placed.edit.field)
    known = IMAGE | REFERENCE | REPOSITORY | placed.words
    if not field & TAG or not beside.words <= known or beside.words & TAG:
        return
    if not (is_reference(beside.text) or PINNED.search(beside.text)):
        return
    raise RefusedError(
        beside.value.at,
        f"{_name(placed, beside)} has the value {beside.text} there, a whole reference, which "
        "decides what runs whatever the tag beside it says",
        f"Remove it, or {_add(placed, beside, EditValue.REFERENCE)}",
    )


def _check_pin(placed: Placed, beside: _Neighbour) -> None:
    known = TAG | IMAGE | REFERENCE | REPOSITORY | placed.words
    if beside.words & DIGEST or not beside.words <= known:
        return
    if not split_pin(beside.text)[1]:
        return
    kind = EditValue.REFERENCE if is_reference(beside.text) else EditValue.TAG
    raise RefusedError(
        beside.value.at,
        f"{_name(placed, beside)} has the value {beside.text} there, and with a digest beside "
        "its own it would be no image",
        f"Take the digest out of it, or {_add(placed, beside, kind)}",
    )


def _name(placed: Placed, beside: _Neighbour) -> str:
    if placed.edit.format is EditFormat.KUSTOMIZE:
        return f"{beside.steps[-1]} of image {placed.edit.key}"
    return render_key(beside.steps)


def _add(placed: Placed, beside: _Neighbour, kind: EditValue) -> str:
    if placed.edit.format is EditFormat.KUSTOMIZE:
        return f"add an edit of this entry with value: {kind}"
    return f"add an edit of {_name(placed, beside)} with value: {kind}"
