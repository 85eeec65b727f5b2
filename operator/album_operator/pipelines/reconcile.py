"""One pass over one pipeline: each part looks at what the cause concerns, then one status write.

Level-triggered like a pass over a release: it may run at any time, twice, or after a crash.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from album_operator.decisions import newer
from album_operator.decisions.standing import conclude, transition
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.release import Ref
from album_operator.pipelines.answers import Answers
from album_operator.pipelines.cause import Causes
from album_operator.pipelines.retention import Retention
from album_operator.pipelines.sweep import Sweep
from album_operator.pipelines.triggers import Triggers
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)


class PipelineReconciler:
    """Passes over pipelines.

    Args:
        world: the outside.
        clock: monotonic seconds.

    Attributes:
        answers: what they answer.
        retention: removes finished releases that they do not keep.
        sweep: removes branches that their releases left behind.
    """

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self.answers = Answers(world, clock)
        self._pipelines = world.pipelines
        self._clock = world.clock
        self.retention = Retention(world.releases, world.index, world.clock)
        self.sweep = Sweep(world)
        self._triggers = Triggers(world, clock)

    def forget(self, pipeline: Ref) -> None:
        """Do nothing any more for a pipeline that is gone."""
        self.answers.forget(pipeline)
        self.retention.forget(pipeline)
        self.sweep.forget(pipeline)
        self._triggers.forget(pipeline)

    async def run_pass(self, ref: Ref, causes: Causes) -> timedelta | None:
        """Look at a pipeline, and write what is so into its status.

        Args:
            ref: the AlbumPipeline.
            causes: what brought the pass.

        Returns:
            Time until the next pass if nothing happens before; None for one that is gone.

        Raises:
            OutsideError: the API server could not be reached or asked.
        """
        found = await self._pipelines.find(ref)
        if found is None:
            return None
        pipeline, written = found
        record = replace(written, apps=tuple(written.app(app.name) for app in pipeline.apps))
        record, left = await self._look(pipeline, record, causes)
        if not await self._pipelines.write_record(pipeline, record):
            return timedelta()
        event = transition(written, record)
        if event is not None:
            LOG.info("AlbumPipeline %s: %s: %s", ref, *event[1:], extra={"reason": event[1]})
            await self._pipelines.post_event(pipeline, *event)
        return left

    async def _look(
        self, pipeline: Pipeline, record: PipelineRecord, causes: Causes
    ) -> tuple[PipelineRecord, timedelta]:
        """Let each part look, and give the time until they are to look again."""
        unknown = newer.find_unknown(pipeline)
        if unknown is not None:
            record = conclude(record, pipeline, (), unknown, self._clock())
            return replace(record, observed_generation=pipeline.generation), newer.LOOK_AGAIN
        # A person may wait for a release of a tag, and an answer may take a minute.
        record, retry = await self._triggers.begin(pipeline, record, causes)
        record, left = await self.answers.answer(pipeline, record, causes)
        self.sweep.note(pipeline)
        record = await self.retention.look(pipeline, record)
        return record, left if retry is None else min(left, retry)
