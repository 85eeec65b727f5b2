"""What the API server checks of an object by its CRD's schema; CEL rules are left out."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import yaml

from album_operator.api.crd import render_crds

Schema = Mapping[str, Any]

TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
}


@cache
def _schema_of(plural: str) -> Schema:
    crd = yaml.safe_load(render_crds()[f"album.dev_{plural}.yaml"])
    schema: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def faults_of_status(plural: str, status: object) -> list[str]:
    """Give what is wrong with the status of an object of a plural name, each with its path."""
    return list(_faults_of_json(plural, "status", json.dumps(status)))


def faults_of_spec(plural: str, spec: object) -> list[str]:
    """Give what is wrong with the spec of an object of a plural name, each with its path."""
    return list(_faults_of_json(plural, "spec", json.dumps(spec)))


@lru_cache(maxsize=4096)
def _faults_of_json(plural: str, part: str, text: str) -> tuple[str, ...]:
    """Judge what is sent: tests write the same status again and again."""
    return tuple(_faults(json.loads(text), _schema_of(plural)["properties"][part], part))


def _faults(value: object, schema: Schema, path: str) -> Iterator[str]:
    if schema.get("x-kubernetes-int-or-string"):
        if not isinstance(value, int | str):
            yield f"{path} is neither text nor number"
        return
    wanted = TYPES[schema["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is int):
        yield f"{path} is {type(value).__name__}, not {schema['type']}"
    elif isinstance(value, dict):
        yield from _faults_of_object(value, schema, path)
    elif isinstance(value, list):
        yield from _faults_of_list(value, schema, path)
    elif isinstance(value, str):
        yield from _faults_of_text(value, schema, path)
    elif isinstance(value, int) and value < schema.get("minimum", value):
        yield f"{path} is {value}"


def _faults_of_object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[str]:
    if "additionalProperties" in schema:
        if len(value) > schema["maxProperties"]:
            yield f"{path} has {len(value)} keys"
        for name, child in value.items():
            yield from _faults(child, schema["additionalProperties"], f"{path}.{name}")
        return
    fields = schema["properties"]
    # The API server would drop an unknown field in silence, so it could never be read back.
    yield from (f"{path}.{name} is no field" for name in value.keys() - fields.keys())
    yield from (
        f"{path}.{name} is missing" for name in set(schema.get("required", [])) - set(value)
    )
    for name in value.keys() & fields.keys():
        yield from _faults(value[name], fields[name], f"{path}.{name}")


def _faults_of_list(value: list[Any], schema: Schema, path: str) -> Iterator[str]:
    if len(value) > schema["maxItems"]:
        yield f"{path} has {len(value)} items"
    keys = schema.get("x-kubernetes-list-map-keys", [])
    known = [tuple(item.get(key) for key in keys) for item in value if keys]
    if len(known) != len(set(known)):
        yield f"{path} has two items of one key"
    for index, item in enumerate(value):
        yield from _faults(item, schema["items"], f"{path}[{index}]")


def _faults_of_text(value: str, schema: Schema, path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{path} has {len(value)} characters"
    if not re.search(schema.get("pattern", ""), value):
        yield f"{path} is {value!r}"
    if schema.get("format") == "date-time":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            yield f"{path} is no time: {value!r}"
