"""JSON schema as pydantic writes it, made into the structural schema a CRD needs.

The rules are those of the Kubernetes documentation, "Extend the Kubernetes API with
CustomResourceDefinitions", section "Specifying a structural schema": no `$ref`, no `null` type, no
`additionalProperties` beside `properties`, every node with a type.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_DROPPED = frozenset({"title", "examples", "$defs"})
_INT_OR_STRING = "x-kubernetes-int-or-string"


def render_structural(model: type[BaseModel]) -> Schema:
    """Give the structural schema of a model, without `$ref`.

    Args:
        model: a model whose fields are what the API shows, by alias.

    Raises:
        ValueError: the model uses a form a structural schema cannot have.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _structural(schema, schema.get("$defs", {}))


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Schema:
    node = _inlined(_without_null(_inlined(node, definitions)), definitions)
    schema = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if schema.get("default", ...) in (None, [], ""):
        # For a reader as good as nothing, and stored with each object if kept.
        del schema["default"]
    if "properties" in schema:
        schema.pop("additionalProperties", None)
        schema["properties"] = {
            name: _structural(field, definitions) for name, field in schema["properties"].items()
        }
    if "items" in schema:
        schema["items"] = _structural(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), Mapping):
        schema["additionalProperties"] = _structural(schema["additionalProperties"], definitions)
    if schema.get("type") == "integer":
        schema["format"] = "int64"
    if "anyOf" in schema or not ("type" in schema or _INT_OR_STRING in schema):
        raise ValueError(f"no structural form for {dict(node)}")
    return {key: schema[key] for key in sorted(schema, key=_order)}


def _inlined(node: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Schema:
    """Replace a reference by what it names; a description beside it wins."""
    if "$ref" not in node:
        return dict(node)
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**_inlined(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions), **beside}


def _without_null(node: Schema) -> Schema:
    """Make `X | None` an `X` that may be left out: there is no null in a structural schema."""
    if "anyOf" not in node:
        return node
    choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        return node
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    return {**choices[0], **beside}


_FIRST = ("description", "type", "format", "enum", "default")


def _order(key: str) -> tuple[int, str]:
    """Put what a reader looks for first; extensions last."""
    if key in _FIRST:
        return _FIRST.index(key), key
    return len(_FIRST) + key.startswith("x-"), key
