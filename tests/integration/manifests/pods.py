"""Operators that stand for election on a real API server, as the Pods of one Deployment do."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.apiserver import ApiServer
from tests.integration.manifests.conftest import OPERATOR, SYSTEM, Installed
from tests.integration.manifests.operator_process import Running, running_operator
from tests.integration.manifests.operator_stage import Stage, make_release

LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases"
SHORT = {
    "ALBUM_LEASE_NAMESPACE": SYSTEM,
    "ALBUM_LEASE_NAME": OPERATOR,
    "ALBUM_LEASE_SECONDS": "8",
    "ALBUM_LEASE_RENEW_SECONDS": "6",
    "ALBUM_LEASE_RETRY_SECONDS": "1",
}
"""A Lease that is over soon, for a test has to outlast it."""


@dataclass
class Pods:
    """Operators of one Deployment.

    Attributes:
        installed: where.
        folder: for the files of all.
        namespace: that they serve.
        settings: of all, beside those of the Lease.
    """

    installed: Installed
    folder: Path
    namespace: str
    settings: Mapping[str, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def server(self) -> ApiServer:
        """The API server."""
        return self.installed.server

    def start(self, name: str, api_server: str = "") -> Running:
        """Start one more, under the name of a Pod."""
        folder = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        running = running_operator(
            self.installed,
            folder,
            self.namespace,
            api_server=api_server,
            hurried=True,
            ALBUM_POD_NAME=name,
            **{**SHORT, **self.settings},  # type: ignore[arg-type] # all of them are settings
        )
        return self.stack.enter_context(running)

    def lead(self, name: str, api_server: str = "") -> Stage:
        """Start one and wait until it leads."""
        return self.await_leading(self.start(name, api_server))

    def await_leading(self, running: Running) -> Stage:
        """Wait until an operator leads."""
        stage = Stage(self.server, running)
        stage.until_served(f"serving {self.namespace}.")
        return stage

    def stand_by(self, name: str, leader: str) -> Stage:
        """Start one and wait until it is ready to take over from another."""
        stage = Stage(self.server, self.start(name))
        stage.until_served(f"standby, {leader} leads")
        return stage

    def lease(self) -> dict[str, Any]:
        """Give the spec of the Lease, empty where there is none."""
        found: dict[str, Any] = self.server.request("GET", f"{LEASES}/{OPERATOR}").body.get(
            "spec", {}
        )
        return found

    def works(self, stage: Stage, name: str) -> None:
        """See that an operator serves releases."""
        stage.until_ready_is(
            make_release(self.server, self.namespace, name, "not-there"), "PipelineNotFound"
        )
