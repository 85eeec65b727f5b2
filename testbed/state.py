"""What a testbed must remember between commands: its addresses and its secrets."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from testbed.settings import Settings

REGISTRY_PORT = 5000
FORGE_PORT = 3000

WEBHOOK_PORT = 30081
"""NodePort of webhooks in the testbed's overlay."""

# Host parts of the fixed addresses in a testbed's network; the engine gives the low ones to kind.
_REGISTRY_HOST = 250
_FORGE_HOST = 251
_SEED_HOST = 252


class ForgeKind(StrEnum):
    """Which forge a testbed has."""

    GITEA = "gitea"
    GITHUB_STANDIN = "github-standin"

    @property
    def type(self) -> str:
        """What a pipeline calls it: `config.forge.type`."""
        return "Gitea" if self is ForgeKind.GITEA else "GitHub"

    @property
    def api_path(self) -> str:
        """Where its API is, below its URL."""
        return "/api/v1" if self is ForgeKind.GITEA else "/api/v3"


@dataclass
class State:
    """One testbed's memory, kept in a file only its user can read.

    Attributes:
        subnet: First three numbers of the testbed's /24 network, empty until it exists.
        forge: Which forge it has.
        secrets: Passwords, keys and tokens by name.
    """

    subnet: str = ""
    forge: ForgeKind = ForgeKind.GITEA
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """Address of the host in the testbed's network."""
        return f"{self.subnet}.1"

    @property
    def registry_ip(self) -> str:
        """Address of the registry's container."""
        return f"{self.subnet}.{_REGISTRY_HOST}"

    @property
    def registry(self) -> str:
        """The registry as `host:port`: the same in Pods, on the node and on the host."""
        return f"{self.registry_ip}:{REGISTRY_PORT}"

    @property
    def seed_ip(self) -> str:
        """Address of the short-lived registry that fills the cached storage."""
        return f"{self.subnet}.{_SEED_HOST}"

    @property
    def forge_ip(self) -> str:
        """Address of the git forge: Gitea's container, or of GitHub's stand-in on the host."""
        is_container = self.forge is ForgeKind.GITEA
        return f"{self.subnet}.{_FORGE_HOST}" if is_container else self.gateway

    @property
    def forge_url(self) -> str:
        """The git forge as URL: the same in Pods, on the node and on the host."""
        return f"http://{self.forge_ip}:{FORGE_PORT}"

    def secret(self, name: str) -> str:
        """Return the secret of that name, drawn the first time."""
        return self.secrets.setdefault(name, secrets.token_hex(20))


def load(settings: Settings) -> State:
    """Read the state, empty if there is none."""
    try:
        state = State(**json.loads(_path(settings).read_text()))
    except FileNotFoundError:
        return State()
    state.forge = ForgeKind(state.forge)
    return state


def save(state: State, settings: Settings) -> None:
    """Write the state, readable by its user only."""
    path = _path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600), "w") as stream:
        json.dump(asdict(state), stream, indent=1)
    partial.replace(path)


def _path(settings: Settings) -> Path:
    return settings.state / "state.json"
