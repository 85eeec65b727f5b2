"""AlbumPipelines in the API server; the adapter of port `Pipelines`."""

from collections.abc import Callable
from datetime import datetime

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.events import Events, Subject
from album_operator.adapters.cluster.patches import replaced
from album_operator.adapters.cluster.refusals import ConflictError, NotFoundError
from album_operator.codec import (
    API_VERSION,
    parse_pipeline,
    parse_pipeline_status,
    render_pipeline_status,
)
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.release import Ref


class ClusterPipelines:
    """Reads pipelines, writes their statuses, posts Events about them."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._events = Events(cluster, clock)

    async def find(self, ref: Ref) -> tuple[Pipeline, PipelineRecord] | None:
        """Read a pipeline and the record in its status."""
        try:
            raw = await self._cluster.get(_path(ref))
        except NotFoundError:
            return None
        return parse_pipeline(raw), parse_pipeline_status(raw.get("status") or {})

    async def write_record(self, pipeline: Pipeline, record: PipelineRecord) -> bool:
        """Write what differs from the status that was read, if the pipeline is still the same."""
        old = dict(pipeline.status)
        new = render_pipeline_status(pipeline, record, self._clock())
        changed = {key: value for key, value in new.items() if old.get(key) != value}
        gone = dict.fromkeys(old.keys() - new.keys())
        if not (changed or gone):
            return True
        metadata = {"resourceVersion": pipeline.resource_version}
        patch = {"metadata": metadata, "status": {**replaced(old, changed), **gone}}
        try:
            await self._cluster.merge(f"{_path(pipeline.ref)}/status", patch)
        except (ConflictError, NotFoundError):
            return False
        return True

    async def post_event(self, pipeline: Pipeline, kind: str, reason: str, message: str) -> None:
        """Post an Event; a lost one is only logged, for the status says the same."""
        subject = Subject("AlbumPipeline", pipeline.ref, pipeline.uid)
        await self._events.post(subject, kind, reason, message)


def _path(ref: Ref) -> str:
    return path_of(f"/apis/{API_VERSION}", "albumpipelines", ref.namespace, ref.name)
