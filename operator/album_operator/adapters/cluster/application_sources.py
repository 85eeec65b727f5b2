"""Where an Application takes its manifests from, as Argo CD writes it."""

from collections.abc import Collection, Mapping
from typing import Any

from album_operator.adapters.cluster.fields import read_map, read_maps, read_text, read_texts
from album_operator.adapters.names import is_commit
from album_operator.domain.applications import ApplicationSource, Hydration
from album_operator.domain.redaction import head

VALUES = frozenset({"valueFiles", "values", "valuesObject", "parameters", "fileParameters"})
IMAGES = frozenset({"images", "components"})
"""What of a source's `helm` and `kustomize` can outweigh a value in a file, or names files."""

DIRECTORY = frozenset({"recurse", "include", "exclude", "jsonnet", "disableExtensionFilter"})

TOOLS = {"kustomize": "Kustomize", "helm": "Helm", "directory": "Directory", "plugin": "Plugin"}
"""What renders a source that has such a field (`ApplicationSource.ExplicitType`)."""


def read_sources(
    spec: Mapping[str, Any], status: Mapping[str, Any]
) -> tuple[ApplicationSource, ...]:
    """Give the sources, each with the revision that was compared to.

    A hydrator outweighs several sources, and these outweigh one (`GetSources`). What it syncs from
    is made of its dry source, of which the revision is given.
    """
    hydrator = read_map(spec, "sourceHydrator")
    if hydrator:
        compared = read_text(read_map(status, "sync"), "revision")
        revision = read_dry_revisions(status).get(compared, "")
        dry = read_map(hydrator, "drySource")
        return (_source(dry, revision, "", "spec.sourceHydrator.drySource"),)
    many, one, sync = read_maps(spec, "sources"), read_map(spec, "source"), read_map(status, "sync")
    sources = many or ([one] if one else [])
    revisions = read_texts(sync, "revisions") if many else [read_text(sync, "revision")]
    tools = read_texts(status, "sourceTypes") if many else [read_text(status, "sourceType")]
    padding = [""] * len(sources)
    return tuple(
        _source(source, revision, tool, f"spec.sources[{number}]" if many else "spec.source")
        for number, (source, revision, tool) in enumerate(
            zip(sources, [*revisions, *padding], [*tools, *padding], strict=False)
        )
    )


def read_dry_revisions(status: Mapping[str, Any]) -> Mapping[str, str]:
    """Give the dry revision by that of the manifests which were last made of it."""
    done = read_map(read_map(status, "sourceHydrator"), "lastSuccessfulOperation")
    made = read_text(done, "hydratedSHA")
    # It was left out where manifests stayed as they were (argo-cd#25694).
    return {made: read_text(done, "drySHA")} if made else {}


def read_hydration(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Hydration | None:
    """Give where hydrated manifests are synced from; None for an Application without them."""
    hydrator = read_map(spec, "sourceHydrator")
    if not hydrator:
        return None
    synced = _synced(spec)
    # An Application that cannot be compared yet shows its branch there.
    revision = read_text(read_map(status, "sync"), "revision")
    running = read_map(read_map(status, "sourceHydrator"), "currentOperation")
    is_failed = read_text(running, "phase") == "Failed"
    return Hydration(
        repository=read_text(synced, "repoURL"),
        branch=read_text(synced, "targetRevision"),
        path=read_text(synced, "path"),
        revision=revision if is_commit(revision) else None,
        staged_on=read_text(read_map(hydrator, "hydrateTo"), "targetBranch"),
        failure=head(read_text(running, "message"), 512) if is_failed else "",
    )


def is_compared(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Tell whether an Application was last compared with the sources that its spec has now."""
    sync = read_map(status, "sync")
    hydrator = spec.get("sourceHydrator")
    if hydrator:
        done = read_map(read_map(status, "sourceHydrator"), "lastSuccessfulOperation")
        is_made = _as_in_go(done.get("sourceHydrator")) == _as_in_go(hydrator)
        return is_made and read_text(sync, "revision") in read_dry_revisions(status)
    return has_sources_of(spec, read_map(sync, "comparedTo"))


def _synced(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the source that hydrated manifests are synced from (`GetSyncSource`)."""
    hydrator = read_map(spec, "sourceHydrator")
    dry, sync = read_map(hydrator, "drySource"), read_map(hydrator, "syncSource")
    return {
        "repoURL": read_text(sync, "repoURL") or read_text(dry, "repoURL"),
        "path": read_text(sync, "path"),
        "targetRevision": read_text(sync, "targetBranch"),
    }


def _source(source: Mapping[str, Any], revision: str, tool: str, place: str) -> ApplicationSource:
    told = [TOOLS[key] for key in TOOLS if source.get(key) is not None]
    return ApplicationSource(
        repository=read_text(source, "repoURL"),
        path=read_text(source, "path"),
        target_revision=read_text(source, "targetRevision"),
        revision=revision or None,
        place=place,
        ref=read_text(source, "ref"),
        helm=_only(read_map(source, "helm"), VALUES),
        kustomize=_only(read_map(source, "kustomize"), IMAGES),
        directory=_only(read_map(source, "directory"), DIRECTORY),
        tool=told[0] if len(told) == 1 else tool,
    )


def _only(raw: Mapping[str, Any], keys: Collection[str]) -> Mapping[str, Any]:
    return {key: value for key, value in raw.items() if key in keys}


def has_sources_of(spec: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether something that Argo CD compared or synced has the sources of the spec.

    Of several sources it writes an empty `source` beside them.
    """
    if spec.get("sourceHydrator"):
        return _synced(spec) == read_map(other, "source")
    field = "sources" if read_maps(spec, "sources") else "source"
    return bool(other) and _as_in_go(spec.get(field)) == _as_in_go(other.get(field))


def _as_in_go(value: object) -> object:
    """Leave out what Argo CD does when it copies a source: what is empty, but for free values."""
    match value:
        case Mapping():
            bare = {k: v if k == "valuesObject" else _as_in_go(v) for k, v in value.items()}
            return {key: item for key, item in bare.items() if item}
        case list():
            return [_as_in_go(item) for item in value]
        case _:
            return value
