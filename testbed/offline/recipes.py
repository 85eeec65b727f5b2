"""How the images are made that no registry gives: Debian packages and Go programs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.commands import capture, locked, run
from testbed.engine import Engine
from testbed.offline import gotools, packages
from testbed.offline.origin import RECIPE_LABEL, Image, obtain
from testbed.settings import Settings

DEBIAN = "docker.io/library/debian:bookworm-slim"
GOLANG = "docker.io/library/golang:1.26-bookworm"
PYTHON = "docker.io/library/python:3.11-slim-bookworm"
NGINX = "docker.io/library/nginx:stable-bookworm"
REGISTRY = "docker.io/library/registry:2.8.2"
GITEA = "docker.io/gitea/gitea:1.26.0"
BUILDKIT = "docker.io/moby/buildkit:v0.34.2"
ROOTLESS_BUILDKIT = f"{BUILDKIT}-rootless"

# What `golang:1.26-bookworm` holds; fetched like a module when the machine has another one.
_GO_IN_IMAGE = "go1.26.8"
_DOCKERFILES = Path(__file__).parent / "dockerfiles"
# Folders no program reads.
_UNREAD = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
# The machine's own certificate authorities: where its package registries are reached through a
# proxy that signs, the images need them as much as the machine does.
_AUTHORITIES = Path("/usr/local/share/ca-certificates")


@dataclass(frozen=True)
class _Recipe:
    """A Dockerfile on the Debian image, and what goes into its context.

    Attributes:
        name: Dockerfile in `dockerfiles/`.
        programs: Go programs in the context.
        files: Files of `dockerfiles/` in the context.
        fill: Puts the rest into the context.
        extra: Text that decides the result besides all these.
    """

    name: str
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    fill: Callable[[Path, Settings], None] | None = None
    extra: str = ""

    def digest(self) -> str:
        """Return the digest of everything that decides the image."""
        digest = hashlib.sha256(f"{debian_digest()} {self.extra}".encode())
        for name in (f"{self.name}.Dockerfile", *self.files):
            digest.update((_DOCKERFILES / name).read_bytes())
        for tools in gotools.SETS:
            if set(self.programs) & set(tools.programs):
                digest.update(gotools.recipe_hash(tools).encode())
        return digest.hexdigest()[:12]


def base_images() -> list[Image]:
    """Return the images that builds in the cluster start from, the Debian image first."""
    return [
        debian_image(),
        _image(PYTHON, _Recipe("python")),
        _image(GOLANG, _Recipe("golang", fill=_put_go, extra=_GO_IN_IMAGE)),
        _image(NGINX, _Recipe("nginx", files=("nginx.conf",))),
    ]


def debian_image() -> Image:
    """Return the image all others are made on."""
    return Image(DEBIAN, debian_digest(), _make_debian)


def service_images() -> list[Image]:
    """Return the images of the containers beside the cluster: registry and git forge."""
    return [
        _image(REGISTRY, _Recipe("registry")),
        _image(GITEA, _Recipe("gitea", programs=("gitea",), fill=_put_gitea_data)),
    ]


def cluster_images(settings: Settings) -> list[Image]:
    """Return the images of Pods: Redis and Argo CD as its manifest names them, and BuildKit."""
    names = set(re.findall(r"image: (\S+)", argocd_manifest(settings).read_text()))
    images = []
    for name in sorted(names):
        if "/redis:" in name:
            images.append(_image(name, _Recipe("redis")))
        else:
            recipe = _Recipe("argocd", programs=("argocd", "helm"), fill=_put_argocd_scripts)
            images.append(_image(name, recipe))
    script = ("buildctl-daemonless.sh",)
    programs = ("buildkitd", "buildctl", "runc")
    images.append(_image(BUILDKIT, _Recipe("buildkit", programs=programs, files=script)))
    recipe = _Recipe("buildkit-rootless", programs=(*programs, "rootlesskit"), files=script)
    images.append(_image(ROOTLESS_BUILDKIT, recipe))
    return images


def argocd_manifest(settings: Settings) -> Path:
    """Return Argo CD's own manifest of an installation without its user interface."""
    data = gotools.ensure_data("argocd", settings)
    return data / "manifests" / "core-install-with-hydrator.yaml"


@contextmanager
def work_folder(settings: Settings) -> Iterator[Path]:
    """Give a folder inside the cache that is gone afterwards."""
    parent = settings.cache / "work"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def build(
    engine: Engine,
    dockerfile: Path,
    context: Path,
    tag: str,
    *,
    log: Path,
    labels: dict[str, str] | None = None,
    build_args: dict[str, str] | None = None,
) -> None:
    """Build an image on the engine, with the machine's network.

    Args:
        engine: Where the image is built and kept.
        dockerfile: The Dockerfile.
        context: Folder of the build context.
        tag: Name of the image.
        log: File the output is appended to.
        labels: Labels of the image.
        build_args: Values for the Dockerfile's `ARG`s.

    Raises:
        PartError: The build failed.
    """
    argv = ["docker", "build", "--network=host", "--force-rm", "--tag", tag]
    for key, value in (labels or {}).items():
        argv += ["--label", f"{key}={value}"]
    for key, value in (build_args or {}).items():
        argv += ["--build-arg", f"{key}={value}"]
    for key in ("http_proxy", "https_proxy", "no_proxy"):
        if os.environ.get(key):
            argv += ["--build-arg", key]
    argv += ["--file", str(dockerfile), str(context)]
    run(argv, part=f"image {tag}", log=log, env=engine.env)


