"""A source of an Application as Argo CD renders it, with what lies beside its manifests merged in.

`.argocd-source.yaml`, then `.argocd-source-<app>.yaml` in its folder are JSON merge patches on it
(argo-cd, `mergeSourceParameters` and `getResolvedValueFiles` of its repo server).
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.names import is_file_path, is_same_repository
from album_operator.domain.resolved import ResolvedConfig

GLOB = re.compile(r"[*?\[{]|://|\$")
"""In the name of a values file: several files, one elsewhere, or a variable of Argo CD's."""

ITS = "its "
"""Begins the origin of what the Application itself has."""


@dataclass(frozen=True)
class Rendering:
    """A source, and the patches that were found for it, each as plain data by its path."""

    source: ApplicationSource
    helm: Mapping[str, object]
    kustomize: Mapping[str, object]
    patches: tuple[tuple[str, Mapping[str, object]], ...] = ()

    def origin(self, tool: str, field: str) -> str:
        """Say where a field of `helm` or `kustomize` was set last."""
        for path, patch in reversed(self.patches):
            if mapping(patch.get(tool)).get(field) is not None:
                return f"{tool}.{field} of {path}"
        return f"{ITS}{self.source.place}.{tool}.{field}"


def mapping(value: object) -> Mapping[str, object]:
    """Give what is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[object]:
    """Give what is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def text_of(value: object) -> str:
    """Give a scalar of JSON or YAML as it is written; null as nothing."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return str(value)


def folder_of(source: ApplicationSource) -> str:
    """Give the folder of a source below the repository's root; `.` for the root."""
    return posixpath.normpath(source.path.strip("/") or ".")


def is_ours(source: ApplicationSource, config: ResolvedConfig) -> bool:
    """Tell whether a source is the branch that a release changes; any while that is not known."""
    return is_same_repository(source.repository, config.repository) and (
        not config.base_branch or source.follows(config.base_branch)
    )


def patches_of(application: ApplicationSeen, source: ApplicationSource) -> tuple[str, ...]:
    """Give the files that are merged into a source where they are there, the last one on top."""
    names = (".argocd-source.yaml", f".argocd-source-{application.instance}.yaml")
    found = (_join(source.path, name) for name in names)
    return tuple(path for path in found if path is not None and source.path)


def render(
    application: ApplicationSeen, source: ApplicationSource, texts: Mapping[str, object]
) -> Rendering | None:
    """Merge into a source what lies beside its manifests.

    Args:
        application: whose source it is.
        source: the source, of the config repository or another one.
        texts: plain data by path of each file of the config repository that is there.

    Returns:
        None where a patch cannot be read, and so nothing can be told.
    """
    merged: object = {"helm": source.helm, "kustomize": source.kustomize}
    patches = []
    for path in patches_of(application, source):
        if path not in texts:
            continue
        patch = texts[path]
        if not isinstance(patch, Mapping):
            return None
        patches.append((path, patch))
        merged = _merge(merged, patch)
    whole = mapping(merged)
    return Rendering(
        source, mapping(whole.get("helm")), mapping(whole.get("kustomize")), tuple(patches)
    )


def _merge(target: object, patch: object) -> object:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(mapping(target))
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def values_files(
    rendering: Rendering, sources: Sequence[ApplicationSource], config: ResolvedConfig
) -> list[str | None]:
    """Give the values files of a source in their order, a later one outweighing an earlier one.

    Returns:
        The path of each in the config repository; None for one that lies elsewhere or that the
        Application does not name plainly.
    """
    names = values_names(rendering.helm)
    return [resolve_path(name, rendering.source, sources, config) for name in names]


def values_names(helm: Mapping[str, object]) -> list[str]:
    """Give the values files that a source's `helm` names, as it names them."""
    return [text_of(name) for name in items(helm.get("valueFiles"))]


def split_ref(
    name: str, source: ApplicationSource, sources: Sequence[ApplicationSource]
) -> tuple[ApplicationSource, str]:
    """Give the source that a file is taken from, and its name there.

    Args:
        name: the file as `source` names it: `$name/` is the root of the source with this `ref`.
        source: the source.
        sources: all of the Application.
    """
    head, _, rest = name.partition("/")
    by_ref = {f"${other.ref}": other for other in sources if other.ref}
    return (by_ref[head], f"/{rest}") if head in by_ref else (source, name)


def resolve_path(
    name: str,
    source: ApplicationSource,
    sources: Sequence[ApplicationSource],
    config: ResolvedConfig,
) -> str | None:
    """Give the path in the config repository that a source means; None for one that is not there.

    It is relative to the source's folder, `/` is the repository's root, and `$name/` the root of
    the source with this `ref`.
    """
    source, name = split_ref(name, source, sources)
    if GLOB.search(name) or not is_ours(source, config):
        return None
    return _join("", name.lstrip("/")) if name.startswith("/") else _join(source.path, name)


def _join(folder: str, name: str) -> str | None:
    path = posixpath.normpath(posixpath.join(folder.strip("/"), name))
    return path if is_file_path(path) else None
