"""What becomes of a look at what releases of a pipeline need, whichever their version."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from album_operator.domain.errors import TransientError
from album_operator.domain.misses import join, listed
from album_operator.domain.pipeline import App, Pipeline
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Release
from album_operator.domain.remedy import in_words
from album_operator.domain.verdict import Halt

ANY_VERSION = "0.0.0-0.0.0"
"""Stands for the version of whichever release: one of every form, and none that anybody has."""

IN_WORDS = "<version>"

AGAIN = "; this is looked at again by itself."

TOLD_AGAIN = timedelta(hours=1)
"""After which a look that found nothing new is written, for its time alone."""


def release_of(pipeline: Pipeline, app: App, now: datetime) -> Release:
    """Give a release of an app that stands for all that may come; it is nowhere but here."""
    return Release(
        ref=pipeline.ref,
        uid=pipeline.uid,
        generation=pipeline.generation,
        resource_version="",
        created_at=now,
        pipeline=pipeline.ref.name,
        app=app.name,
        version=ANY_VERSION,
        allow_downgrade=True,
    )


def conclude(
    written: PipelineRecord,
    pipeline: Pipeline,
    halts: Iterable[Halt],
    untold: TransientError | None,
    now: datetime,
) -> PipelineRecord:
    """Say whether releases can be expected to work.

    Args:
        written: what the status says.
        pipeline: the AlbumPipeline.
        halts: what would stop a release, in the order of the checks.
        untold: why not all could be looked at; None where all was.
        now: the present time.
    """
    found, known = _judge(written, pipeline, halts, untold), written.checked_at
    is_known = known is not None and now - known < TOLD_AGAIN and _gist(found) == _gist(written)
    return found if untold is not None or is_known else replace(found, checked_at=now)


def _judge(
    written: PipelineRecord,
    pipeline: Pipeline,
    halts: Iterable[Halt],
    untold: TransientError | None,
) -> PipelineRecord:
    halt = join(map(_of_any_version, halts), untold)
    if halt is not None:
        message = in_words(halt.message, halt.remedy, AGAIN)
        return replace(
            written, is_ready=False, reason=halt.reason, message=message, misses=listed(halt)
        )
    if untold is not None:
        said = f"{untold.sentence} Whether releases lack something cannot be told now{AGAIN}"
        return replace(written, is_ready=None, reason=untold.reason, message=said, misses=())
    count = len(pipeline.apps)
    apps = f"its {count} apps" if count > 1 else f"app {pipeline.apps[0].name}"
    said = f"Nothing is missing that releases of {apps} need."
    return replace(written, is_ready=True, reason=Reason.CHECKED, message=said, misses=())


def transition(before: PipelineRecord, after: PipelineRecord) -> tuple[str, str, str] | None:
    """Give kind, reason and message of the Event that tells of a change; None for none."""
    if _gist(before) == _gist(after) or after.is_ready is None:
        return None
    return "Normal" if after.is_ready else "Warning", after.reason, after.message


def _gist(record: PipelineRecord) -> tuple[object, ...]:
    """Give what is told of a look, without its words, which the status may have shortened."""
    return record.is_ready, record.reason, [miss.reason for miss in record.misses]


def _of_any_version(halt: Halt) -> Halt:
    """Let a verdict speak of whichever version."""
    return replace(
        halt,
        message=halt.message.replace(ANY_VERSION, IN_WORDS),
        remedy=halt.remedy.replace(ANY_VERSION, IN_WORDS),
        misses=tuple(map(_of_any_version, halt.misses)),
    )
