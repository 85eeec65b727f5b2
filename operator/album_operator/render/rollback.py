"""The AlbumRelease that brings a version back, as a manifest and as a command for a person."""

import json
from typing import Any

from album_operator.domain.release import Release


def render_rollback(wish: Release) -> dict[str, Any]:
    """Write the manifest of a rollback."""
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"namespace": wish.ref.namespace, "name": wish.ref.name},
        "spec": {
            "pipelineRef": {"name": wish.pipeline},
            "app": wish.app,
            "version": wish.version,
            "rollbackOf": {"name": wish.rollback_of},
        },
    }


def command(wish: Release) -> str:
    """Write the command for a shell that applies a rollback; no name has a quote in it."""
    manifest = json.dumps(render_rollback(wish), separators=(",", ":"))
    return f"echo '{manifest}' | kubectl apply -f -"
