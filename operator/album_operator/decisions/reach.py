"""Whether a source reaches what a release edits, found out in its folders, level by level.

A kustomization names files and other kustomizations, beside its folder and above it; a chart names
charts it depends on (`file://…`). What cannot be told counts as reached: it is proved in the end.
"""

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from album_operator.decisions.rendering import folder_of, items, mapping, render
from album_operator.decisions.sources import DIRECTORY, leaves_out, may_take, takes
from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.names import is_file_path
from album_operator.domain.resolved import ResolvedConfig

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHART = "Chart.yaml"

FOLDERS = ("resources", "bases", "components", "transformers", "generators", "validators")
"""Fields of a kustomization that may name others (kustomize, `types.Kustomization`)."""

MOST_FOLDERS = 64
"""More folders than this are not looked into."""


@dataclass(frozen=True)
class Found:
    """What is known of the files of the config repository.

    Attributes:
        texts: plain data by path of each file that is there, None where it cannot be told.
        looked: paths that were looked at.
    """

    texts: Mapping[str, object]
    looked: frozenset[str] = frozenset()


def judge(
    application: ApplicationSeen, source: ApplicationSource, config: ResolvedConfig, found: Found
) -> bool | frozenset[str]:
    """Tell whether one of the edited files reaches an Application.

    Args:
        application: the Application.
        source: the source of it that may take them.
        config: the config repository.
        found: what is known of its files.

    Returns:
        The files to look at before that can be told.
    """
    rendering = render(application, source, found.texts)
    if rendering is None:
        return True
    patched = replace(source, helm=rendering.helm, kustomize=rendering.kustomize)
    sources = [patched if other is source else other for other in application.sources]
    paths = {edit.path for edit in config.edits}
    taken = {path for path in paths if takes(patched, sources, config, path)}
    if any(not leaves_out(patched, sources, config, path) for path in taken):
        return True
    rest = paths - taken
    if any(_is_promised(application, source, path) for path in rest):
        return True
    if not rest or not may_take(patched, sources, config):
        return False
    # A file name with a variable in it, or a program of jsonnet, can mean any of them.
    is_untold = not source.path or source.tool == DIRECTORY
    return is_untold or _walk(patched, rest, found)


def _is_promised(application: ApplicationSeen, source: ApplicationSource, path: str) -> bool:
    """Tell whether an Application's owner says that a file is of consequence for it."""
    folder = folder_of(source)
    for name in application.generate_paths:
        told = name[1:] if name.startswith("/") else posixpath.join(folder, name)
        told = posixpath.normpath(told)
        if told == "." or path.startswith(f"{told}/") or fnmatchcase(path, told):
            return True
    return False


def _walk(source: ApplicationSource, paths: set[str], found: Found) -> bool | frozenset[str]:
    start = folder_of(source)
    more = [_join(start, text) for text in _texts(source.kustomize.get("components"))]
    folders, ask = [start, *filter(None, more)], set[str]()
    for folder in folders:
        if len(folders) > MOST_FOLDERS:
            return True
        names = [posixpath.normpath(f"{folder}/{name}") for name in (*KUSTOMIZATIONS, CHART)]
        if not found.looked.issuperset(names):
            ask.update(names)
            continue
        there = [name for name in names if name in found.texts]
        named = set().union(*(_named(folder, found.texts[name]) for name in there))
        below = {path for path in paths if path.startswith(f"{folder}/")}
        is_whole = folder != start and (there in ([], names[-1:]) or _has_charts(there, found))
        if any(found.texts[name] is None for name in there) or (below and is_whole):
            return True
        if not paths.isdisjoint({*there, *named}):
            return True
        leads = {name for name in named if any(path.startswith(f"{name}/") for path in paths)}
        lists = (found.texts[name] for name in there)
        named_folders = leads | {one for text in lists for one in _folders(folder, text)}
        folders += sorted(named_folders - set(folders))
    return frozenset(ask) or False


def _has_charts(names: Collection[str], found: Found) -> bool:
    """Tell whether a kustomization renders charts, of which it need not name the files."""
    return any("helmCharts" in mapping(found.texts[name]) for name in names)


def _named(folder: str, document: object) -> set[str]:
    """Give all that a document may name beside a folder: each of its texts, taken for a path."""
    paths = (_join(folder, text) for text in _texts(document))
    return {path for path in paths if path is not None}


def _folders(folder: str, document: object) -> Iterator[str]:
    """Give the folders that a kustomization or a chart takes whole."""
    known = mapping(document)
    texts = [text for key in FOLDERS for text in _texts(known.get(key))]
    for item in map(mapping, items(known.get("dependencies"))):
        texts += _texts(item.get("repository"))
    for path in (_join(folder, text) for text in texts):
        if path is not None and not path.endswith((".yaml", ".yml", ".json")):
            yield path


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for one in value.values():
                yield from _texts(one)
        case list():
            for one in value:
                yield from _texts(one)


def _join(folder: str, text: str) -> str | None:
    name = text.removeprefix("file://")
    if "://" in name or name.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    return path if is_file_path(path) else None
