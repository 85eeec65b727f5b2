"""Bringing the samples up on a testbed, and back to their first state."""

from __future__ import annotations

from testbed import progress
from testbed.access import Testbed
from testbed.gitea import OWNER
from testbed.github_forge import forge_of
from testbed.samples.applications import ensure_applications, restore_applications
from testbed.samples.history import ALBUM_APP_CONFIG
from testbed.samples.images import ensure_images
from testbed.samples.publish import publish, reset_repositories


def prepare(testbed: Testbed) -> None:
    """Make sure that repositories and first images are there; needs neither cluster nor Argo CD.

    Args:
        testbed: A testbed whose forge, registry and engine are up.

    Raises:
        PartError: A part refused.
    """
    with progress.step("sample repositories"):
        publish(forge_of(testbed).of_owner(testbed), testbed.registry)
    ensure_images(testbed)


def ensure(testbed: Testbed) -> None:
    """Make sure that the samples run under Argo CD; what was released since is left alone.

    Args:
        testbed: A testbed that is up.

    Raises:
        PartError: A part refused, or an app did not become healthy.
    """
    prepare(testbed)
    with progress.step("samples under Argo CD"):
        ensure_applications(testbed)


def reset(testbed: Testbed) -> None:
    """Take the samples back to their first state: repositories, sync policies and running apps.

    Images stay in the registry. Releases in flight would go on: delete them before.

    Args:
        testbed: A testbed with the samples.

    Raises:
        PartError: A part refused, or an app did not become healthy.
    """
    forge = forge_of(testbed).of_owner(testbed)
    reset_repositories(forge, testbed.registry)
    ensure_images(testbed)
    restore_applications(testbed, forge.head(f"{OWNER}/{ALBUM_APP_CONFIG.name}"))
