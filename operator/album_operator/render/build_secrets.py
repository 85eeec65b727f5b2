"""Secrets for a Dockerfile's steps: files, told to the engine by their paths."""

from collections.abc import Collection
from typing import Any

from album_operator.domain.build_outputs import BuildSecret

VOLUME = "secrets"


def render_secret_volumes(secrets: Collection[BuildSecret], mode: int) -> list[dict[str, Any]]:
    """Render the one volume that has them all, each under its id.

    Args:
        secrets: which; without any there is no volume.
        mode: of the files.
    """
    sources = [
        {
            "secret": {
                "name": secret.secret_ref.name,
                "items": [{"key": secret.secret_ref.key, "path": secret.name}],
            }
        }
        for secret in secrets
    ]
    projected = {"sources": sources, "defaultMode": mode}
    return [{"name": VOLUME, "projected": projected}] if sources else []


def render_secret_mounts(secrets: Collection[BuildSecret], folder: str) -> list[dict[str, Any]]:
    """Render where they are in the container that builds."""
    return [{"name": VOLUME, "mountPath": folder, "readOnly": True}] if secrets else []


def secret_options(secrets: Collection[BuildSecret], folder: str) -> list[str]:
    """Give what both engines read after `--secret`; no content is in it."""
    return [f"id={secret.name},src={folder}/{secret.name}" for secret in secrets]
