"""YAML as kubectl and the API server read it.

They read it with Go's sigs.k8s.io/yaml, for which `y`, `08` and `1e3` are no texts, while `1:20`
and `2026-11-28` are; PyYAML has it the other way round. Each rule here was tried on them.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

_BOOLEAN = re.compile(
    r"(?P<true>y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)|n|N|no|No|NO|false|False|FALSE|off|Off|OFF"
)
_NULL = re.compile(r"(~|null|Null|NULL)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INTEGER = re.compile(
    r"[-+]?(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
_BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEAST, _MOST = -(2**63), 2**63 - 1

# Go's reader counts too, in another way; our largest objects have some thousands.
_MOST_VALUES = 100_000

_PLAIN = "!plain"
_MERGE = "tag:yaml.org,2002:merge"


def documents_of(data: bytes) -> Iterator[Any]:
    """Read the documents of a YAML stream as JSON.

    Raises:
        yaml.YAMLError: it is no YAML of version 1.1, or sets a key twice.
        ValueError: it cannot be written as JSON: infinite numbers, halves of characters, aliases
            that stand for too much.
        RecursionError: an object holds itself.
    """
    for event in yaml.parse(data, yaml.CSafeLoader):
        if isinstance(event, yaml.DocumentStartEvent) and event.version not in {None, (1, 1)}:
            raise yaml.YAMLError("its directive %YAML names another version than 1.1")
    for document in yaml.load_all(data, _Loader):
        if _weigh(document, {}) > _MOST_VALUES:
            raise ValueError(f"its aliases stand for more than {_MOST_VALUES} values")
        text = json.dumps(document, allow_nan=False, ensure_ascii=False)
        yield json.loads(text.encode())


class _Loader(yaml.CSafeLoader):
    # libyaml: Go's parser is a port of it, and takes the same tabs.
    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:  # noqa: ANN401 - PyYAML's
        if kind is yaml.ScalarNode and implicit[0]:
            return _MERGE if value == "<<" else _PLAIN
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return tag

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        # Before those that are merged in, which an own key outweighs.
        keys = [self._key(key) for key, _ in node.value if key.tag != _MERGE]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise _error(f"key {key} is set twice", node)
        self.flatten_mapping(node)
        return {self._key(key): self.construct_object(value, deep) for key, value in node.value}

    def _key(self, node: yaml.Node) -> str:
        key = self.construct_object(node, deep=True)
        if not isinstance(key, str | int | float):
            raise _error("a key must be a text", node)
        return key if isinstance(key, str) else json.dumps(key)

    def construct_binary(self, node: yaml.ScalarNode) -> str:
        return bytes(self.construct_yaml_binary(node)).decode()

    def construct_text(self, node: yaml.ScalarNode) -> str:
        return str(self.construct_scalar(node))

    def construct_plain(self, node: yaml.ScalarNode) -> object:
        return _plain(self.construct_scalar(node))


def _weigh(value: object, known: dict[int, int]) -> int:
    """Count the values a document has once its aliases are written out."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        items = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_weigh(item, known) for item in items)
    return known[id(value)]


def _error(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.YAMLError(f"line {node.start_mark.line + 1}: {problem}")


_Loader.add_constructor("tag:yaml.org,2002:binary", _Loader.construct_binary)
for _tag in (_PLAIN, *(f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "null"))):
    _Loader.add_constructor(_tag, _Loader.construct_plain)
for _tag in (_MERGE, "tag:yaml.org,2002:timestamp"):
    _Loader.add_constructor(_tag, _Loader.construct_text)


def _plain(text: str) -> object:
    """Give what a text without quotes stands for."""
    if boolean := _BOOLEAN.fullmatch(text):
        return boolean["true"] is not None
    if _NULL.fullmatch(text):
        return None
    if _INFINITE.fullmatch(text):
        return math.inf
    number = _integer(text)
    return _float(text) if number is None else number


def _integer(text: str) -> float | None:
    # Underlines may stand anywhere but in front.
    found = None if text.startswith("_") else _INTEGER.fullmatch(text.replace("_", ""))
    if found is None:
        return None
    kind = str(found.lastgroup)
    number = int(found[kind], _BASES[kind]) * (-1 if text.startswith("-") else 1)
    if _LEAST <= number <= _MOST:
        return number
    return float(number) if _MOST < number < 2**64 else None


def _float(text: str) -> float | str:
    digits = text if text.startswith((".", "_")) else text.replace("_", "")
    if not _FLOAT.fullmatch(digits) or math.isinf(number := float(digits)):
        return text
    # Go's JSON has no fraction of zero.
    return int(number) if number.is_integer() and _LEAST < number < _MOST else number
