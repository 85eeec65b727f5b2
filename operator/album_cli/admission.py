"""What the API server would refuse: the CRDs' own schemas and rules, without a cluster.

It is strict, as `kubectl apply` is: unknown fields are refused. Rules in CEL are evaluated by
Google's runtime, with the functions Kubernetes adds.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from album_cli.cel import holds, matches, name_in_rules
from album_operator.api.crd import schema_of

Schema = Mapping[str, Any]

_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
# Files made of the API server's answers have them; it decides about them alone.
_OF_THE_SERVER = (
    *("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers"),
    *("generateName", "generation", "managedFields", "ownerReferences", "resourceVersion"),
    *("selfLink", "uid"),
)
_METADATA: Schema = {
    "type": "object",
    "default": {},
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 253, "pattern": _SUBDOMAIN},
        "namespace": {
            "type": "string",
            "maxLength": 63,
            "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$",
        },
        "labels": _TEXTS,
        "annotations": _TEXTS,
        **{name: {"x-kubernetes-preserve-unknown-fields": True} for name in _OF_THE_SERVER},
    },
}


@dataclass(frozen=True)
class Fault:
    """A field that keeps an object out, in the API server's words.

    Attributes:
        field: its path, such as `spec.apps[0].name`; empty for the object itself.
        message: what is wrong, without a full stop.
        stops_rules: whether the API server leaves the rules untried beside it.
    """

    field: str
    message: str
    stops_rules: bool = False

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class NotAdmittedError(Exception):
    """The API server would not take the object.

    Attributes:
        faults: all that it would tell.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


