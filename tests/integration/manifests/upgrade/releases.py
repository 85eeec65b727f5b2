"""Releases that stand still at each step, and what is done about them by others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.commands import wait_until
from testbed.github.server import GitHubServer
from tests.contract.http_backend import commit
from tests.contract.plain_git import git
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.applications import APPLICATIONS, CONSENT, REFRESH
from tests.integration.manifests.neighbours.controllers import Controllers, Stop
from tests.integration.manifests.neighbours.teams import (
    FINISHED_SECONDS,
    OWNER,
    REGISTRY,
    VALUES,
    Namespace,
    await_reasons,
)
from tests.integration.manifests.operator_stage import releases_of

Raw = dict[str, Any]

SOURCE, CONFIG = f"{OWNER}/album-app", f"{OWNER}/album-app-config"
VERSION = "v1.1.0"


@dataclass(frozen=True)
class Place:
    """Where an app's release stands still.

    Attributes:
        pipeline: that it goes through.
        reasons: one of them is what it says there.
        stop: what the controllers do not do for it.
        is_merged: whether a reviewer has merged it.
    """

    pipeline: str
    reasons: tuple[str, ...]
    stop: Stop | None = None
    is_merged: bool = False


PLACES = {
    "suspended": Place("reviewed", ("Suspended",)),
    "building": Place("reviewed", ("Building",), Stop.BUILD),
    "proposed": Place("reviewed", ("AwaitingMerge",)),
    "merged": Place("reviewed", ("Syncing",), Stop.COMPARISON, is_merged=True),
    "synced": Place("reviewed", ("Syncing",), Stop.HEALTH, is_merged=True),
    "released": Place("reviewed", ("Released",), is_merged=True),
    "committed": Place("committed", ("Syncing",), Stop.COMPARISON),
    "asked": Place("operated", ("Syncing",), Stop.SYNC, is_merged=True),
}
"""The apps, by where their releases are when the version before ends."""

PIPELINES: Mapping[str, Raw] = {
    "reviewed": {},
    "committed": {"config": {"delivery": "Commit"}},
    "operated": {"argocd": {"sync": "Operation", "settle": "1s"}},
}
"""What each pipeline says beside what all say."""


class Releases:
    """A release of each app of `PLACES`, and the people and controllers around them."""

    def __init__(self, server: ApiServer, namespace: str, forge: GitHubServer) -> None:
        self._server, self._forge = server, forge
        self.namespace = Namespace(server, namespace)
        self.namespace.serve()
        forge.make_user(OWNER)
        _make_repositories(forge)
        self.config = forge.git_dir(CONFIG)
        self.controllers = Controllers(server, [namespace], self.config, {})
        for app, place in PLACES.items():
            if place.stop is not None:
                self.controllers.stops[app] = place.stop
            self._make_application(app, place.pipeline)
        self.namespace.registry_secret()
        self.namespace.secret("album-git", url=forge.url, token=forge.make_token(OWNER))
        for name, more in PIPELINES.items():
            self.namespace.pipeline(name, self._pipeline(name, more))

    def begin(self) -> None:
        """Bring each release to its place."""
        for app, place in PLACES.items():
            suspend = app == "suspended"
            self.namespace.release(app, place.pipeline, f"{app}-{VERSION}", suspend=suspend)
        for app, place in PLACES.items():
            if place.is_merged:
                self.merge(app)
        await_reasons(self.namespace, {app: place.reasons for app, place in PLACES.items()})

    def end(self) -> None:
        """Do all that they wait for, until each is Released."""
        self.controllers.stops.clear()
        path = f"{releases_of(self.namespace.name)}/suspended"
        self._server.request("PATCH", path, {"spec": {"suspend": False}})
        for app in ("suspended", "building", "proposed"):
            self.merge(app)
        await_reasons(self.namespace, dict.fromkeys(PLACES, ("Released",)))

    def merge(self, app: str) -> None:
        """Merge an app's pull request once it is there; a reviewer."""

        def is_open() -> bool:
            return "pullRequest" in self.status(app)

        wait_until(is_open, part=app, what="have its pull request", seconds=FINISHED_SECONDS)
        self._forge.merge_pull(CONFIG, self.status(app)["pullRequest"]["number"], OWNER)

    def remove(self) -> None:
        """Delete the Applications, which the controllers of another test would find."""
        for app in PLACES:
            self._server.request("DELETE", f"{APPLICATIONS}/album-app-{app}")

    def status(self, app: str) -> Raw:
        """Give the status of an app's release."""
        found: Raw = self.namespace.releases()[app].get("status", {})
        return found

    def _make_application(self, app: str, pipeline: str) -> None:
        consent, refresh = {CONSENT: f"{self.namespace.name}/{pipeline}"}, {REFRESH: "normal"}
        source = {"repoURL": f"{self._forge.url}/{CONFIG}", "path": app, "targetRevision": "main"}
        raw = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": f"album-app-{app}", "annotations": {**consent, **refresh}},
            "spec": {"source": source},
        }
        assert self._server.request("POST", APPLICATIONS, raw).status == 201

    def _pipeline(self, name: str, more: Raw) -> Raw:
        apps = [{"name": app} for app, place in PLACES.items() if place.pipeline == name]
        return {
            "source": {"repository": f"{self._forge.url}/{SOURCE}"},
            "build": {"image": {"registry": REGISTRY}, "proof": "Builder"},
            "config": {
                "repository": f"{self._forge.url}/{CONFIG}",
                "forge": {"type": "GitHub"},
                **more.get("config", {}),
            },
            "argocd": {"settle": "1s", **more.get("argocd", {})},
            "apps": apps,
        }


def _make_repositories(forge: GitHubServer) -> None:
    """Give each app its source, and its values at the version before."""
    source, config = forge.make_repository(SOURCE), forge.make_repository(CONFIG)
    commit(source, "main", {f"{app}/Dockerfile": b"FROM scratch\n" for app in PLACES})
    values = {
        f"{app}/values.yaml": VALUES.format(registry=REGISTRY, app=app).encode() for app in PLACES
    }
    commit(config, "main", values)
    for app in PLACES:
        git(source, "tag", f"{app}-{VERSION}", "main")
