"""The CRDs of the Argo CDs that are supported; they come with its Go module."""

from pathlib import Path

from testbed.offline import gotools
from testbed.settings import from_environment

MODULE = "github.com/argoproj/argo-cd/v3"

VERSIONS = ("v3.4.13", "v3.5.7", "v3.6.1")
"""The last of each minor version that Argo CD supports."""


def module_of(version: str, folder: Path) -> Path:
    """Give the folder of a version's module, which is fetched once.

    Args:
        version: one of `VERSIONS`.
        folder: without a `go.mod`.
    """
    return gotools.module_folder(f"{MODULE}@{version}", from_environment(), folder)


def application_crd(version: str, folder: Path) -> Path:
    """Give the file with a version's CRD of Applications."""
    return module_of(version, folder) / "manifests" / "crds" / "application-crd.yaml"
