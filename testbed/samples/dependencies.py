"""A repository as large services have them: vendored Go modules and a Python wheel house in it.

Both are fetched once, from the registries of modules and packages, and stay in the cache. No demo
needs it: who measures builds publishes it.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from testbed import progress
from testbed.access import Testbed
from testbed.commands import locked, run
from testbed.forge import Forge
from testbed.gitea import OWNER
from testbed.offline import gotools, recipes
from testbed.samples.git import Git
from testbed.settings import Settings

REPOSITORY = f"{OWNER}/album-watcher"
APP = "watcher"
"""Its one app, and the folder it is in."""

CHANGED = ('const change = "none"', f"{APP}/main.go")
"""The line a change of the source replaces, and its file."""

FIRST_TAG = f"{APP}-v1.0.0"

_FOLDER = Path(__file__).parent / "album-watcher"
_PART = "sample with dependencies"
_IDENTITY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (
        ("NAME", "Ada Lind"),
        ("EMAIL", "ada@album.invalid"),
        ("DATE", "2026-01-12T09:10:00+01:00"),
    )
}


def publish_dependencies(testbed: Testbed) -> None:
    """Make sure that the forge has the repository; one that is there is left alone.

    Args:
        testbed: A testbed that is up, with Gitea.

    Raises:
        PartError: A registry, the forge or git refused.
    """
    forge = Forge.of_owner(testbed)
    if forge.find(f"/repos/{REPOSITORY}/git/refs/tags/{FIRST_TAG}") is not None:
        return
    with progress.step(_PART), tempfile.TemporaryDirectory(prefix="samples-") as folder:
        shutil.copytree(gather(testbed.settings), Path(folder, APP))
        git = Git.init(Path(folder))
        # Vendored modules have ignore files of their own.
        git.run("add", "--all", "--force")
        git.run("commit", "--quiet", "--message=watcher: watch the albums", env=_IDENTITY)
        git.run("tag", FIRST_TAG)
        if forge.find(f"/repos/{REPOSITORY}") is None:
            forge.make_repository(REPOSITORY)
        url = f"{testbed.forge_url}/{REPOSITORY}.git"
        refs = ("+HEAD:refs/heads/main", f"refs/tags/{FIRST_TAG}")
        git.run_as(OWNER, forge.token, "push", "--quiet", "--atomic", url, *refs)


def gather(settings: Settings) -> Path:
    """Give the app's folder with its dependencies, fetched if the cache has them not yet.

    Args:
        settings: Whose cache to use.

    Raises:
        PartError: Go, pip or their registries failed.
    """
    folder = settings.cache / "samples" / f"album-watcher-{_digest()}"
    with locked(settings.cache / "locks" / "album-watcher"):
        if not folder.exists():
            with progress.step("Go modules and wheels"), recipes.work_folder(settings) as work:
                made = work / APP
                shutil.copytree(_FOLDER, made)
                _fetch(made, settings)
                folder.parent.mkdir(exist_ok=True)
                # Renamed when whole: what is broken off leaves nothing that looks finished.
                made.rename(folder)
    return folder


def _fetch(folder: Path, settings: Settings) -> None:
    log = settings.build_logs / "album-watcher.log"
    go = gotools.build_environment(settings)
    run(["go", "mod", "vendor"], part=_PART, log=log, env=go, cwd=folder)
    # Of the Python in the image, whichever this one is.
    tags = [f"{tag}_{platform.machine()}" for tag in ("manylinux_2_28", "manylinux2014")]
    run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"),
            *("--no-deps", "--python-version=3.11", "--implementation=cp"),
            *(f"--platform={tag}" for tag in tags),
            *("--dest=wheels", "--requirement=requirements.txt"),
        ],
        part=_PART,
        log=log,
        cwd=folder,
    )


def _digest() -> str:
    """Name what was fetched by what decides it."""
    digest = hashlib.sha256(platform.machine().encode())
    for path in sorted(_FOLDER.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