def _image(reference: str, recipe: _Recipe) -> Image:
    def make(engine: Engine, settings: Settings) -> None:
        obtain(debian_image(), engine, settings)
        with work_folder(settings) as context:
            bin_folder = gotools.ensure(recipe.programs, settings)
            for program in recipe.programs:
                shutil.copy(bin_folder / program, context / program)
            for name in recipe.files:
                shutil.copy(_DOCKERFILES / name, context / name)
            if recipe.fill is not None:
                recipe.fill(context, settings)
            build(
                engine,
                _DOCKERFILES / f"{recipe.name}.Dockerfile",
                context,
                reference,
                log=settings.build_logs / f"image-{recipe.name}.log",
                labels={RECIPE_LABEL: recipe.digest()},
            )

    return Image(reference, recipe.digest(), make)


def debian_digest() -> str:
    """Return the digest of everything that decides the Debian image, on which all others are."""
    digest = hashlib.sha256(b"bookworm minbase ca-certificates 2")
    for path in sorted(_AUTHORITIES.glob("*.crt")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _make_debian(engine: Engine, settings: Settings) -> None:
    packages.ensure((*packages.IMAGES, *packages.COMPILER), settings)
    part = f"image {DEBIAN}"
    log = settings.build_logs / "image-debian.log"
    with locked(settings.cache / "locks" / "debian"), work_folder(settings) as folder:
        root = folder / "root"
        options = ["--variant=minbase", "--include=ca-certificates"]
        run(["debootstrap", *options, "bookworm", root], part=part, log=log)
        for path in _AUTHORITIES.glob("*.crt"):
            shutil.copy(path, root / "usr/local/share/ca-certificates" / path.name)
        run(["chroot", root, "update-ca-certificates"], part=part, log=log)
        _slim(root)
        import_tree(engine, root, DEBIAN, ['CMD ["bash"]', _label(debian_digest())], log)


def _slim(root: Path) -> None:
    """Leave out of this root, and of all that is installed on it, what the slim image does too."""
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists", "var/log", *_UNREAD):
        shutil.rmtree(root / folder)
        (root / folder).mkdir()
    (root / "var/cache/apt/archives/partial").mkdir()
    excludes = "".join(f"path-exclude /{folder}/*\n" for folder in _UNREAD)
    (root / "etc/dpkg/dpkg.cfg.d/testbed").write_text(excludes)
    clean = 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n'
    (root / "etc/apt/apt.conf.d/testbed").write_text(clean)


def import_tree(engine: Engine, root: Path, tag: str, changes: list[str], log: Path) -> None:
    """Turn a folder into an image of one layer.

    Args:
        engine: Where the image is kept.
        root: Root file system.
        tag: Name of the image.
        changes: Dockerfile instructions applied to the image.
        log: File the output is appended to.

    Raises:
        PartError: The folder cannot be read or the engine refused it.
    """
    archive = root.with_name(f"{root.name}.tar")
    part = f"image {tag}"
    run(["tar", "-C", root, "--numeric-owner", "-cf", archive, "."], part=part, log=log)
    options = [option for change in changes for option in ("--change", change)]
    run(["docker", "import", *options, archive, tag], part=part, log=log, env=engine.env)
    archive.unlink()


def _label(digest: str) -> str:
    return f"LABEL {RECIPE_LABEL}={digest}"


def _put_go(context: Path, settings: Settings) -> None:
    env = {**gotools.build_environment(settings), "GOTOOLCHAIN": _GO_IN_IMAGE}
    root = capture(["go", "env", "GOROOT"], part="Go for the image", env=env)
    shutil.copytree(
        root,
        context / "go",
        symlinks=True,
        # Tests are a third of a Go distribution, and no build reads them.
        ignore=shutil.ignore_patterns("testdata", "*_test.go", "test", "api", "doc", ".git"),
    )


def _put_gitea_data(context: Path, settings: Settings) -> None:
    shutil.copytree(gotools.ensure_data("gitea", settings), context / "share")


def _put_argocd_scripts(context: Path, settings: Settings) -> None:
    scripts = context / "scripts"
    scripts.mkdir()
    for path in gotools.ensure_data("argocd", settings).rglob("*.sh"):
        shutil.copy(path, scripts / path.name)
