"""Whether an app is Healthy, and what of it is not."""

from album_operator.decisions.observed_images import LOOK, MOST_NAMED
from album_operator.decisions.out_of_sync import is_as_of_sync
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.verdict import Wait


def check_stuck(seen: ApplicationSeen) -> Wait | None:
    """Wait for an Application that is ill, or waits for somebody."""
    return check(seen) if seen.health in {"Degraded", "Suspended"} else None


def check(seen: ApplicationSeen) -> Wait | None:
    """Wait until an Application is Healthy, as of after its last sync."""
    if seen.health == "Healthy":
        if is_as_of_sync(seen):
            return None
        return Wait(
            Reason.SYNCING,
            f"Application {seen.ref} was Healthy before its sync ended; Argo CD looks again.",
            LOOK,
        )
    said = f"Application {seen.ref} is {seen.health or 'of unknown health'}{_culprits(seen)}."
    if seen.health == "Suspended":
        return Wait(
            Reason.PAUSED,
            f"{said} A rollout waits for somebody to promote it, or what is named is suspended: "
            "promote or resume it, and the release goes on by itself.",
            LOOK,
        )
    reason = Reason.DEGRADED if seen.health == "Degraded" else Reason.SYNCING
    return Wait(reason, said, LOOK)


def _culprits(seen: ApplicationSeen) -> str:
    """Name what makes an app ill, as far as its Application tells.

    Argo CD keeps the health of resources there where its `controller.resource.health.persist` is
    set, and since 3.6 the names of the worst in any case (`status.health.message`).
    """
    ill = [one for one in seen.resources if seen.health and one.health == seen.health]
    if not ill:
        return f": {seen.health_message}" if seen.health_message else ""
    told = (f"{one.name} ({one.message.rstrip('.')})" if one.message else one.name for one in ill)
    return f": {join_words(list(told)[:MOST_NAMED])}"
