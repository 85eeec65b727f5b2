"""What the images of an Application make of an edit: `kustomize edit set image`, run by Argo CD.

An argument takes the place of the whole entry of its name in the kustomization of the source's
folder, and all entries are applied in the order of their names (kustomize, `setimage.go`).
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from album_operator.decisions.rendering import Rendering, folder_of, items, text_of
from album_operator.domain.images import pinned
from album_operator.domain.names import image_repository
from album_operator.domain.release import Edit, EditFormat, EditValue

KEEP = "*"
"""In place of a name, tag or digest: what the kustomization has is kept."""

IMAGE = re.compile(
    r"(?P<name>[^=@$]*?)(?P<tag>:[A-Za-z0-9._*-]*)?(?P<digest>@[A-Za-z0-9:*]+)?", re.ASCII
)


@dataclass(frozen=True)
class Image:
    """An argument of `set image`.

    Attributes:
        name: of the entry.
        new_name: empty where the name stays.
        tag: empty where it names none, as is `digest`.
    """

    name: str
    new_name: str
    tag: str
    digest: str


def parse_image(text: str) -> Image | None:
    """Read `<name>=<new name>:<tag>@<digest>`, each part but a name left out or not."""
    name, separator, new = text.rpartition("=")
    found = IMAGE.fullmatch(new)
    if found is None or "$" in name or "=" in name:
        return None
    tag, digest = (found["tag"] or "")[1:], (found["digest"] or "")[1:]
    if separator:
        return Image(name, found["name"], tag, digest)
    return Image(found["name"], "", tag, digest) if found["name"] and (tag or digest) else None


def find_value(rendering: Rendering, edit: Edit, image: str) -> str | None:
    """Find what takes the place of an edit's value; None where it stays.

    Args:
        rendering: the source.
        edit: the edit.
        image: our image's reference, as the edits together make it.
    """
    repository = image_repository(image)
    folder = posixpath.dirname(edit.path) or "."
    is_entry = edit.format is EditFormat.KUSTOMIZE and folder == folder_of(rendering.source)
    for given in _images(rendering):
        if is_entry and given.name == edit.key:
            return _replaced(edit, given)
        # Ours is applied first where it is in a base, and where its name comes first.
        if given.name == repository and not (is_entry and edit.key > given.name):
            return _changed(edit, given)
    return None


def _images(rendering: Rendering) -> Iterator[Image]:
    given = map(parse_image, map(text_of, items(rendering.kustomize.get("images"))))
    # Of two with one name the last counts.
    yield from {image.name: image for image in given if image is not None}.values()


def _replaced(edit: Edit, image: Image) -> str | None:
    """Give what an entry has in place of our value once it is replaced."""
    part = {EditValue.DIGEST: image.digest, EditValue.REPOSITORY: image.new_name or image.name}.get(
        edit.value, image.tag
    )
    if part == KEEP:
        return None
    return _pinned(part, image.digest) if edit.value is EditValue.TAG else part


def _changed(edit: Edit, image: Image) -> str | None:
    """Give what becomes of our value where an image of its own name is changed afterwards."""
    if edit.value is EditValue.REPOSITORY:
        return None if image.new_name in {"", KEEP} else image.new_name
    if KEEP in {image.tag, image.digest} or not (image.tag or image.digest):
        return None
    if edit.value is EditValue.DIGEST:
        return image.digest
    name = f"{image.new_name or image.name}:" if edit.value is EditValue.REFERENCE else ""
    return _pinned(f"{name}{image.tag}" if image.tag else "", image.digest)


def _pinned(part: str, digest: str) -> str:
    return pinned(part, "" if digest == KEEP else digest) if part else digest
