"""What a dataclass and the model that shows it must agree on, told when the mapping is made."""

from dataclasses import dataclass, make_dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import pytest
from pydantic import Field, create_model

from album_operator.api.model import Model
from album_operator.api.types import BuildType, Timestamp
from album_operator.codec.mapper import Mapper


class Way(StrEnum):
    BY_LAND = "ByLand"
    BY_SEA = "BySea"


@dataclass(frozen=True)
class Wish:
    fast: bool = False
    safe: bool | None = None


@dataclass(frozen=True)
class Trip:
    way: Way
    wish: Wish
    stops: tuple[str, ...]
    since: datetime | None = None
    note: str = ""


class TripStatus(Model):
    way: str
    fast: bool
    safe: bool | None = None
    stops: list[str] = Field(default_factory=list)
    since: Timestamp | None = None
    note: str | None = None


def test_a_dataclass_without_a_field_of_its_own_lies_in_the_model_itself() -> None:
    mapper = Mapper(Trip, TripStatus)
    trip = Trip(Way.BY_SEA, Wish(fast=True), ("Oslo",))

    assert mapper.render(trip) == {"way": "BySea", "fast": True, "stops": ["Oslo"]}
    assert mapper.parse(TripStatus.parse(mapper.render(trip))) == trip


def test_what_is_nothing_is_absent_unless_the_model_requires_it() -> None:
    mapper = Mapper(Trip, TripStatus)
    trip = Trip(Way.BY_LAND, Wish(safe=False), ())

    assert mapper.render(trip) == {"way": "ByLand", "fast": False, "safe": False}
    assert mapper.parse(TripStatus.parse(mapper.render(trip))) == trip


def test_what_stands_apart_is_given_by_the_caller() -> None:
    mapper = Mapper(Trip, TripStatus, "since", "note")
    status = TripStatus(way="BySea", fast=False, note="of another kind")

    assert mapper.parse(status, note="mine") == Trip(Way.BY_SEA, Wish(), (), note="mine")


@pytest.mark.parametrize(
    ("hint", "shown", "said"),
    [
        (None, (str, ...), r"differ in \['field'\]"),
        (str, None, r"differ in \['field'\]"),
        (int, (str, ...), "int is shown as <class 'str'>"),
        (timedelta, (Timestamp, ...), "timedelta is shown as"),
        (Way, (BuildType, ...), "Way has other words than"),
        (str | None, (str, ...), "does not agree on its absence"),
        (int, (int | None, None), "does not agree on its absence"),
    ],
    ids=[
        "a field of the model alone",
        "a field of the dataclass alone",
        "another type",
        "another time",
        "other words",
        "a value that may be absent, and must not in the model",
        "a value that may be absent in the model alone, and has no default",
    ],
)
def test_a_field_that_is_not_the_same_in_both_is_refused(
    hint: object, shown: tuple[object, object] | None, said: str
) -> None:
    kind = make_dataclass("Kind", [("field", hint)] if hint else [], frozen=True)
    fields = {"field": shown} if shown else {}
    model = create_model("Shown", __base__=Model, **fields)  # type: ignore[call-overload]

    with pytest.raises(TypeError, match=said):
        Mapper(kind, model)
