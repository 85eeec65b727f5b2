"""From the schemas of an OpenAPI 3.0 document to validators of JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

# What says nothing of a value (OpenAPI 3.0.3, Schema Object).
_REMARKS = {"title", "description", "example", "examples", "default", "deprecated", "discriminator"}


def find_reference(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a `$ref` inside the document, as often as it takes."""
    while "$ref" in value:
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


class Validator:
    """Checks values against one schema of the document.

    Args:
        document: the whole OpenAPI document.
        schema: the schema; only what it refers to is compiled with it.
    """

    def __init__(self, document: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
        self._document = document
        self._definitions: dict[str, Any] = {}
        compiled = self._convert(schema)
        self._validator = jsonschema_rs.Draft4Validator(
            {**compiled, "definitions": self._definitions}, validate_formats=True
        )

    def find_faults(self, value: object) -> list[str]:
        """Say what of the value does not fit, each with the path to it."""
        return [
            f"{'/'.join(map(str, error.instance_path)) or '.'}: {error.message[:300]}"
            for error in self._validator.iter_errors(value)
        ]

    def _convert(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            return {"$ref": self._define(schema["$ref"])}
        converted: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "properties":
                converted[key] = {name: self._convert(each) for name, each in value.items()}
            elif key in ("allOf", "anyOf", "oneOf"):
                converted[key] = [self._convert(each) for each in value]
            elif key in ("items", "not") or (
                key == "additionalProperties" and isinstance(value, Mapping)
            ):
                converted[key] = self._convert(value)
            elif key != "nullable" and key not in _REMARKS and not key.startswith("x-"):
                converted[key] = value
        if schema.get("nullable"):
            return {"anyOf": [{"type": "null"}, converted]}
        return converted

    def _define(self, reference: str) -> str:
        name = reference.rsplit("/", 1)[-1]
        if name not in self._definitions:
            self._definitions[name] = {}  # A schema may refer to itself.
            target = find_reference(self._document, {"$ref": reference})
            self._definitions[name] = self._convert(target)
        return f"#/definitions/{name}"
