"""The images of the apps' first version, which run before anything is released."""

from __future__ import annotations

import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from testbed import progress
from testbed.access import Testbed
from testbed.commands import PartError
from testbed.gitea import OWNER
from testbed.samples.history import ALBUM_APP, APPS, FIRST_VERSION, write

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


def ensure_images(testbed: Testbed) -> None:
    """Make sure that the registry has the first version of each app, built from its tag.

    Args:
        testbed: A testbed that is up.

    Raises:
        PartError: A build or a push failed.
    """
    names = {app: f"{OWNER}/{ALBUM_APP.name}-{app}" for app in APPS}
    missing = {app: name for app, name in names.items() if not _has(testbed.registry, name)}
    if not missing:
        return
    with tempfile.TemporaryDirectory(prefix="samples-") as folder:
        repository = Path(folder, "repository")
        repository.mkdir()
        git = write(ALBUM_APP, repository, {})
        for app, name in missing.items():
            with progress.step(f"image {name}:{FIRST_VERSION}"):
                archive = Path(folder, f"{app}.tar")
                tree = f"{app}-{FIRST_VERSION}:{app}"
                git.run("archive", "--format=tar", f"--output={archive}", tree)
                context = Path(folder, app)
                with tarfile.open(archive) as tar:
                    tar.extractall(context, filter="data")
                testbed.build_and_push(
                    context / "Dockerfile",
                    context,
                    f"{name}:{FIRST_VERSION}",
                    {"VERSION": FIRST_VERSION},
                )


def _has(registry: str, name: str) -> bool:
    request = urllib.request.Request(
        f"http://{registry}/v2/{name}/manifests/{FIRST_VERSION}",
        method="HEAD",
        headers={"Accept": _MANIFESTS},
    )
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return False
    except OSError as error:
        raise PartError("registry", f"{registry} does not answer: {error}") from error
