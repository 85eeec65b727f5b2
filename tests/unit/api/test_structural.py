"""From pydantic's JSON schema to a structural one."""

from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from album_operator.api.model import MapList, Model, Rule, Rules
from album_operator.api.structural import render_structural


class Leaf(Model):
    """A leaf."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule("has(self.name)", "It needs a name.", ".name"),)

    name: str = Field("x", max_length=3)


class Tree(Model):
    """A tree."""

    leaf: Leaf
    described: Leaf | None = Field(None, description="Another leaf.")
    leaves: Annotated[list[Leaf], MapList("name")] = Field(default_factory=list, max_length=2)
    size: int | None = None
    only: Literal["One"] = "One"
    long_name: Annotated[str, Rules(Rule("a", "A."), Rule("b", "B."))] = ""
    ruled: Annotated[str, Rule("c", "C."), Rule("d", "D.")] | None = None


SCHEMA = render_structural(Tree)
FIELDS = SCHEMA["properties"]


def test_a_reference_is_replaced_by_what_it_names() -> None:
    assert FIELDS["leaf"] == {
        "description": "A leaf.",
        "type": "object",
        "properties": {"name": {"type": "string", "default": "x", "maxLength": 3}},
        "x-kubernetes-validations": [
            {"rule": "has(self.name)", "message": "It needs a name.", "fieldPath": ".name"}
        ],
    }


def test_an_optional_object_is_the_object_with_its_own_description() -> None:
    assert FIELDS["described"] == {**FIELDS["leaf"], "description": "Another leaf."}


def test_what_may_be_left_out_is_not_required_and_has_no_null() -> None:
    assert SCHEMA["required"] == ["leaf"]
    assert FIELDS["size"] == {"type": "integer", "format": "int64"}


def test_a_list_of_objects_is_a_map_by_its_keys() -> None:
    assert FIELDS["leaves"] == {
        "type": "array",
        "items": FIELDS["leaf"],
        "maxItems": 2,
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-list-type": "map",
    }


def test_a_single_choice_is_an_enumeration() -> None:
    assert FIELDS["only"] == {"type": "string", "enum": ["One"], "default": "One"}


def test_names_are_in_camel_case() -> None:
    assert "longName" in FIELDS


def test_rules_keep_their_order() -> None:
    for name, rules in (("longName", ["a", "b"]), ("ruled", ["c", "d"])):
        assert [rule["rule"] for rule in FIELDS[name]["x-kubernetes-validations"]] == rules


def test_a_choice_of_types_has_no_structural_form() -> None:
    class Torn(Model):
        """Torn."""

        value: int | str

    with pytest.raises(ValueError, match="no structural form"):
        render_structural(Torn)
