"""Argo CD Applications; the adapter of port `Applications`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from album_operator.adapters.cluster.cluster import Cluster, application_path, parse_time
from album_operator.adapters.cluster.guard import prove_guard
from album_operator.adapters.cluster.refusals import NotFoundError
from album_operator.domain.applications import (
    CONSENT,
    GENERATE_PATHS,
    ApplicationSeen,
    ApplicationSource,
    ConsentedApplication,
    OperationSeen,
)
from album_operator.domain.argocd import ResolvedApplicationSelector
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.release import Ref
from album_operator.render.operation import ATTEMPT
from album_operator.render.sync_policy import PREVIOUS_POLICY, REFRESH

VALUES = frozenset({"valueFiles", "values", "valuesObject", "parameters", "fileParameters"})
IMAGES = frozenset({"images", "components"})
"""What of a source's `helm` and `kustomize` can outweigh a value in a file, or names files."""

DIRECTORY = frozenset({"recurse", "include", "exclude", "jsonnet", "disableExtensionFilter"})

TOOLS = {"kustomize": "Kustomize", "helm": "Helm", "directory": "Directory", "plugin": "Plugin"}
"""What renders a source that has such a field (`ApplicationSource.ExplicitType`)."""

GROUP, SET = "argoproj.io", "ApplicationSet"


class UnreadableError(TransientError):
    """An Application holds what no Application can; whoever wrote it must mend it."""


class ClusterApplications:
    """Reads and patches Applications."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def find(self, ref: Ref) -> ApplicationSeen | None:
        """Read an Application.

        Raises:
            UnreadableError: it cannot be read; looked at again when it changes.
        """
        try:
            raw = await self._cluster.get(application_path(ref.namespace, ref.name))
        except NotFoundError:
            return None
        return parse_application(raw)

    async def select(self, selector: ResolvedApplicationSelector, most: int) -> Sequence[Ref]:
        """Find Applications by their labels, those that are being deleted left out."""
        query = {"labelSelector": str(selector), "limit": str(most + 1)}
        found: list[Ref] = []
        while len(found) <= most:
            page = await self._cluster.get(application_path(selector.namespace), **query)
            there = [_map(raw, "metadata") for raw in _maps(page, "items")]
            left = (one for one in there if not _text(one, "deletionTimestamp"))
            found += [Ref(selector.namespace, _needed(one, "name")) for one in left]
            query["continue"] = _text(_map(page, "metadata"), "continue")
            if not query["continue"]:
                break
        return sorted(found, key=str)

    async def patch(self, application: ConsentedApplication, patch: Mapping[str, Any]) -> None:
        """Apply a JSON merge patch, if the Application still is as it was seen."""
        seen = application.seen
        metadata = {**patch.get("metadata", {}), "resourceVersion": seen.resource_version}
        path = application_path(seen.namespace, seen.name)
        await self._cluster.merge(path, {**patch, "metadata": metadata})

    async def prove_guard(self, ref: Ref) -> None:
        """Find the API server to hold us to what a release needs of an Application."""
        await prove_guard(self._cluster, ref)


def parse_application(raw: Mapping[str, Any]) -> ApplicationSeen:
    """Read an Application as Argo CD writes it (applications.argoproj.io v1alpha1).

    Null is what is not there. Its CRD lets pass what Argo CD never writes, and keeps unknown
    fields of any kind.

    Raises:
        UnreadableError: naming the field.
    """
    try:
        return _parse(raw)
    except ValueError as error:
        metadata = raw.get("metadata")
        known = metadata if isinstance(metadata, Mapping) else {}
        raise UnreadableError(
            Reason.APPLICATION_UNREADABLE,
            f"Application {known.get('namespace')}/{known.get('name')} cannot be read: "
            f"{head(str(error), 256)}. Correct it where it is written: the operator sees that.",
        ) from error


def _parse(raw: Mapping[str, Any]) -> ApplicationSeen:
    metadata, spec, status = _map(raw, "metadata"), _map(raw, "spec"), _map(raw, "status")
    annotations = _map(metadata, "annotations")
    sync, health = _map(status, "sync"), _map(status, "health")
    paths = _text(annotations, GENERATE_PATHS)
    return ApplicationSeen(
        namespace=_needed(metadata, "namespace"),
        name=_needed(metadata, "name"),
        resource_version=_needed(metadata, "resourceVersion"),
        sources=_sources(spec, status),
        consents=frozenset(
            word.strip() for word in _text(annotations, CONSENT).split(",") if word.strip()
        ),
        previous_policy=_text(annotations, PREVIOUS_POLICY) or None,
        sync_policy=_policy(spec),
        refresh_requested=REFRESH in annotations,
        sync_status=_text(sync, "status"),
        health=_text(health, "status"),
        images=tuple(_texts(_map(status, "summary"), "images")),
        health_since=_time(health, "lastTransitionTime"),
        reconciled_at=_time(status, "reconciledAt"),
        operation=_operation(_map(status, "operationState"), spec),
        operation_requested=raw.get("operation") is not None,
        requested_attempt=_attempt(_map(raw, "operation")),
        conditions={
            _text(condition, "type"): head(_text(condition, "message"), 512)
            for condition in _maps(status, "conditions")
            if _text(condition, "type").endswith("Error")
        },
        controller_namespace=_text(status, "controllerNamespace"),
        is_of_spec=_has_sources_of(spec, _map(sync, "comparedTo")),
        renders=_resources(status, "Application"),
        renders_sets=_resources(status, SET),
        made_by=_maker(metadata),
        generate_paths=tuple(filter(None, map(str.strip, paths.split(";")))),
        is_deleted=bool(_text(metadata, "deletionTimestamp")),
    )


def _resources(status: Mapping[str, Any], kind: str) -> Mapping[Ref, str]:
    """Give the sync status of each resource of one of Argo CD's kinds."""
    return {
        Ref(_text(item, "namespace"), _text(item, "name")): _text(item, "status")
        for item in _maps(status, "resources")
        if (_text(item, "group"), _text(item, "kind")) == (GROUP, kind)
    }