def admit(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give an object as the API server would store it: with defaults, and without nulls.

    Args:
        raw: an object of one of our kinds, as parsed from JSON.

    Raises:
        NotAdmittedError: it could not be created.
    """
    schema = _whole_schema(raw["kind"])
    if unknown := [*_unknown(raw, schema, "")]:
        raise NotAdmittedError(unknown)
    # Nobody but the operator writes a status: the API server drops it before it looks.
    wish = _filled({key: value for key, value in raw.items() if key != "status"}, schema)
    faults = [*_faults(wish, schema, ""), *_duplicates(wish, schema, "")]
    if not any(fault.stops_rules for fault in faults):
        faults += _broken_rules(wish, schema, "")
    if faults:
        raise NotAdmittedError(faults)
    return wish  # type: ignore[no-any-return]


@cache
def _whole_schema(kind: str) -> Schema:
    schema = deepcopy(schema_of(kind))
    schema["properties"]["metadata"] = _METADATA
    schema["properties"].get("status", {}).pop("default", None)
    return schema


_TYPES: Mapping[type, str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _children(
    value: object, schema: Schema, path: str, key: str = ".{}"
) -> Iterator[tuple[object, Schema, str]]:
    """Give what an object or list holds, each with schema and path.

    Args:
        value: the object or list.
        schema: its schema.
        path: its path.
        key: how a path goes on with a key that is no field.
    """
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name, child in value.items():
            known = fields.get(name, others)
            if isinstance(known, Mapping):
                below = _below(path, name) if name in fields else path + key.format(name)
                yield child, known, below
    elif isinstance(value, list) and "items" in schema:
        for index, child in enumerate(value):
            yield child, schema["items"], f"{path}[{index}]"


def _unknown(value: object, schema: Schema, path: str) -> Iterator[Fault]:
    is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(value, dict) and not is_open:
        # All of them, where no object may stand.
        for name in sorted(value.keys() - schema.get("properties", {}).keys()):
            yield Fault(_below(path, name), "there is no such field")
    for child in _children(value, schema, path):
        yield from _unknown(*child)


def _filled(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - parsed JSON
    """Give a value with the defaults; a null counts as left out."""
    if isinstance(value, list):
        return [_filled(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    fields: Mapping[str, Schema] = schema.get("properties", {})
    given = {
        name: child for name, child in value.items() if child is not None or name not in fields
    }
    defaults = {
        name: deepcopy(field["default"]) for name, field in fields.items() if "default" in field
    }
    return {
        name: _filled(child, fields.get(name, {})) for name, child in {**defaults, **given}.items()
    }


def _faults(value: object, schema: Schema, path: str) -> Iterator[Fault]:
    """Hold a value and all it holds against the schema, rules aside."""
    wanted = _types(schema)
    if wanted and not any(_is_of(value, name) for name in wanted):
        yield Fault(path, _of_another_type(value, wanted), stops_rules=True)
        return
    if "enum" in schema and value not in schema["enum"]:
        supported = ", ".join(map(json.dumps, schema["enum"]))
        said = f"Unsupported value: {json.dumps(value)}: supported values: {supported}"
        yield Fault(path, said, stops_rules=True)
    if isinstance(value, str):
        yield from _faults_of_text(value, schema, path)
    elif isinstance(value, list):
        yield from _faults_of_size(len(value), schema, path)
    elif isinstance(value, dict):
        yield from _faults_of_size(len(value), schema, path, "Properties")
        for name in schema.get("required", []):
            if name not in value:
                yield Fault(_below(path, name), "Required value", stops_rules=True)
    elif isinstance(value, int):
        yield from _faults_of_number(value, schema, path)
    for child in _children(value, schema, path):
        yield from _faults(*child)


def _types(schema: Schema) -> Sequence[str]:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer", "string"
    return (schema["type"],) if "type" in schema else ()


def _is_of(value: object, name: str) -> bool:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return False
    return _TYPES[type(value)] == name


def _of_another_type(value: object, wanted: Sequence[str]) -> str:
    said = f"must be of type {' or '.join(wanted)}, not {_TYPES[type(value)]}"
    is_unquoted = "string" in wanted and isinstance(value, bool | int | float)
    return f"{said}: put quotes around it" if is_unquoted else said


def _faults_of_text(text: str, schema: Schema, path: str) -> Iterator[Fault]:
    longest = schema.get("maxLength", len(text))
    if len(text) > longest:
        said = f"Too long: may not be more than {longest} characters"
        yield Fault(path, said, stops_rules=True)
    if len(text) < schema.get("minLength", 0):
        yield Fault(path, f"should be at least {schema['minLength']} chars long")
    if "pattern" in schema and not matches(schema["pattern"], text):
        yield Fault(path, f"should match '{schema['pattern']}'")


def _faults_of_size(size: int, schema: Schema, path: str, what: str = "Items") -> Iterator[Fault]:
    most = schema.get(f"max{what}", size)
    if size > most:
        yield Fault(path, f"Too many: {size}: must have at most {most} items", stops_rules=True)
    least = schema.get(f"min{what}", 0)
    if size < least:
        yield Fault(path, f"should have at least {least} {what.lower()}")


def _faults_of_number(number: int, schema: Schema, path: str) -> Iterator[Fault]:
    if number < schema.get("minimum", number):
        yield Fault(path, f"should be greater than or equal to {schema['minimum']}")
    if number > schema.get("maximum", number):
        yield Fault(path, f"should be less than or equal to {schema['maximum']}")


def _duplicates(value: object, schema: Schema, path: str) -> Iterator[Fault]:
    """Find the second item of each key, in lists that are maps or sets."""
    keys = schema.get("x-kubernetes-list-map-keys", [])
    if isinstance(value, list) and (keys or schema.get("x-kubernetes-list-type") == "set"):
        found = [
            {name: item.get(name) for name in keys} if isinstance(item, dict) else item
            for item in value
        ]
        for index, key in enumerate(found):
            if found[:index].count(key) == 1:
                yield Fault(f"{path}[{index}]", f"Duplicate value: {json.dumps(key)}")
    for child in _children(value, schema, path):
        yield from _duplicates(*child)


def _broken_rules(value: object, schema: Schema, path: str) -> Iterator[Fault]:
    """Try the rules of a value and of all it holds, but for those on updates."""
    known = _as_in_rules(value, schema)
    for rule in schema.get("x-kubernetes-validations", []):
        if "oldSelf" not in rule["rule"] and not holds(rule["rule"], known):
            yield Fault(path + rule.get("fieldPath", ""), rule["message"].removesuffix("."))
    for child in _children(value, schema, path, "[{}]"):
        yield from _broken_rules(*child)


def _as_in_rules(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - parsed JSON
    if isinstance(value, list):
        return [_as_in_rules(item, schema.get("items", {})) for item in value]
    if isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        return {
            name_in_rules(name): _as_in_rules(child, fields.get(name, {}))
            for name, child in value.items()
        }
    return value
