"""Sources whose manifests Argo CD makes and commits before it syncs them (`source-hydrator.md`).

Git alone tells of which dry commit the manifests are that an Application syncs: its status knows
the last ones that were made, and on a branch that others merge into or push to, these are not it.
"""

from album_operator.domain.applications import ApplicationSeen, Hydration
from album_operator.domain.names import is_same_repository
from album_operator.domain.resolved import ResolvedConfig


def needs_metadata(seen: ApplicationSeen, config: ResolvedConfig) -> Hydration | None:
    """Give where to read of which dry commit the synced manifests are; None where that is known.

    Args:
        seen: the Application.
        config: the config repository, the one that is read.
    """
    hydration = seen.hydration
    if hydration is None or hydration.revision is None or seen.sources[0].revision is not None:
        return None
    is_ours = is_same_repository(hydration.repository, config.repository)
    return hydration if is_ours else None


def tell(seen: ApplicationSeen) -> str:
    """Say what a hydrated Application still waits for, as one more sentence; empty for nothing."""
    hydration = seen.hydration
    if hydration is None:
        return ""
    if hydration.failure:
        return f" Argo CD could not make its manifests: {hydration.failure}."
    if hydration.staged_on:
        return (
            f" Argo CD puts its manifests on branch {hydration.staged_on}, and it syncs them from "
            f"{hydration.branch} once they are merged there."
        )
    return ""
