"""The container that builds: kaniko's executor, or BuildKit without a daemon of its own."""

from typing import Any

from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from album_operator.render.buildkit import render_buildkit
from album_operator.render.engines import EngineSettings, check_context
from album_operator.render.kaniko import render_kaniko


def render_builder(resolved: Resolved, engine: EngineSettings) -> dict[str, Any]:
    """Render the container that builds and pushes, without what all containers share.

    Raises:
        TerminalError: it would build something outside of the source.
    """
    check_context(resolved.build)
    if resolved.build.type is BuildType.KANIKO:
        return render_kaniko(resolved, engine)
    return render_buildkit(resolved, engine)


def render_state_volumes(resolved: Resolved, size: str) -> list[dict[str, Any]]:
    """Render the volumes only the engine itself needs, each of this size at most."""
    if resolved.build.type is BuildType.KANIKO:
        return []
    # An overlay cannot lie on the container's own overlay; on an emptyDir it can.
    return [{"name": "buildkit", "emptyDir": {"sizeLimit": size}}]
