"""A team of whose releases an operator takes care, as tests wait for both."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.commands import wait_until
from tests.integration.manifests.neighbours.teams import Namespace
from tests.integration.manifests.operator_process import Running

SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A team's namespace, and the operator that serves it."""

    team: Namespace
    operator: Running

    def release(self, app: str) -> str:
        """Apply a release of an app."""
        name = f"{app}-v1.1.0"
        self.team.release(name, "album-app", name)
        return name

    def until_reason(self, name: str, reason: str) -> None:
        """Wait for the reason of a release."""
        self.until(lambda: self.team.reasons()[name] == reason, f"bring {name} to {reason}")

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait for a condition, named in words after "did not"."""
        wait_until(is_so, part="scene", what=what, seconds=SECONDS, log=self.operator.log)
