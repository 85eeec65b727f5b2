"""The registry: where builds push to, and the node's mirror of all other registries.

Pushing two gigabytes at every start would take a minute, so the images of the testbed are pushed
once into a storage folder in the cache. Each registry begins with a copy of it in which the layers
are hard links: the registry writes a layer once and never again (it is named by its digest), only
the small files that say which manifest a tag has are copied.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

from testbed import cluster, containers, network, progress
from testbed.commands import locked
from testbed.engine import Engine
from testbed.gitea import WEBHOOK_SECRET
from testbed.offline.origin import Image
from testbed.offline.recipes import REGISTRY
from testbed.settings import Settings
from testbed.state import REGISTRY_PORT, WEBHOOK_PORT, State, save

_STORAGE = "/var/lib/registry"
_CONFIGURATION = {
    "version": 0.1,
    "log": {"level": "info", "accesslog": {"disabled": True}},
    "storage": {"filesystem": {"rootdirectory": _STORAGE}, "delete": {"enabled": True}},
    "http": {"addr": f":{REGISTRY_PORT}"},
}

_PUSHES = {"timeout": "2s", "threshold": 1, "backoff": "3s", "ignore": {"actions": ["pull"]}}
"""What the operator is told, and how often it is tried where there is none."""


def ensure(images: Sequence[Image], engine: Engine, settings: Settings, state: State) -> None:
    """Make sure that the testbed's registry runs and holds the given images.

    Args:
        images: Images that are in the engine; the registry has them without their host's name.
        engine: Where they are and the registry runs.
        settings: The testbed.
        state: Where the registry's address is.

    Raises:
        PartError: The registry did not start, or a push failed.
    """
    _fill_seed(images, engine, settings, state)
    folder = settings.state / "registry"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    _take_seed(settings.cache / "registry", folder)
    told = {"endpoints": [{**_operator(settings, state), **_PUSHES}]}
    address = state.registry_ip
    _start("registry", folder / "data", address, engine, settings, notifications=told)


def push(tag: str, path: str, engine: Engine, settings: Settings) -> None:
    """Push an image of the engine to the testbed's registry.

    Args:
        tag: Name of the image in the engine.
        path: Its name in the registry, without the registry's address: `album/album-app:v1.0.0`.
        engine: Where the image is.
        settings: The testbed.

    Raises:
        PartError: The registry or the engine refused.
    """
    _push(tag, path, f"{settings.name}-registry", engine)


def _fill_seed(images: Sequence[Image], engine: Engine, settings: Settings, state: State) -> None:
    folder = settings.cache / "registry"
    record = folder / "pushed.json"
    with locked(settings.cache / "locks" / "registry"):
        pushed: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
        names = [image.reference for image in images]
        ids = engine.docker("image", "inspect", "--format", "{{.Id}}", *names).split()
        missing = {
            name: found for name, found in zip(names, ids, strict=True) if pushed.get(name) != found
        }
        if not missing:
            return
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        with progress.step(f"push {len(missing)} images into the cached registry"):
            name = _start("seed", data, state.seed_ip, engine, settings)
            try:
                for reference, image_id in missing.items():
                    _push(reference, reference.partition("/")[2], name, engine)
                    pushed[reference] = image_id
                    record.write_text(json.dumps(pushed, indent=1))
            finally:
                containers.remove(name, engine)


def _operator(settings: Settings, state: State) -> dict[str, object]:
    """Tell where the operator is, whether there is one yet or not, and by what it knows us."""
    secret = state.secret(WEBHOOK_SECRET)
    save(state, settings)
    # The engine's name of the node, whose address is not known before it runs.
    node = cluster.node_name(settings)
    return {
        "name": "album-operator",
        "url": f"http://{node}:{WEBHOOK_PORT}/webhooks/registry",
        "headers": {"Authorization": [f"Bearer {secret}"]},
    }


def _start(
    part: str, data: Path, address: str, engine: Engine, settings: Settings, **more: object
) -> str:
    folder = settings.state / part
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({**_CONFIGURATION, **more})
    (folder / "config.yml").write_text(text)
    (folder / "config.yml").chmod(0o600)
    arguments = [
        f"--network={network.name(settings)}",
        f"--ip={address}",
        # Engines accept a plain-HTTP registry on loopback without being told.
        f"--publish=127.0.0.1::{REGISTRY_PORT}",
        f"--volume={data}:{_STORAGE}",
        f"--volume={folder / 'config.yml'}:/etc/testbed-registry.yml:ro",
        "--entrypoint=/bin/registry",
        REGISTRY,
        "serve",
        "/etc/testbed-registry.yml",
    ]
    return containers.ensure(
        part,
        arguments,
        f"http://{address}:{REGISTRY_PORT}/v2/",
        engine=engine,
        settings=settings,
        configuration=text,
    )


def _push(tag: str, path: str, container: str, engine: Engine) -> None:
    name = f"{_loopback(container, engine)}/{path}"
    engine.docker("tag", tag, name)
    try:
        engine.docker("push", "--quiet", name, part=f"push of {path}", timeout=900)
    finally:
        engine.docker("rmi", "--no-prune", name)


def _loopback(container: str, engine: Engine) -> str:
    return engine.docker("port", container, f"{REGISTRY_PORT}/tcp").splitlines()[0]


def _take_seed(seed: Path, folder: Path) -> None:
    taken = folder / "taken.json"
    record = (seed / "pushed.json").read_text()
    if taken.exists() and taken.read_text() == record:
        return
    for source in (seed / "data").rglob("*"):
        target = folder / "data" / source.relative_to(seed / "data")
        if source.is_dir():
            target.mkdir(exist_ok=True)
        elif source.name != "data":
            shutil.copy(source, target)
        elif not target.exists():
            _link_or_copy(source, target)
    taken.write_text(record)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy(source, target)
