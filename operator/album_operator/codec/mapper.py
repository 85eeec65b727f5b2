"""A dataclass of the domain and the model that shows it: one mapping, read in both directions.

Both say themselves what a field is called, what it holds and whether it may be absent, so a field
of the same name in both needs no word more. One that only one of them has is refused when the
mapping is made, which is at import.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import AwareDatetime, PlainSerializer
from pydantic.fields import FieldInfo

from album_operator.api.model import Model

D = TypeVar("D")
M = TypeVar("M", bound=Model)
Way = Callable[[Any], Any]

_WRITTEN = object()
"""In place of the value that is left out, where none is."""

_EMPTY = {str: "", bool: False, tuple: (), Mapping: MappingProxyType({})}


@dataclass(frozen=True)
class _Part:
    """One field of both.

    Attributes:
        key: its name in JSON.
        nothing: value that is left out.
        absent: value where the model has None.
        write: makes JSON of a value, None for as it is.
        read: makes a value of what the model holds, None for as it is.
    """

    name: str
    key: str
    nothing: object
    absent: object
    write: Way | None
    read: Way | None


class Mapper(Generic[D, M]):
    """How values of a dataclass are written as a model's JSON, and made of such a model.

    Absence is how JSON says None and, where the model allows it, an empty text, list or object,
    False, and an object that is all as by default. A dataclass in a dataclass that the model has no
    field for has its fields in the model itself.

    Args:
        kind: the dataclass.
        model: the model.
        apart: fields of either that the caller writes and reads.

    Raises:
        TypeError: a field has no counterpart, or one that holds something else.
    """

    def __init__(self, kind: type[D], model: type[M], *apart: str) -> None:
        hints, infos = _without(apart, get_type_hints(kind)), _without(apart, model.model_fields)
        self._make: Callable[..., D] = kind
        self._parts = [
            _part(kind, name, hints[name], info) for name, info in infos.items() if name in hints
        ]
        self._spread = {
            name: Mapper[Any, M](hint, model, *(model.model_fields.keys() - get_type_hints(hint)))
            for name, hint in hints.items()
            if name not in infos and _is_object(hint)
        }
        spread = {part.name for mapper in self._spread.values() for part in mapper._parts}
        alone = (hints.keys() - self._spread.keys()) ^ (infos.keys() - spread)
        if alone:
            raise TypeError(f"{kind.__name__} and {model.__name__} differ in {sorted(alone)}")

    def render(self, value: D) -> dict[str, Any]:
        """Write a value as JSON."""
        rendered: dict[str, Any] = {}
        for part in self._parts:
            held = getattr(value, part.name)
            if held != part.nothing:
                rendered[part.key] = part.write(held) if part.write else held
        for name, mapper in self._spread.items():
            rendered |= mapper.render(getattr(value, name))
        return rendered

    def parse(self, model: M, **values: object) -> D:
        """Make the value that a model shows.

        Args:
            model: what was read.
            values: of the fields that stand apart.
        """
        for part in self._parts:
            held = getattr(model, part.name)
            if held is None:
                values[part.name] = part.absent
            else:
                values[part.name] = part.read(held) if part.read else held
        for name, mapper in self._spread.items():
            values[name] = mapper.parse(model)
        return self._make(**values)


def _without(apart: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in known.items() if name not in apart}


def _part(owner: Any, name: str, hint: Any, info: FieldInfo) -> _Part:  # noqa: ANN401 - types
    kind, _ = _bare(hint)
    write, read = _ways(kind, info.rebuild_annotation())
    nothing = absent = _nothing(hint, info)
    if nothing is _WRITTEN:
        absent = next(field.default for field in fields(owner) if field.name == name)
    is_needed = info.is_required() and NoneType in get_args(hint)
    if is_needed or (info.default is None and absent is MISSING):
        raise TypeError(f"{owner.__name__}.{name}: the model does not agree on its absence")
    return _Part(name, info.alias or name, nothing, absent, write, read)


def _nothing(hint: Any, info: FieldInfo) -> object:  # noqa: ANN401 - a type
    """Give the value of a type that is left out where a model has this field."""
    if info.is_required() or info.get_default(call_default_factory=True) not in (None, "", []):
        return _WRITTEN
    if NoneType in get_args(hint):
        return None
    return hint() if _is_object(hint) else _EMPTY.get(get_origin(hint) or hint, _WRITTEN)


def _ways(kind: Any, shown: Any) -> tuple[Way | None, Way | None]:  # noqa: ANN401 - types
    """Give how values of a type are written as a model shows them, and how read."""
    shown, serializer = _bare(shown)
    if _is_object(kind):
        mapper = Mapper[Any, Any](kind, shown)
        return mapper.render, mapper.parse
    if get_origin(kind) is tuple:
        write, read = _ways(get_args(kind)[0], get_args(shown)[0])
        return _of_all(list, write), _of_all(tuple, read)
    if get_origin(kind) is Mapping:
        return dict, dict if get_origin(shown) is dict else shown.render
    if issubclass(kind, Enum):
        if shown is not str and {*kind} != {*get_args(shown)}:
            raise TypeError(f"{kind.__name__} has other words than {shown}")
        return str, kind
    is_word = kind is str and get_origin(shown) is Literal
    if not is_word and kind is not {AwareDatetime: datetime}.get(shown, shown):
        raise TypeError(f"{kind.__name__} is shown as {shown}")
    return serializer, None


def _is_object(kind: object) -> bool:
    return is_dataclass(kind)


def _of_all(gather: Way, way: Way | None) -> Way:
    return gather if way is None else lambda items: gather(map(way, items))


def _bare(kind: Any) -> tuple[Any, Way | None]:  # noqa: ANN401 - types
    """Give a type without None and remarks, and the serializer that is among the remarks."""
    if get_origin(kind) in (Union, UnionType):
        return _bare(next(choice for choice in get_args(kind) if choice is not NoneType))
    if get_origin(kind) is not Annotated:
        return kind, None
    inner, *marks = get_args(kind)
    bare, serializer = _bare(inner)
    for mark in marks:
        if isinstance(mark, PlainSerializer):
            serializer = cast("Way", mark.func)
    return bare, serializer
