"""Debian packages the testbed needs on the machine; missing ones are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from testbed import progress
from testbed.commands import PartError, locked, run
from testbed.settings import Settings

# A Docker Engine of our own.
ENGINE = ("docker.io", "runc", "iptables")
# C parts of Go programs (runc, gitea).
COMPILER = ("gcc", "libc6-dev", "libseccomp-dev", "pkg-config")
# Root file systems of the images that are made here.
IMAGES = ("debootstrap", "containernetworking-plugins", "jq", "ca-certificates")


def ensure(names: Sequence[str], settings: Settings) -> None:
    """Install the Debian packages that are missing.

    Args:
        names: Package names.
        settings: Where the log goes.

    Raises:
        PartError: The machine has no apt, we may not install, or the installation failed.
    """
    missing = find_missing(names)
    if not missing:
        return
    listed = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise PartError("packages", f"this machine has no apt-get; install by hand: {listed}")
    if os.geteuid() != 0:
        raise PartError("packages", f"run as root, or first: sudo apt-get install {listed}")
    log = settings.build_logs / "apt.log"
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with (
        locked(settings.cache / "locks" / "apt"),
        progress.step(f"install Debian packages: {listed}"),
    ):
        run(["apt-get", "update", "-q"], part="packages", log=log, env=quiet)
        run(
            ["apt-get", "install", "-qy", "--no-install-recommends", *missing],
            part="packages",
            log=log,
            env=quiet,
        )


def find_missing(names: Sequence[str]) -> list[str]:
    """Return those packages that dpkg does not report as installed, in the given order."""
    if shutil.which("dpkg-query") is None:
        return list(names)
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
        capture_output=True,
        text=True,
        check=False,  # it fails when one of the names is unknown, and still prints the others
    )
    installed = {
        line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")
    }
    return [name for name in names if name not in installed]
