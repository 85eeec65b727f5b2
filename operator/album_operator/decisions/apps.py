"""Where an app of a pipeline stands, by what is known of its releases."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from album_operator.decisions import hold
from album_operator.domain.claims import ReleaseSeen, RollbackSeen
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import AppRecord, HeldApp, InFlight, LastReleased
from album_operator.domain.record import Outcome, StepName

Releases = Mapping[str, ReleaseSeen]

STEPS = tuple(StepName)


def tell(pipeline: Pipeline, written: AppRecord, releases: Releases, now: datetime) -> AppRecord:
    """Tell which release was the last, which is in flight, and whether the app is held.

    Args:
        pipeline: the AlbumPipeline.
        written: what its status says of the app.
        releases: all there are of the app, by name.
        now: the present time.
    """
    return replace(
        written,
        released=_find_last(written.released, releases),
        in_flight=_find_in_flight(releases),
        held=_find_held(pipeline, written.name, releases, now),
    )


def _find_last(known: LastReleased | None, releases: Releases) -> LastReleased | None:
    """Find the version that was Released last; that stays so where its release is deleted."""
    found = [
        LastReleased(seen.version, name, seen.ended.at, seen.digest)
        for name, seen in releases.items()
        if seen.outcome is Outcome.RELEASED and seen.ended and seen.version
    ]
    if known is not None:
        found.append(known)
    return max(found, key=lambda one: (one.at, one.release), default=None)


def _find_in_flight(releases: Releases) -> InFlight | None:
    """Find the release that has come farthest, of those that have not finished."""
    found = [
        (name, seen, seen.progress) for name, seen in releases.items() if seen.progress is not None
    ]
    if not found:
        return None
    name, seen, progress = min(
        found,
        key=lambda one: (-STEPS.index(one[2].step) if one[2].step else 1, one[2].since, one[0]),
    )
    return InFlight(
        release=name,
        version=seen.version,
        step=progress.step,
        reason=progress.reason,
        since=progress.since,
        others=len(found) - 1,
    )


def _find_held(pipeline: Pipeline, app: str, releases: Releases, now: datetime) -> HeldApp | None:
    rollbacks = [
        RollbackSeen(name, seen.rollback_of, seen.created_at)
        for name, seen in releases.items()
        if seen.rollback_of is not None
    ]
    because = hold.find_by_hand(pipeline, app)
    because = because or hold.find_by_rollback(pipeline, app, rollbacks, now)
    return HeldApp(because) if because is not None else None
