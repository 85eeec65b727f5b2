"""Argo CD's controller in memory: compare, sync, roll out, as far as a release can tell.

Words and fields are those of Argo CD 3: `status.sync.revision` is what was compared to, an
operation runs only where something differs, and `summary.images` lists old and new while a rollout
runs.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from album_operator.adapters.cluster.cluster import path_of
from album_operator.domain.names import is_same_repository
from tests.fakes.argocd_sources import (
    Raw,
    applications_of,
    image_of,
    render_applications,
    sources_of,
)
from tests.fakes.cluster import APIS, FakeCluster
from tests.fakes.git_history import File
from tests.fakes.git_server import FakeGitServer, FakeRepository

REFRESH = "argocd.argoproj.io/refresh"


class FakeArgoCD:
    """The application controller of a cluster.

    Attributes:
        deaf: while set, refreshes are not answered.
        fails: message of the next sync operation's failure, None for success.
        slow_rollout: a sync leaves old and new Pods until `finish_rollouts`.
        skew: how far its clock is ahead of the others'.
        fails_to_hydrate: why no manifests can be made, None for nothing.
        stale: manifests come from the cache, those of the revision before, until a hard refresh.
        stays_stale: a hard refresh changes nothing about that.
        blind: apps of apps ignore differences in the sources that they render.
        operations: all syncs, in their order.
    """

    def __init__(
        self, cluster: FakeCluster, server: FakeGitServer, clock: Callable[[], datetime]
    ) -> None:
        self.deaf = False
        self.fails: str | None = None
        self.slow_rollout = False
        self.skew = timedelta()
        self.blind = False
        self.stale = False
        self.stays_stale = False
        self.fails_to_hydrate: str | None = None
        self.operations: list[Raw] = []
        self._cluster = cluster
        self._server = server
        self._clock = clock
        self._live: dict[str, str] = {}
        self._wanted: dict[str, str] = {}
        self._rendered: dict[str, list[Raw]] = {}
        self._sets: dict[str, Raw] = {}

    def run(self) -> None:
        """Answer every refresh asked for, and sync what differs and may be synced."""
        for made in [one for each in self._sets.values() for one in applications_of(each)]:
            self._write_source(made)
        for raw in self._cluster.all_of("Application"):
            annotations = raw["metadata"].get("annotations", {})
            if not self.deaf and (REFRESH in annotations or not _is_compared(raw)):
                self._compare(raw)
            if raw.get("operation") is not None:
                self._operate(raw)
                self._edit(raw, {"operation": None})

    def sync(self, name: str) -> None:
        """Sync an Application by hand, as its owner would."""
        raw = self._find(name)
        self._compare(raw)
        self._operate(raw)

    def finish_rollouts(self) -> None:
        """Let old Pods end and new ones become healthy."""
        for raw in self._cluster.all_of("Application"):
            if _name(raw) in self._live:
                self._show(raw, [self._live[_name(raw)]], "Healthy")

    def set_health(self, name: str, health: str) -> None:
        """Let the app of an Application fall ill, or recover."""
        raw = self._find(name)
        self._show(raw, raw["status"]["summary"]["images"], health)

    def _hydrate(self, raw: Raw) -> None:
        """Commit the manifests of a dry source, where they are others than those that are there."""
        hydrator = raw["spec"]["sourceHydrator"]
        dry, sync = hydrator["drySource"], hydrator["syncSource"]
        revision, files = self._resolve(dry)
        operation = {"drySHA": revision, "sourceHydrator": hydrator, "message": ""}
        if self.fails_to_hydrate is not None:
            operation |= {"phase": "Failed", "message": self.fails_to_hydrate}
            self._edit(raw, {"status": {"sourceHydrator": {"currentOperation": operation}}})
            return
        repository = self._repository(dry["repoURL"])
        branch = hydrator.get("hydrateTo", sync)["targetBranch"]
        if branch not in repository.branches and sync["targetBranch"] in repository.branches:
            repository.branches[branch] = repository.branches[sync["targetBranch"]]
        manifest = f"image: {image_of(dry, files)}\n"
        path = f"{sync['path']}/manifest.yaml"
        there = repository.branches.get(branch)
        known = repository.commits[there].files.get(path) if there is not None else None
        if known is None or known.data.decode() != manifest:
            metadata = json.dumps({"drySha": revision, "repoURL": dry["repoURL"]})
            made = {path: manifest, f"{sync['path']}/hydrator.metadata": metadata}
            there = repository.write(branch, made)
        operation |= {"hydratedSHA": there}
        done = {
            "lastSuccessfulOperation": operation,
            "currentOperation": {**operation, "phase": "Hydrated"},
        }
        self._edit(raw, {"status": {"sourceHydrator": done}})

    def _compare(self, raw: Raw) -> None:
        if "sourceHydrator" in raw["spec"]:
            self._hydrate(raw)
            branch = sources_of(raw)[0]["targetRevision"]
            if branch not in self._repository(sources_of(raw)[0]["repoURL"]).branches:
                return
        sources = sources_of(raw)
        found = [self._resolve(source) for source in sources]
        source, (revision, files) = sources[0], found[0]
        self._rendered[_name(raw)] = rendered = render_applications(source, files)
        is_hard = raw["metadata"].get("annotations", {}).get(REFRESH) == "hard"
        self.stale = self.stale and (self.stays_stale or not is_hard)
        if not rendered and not self.stale:
            self._wanted[_name(raw)] = image_of(source, files)
        compared: Raw = {"source": source, "destination": raw["spec"]["destination"]}
        sync: Raw = {"status": "OutOfSync" if self._differs(raw) else "Synced"}
        if "sources" in raw["spec"]:
            compared |= {"source": {}, "sources": sources}
            sync["revisions"] = [one for one, _ in found]
        else:
            sync["revision"] = revision
        sync["comparedTo"] = compared
        resources = [self._resource(child) for child in rendered]
        self._edit(raw, {"status": {"sync": {"comparedTo": None}}})
        self._edit(
            raw,
            {
                "metadata": {"annotations": {REFRESH: None}},
                "status": {"sync": sync, "reconciledAt": self._now(), "resources": resources},
            },
        )
        automated = (raw["spec"].get("syncPolicy") or {}).get("automated", {"enabled": False})
        if self._differs(raw) and automated.get("enabled", True):
            self._operate(raw)

    def _resolve(self, source: Raw) -> tuple[str, Mapping[str, File]]:
        """Give the revision of a source, and what is there."""
        if "chart" in source:
            return source["targetRevision"], {}
        repository = self._repository(source["repoURL"])
        target = source["targetRevision"].replace("HEAD", repository.default_branch)
        revision = repository.branches[target]
        return revision, repository.commits[revision].files

    def _repository(self, wanted: str) -> FakeRepository:
        repositories = self._server.repositories.items()
        return next(one for url, one in repositories if is_same_repository(url, wanted))

    def _differs(self, raw: Raw) -> bool:
        rendered = self._rendered[_name(raw)]
        if rendered:
            return any(self._resource(child)["status"] != "Synced" for child in rendered)
        return self._live.get(_name(raw)) != self._wanted[_name(raw)]

    def _resource(self, child: Raw) -> Raw:
        """Give an Application as one of the resources of the app of apps that renders it."""
        name = _name(child)
        if child["kind"] == "ApplicationSet":
            is_synced = self._sets.get(name) == child
        else:
            source = self._find(name)["spec"]["source"]
            is_synced = self.blind or source == child["spec"]["source"]
        return {
            "group": "argoproj.io",
            "kind": child["kind"],
            "namespace": child["metadata"]["namespace"],
            "name": name,
            "status": "Synced" if is_synced else "OutOfSync",
        }

    def _operate(self, raw: Raw) -> None:
        sync, is_one = raw["status"]["sync"], "sources" not in raw["spec"]
        keys = ("revision", "source") if is_one else ("revisions", "sources")
        result = {
            keys[0]: sync[keys[0]],
            keys[1]: sources_of(raw) if not is_one else sources_of(raw)[0],
        }
        phase = "Failed" if self.fails is not None else "Succeeded"
        operation = {
            "phase": phase,
            "message": self.fails or "successfully synced",
            "finishedAt": self._now(),
            "syncResult": result,
            "operation": raw.get("operation") or {"initiatedBy": {"automated": True}},
        }
        self.operations.append(operation)
        self._edit(raw, {"status": {"operationState": None}})
        self._edit(raw, {"status": {"operationState": operation, "reconciledAt": self._now()}})
        if phase == "Failed":
            return
        rendered = self._rendered[_name(raw)]
        for child in rendered:
            if child["kind"] == "ApplicationSet":
                self._sets[_name(child)] = child
            else:
                self._write_source(child)
        resources = [self._resource(child) for child in rendered]
        self._edit(raw, {"status": {"sync": {"status": "Synced"}, "resources": resources}})
        if rendered:
            self._show(raw, [], "Healthy")
            return
        wanted, old = self._wanted[_name(raw)], self._live.get(_name(raw))
        self._live[_name(raw)] = wanted
        if self.slow_rollout and old is not None:
            self._show(raw, sorted({old, wanted}), "Progressing")
        else:
            self._show(raw, [wanted], "Healthy")

    def _write_source(self, rendered: Raw) -> None:
        live, source = self._find(_name(rendered)), rendered["spec"]["source"]
        if live["spec"]["source"] != source:
            # A merge patch alone would keep fields that are gone.
            self._edit(live, {"spec": {"source": None}})
            self._edit(live, {"spec": {"source": source}})

    def _find(self, name: str) -> Raw:
        return next(raw for raw in self._cluster.all_of("Application") if _name(raw) == name)

    def _show(self, raw: Raw, images: list[str], health: str) -> None:
        status: Raw = {"summary": {"images": images}}
        if raw.get("status", {}).get("health", {}).get("status") != health:
            status["health"] = {"status": health, "lastTransitionTime": self._now()}
        self._edit(raw, {"status": status})

    def _edit(self, raw: Raw, patch: Raw) -> None:
        metadata = raw["metadata"]
        path = path_of(*APIS["Application"], metadata["namespace"], metadata["name"])
        self._cluster.edit(path, patch)

    def _now(self) -> str:
        # `metav1.Time` has whole seconds.
        return (self._clock() + self.skew).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(raw: Raw) -> str:
    name: str = raw["metadata"]["name"]
    return name


def _is_compared(raw: Raw) -> bool:
    """Tell whether an Application was compared with the source that its spec has now."""
    compared: Raw = raw.get("status", {}).get("sync", {}).get("comparedTo", {})
    if "sources" in raw["spec"]:
        return bool(compared.get("sources") == sources_of(raw))
    return bool(compared.get("source") == sources_of(raw)[0])
