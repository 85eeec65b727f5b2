"""What Helm takes for a value beside the file that an edit writes.

Argo CD hands over, the later outweighing the earlier: the values files in their order,
`valuesObject` or else `values`, `parameters`, those of them that are forced to be strings, and
`fileParameters` (argo-cd, `helmTemplate`; Helm, `pkg/cli/values`).
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from album_operator.decisions.rendering import (
    Rendering,
    folder_of,
    items,
    mapping,
    resolve_path,
    text_of,
    values_files,
)
from album_operator.domain.applications import ApplicationSource
from album_operator.domain.keys import Index, Item, Step, render_key
from album_operator.domain.resolved import ResolvedConfig

Way = tuple[Step, ...]
"""Keys to a value."""

PARAMETER = re.compile(r"(?:^|\.)((?:[^.\[\]\\,={}\"]|\\.)+)|\[([0-9]{1,6})\]")

VARIABLE = "$"
"""Begins a variable of Argo CD's in a parameter's value (argo-cd, "Build Environment")."""


class UntoldError(Exception):
    """It cannot be told what Helm takes for a value."""


@dataclass(frozen=True)
class Found:
    """What is there in place of an edit's value.

    Attributes:
        value: as it is written, empty for null.
        key: the way to it.
        origin: the field or file that has it.
        file: path of a values file; empty where it is a field.
    """

    value: str
    key: str
    origin: str
    file: str = ""


@dataclass(frozen=True)
class Parameters:
    """Single values by the ways to them, as `--set` takes them."""

    origin: str
    values: Mapping[Way, str | None]

    def find(self, way: Way) -> Found | None:
        """Find the value itself, or one in place of a mapping on the way to it.

        Raises:
            UntoldError: it is a file's elsewhere, or is made of variables.
        """
        for end in range(len(way), 0, -1):
            if way[:end] in self.values:
                value = self.values[way[:end]]
                if value is None or VARIABLE in value:
                    raise UntoldError
                return Found(value, render_key(way[:end]), self.origin)
        if any(_may_be_within(known, way) for known in self.values):
            raise UntoldError
        return None

    def beside(self, parent: Way) -> Mapping[str, Found]:
        """Give what is set in a mapping."""
        return {
            str(way[-1]): Found(value, render_key(way), self.origin)
            for way, value in self.values.items()
            if way[:-1] == parent and value is not None and VARIABLE not in value
        }


@dataclass(frozen=True)
class Tree:
    """Values as a file has them; None where that cannot be told.

    Attributes:
        file: path of the file, empty for a field.
    """

    origin: str
    values: object
    file: str = ""

    def find(self, way: Way) -> Found | None:
        """Find the value itself, or one in place of a mapping or list on the way to it.

        Helm merges mappings and takes a list whole: an item that is not in this one is gone.

        Raises:
            UntoldError: a list or a mapping is there, or several items could be meant.
        """
        node = self.values
        for depth, step in enumerate(way):
            if not isinstance(node, Mapping if isinstance(step, str) else list):
                return self._found(node, way[:depth])
            inside = _inside(node, step)
            if len(inside) > 1:
                raise UntoldError
            if not inside:
                return None if isinstance(step, str) else self._found(None, way)
            node = inside[0]
        return self._found(node, way)

    def beside(self, parent: Way) -> Mapping[str, Found]:
        """Give the values in a mapping."""
        node = self.values
        for step in parent:
            node = next(iter(_inside(node, step)), None)
        return {
            str(name): self._found(value, (*parent, str(name)))
            for name, value in mapping(node).items()
            if not isinstance(value, Mapping | list)
        }

    def _found(self, value: object, way: Way) -> Found:
        if not way or isinstance(value, Mapping | list):
            raise UntoldError
        return Found(text_of(value), render_key(way), self.origin, self.file)


@dataclass(frozen=True)
class Files:
    """Files of the config repository that are there.

    Attributes:
        data: bytes by path.
        plain: what each text says, by its bytes; None where that cannot be told.
    """

    data: Mapping[str, bytes]
    plain: Mapping[bytes, object]

    @property
    def texts(self) -> Mapping[str, object]:
        """What each file says, by its path."""
        return {path: self.plain.get(data) for path, data in self.data.items()}


def layers_above(
    rendering: Rendering,
    sources: Sequence[ApplicationSource],
    config: ResolvedConfig,
    files: Files,
    path: str,
) -> Iterator[Parameters | Tree]:
    """Give what outweighs a values file, what counts most first.

    Args:
        rendering: the source that takes the file.
        sources: all of the Application.
        config: the config repository.
        files: what of it was looked at.
        path: of the values file, or the chart's own.

    Raises:
        UntoldError: what comes next cannot be told.
    """
    by_file = dict(file_parameters(rendering))
    paths = {
        way: resolve_path(name, rendering.source, sources, config) for way, name in by_file.items()
    }
    contents = {way: _content(files, path) for way, path in paths.items()}
    yield Parameters(rendering.origin("helm", "fileParameters"), contents)
    yield Parameters(rendering.origin("helm", "parameters"), dict(_parameters(rendering)))
    inline = rendering.helm.get("valuesObject")
    if inline is not None:
        yield Tree(rendering.origin("helm", "valuesObject"), inline)
    elif text := inline_text(rendering):
        yield Tree(rendering.origin("helm", "values"), _told(files.plain.get(text)))
    names = values_files(rendering, sources, config)
    if rendering.helm.get("valueFiles") != rendering.source.helm.get("valueFiles"):
        raise UntoldError
    for name in reversed(names_above(names, path)):
        if name is None:
            raise UntoldError
        if name in files.data:
            yield Tree(name, _told(files.texts[name]), name)


def names_above(names: list[str | None], path: str) -> list[str | None]:
    """Give the values files after one of them; all of them outweigh the chart's own."""
    return names[names.index(path) + 1 :] if path in names else names


