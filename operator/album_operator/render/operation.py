"""One sync of an Argo CD Application, started as Argo CD's own API server starts one."""

from collections.abc import Mapping
from typing import Any

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.release import Release

ATTEMPT = "album.dev/attempt"
"""Name of the `info` by which an operation is known for that of an attempt of a release."""

RELEASE = "album.dev/release"

AUTOMATED_RETRY = {"limit": 5}
"""How Argo CD retries its automated syncs where an Application says nothing (`autoSync`)."""


def attempt_of(release: Release, attempt: int) -> str:
    """Give what marks the operation of an attempt; the uid tells releases of one name apart."""
    return f"{release.uid}/{attempt}"


def start_patch(seen: ApplicationSeen, release: Release, attempt: int) -> dict[str, Any]:
    """Render the JSON merge patch (RFC 7396) that has Argo CD sync an Application once.

    Nothing is chosen that the Application does not say itself: revision and sources are its own,
    and options, pruning and retries as an automated sync would have them. It counts as automated,
    so that sync windows hold it up whose exception is for people (`manualSync`). The state of the
    last operation is taken away, as Argo CD's server does (`SetAppOperation`): by that state the
    controller judges sync windows in the first look at a new operation (`syncWindowPreventsSync`).

    Args:
        seen: the Application.
        release: whose change it is.
        attempt: of the release.
    """
    policy: Mapping[str, Any] = seen.sync_policy or {}
    sync: dict[str, Any] = {}
    if policy.get("syncOptions"):
        sync["syncOptions"] = policy["syncOptions"]
    if (policy.get("automated") or {}).get("prune"):
        sync["prune"] = True
    return {
        "operation": {
            "initiatedBy": {"username": "album-operator", "automated": True},
            "info": [
                {"name": RELEASE, "value": str(release.ref)},
                {"name": ATTEMPT, "value": attempt_of(release, attempt)},
            ],
            "retry": policy.get("retry") or AUTOMATED_RETRY,
            "sync": sync,
        },
        "status": {"operationState": None},
    }
