"""The command as one archive, with Python in it: for krew, and for who has no Python.

PyInstaller packs for the machine it runs on, so each platform's archive is made on such a machine.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tarfile
from pathlib import Path

from album_cli import VERSION
from album_cli.__main__ import COMPLETE, COMPLETES
from distribution.lock import ROOT

PROGRAM = "kubectl-album"
_ENTRY = ROOT / "distribution" / "kubectl_album.py"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def make_archive(folder: Path) -> Path:
    """Make the archive for this machine.

    Args:
        folder: Where it goes; what it is made of is left beside it, in `build`.

    Returns:
        Its path, `kubectl-album_<version>_<os>_<architecture>.tar.gz`.

    Raises:
        subprocess.CalledProcessError: PyInstaller failed, or what it made does not start.
    """
    made = _pack(folder / "build")
    subprocess.run([made / PROGRAM, "--version"], check=True)
    path = folder / f"{PROGRAM}_{VERSION}_{platform.system().lower()}_{_machine()}.tar.gz"
    # krew 0.4.3 takes no archive with a link in it.
    with tarfile.open(path, "w:gz", dereference=True) as archive:
        for inner in sorted(made.rglob("*")):
            archive.add(inner, inner.relative_to(made), recursive=False, filter=_of_nobody)
    return path


def _pack(folder: Path) -> Path:
    options = ["--onedir", "--name", PROGRAM, "--paths", str(ROOT / "operator"), "--noconfirm"]
    places = ["--distpath", str(folder), "--workpath", f"{folder}/work", "--specpath", str(folder)]
    subprocess.run([sys.executable, "-m", "PyInstaller", *options, *places, _ENTRY], check=True)
    made = folder / PROGRAM
    # krew wants the licence in the archive, and links one program alone: the other is for the user.
    (made / "LICENSE").write_bytes((ROOT / "LICENSE").read_bytes())
    (made / COMPLETES).write_text(f'#!/bin/sh\nexec {PROGRAM} {COMPLETE} "$@"\n')
    (made / COMPLETES).chmod(0o755)
    return made


def _machine() -> str:
    return _MACHINES.get(platform.machine(), platform.machine())


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    sys.stdout.write(f"{make_archive(Path(sys.argv[1]))}\n")
