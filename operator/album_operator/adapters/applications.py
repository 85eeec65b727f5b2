"""Argo CD Applications; the adapter of port `Applications`, and the watch that wakes releases."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from album_operator.adapters.cluster import (
    Cluster,
    GoneError,
    NotFoundError,
    parse_time,
    path_of,
)
from album_operator.decisions.application import CONSENT
from album_operator.domain.errors import OutsideError
from album_operator.domain.release import Ref
from album_operator.domain.seen import (
    ApplicationSeen,
    ApplicationSource,
    ConsentedApplication,
    OperationSeen,
)
from album_operator.render.sync_policy import PREVIOUS_POLICY, REFRESH

LOG = logging.getLogger(__name__)

ARGOCD = "/apis/argoproj.io/v1alpha1"


WATCH_SECONDS = 300
PAUSE_SECONDS = 5
"""Between two tries to watch; a release looks by itself meanwhile, only later."""


class ClusterApplications:
    """Reads, patches and watches Applications."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def find(self, ref: Ref) -> ApplicationSeen | None:
        """Read an Application."""
        try:
            raw = await self._cluster.get(_path(ref.namespace, ref.name))
        except NotFoundError:
            return None
        return parse_application(raw)

    async def patch(self, application: ConsentedApplication, patch: Mapping[str, Any]) -> None:
        """Apply a JSON merge patch, if the Application still is as it was seen."""
        seen = application.seen
        metadata = {**patch.get("metadata", {}), "resourceVersion": seen.resource_version}
        await self._cluster.merge(_path(seen.namespace, seen.name), {**patch, "metadata": metadata})

    async def watch(
        self, namespace: str, changed: Callable[[Ref, ApplicationSeen | None], None]
    ) -> None:
        """Tell of every Application that changes in a namespace, for ever.

        Args:
            namespace: where to watch.
            changed: told the Application as it is now, without its resource version so that two
                can be compared; None once it is deleted.
        """
        while True:
            try:
                await self._watch_from_list(namespace, changed)
            except GoneError:
                continue
            except OutsideError as error:
                LOG.warning("Applications of namespace %s: %s", namespace, error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _watch_from_list(
        self, namespace: str, changed: Callable[[Ref, ApplicationSeen | None], None]
    ) -> None:
        listed = await self._cluster.get(_path(namespace), limit="1")
        # `limit=1` reads one page for the resource version alone: what changed before does not
        # matter, for a release looks at its Applications whenever it passes.
        version = listed["metadata"]["resourceVersion"]
        while True:
            async for event in self._cluster.watch(_path(namespace), version, WATCH_SECONDS):
                kind, raw = event["type"], event["object"]
                version = raw["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    seen = parse_application(raw) if kind != "DELETED" else None
                    now = replace(seen, resource_version="") if seen is not None else None
                    changed(Ref(namespace, raw["metadata"]["name"]), now)


def _path(namespace: str, name: str | None = None) -> str:
    return path_of(ARGOCD, "applications", namespace, name)


def parse_application(raw: Mapping[str, Any]) -> ApplicationSeen:
    """Read an Application as Argo CD writes it (applications.argoproj.io v1alpha1)."""
    metadata, spec, status = raw["metadata"], raw.get("spec", {}), raw.get("status", {})
    annotations = metadata.get("annotations") or {}
    health = status.get("health", {})
    return ApplicationSeen(
        namespace=metadata["namespace"],
        name=metadata["name"],
        resource_version=metadata["resourceVersion"],
        sources=_sources(spec, status.get("sync", {})),
        consents=frozenset(
            word.strip() for word in annotations.get(CONSENT, "").split(",") if word.strip()
        ),
        previous_policy=annotations.get(PREVIOUS_POLICY),
        sync_policy=spec.get("syncPolicy"),
        refresh_requested=REFRESH in annotations,
        sync_status=status.get("sync", {}).get("status", ""),
        health=health.get("status", ""),
        images=tuple(status.get("summary", {}).get("images") or ()),
        health_since=parse_time(health.get("lastTransitionTime")),
        reconciled_at=parse_time(status.get("reconciledAt")),
        operation=_operation(status.get("operationState")),
        operation_requested="operation" in raw,
        conditions={
            condition["type"]: str(condition.get("message", ""))[:512]
            for condition in status.get("conditions") or ()
            if condition["type"].endswith("Error")
        },
    )


def _sources(spec: Mapping[str, Any], sync: Mapping[str, Any]) -> tuple[ApplicationSource, ...]:
    many = spec.get("sources")
    sources = many or ([spec["source"]] if spec.get("source") else [])
    revisions = sync.get("revisions") if many else [sync.get("revision")]
    padded = [*(revisions or []), *([None] * len(sources))]
    return tuple(
        ApplicationSource(
            repository=source.get("repoURL", ""),
            path=source.get("path", ""),
            target_revision=source.get("targetRevision", ""),
            revision=revision or None,
        )
        for source, revision in zip(sources, padded, strict=False)
    )


def _operation(state: Mapping[str, Any] | None) -> OperationSeen | None:
    if not state:
        return None
    result = state.get("syncResult") or {}
    asked = (state.get("operation") or {}).get("sync") or {}
    revisions = result.get("revisions") or asked.get("revisions") or []
    revision = result.get("revision") or asked.get("revision")
    return OperationSeen(
        phase=state.get("phase", ""),
        revisions=tuple(revisions) or ((revision,) if revision else ()),
        message=str(state.get("message", ""))[:512],
        finished_at=parse_time(state.get("finishedAt")),
    )
