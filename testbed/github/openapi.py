"""GitHub's own OpenAPI description: which operation a request is, and whether it keeps to it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.github import npm
from testbed.github.json_schema import Validator, find_reference

_PARAMETER = re.compile(r"\\{(\w+)\\}")

# What GitHub answers as null and its description has as always there.
_NULLABLE = (
    # The repository of a head whose fork was deleted.
    "pull-request/properties/head/properties/repo",
    "pull-request-simple/properties/head/properties/repo",
    # Of a label that has none.
    "pull-request-simple/properties/labels/items/properties/description",
    # Of auto-merge whose enabler wrote no message.
    "auto-merge/properties/commit_title",
    "auto-merge/properties/commit_message",
)

# Empty where none was given, as their own default says, and so no URI.
_PAGES = ("log_url", "target_url")

# Takes a plain array too, says its text; its schema has lost it.
_LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"


class Operation:
    """One operation, such as `pulls/get`.

    Attributes:
        name: GitHub's own `operationId`.
        path: its template, such as `/repos/{owner}/{repo}`.
        creates_content: whether it counts against the limits of content: GitHub says that those
            which notify people do.
    """

    def __init__(self, document: Mapping[str, Any], path: str, spec: Mapping[str, Any]) -> None:
        self.name: str = spec["operationId"]
        self.path = path
        self.creates_content: bool = spec.get("x-github", {}).get("triggersNotification", False)
        self._document = document
        self._spec = spec
        self._validators: dict[str, Validator] = {}
        found = [find_reference(document, each) for each in spec.get("parameters", ())]
        self._parameters = {(each["in"], each["name"]): each for each in found}
        self.pattern = re.compile(_PARAMETER.sub(self._group, re.escape(path)))

    def _group(self, match: re.Match[str]) -> str:
        name = match[1]
        many = self._parameters.get(("path", name), {}).get("x-multi-segment", False)
        return f"(?P<{name}>{'.+' if many else '[^/]+'})"

    def find_request_faults(
        self, path: Mapping[str, str], query: Mapping[str, str], body: object
    ) -> list[str]:
        """Say what of a request GitHub does not describe."""
        faults = []
        for place, values in (("path", path), ("query", query)):
            for name, value in values.items():
                parameter = self._parameters.get((place, name))
                if parameter is None:
                    faults.append(f"unknown {place} parameter {name}")
                    continue
                schema = parameter["schema"]
                of = self._validator(f"{place} {name}", schema)
                faults += [
                    f"{place} {name}: {each}" for each in of.find_faults(_read(value, schema))
                ]
        content = self._json_schema(self._spec.get("requestBody", {}))
        if content is None:
            return [*faults, "has a body"] if body not in (None, {}) else faults
        if body is None:
            required = self._spec["requestBody"].get("required", False)
            return [*faults, "has no body"] if required else faults
        known = find_reference(self._document, content).get("properties")
        if known is not None and isinstance(body, Mapping):
            faults += [f"unknown property {name}" for name in body if name not in known]
        return faults + self._validator("request", content).find_faults(body)

    def find_answer_faults(self, status: int, body: object) -> list[str]:
        """Say what of an answer GitHub does not describe."""
        responses = self._spec["responses"]
        if str(status) not in responses:
            if status < 400 and status != 301:
                return [f"no answer of {self.name} has status {status}"]
            # Those that any request may get are not repeated for each operation.
            schema: Mapping[str, Any] | None = {"$ref": "#/components/schemas/basic-error"}
        else:
            schema = self._json_schema(responses[str(status)])
        if schema is None:
            # What a 409 or 422 says is not described everywhere.
            return ["has a body"] if body is not None and status < 400 else []
        return self._validator(str(status), schema).find_faults(body)

    def _json_schema(self, holder: Mapping[str, Any]) -> Mapping[str, Any] | None:
        content = find_reference(self._document, holder).get("content", {})
        found: Mapping[str, Any] | None = content.get("application/json", {}).get("schema")
        return found

    def _validator(self, name: str, schema: Mapping[str, Any]) -> Validator:
        if name not in self._validators:
            self._validators[name] = Validator(self._document, schema)
        return self._validators[name]


def _read(value: str, schema: Mapping[str, Any]) -> object:
    """Read a parameter's text as the type it should have, where it is one."""
    is_number = schema.get("type") == "integer" and re.fullmatch(r"\d{1,18}", value)
    return int(value) if is_number else value


@dataclass(frozen=True)
class Match:
    """The operation of a request, and the parameters in its path."""

    operation: Operation
    parameters: Mapping[str, str]


class Description:
    """All operations of an OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        _amend(document)
        self._operations: dict[str, list[tuple[int, str, Mapping[str, Any]]]] = {}
        self._made: dict[str, Operation] = {}
        self._document = document
        for path, methods in document["paths"].items():
            literal = sum(not part.startswith("{") for part in path.split("/"))
            for method, spec in methods.items():
                self._operations.setdefault(method.upper(), []).append((literal, path, spec))
        for operations in self._operations.values():
            # Of two that fit, the one with fewer parameters is meant.
            operations.sort(key=lambda each: -each[0])

    def find(self, method: str, path: str) -> Match | None:
        """Find the operation of a request, or None where GitHub has none."""
        first = path.split("/")[1]
        for _, template, spec in self._operations.get(method, ()):
            if template.split("/")[1] != first:
                continue
            operation = self._made.get(spec["operationId"])
            if operation is None:
                operation = Operation(self._document, template, spec)
                self._made[operation.name] = operation
            match = operation.pattern.fullmatch(path)
            if match is not None:
                return Match(operation, match.groupdict())
        return None


def _amend(document: Mapping[str, Any]) -> None:
    """Allow what GitHub does and its description does not say."""
    for path in _NULLABLE:
        holder = document["components"]["schemas"]
        *steps, name = path.split("/")
        for step in steps:
            holder = holder[step]
        holder[name] = {"nullable": True, "allOf": [holder[name]]}
    for name in _PAGES:
        del document["components"]["schemas"]["deployment-status"]["properties"][name]["format"]
    body = document["paths"][_LABELS]["post"]["requestBody"]["content"]["application/json"]
    body["schema"]["oneOf"].append({"type": "array", "items": {"type": "string"}})


@functools.cache
def load() -> Description:
    """Read the description; takes half a second, so it is kept."""
    return Description(json.loads(npm.ensure(npm.REST).read_bytes()))
