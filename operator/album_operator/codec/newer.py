"""What a newer version wrote and this one does not know.

The API server drops what its CRD does not know. So an unknown field, or an unknown word in a known
one, is of a CRD that is newer than the operator: while both are upgraded, or where the operator
alone went back (`helm rollback` leaves CRDs as they are).
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import ValidationError

from album_operator.api.model import Model
from album_operator.codec.text import Raw

UNKNOWN = ("extra_forbidden", "literal_error")
"""Pydantic's words for a field that a model does not have, and for a word that a field does not."""

M = TypeVar("M", bound=Model)


def read_known(model: type[M], raw: Raw) -> tuple[M, str]:
    """Read what of an object is known.

    Returns:
        The model without the rest, and the path of the first field of that below the object; empty
        for none.

    Raises:
        pydantic.ValidationError: it is not of the schema's shape without the rest.
    """
    known: dict[str, Any] | None = None
    first = ""
    while True:
        try:
            return model.model_validate(raw if known is None else known, extra="forbid"), first
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            if fault["type"] not in UNKNOWN:
                raise
            # Nearly all objects are known whole, and are read at each pass: no copy of those.
            known = deepcopy(dict(raw)) if known is None else known
            if not _take_out(known, fault["loc"]):
                raise
            first = first or path_of(fault["loc"])


def path_of(location: Sequence[str | int]) -> str:
    """Give the path of a field below its object, such as `.apps[0].name`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts)


def _take_out(raw: dict[str, Any], location: Sequence[str | int]) -> bool:
    """Take a field out of an object, the whole list for an item; tell whether it was there."""
    place: Any = raw
    owner, name = raw, ""
    for part in location:
        if isinstance(place, dict) and part in place:
            owner, name = place, str(part)
        elif not isinstance(part, int) or not isinstance(place, list):
            return False
        place = place[part]
    owner.pop(name)
    return True
