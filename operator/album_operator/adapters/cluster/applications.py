"""Argo CD Applications; the adapter of port `Applications`."""

from collections.abc import Mapping, Sequence
from typing import Any

from album_operator.adapters.cluster.application_resources import read_failures, read_resources
from album_operator.adapters.cluster.application_sources import (
    has_sources_of,
    is_compared,
    read_dry_revisions,
    read_hydration,
    read_sources,
)
from album_operator.adapters.cluster.cluster import Cluster, application_path
from album_operator.adapters.cluster.fields import (
    read_count,
    read_map,
    read_maps,
    read_needed,
    read_text,
    read_texts,
    read_time,
)
from album_operator.adapters.cluster.guard import prove_guard
from album_operator.adapters.cluster.refusals import NotFoundError
from album_operator.domain.applications import (
    CONSENT,
    GENERATE_PATHS,
    ApplicationSeen,
    ConsentedApplication,
    OperationSeen,
)
from album_operator.domain.argocd import ResolvedApplicationSelector
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.release import Ref
from album_operator.render.app_notice import KEYS
from album_operator.render.operation import ATTEMPT
from album_operator.render.sync_policy import APPLIED_POLICY, PREVIOUS_POLICY, REFRESH

TRACKING = "argocd.argoproj.io/tracking-id"
"""Mark of all that an Application renders, `<Application>:<group>/<kind>:<namespace>/<name>`."""

GROUP, SET = "argoproj.io", "ApplicationSet"

HERE = frozenset({("https://kubernetes.default.svc", ""), ("", "in-cluster")})
"""How a destination says, by server or by name, that it is the cluster of Argo CD itself."""


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
            there = [read_map(raw, "metadata") for raw in read_maps(page, "items")]
            left = (one for one in there if not read_text(one, "deletionTimestamp"))
            found += [Ref(selector.namespace, read_needed(one, "name")) for one in left]
            query["continue"] = read_text(read_map(page, "metadata"), "continue")
            if not query["continue"]:
                break
        return sorted(found, key=str)

    async def list_kept(self, namespace: str) -> Mapping[Ref, frozenset[str]]:
        """Give the Applications whose policy before us is kept, with the pipelines they let."""
        kept: dict[Ref, frozenset[str]] = {}
        async for raw in self._cluster.list_metadata(application_path(namespace)):
            metadata = raw.get("metadata") or {}
            annotations = metadata.get("annotations") or {}
            if PREVIOUS_POLICY in annotations:
                kept[Ref(namespace, metadata["name"])] = _consents(annotations)
        return kept

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
    metadata, spec, status = (
        read_map(raw, "metadata"),
        read_map(raw, "spec"),
        read_map(raw, "status"),
    )
    annotations = read_map(metadata, "annotations")
    sync, health = read_map(status, "sync"), read_map(status, "health")
    paths = read_text(annotations, GENERATE_PATHS)
    return ApplicationSeen(
        namespace=read_needed(metadata, "namespace"),
        name=read_needed(metadata, "name"),
        resource_version=read_needed(metadata, "resourceVersion"),
        sources=read_sources(spec, status),
        consents=_consents(annotations),
        previous_policy=read_text(annotations, PREVIOUS_POLICY) or None,
        sync_policy=_policy(spec),
        refresh_requested=REFRESH in annotations,
        sync_status=read_text(sync, "status"),
        health=read_text(health, "status"),
        images=tuple(read_texts(read_map(status, "summary"), "images")),
        health_since=read_time(health, "lastTransitionTime"),
        reconciled_at=read_time(status, "reconciledAt"),
        operation=_operation(status, spec),
        operation_requested=raw.get("operation") is not None,
        applied_policy=read_text(annotations, APPLIED_POLICY) or None,
        out_of_sync=sum(
            read_text(item, "status") == "OutOfSync" for item in read_maps(status, "resources")
        ),
        rendered_by=read_text(annotations, TRACKING).partition(":")[0],
        requested_attempt=_attempt(read_map(raw, "operation")),
        conditions={
            read_text(condition, "type"): head(read_text(condition, "message"), 512)
            for condition in read_maps(status, "conditions")
            if read_text(condition, "type").endswith("Error")
        },
        controller_namespace=read_text(status, "controllerNamespace"),
        is_of_spec=is_compared(spec, status),
        renders=_resources(status, "Application"),
        renders_sets=_resources(status, SET),
        made_by=_maker(metadata),
        hydration=read_hydration(spec, status),
        generate_paths=tuple(filter(None, map(str.strip, paths.split(";")))),
        is_deleted=bool(read_text(metadata, "deletionTimestamp")),
        project=read_text(spec, "project"),
        resources=read_resources(status),
        health_message=head(read_text(health, "message"), 512),
        notice={key: read_text(annotations, key) for key in KEYS if key in annotations},
        destination=_destination(read_map(spec, "destination")),
    )


def _consents(annotations: Mapping[str, Any]) -> frozenset[str]:
    words = read_text(annotations, CONSENT).split(",")
    return frozenset(word.strip() for word in words if word.strip())


def _destination(raw: Mapping[str, Any]) -> str:
    cluster = read_text(raw, "server"), read_text(raw, "name")
    return read_text(raw, "namespace") if cluster in HERE else ""


def _resources(status: Mapping[str, Any], kind: str) -> Mapping[Ref, str]:
    """Give the sync status of each resource of one of Argo CD's kinds."""
    return {
        Ref(read_text(item, "namespace"), read_text(item, "name")): read_text(item, "status")
        for item in read_maps(status, "resources")
        if (read_text(item, "group"), read_text(item, "kind")) == (GROUP, kind)
    }


def _maker(metadata: Mapping[str, Any]) -> Ref | None:
    owners = read_maps(metadata, "ownerReferences")
    names = [read_text(owner, "name") for owner in owners if read_text(owner, "kind") == SET]
    return Ref(read_text(metadata, "namespace"), names[0]) if names else None


def _policy(spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    policy = read_map(spec, "syncPolicy")
    read_map(policy, "automated")
    read_texts(policy, "syncOptions")
    return policy if spec.get("syncPolicy") is not None else None


def _operation(status: Mapping[str, Any], spec: Mapping[str, Any]) -> OperationSeen | None:
    state = read_map(status, "operationState")
    if not state:
        return None
    result = read_map(state, "syncResult")
    asked = read_map(read_map(state, "operation"), "sync")
    revisions = read_texts(result, "revisions") or read_texts(asked, "revisions")
    revision = read_text(result, "revision") or read_text(asked, "revision")
    dry = read_dry_revisions(status) if spec.get("sourceHydrator") else {}
    return OperationSeen(
        phase=read_text(state, "phase"),
        revisions=tuple(revisions) or ((dry.get(revision, revision),) if revision else ()),
        message=head(read_text(state, "message"), 512),
        finished_at=read_time(state, "finishedAt"),
        is_of_spec=has_sources_of(spec, result or asked),
        attempt=_attempt(read_map(state, "operation")),
        retries=read_count(state, "retryCount"),
        self_heals=read_count(asked, "autoHealAttemptsCount"),
        failures=read_failures(result),
    )


def _attempt(operation: Mapping[str, Any]) -> str:
    """Give the attempt of a release that an operation is marked with; empty for none."""
    marks = {
        read_text(item, "name"): read_text(item, "value") for item in read_maps(operation, "info")
    }
    return marks.get(ATTEMPT, "")
