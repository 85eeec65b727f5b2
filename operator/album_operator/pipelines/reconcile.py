"""One pass over one pipeline: each part looks at what the cause concerns, then one status write.

Level-triggered like a pass over a release: it may run at any time, twice, or after a crash.
"""

import logging
from dataclasses import replace
from datetime import timedelta

from album_operator.domain.cause import Causes
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.pipelines.retention import Retention
from album_operator.pipelines.sweep import Sweep
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(minutes=10)
"""Between two looks at a pipeline that nothing happens to."""


class PipelineReconciler:
    """Passes over pipelines.

    Attributes:
        retention: removes finished releases that they do not keep.
        sweep: removes branches that their releases left behind.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._pipelines = world.pipelines
        self.retention = Retention(world.releases, world.index, world.clock)
        self.sweep = Sweep(world)

    def forget(self, pipeline: Ref) -> None:
        """Do nothing any more for a pipeline that is gone."""
        self.retention.forget(pipeline)
        self.sweep.forget(pipeline)

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
        record = await self._look(pipeline, written, causes)
        self.sweep.note(pipeline)
        stays = await self.retention.look(pipeline)
        if stays is not None:
            record = replace(record, message=f"{record.message} {stays}")
        if not await self._pipelines.write_record(pipeline, record):
            return timedelta()
        return LOOK_AGAIN

    async def _look(
        self,
        pipeline: Pipeline,
        written: PipelineRecord,
        causes: Causes,  # noqa: ARG002 - of the parts to come
    ) -> PipelineRecord:
        apps = tuple(written.app(app.name) for app in pipeline.apps)
        return replace(
            written,
            apps=apps,
            is_ready=True,
            reason=Reason.CHECKED,
            message="The operator serves this pipeline.",
            last_handled_refresh=pipeline.refresh,
        )
