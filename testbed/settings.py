"""Where a testbed lives: its name, its cache and its state, read from the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_NAME = "album"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")


class SettingsError(ValueError):
    """An environment variable of the testbed has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Name and folders of one testbed.

    Attributes:
        name: Prefix of everything this testbed creates; a DNS label of at most 32 characters.
        cache: Folder shared by all testbeds; survives `down`, removed by `purge`.
        state_root: Folder that holds one folder per testbed.
        mirror: `host:port` of a registry that stands in for all public registries, or None.
    """

    name: str
    cache: Path
    state_root: Path
    mirror: str | None = None

    @property
    def state(self) -> Path:
        """Folder of this testbed's own state; removed by `down`."""
        return self.state_root / self.name

    @property
    def logs(self) -> Path:
        """Folder of this testbed's logs."""
        return self.state / "logs"

    @property
    def build_logs(self) -> Path:
        """Folder of the logs of cached builds; part of the cache."""
        return self.cache / "logs"


def from_environment() -> Settings:
    """Read `TESTBED_NAME`, `TESTBED_CACHE`, `TESTBED_STATE` and `TESTBED_MIRROR`.

    Returns:
        The settings, with absolute folders.

    Raises:
        SettingsError: The name cannot be part of container and network names.
    """
    name = os.environ.get("TESTBED_NAME") or DEFAULT_NAME
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"TESTBED_NAME={name!r} cannot name containers: use 2 to 32 of a-z, 0-9 and '-', "
            "beginning with a letter and not ending with '-'."
        )
    return Settings(
        name=name,
        cache=_folder("TESTBED_CACHE", "~/.cache/album-testbed"),
        state_root=_folder("TESTBED_STATE", "~/.local/state/album-testbed"),
        mirror=os.environ.get("TESTBED_MIRROR") or None,
    )


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().absolute()
