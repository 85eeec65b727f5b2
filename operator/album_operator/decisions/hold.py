"""Held: an app of which nothing is begun, and nothing merged, until a person lets it go on."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from album_operator.domain.claims import RollbackSeen
from album_operator.domain.marks import LIFT_PREFIX
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Wait

UNTIL_LIFTED = timedelta(minutes=5)
"""Until the next look whether an app is held still: a change of its pipeline wakes who waits for
it, and a time that was still to come when it was written comes without one."""


def find_by_hand(pipeline: Pipeline | None, app: str) -> str | None:
    """Say that a person holds an app by its pipeline, and how that is lifted; None where not.

    Args:
        pipeline: the AlbumPipeline as it is now; None where it is gone, and holds nothing.
        app: name of the app.
    """
    apps = pipeline.apps if pipeline is not None else ()
    if pipeline is None or not any(one.hold for one in apps if one.name == app):
        return None
    return (
        f"App {app} is held by a person: spec.apps[name={app}].hold of AlbumPipeline "
        f"{pipeline.ref.name} is true. Set it to false to go on."
    )


def find_by_rollback(
    pipeline: Pipeline | None, app: str, rollbacks: Iterable[RollbackSeen], now: datetime
) -> str | None:
    """Say that an app is held since it was rolled back, and how that is lifted; None where not.

    It is until the pipeline's annotation has a time that is not before the last rollback's. A time
    that is still to come lifts nothing yet: it would lift what nobody knows of.

    Args:
        pipeline: the AlbumPipeline as it is now; None where it is gone.
        app: name of the app.
        rollbacks: the app's releases that take another one back.
        now: the present time.
    """
    last = max(rollbacks, key=lambda one: (one.created_at, one.name), default=None)
    if last is None or pipeline is None:
        return None
    said = pipeline.lifts.get(app)
    lifted = _parse(said)
    if lifted is not None and last.created_at <= lifted <= now:
        return None
    unlike = ""
    if said is not None and (lifted is None or lifted > now):
        unlike = " What that has now is no such time, or one that is still to come."
    return (
        f"App {app} is held since AlbumRelease {last.name} took back {last.of}. To "
        f"lift that: {lift_command(pipeline.ref, app, last.created_at)}.{unlike}"
    )


def lift_command(pipeline: Ref, app: str, since: datetime) -> str:
    """Give the command that lifts all holds of an app up to a time."""
    until = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return (
        f"kubectl annotate albumpipeline -n {pipeline.namespace} {pipeline.name} --overwrite "
        f"{LIFT_PREFIX}{app}={until}"
    )


def wait(why: str) -> Wait:
    """Wait until nothing holds the app any more.

    Args:
        why: as one of the functions above gives it.
    """
    return Wait(Reason.HELD, why, UNTIL_LIFTED, is_poll=True)


def _parse(text: str | None) -> datetime | None:
    """Read a time (RFC 3339) a person wrote; None where it is none, or does not say of which zone.

    The API server's are in whole seconds.
    """
    try:
        time = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