def chart_values(source: ApplicationSource) -> str:
    """Give the path of the values that a chart in a source's folder has itself."""
    return posixpath.normpath(f"{folder_of(source)}/values.yaml")


def inline_text(rendering: Rendering) -> bytes:
    """Give the text that a source has as `values`; empty where it does not count."""
    has_object = rendering.helm.get("valuesObject") is not None
    return b"" if has_object else text_of(rendering.helm.get("values")).encode()


def file_parameters(rendering: Rendering) -> Iterator[tuple[Way, str]]:
    """Give the ways that are set to the contents of files, and the names of these."""
    for item in map(mapping, items(rendering.helm.get("fileParameters"))):
        way = parse_parameter(text_of(item.get("name")))
        if way is not None:
            yield way, text_of(item.get("path"))


def parse_parameter(name: str) -> Way | None:
    """Read the name of a parameter (Helm, `pkg/strvals`); None where it is no single way."""
    found = list(PARAMETER.finditer(name))
    if not found or "".join(one[0] for one in found) != name:
        return None
    return tuple(re.sub(r"\\(.)", r"\1", one[1]) if one[1] else Index(int(one[2])) for one in found)


def _parameters(rendering: Rendering) -> Iterator[tuple[Way, str]]:
    given = [mapping(item) for item in items(rendering.helm.get("parameters"))]
    for forced in (False, True):
        for item in given:
            # The files of Image Updater write `forcestring`, which Go reads too.
            words = {key.lower(): text_of(value) for key, value in item.items()}
            way = parse_parameter(words.get("name", ""))
            if way is not None and (words.get("forcestring") == "true") is forced:
                yield way, words.get("value", "")


def _inside(node: object, step: Step) -> Sequence[object]:
    """Give what a step leads to: nothing, one value, or all items that it may mean."""
    match step:
        case Index():
            return items(node)[step.number : step.number + 1]
        case Item():
            return [
                item for item in items(node) if text_of(mapping(item).get(step.field)) == step.value
            ]
        case _:
            return [node[step]] if isinstance(node, Mapping) and step in node else []


def _may_be_within(known: Way, way: Way) -> bool:
    """Tell whether a parameter by index may be of the item that a way names by a key."""
    return any(
        isinstance(step, Item) and known[:depth] == way[:depth] and len(known) > depth
        for depth, step in enumerate(way)
    )


def _told(values: object) -> object:
    if values is None:
        raise UntoldError
    return values


def _content(files: Files, path: str | None) -> str | None:
    data = files.data.get(path) if path is not None else None
    return data.decode(errors="replace") if data is not None else None
