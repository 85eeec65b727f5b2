"""Bringing a testbed up and down."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from testbed import (
    argocd,
    cluster,
    engine,
    gitea,
    network,
    progress,
    registry,
    samples,
    standin,
    state,
)
from testbed.access import Testbed
from testbed.commands import PartError, locked
from testbed.engine import Engine
from testbed.offline import gotools, node_image, origin, packages, recipes
from testbed.offline.origin import Image
from testbed.settings import Settings
from testbed.state import ForgeKind, State

FREE_GIGABYTES = 30


def up(settings: Settings, forge: ForgeKind | None = None) -> None:
    """Bring the testbed up; go on from whatever a command before left.

    Args:
        settings: The testbed.
        forge: Which forge it must have; None for the one it has, which is Gitea at first.

    Raises:
        PartError: It has another forge, or a part failed; the same command goes on from there.
    """
    _require_disk(settings)
    with _one_at_a_time(settings), progress.step(f"testbed {settings.name} up", beats=False):
        known = state.load(settings)
        _choose_forge(known, forge, settings)
        docker = engine.ensure(settings)
        in_registry = [*recipes.base_images(), *recipes.cluster_images(settings)]
        # Those of Debian packages alone first, while Go builds what the others need.
        _obtain([*in_registry, *recipes.service_images(), node_image.image()], docker, settings)
        network.ensure(docker, settings, known)

        with progress.step("registry"):  # first: Argo CD's images come from it
            registry.ensure(in_registry, docker, settings, known)

        def services() -> None:
            with progress.step(known.forge):
                if known.forge is ForgeKind.GITEA:
                    gitea.ensure(docker, settings, known)
                else:
                    standin.ensure(settings, known)
            testbed = Testbed.from_settings(settings)
            testbed.write_buildkitd_config()
            samples.prepare(testbed)

        def cluster_with_argocd() -> None:
            cluster.ensure(docker, settings, known)
            argocd.ensure(docker, settings)

        _together(services, cluster_with_argocd)
        samples.ensure(Testbed.from_settings(settings))


def down(settings: Settings) -> None:
    """Remove everything of the testbed but the cache.

    Raises:
        PartError: The engine refused to remove a part.
    """
    with _one_at_a_time(settings), progress.step(f"testbed {settings.name} down"):
        standin.stop(settings)
        docker = engine.find(settings)
        if docker is None and settings.state.exists():
            # Killed: its containers are still written down in the engine's storage.
            docker = engine.ensure(settings)
        if docker is not None:
            cluster.remove(docker, settings)
            network.remove(docker, settings)
        engine.release(settings)
        shutil.rmtree(settings.state, ignore_errors=True)
    _remove_empty(settings.state_root)


def purge(settings: Settings) -> None:
    """Remove the testbed and the cache.

    Raises:
        PartError: Another testbed still uses the cache.
    """
    down(settings)
    if engine.run_folder(settings).exists():
        raise PartError("purge", "other testbeds use the cache; take them down first")
    with progress.step(f"remove {settings.cache}"):
        _remove_tree(settings.cache)


def _choose_forge(known: State, forge: ForgeKind | None, settings: Settings) -> None:
    if forge in (None, known.forge):
        return
    if known.subnet:
        raise PartError(
            "forge",
            f"testbed {settings.name} is up with {known.forge}, and what runs on it came from "
            f"there; to have it with {forge}, take it down first: make demo-down",
        )
    known.forge = forge


def _obtain(images: Sequence[Image], docker: Engine, settings: Settings) -> None:
    missing = [image for image in images if not origin.is_present(image, docker)]
    if not missing:
        return
    progress.note(f"{len(missing)} of {len(images)} images are missing")
    if any(not origin.is_pullable(image, settings) for image in missing):
        packages.ensure((*packages.IMAGES, *packages.COMPILER), settings)
        # Beside the images that need only Debian packages. An image that needs a program waits
        # for it by the lock of its set. What fails here fails there again, where it is reported.
        every = [program for tools in gotools.SETS for program in tools.programs]
        threading.Thread(target=_build_quietly, args=(every, settings), daemon=True).start()
    for image in images:
        found = origin.obtain(image, docker, settings)
        if found is not origin.Origin.PRESENT:
            progress.note(f"image {image.reference}: {found.value}")


def _build_quietly(programs: list[str], settings: Settings) -> None:
    try:
        gotools.ensure(programs, settings)
    except PartError as error:
        progress.note(str(error))


def _together(*works: Callable[[], None]) -> None:
    """Do works at the same time; raise the first error once all have ended."""
    errors: list[BaseException] = []

    def attempt(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the main thread
            errors.append(error)

    # Daemons, unlike a pool's threads: an interrupted command does not wait for them.
    threads = [threading.Thread(target=attempt, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _one_at_a_time(settings: Settings) -> AbstractContextManager[None]:
    return locked(
        settings.cache / "locks" / f"testbed-{settings.name}",
        lambda: progress.note(f"another command works on testbed {settings.name}; waiting for it"),
    )


def _require_disk(settings: Settings) -> None:
    settings.cache.mkdir(parents=True, exist_ok=True)
    settings.state_root.mkdir(parents=True, exist_ok=True)
    for folder in (settings.cache, settings.state_root):
        free = shutil.disk_usage(folder).free / 1e9
        if free < FREE_GIGABYTES:
            raise PartError(
                "disk",
                f"{free:.0f} GB are free at {folder}, a testbed needs {FREE_GIGABYTES} GB; "
                "make room, or set TESTBED_CACHE and TESTBED_STATE to another disk",
            )


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # not empty, or not there
        return


def _remove_tree(folder: Path) -> None:
    # Go's module cache is read-only.
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder)