def _maker(metadata: Mapping[str, Any]) -> Ref | None:
    owners = _maps(metadata, "ownerReferences")
    names = [_text(owner, "name") for owner in owners if _text(owner, "kind") == SET]
    return Ref(_text(metadata, "namespace"), names[0]) if names else None


def _sources(spec: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[ApplicationSource, ...]:
    many, one, sync = _maps(spec, "sources"), _map(spec, "source"), _map(status, "sync")
    sources = many or ([one] if one else [])
    revisions = _texts(sync, "revisions") if many else [_text(sync, "revision")]
    tools = _texts(status, "sourceTypes") if many else [_text(status, "sourceType")]
    padding = [""] * len(sources)
    return tuple(
        _source(source, revision, tool, f"spec.sources[{number}]" if many else "spec.source")
        for number, (source, revision, tool) in enumerate(
            zip(sources, [*revisions, *padding], [*tools, *padding], strict=False)
        )
    )


def _source(source: Mapping[str, Any], revision: str, tool: str, place: str) -> ApplicationSource:
    told = [TOOLS[key] for key in TOOLS if source.get(key) is not None]
    return ApplicationSource(
        repository=_text(source, "repoURL"),
        path=_text(source, "path"),
        target_revision=_text(source, "targetRevision"),
        revision=revision or None,
        place=place,
        ref=_text(source, "ref"),
        helm=_only(_map(source, "helm"), VALUES),
        kustomize=_only(_map(source, "kustomize"), IMAGES),
        directory=_only(_map(source, "directory"), DIRECTORY),
        tool=told[0] if len(told) == 1 else tool,
    )


def _only(raw: Mapping[str, Any], keys: Collection[str]) -> Mapping[str, Any]:
    return {key: value for key, value in raw.items() if key in keys}


def _policy(spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    policy = _map(spec, "syncPolicy")
    _map(policy, "automated")
    _texts(policy, "syncOptions")
    return policy if spec.get("syncPolicy") is not None else None


def _has_sources_of(spec: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether something that Argo CD compared or synced has the sources of the spec.

    Of several sources it writes an empty `source` beside them.
    """
    field = "sources" if _maps(spec, "sources") else "source"
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


def _operation(state: Mapping[str, Any], spec: Mapping[str, Any]) -> OperationSeen | None:
    if not state:
        return None
    result = _map(state, "syncResult")
    asked = _map(_map(state, "operation"), "sync")
    revisions = _texts(result, "revisions") or _texts(asked, "revisions")
    revision = _text(result, "revision") or _text(asked, "revision")
    return OperationSeen(
        phase=_text(state, "phase"),
        revisions=tuple(revisions) or ((revision,) if revision else ()),
        message=head(_text(state, "message"), 512),
        finished_at=_time(state, "finishedAt"),
        is_of_spec=_has_sources_of(spec, result or asked),
        attempt=_attempt(_map(state, "operation")),
    )


def _attempt(operation: Mapping[str, Any]) -> str:
    """Give the attempt of a release that an operation is marked with; empty for none."""
    marks = {_text(item, "name"): _text(item, "value") for item in _maps(operation, "info")}
    return marks.get(ATTEMPT, "")


def _value(raw: Mapping[str, Any], key: str, what: str, is_good: Callable[[object], bool]) -> Any:  # noqa: ANN401 - as checked
    value = raw.get(key)
    if value is not None and not is_good(value):
        raise ValueError(f"`{key}` is no {what}")
    return value


def _map(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = _value(raw, key, "map", lambda it: isinstance(it, Mapping))
    return found or {}


def _maps(raw: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] | None = _value(
        raw, key, "list of maps", lambda it: _is_list_of(it, Mapping)
    )
    return found or []


def _texts(raw: Mapping[str, Any], key: str) -> Sequence[str]:
    found: Sequence[str] | None = _value(raw, key, "list of texts", lambda it: _is_list_of(it, str))
    return found or []


def _text(raw: Mapping[str, Any], key: str) -> str:
    found: str | None = _value(raw, key, "text", lambda it: isinstance(it, str))
    return found or ""


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _needed(raw: Mapping[str, Any], key: str) -> str:
    text = _text(raw, key)
    if not text:
        raise ValueError(f"`metadata` has no `{key}`")
    return text


def _time(raw: Mapping[str, Any], key: str) -> datetime | None:
    text = _text(raw, key)
    time = parse_time(text)
    if text and (time is None or time.tzinfo is None):
        raise ValueError(f"`{key}: {text[:64]}` is no time")
    return time
