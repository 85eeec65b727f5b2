"""What a source of an Application takes of the config repository, as far as it tells itself.

Helm takes the values files it is told of, wherever in the repository they are; a kustomization what
it names, beside and above its folder; plain manifests and plugins are those of the folder.
"""

import posixpath
import re
from collections.abc import Sequence

from album_operator.decisions.helm_values import chart_values, file_parameters
from album_operator.decisions.rendering import (
    Rendering,
    folder_of,
    resolve_path,
    split_ref,
    text_of,
    values_names,
)
from album_operator.domain.applications import ApplicationSource
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.names import is_same_repository
from album_operator.domain.release import Edit, EditFormat
from album_operator.domain.resolved import Resolved, ResolvedConfig

DIRECTORY, HELM, KUSTOMIZE, PLUGIN = "Directory", "Helm", "Kustomize", "Plugin"

MANIFEST = re.compile(r".*\.(yaml|yml|json|jsonnet)")
"""What Argo CD reads in a folder of plain manifests (`manifestFile` of its repo server)."""

CHARTS_OWN = frozenset({"Chart.yaml", "requirements.yaml"})
"""Files in a chart's folder that Helm reads beside values."""

PLAIN_GLOB = re.compile(r"[^\\\[\]!^]*")

Sources = Sequence[ApplicationSource]
"""All the sources of an Application."""


def may_be_in_manifest(edit: Edit) -> bool:
    """Tell whether an edit is one of a source, if its file is the manifest of an Application."""
    return (
        edit.format is EditFormat.YAML
        and edit.steps[:1] == ("spec",)
        and edit.steps[1:2] in {("source",), ("sources",), ("sourceHydrator",)}
    )


def is_in_config(
    source: ApplicationSource, resolved: Resolved, aliases: HostAliases = NO_ALIASES
) -> bool:
    """Tell whether a source is in the config repository; forges do not tell case apart."""
    config = resolved.config
    is_forge = config.forge_type is not None
    return is_same_repository(source.repository, config.repository, aliases, ignores_case=is_forge)


def takes(source: ApplicationSource, sources: Sources, config: ResolvedConfig, path: str) -> bool:
    """Tell whether a file is in the folder of a source, or named for it."""
    return path in named_files(source, sources, config) or _is_below(source, path)


def may_take(source: ApplicationSource, sources: Sources, config: ResolvedConfig) -> bool:
    """Tell whether a source may take files that it does not name itself."""
    if not source.path:
        return None in named_files(source, sources, config)
    return source.tool != DIRECTORY or source.directory.get("jsonnet") is not None


def named_files(
    source: ApplicationSource, sources: Sources, config: ResolvedConfig
) -> set[str | None]:
    """Give the files that Helm is to take at a source's revision; None for those nobody can tell.

    Args:
        source: the source; others may name files of it too, by its `ref`.
        sources: all of the Application.
        config: the config repository.
    """
    found: set[str | None] = set()
    for other in sources:
        for name in _names(other):
            home, _ = split_ref(name, other, sources)
            if home is source:
                found.add(resolve_path(name, other, sources, config))
    return found


def leaves_out(
    source: ApplicationSource, sources: Sources, config: ResolvedConfig, path: str
) -> bool:
    """Tell whether a file in the folder of a source is known to be none that it takes.

    Args:
        source: the source, with what lies beside its manifests merged in.
        sources: all of the Application, likewise.
        config: the config repository.
        path: of the file.
    """
    match source.tool:
        case "Directory":
            return _is_no_manifest(source, path)
        case "Helm":
            named = named_files(source, sources, config)
            return None not in named and path not in named and _is_of_another(source, named, path)
        case _:
            return False


def _names(source: ApplicationSource) -> list[str]:
    rendering = Rendering(source, source.helm, source.kustomize)
    return [*values_names(source.helm), *(name for _, name in file_parameters(rendering))]


def _is_below(source: ApplicationSource, path: str) -> bool:
    if not source.path and source.ref:
        # It only lends files to other sources (Argo CD, `multiple_sources.md`).
        return False
    folder = folder_of(source)
    return folder == "." or path.startswith(f"{folder}/")


def _is_no_manifest(source: ApplicationSource, path: str) -> bool:
    """Tell whether a file is none of the plain manifests of a folder (`directory.md`)."""
    options = source.directory
    if options.get("jsonnet") is not None:
        # It may import any file of the repository.
        return False
    relative = posixpath.relpath(path, folder_of(source))
    if "/" in relative and options.get("recurse") is not True:
        return True
    if options.get("disableExtensionFilter") is not True and not MANIFEST.fullmatch(relative):
        return True
    include, exclude = (text_of(options.get(key)) for key in ("include", "exclude"))
    is_excluded = bool(exclude) and _matches(exclude, relative) is True
    return is_excluded or (bool(include) and _matches(include, relative) is False)


def _matches(glob: str, text: str) -> bool | None:
    """Match a pattern of Argo CD's, whose stars pass slashes too; None where it is not plain."""
    if not PLAIN_GLOB.fullmatch(glob) or glob.count("{") != glob.count("}"):
        return None
    words = {"*": ".*", "?": ".", "{": "(?:", "}": ")", ",": "|" if "{" in glob else ","}
    pattern = "".join(words.get(letter, re.escape(letter)) for letter in glob)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _is_of_another(source: ApplicationSource, named: set[str | None], path: str) -> bool:
    """Tell whether a file is beside values files and none of them: another environment's, say.

    A chart's templates can read any other file of its folder (`.Files`).
    """
    folder, name = posixpath.split(path)
    if path == chart_values(source) or name in CHARTS_OWN or not name.endswith((".yaml", ".yml")):
        return False
    beside = (posixpath.split(other) for other in named if other is not None)
    is_beside = any((at, _is_values(one)) == (folder, _is_values(name)) for at, one in beside)
    is_of_chart = (folder or ".") == folder_of(source) and _is_values(name)
    return not name.startswith(".") and (is_beside or is_of_chart)


def _is_values(name: str) -> bool:
    return name.startswith("values")
