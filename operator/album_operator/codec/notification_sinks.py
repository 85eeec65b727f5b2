"""The reader of the file in which an admin names whom releases are told to."""

from collections.abc import Callable
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, ValidationError

from album_operator.api.model import Model
from album_operator.codec.newer import path_of
from album_operator.domain.notifications import (
    KEY_FORM,
    NEW_KEY,
    TOLD,
    ReleaseEvent,
    Sink,
    SinkFormat,
    find_key,
    find_url_fault,
)

URL_LENGTH = 2048

MOST_SINKS = 50


class SinksError(Exception):
    """A file names its sinks in a way that cannot be used; the message holds no value of it."""


def _url(text: str) -> str:
    if (fault := find_url_fault(text)) is not None:
        raise ValueError(fault)
    return text


def _key(text: str) -> str:
    if find_key(text) is None:
        raise ValueError(f"must be {KEY_FORM}: make one by {NEW_KEY}")
    return text


NameText = Annotated[str, Field(pattern="^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
UrlText = Annotated[str, Field(max_length=URL_LENGTH), AfterValidator(_url)]
KeyText = Annotated[str, AfterValidator(_key)]


class _Entry(Model):
    name: NameText
    url: UrlText
    format: SinkFormat
    key: KeyText | None = None
    namespaces: Annotated[tuple[NameText, ...], Field(min_length=1)] | None = None
    events: Annotated[tuple[ReleaseEvent, ...], Field(min_length=1)] | None = None


class _File(Model):
    sinks: Annotated[tuple[_Entry, ...], Field(max_length=MOST_SINKS)]


def read_sinks(text: str, find_fault: Callable[[str], str | None]) -> tuple[Sink, ...]:
    """Read the sinks of a file.

    Args:
        text: YAML, an object with a list `sinks`.
        find_fault: says why a URL is not gone to, None for nothing.

    Raises:
        SinksError: naming each field that is wrong.
    """
    raw = _parse(text)
    if not isinstance(raw, dict):
        raise SinksError("it must be an object with a list `sinks`")
    try:
        entries = _File.model_validate(raw, extra="forbid").sinks
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False, include_context=False)
        raise SinksError("; ".join(map(_sentence, told))) from None
    faults = []
    names = [entry.name for entry in entries]
    for index, entry in enumerate(entries):
        where = f"sinks[{index}]"
        if entry.name in names[:index]:
            faults.append(f"{where}.name: another sink is named {entry.name} too")
        if entry.key is None and entry.format is SinkFormat.CLOUD_EVENTS:
            said = "is missing: it signs, so that a receiver knows who wrote"
            faults.append(f"{where}.key: {said}; make one by {NEW_KEY}")
        if (fault := find_fault(entry.url)) is not None:
            faults.append(f"{where}.url: {fault}")
    if faults:
        raise SinksError("; ".join(faults))
    return tuple(map(_sink, entries))


def _parse(text: str) -> Any:  # noqa: ANN401 - YAML
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        # What stands there may be a secret.
        raise SinksError(f"it is no YAML{where}") from None


def _sentence(fault: Any) -> str:  # noqa: ANN401 - of pydantic
    path = path_of(fault["loc"]).removeprefix(".")
    if fault["type"] == "extra_forbidden":
        return f"{path}: there is no such field"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{path}: {message[:1].lower()}{message[1:]}"


def _sink(entry: _Entry) -> Sink:
    return Sink(
        entry.name,
        entry.url,
        entry.format,
        TOLD[entry.format] if entry.events is None else frozenset(entry.events),
        None if entry.key is None else find_key(entry.key),
        None if entry.namespaces is None else frozenset(entry.namespaces),
    )
