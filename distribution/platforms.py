"""What the image's packages are on another platform, taken apart without running them."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

from distribution.lock import ROOT

GLIBC = "2_36"  # of Debian 12, the image's base
_MACHINES = {183: "aarch64", 62: "x86_64"}  # ELF, e_machine


def install_wheels(machine: str, folder: Path) -> None:
    """Put the operator's locked wheels of a platform into a folder.

    Args:
        machine: `aarch64` or `x86_64`.
        folder: Where they go.

    Raises:
        subprocess.CalledProcessError: A package has no wheel for the platform, or another hash.
    """
    uv = Path(sys.executable).with_name("uv")
    platform = f"{machine}-manylinux_{GLIBC}"
    options = ["--python-platform", platform, "--python-version", "3.11", "--target", str(folder)]
    lock = str(ROOT / "requirements/operator.txt")
    subprocess.run(
        [uv, "pip", "install", "--only-binary", ":all:", "--require-hashes", *options, "-r", lock],
        check=True,
        capture_output=True,
        text=True,
    )


def machines_in(folder: Path) -> dict[str, str]:
    """Give the machine each native library below a folder is for, by the library's path."""
    return {
        str(path.relative_to(folder)): _machine_of(path.read_bytes()[:20])
        for path in sorted(folder.rglob("*.so*"))
    }


def _machine_of(header: bytes) -> str:
    magic, machine = struct.unpack("<4s14xH", header)
    return _MACHINES.get(machine, str(machine)) if magic == b"\x7fELF" else "no ELF"
