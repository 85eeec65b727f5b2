"""Held: an app of which nothing is begun, and nothing merged, until a person lets it go on."""

from datetime import timedelta

from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.verdict import Wait

UNTIL_LIFTED = timedelta(seconds=30)
"""Until the next look whether an app is held still: nothing tells of changes of pipelines."""


def find(pipeline: Pipeline | None, app: str) -> str | None:
    """Say why an app is held and how a person lifts that; None where it is not.

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


def wait(why: str) -> Wait:
    """Wait until nothing holds the app any more.

    Args:
        why: as `find` gives it.
    """
    return Wait(Reason.HELD, why, UNTIL_LIFTED, is_poll=True)
