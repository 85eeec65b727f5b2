"""A YAML text as plain data, for what is only read: nothing of it is ever written back."""

from dataclasses import dataclass, field

import yaml

from album_operator.render.yaml_nodes import MAX_DEPTH, MAX_EVENTS, RefusedError, parse_text

NULL = frozenset({"", "~", "null", "Null", "NULL"})


class _UntoldError(Exception):
    """There are aliases, or it is too deep or too long."""


@dataclass
class _Open:
    """A mapping or list whose end has not come yet; of a mapping key, value, key, value."""

    is_mapping: bool
    children: list[object] = field(default_factory=list)


def read_plain(data: bytes) -> object:
    """Give mappings, lists, texts and, for null, None; an empty mapping for no document.

    Read by libyaml, like Helm and Argo CD do: what matters is what they take from it. Keys that
    are no texts are left out, and of a key that is there twice the last one counts.

    Returns:
        None where what it says cannot be told: it is no YAML, or too much of it, has several
        documents, or aliases.
    """
    try:
        found = _documents(parse_text(data))
    except (RefusedError, _UntoldError, yaml.YAMLError):
        return None
    if not found or found == [None]:
        return {}
    return found[0] if len(found) == 1 else None


def _documents(text: str) -> list[object]:
    """Load all documents.

    Raises:
        _UntoldError: there are aliases, or the text is too deep or too long.
        yaml.YAMLError: it is no YAML.
    """
    documents = _Open(is_mapping=False)
    above = [documents]
    for number, event in enumerate(yaml.parse(text, yaml.CSafeLoader), 1):
        if number > MAX_EVENTS or len(above) > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            raise _UntoldError
        match event:
            case yaml.ScalarEvent():
                above[-1].children.append(_scalar(event))
            case yaml.CollectionStartEvent():
                above.append(_Open(isinstance(event, yaml.MappingStartEvent)))
            case yaml.CollectionEndEvent():
                ended = above.pop()
                above[-1].children.append(_collection(ended))
    return documents.children


def _scalar(event: yaml.ScalarEvent) -> str | None:
    is_plain = not event.style and event.tag is None
    text: str = event.value
    return None if is_plain and text in NULL else text


def _collection(ended: _Open) -> object:
    if not ended.is_mapping:
        return ended.children
    pairs = zip(ended.children[::2], ended.children[1::2], strict=True)
    return {key: value for key, value in pairs if isinstance(key, str)}
