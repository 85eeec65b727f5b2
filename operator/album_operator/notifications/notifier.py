"""What is told of each written status, and to whom."""

from collections.abc import Sequence

from album_operator.decisions.notifications import notifications
from album_operator.domain.notifications import Sink
from album_operator.domain.release import Ref
from album_operator.domain.status_change import StatusChange
from album_operator.metrics.metrics import Metrics
from album_operator.notifications.lines import Lines
from album_operator.notifications.of_pipelines import OfPipelines
from album_operator.ports import Sinks
from album_operator.steps.world import World


class Notifier:
    """Tells sinks of releases, at most once: what waits is lost with the process.

    Args:
        world: with the API server.
        sinks: whom an admin has told of releases.
        way: to sinks.
        metrics: count what becomes of what is told.
    """

    def __init__(self, world: World, sinks: Sequence[Sink], way: Sinks, metrics: Metrics) -> None:
        self._clock = world.clock
        self._sinks = sinks
        self._lines = Lines(way, world.clock, metrics)
        self._of_pipelines = OfPipelines(world, self._lines)
        for sink in sinks:
            self._lines.open(sink)

    def observe(self, change: StatusChange) -> None:
        """Let all who want it be told of a change; none is waited for."""
        ref, told = change.release.ref, notifications(change, self._clock())
        for one in told:
            for sink in self._sinks:
                if sink.wants(one.event, ref.namespace):
                    self._lines.put(sink, one)
        if told:
            self._of_pipelines.note(Ref(ref.namespace, change.release.pipeline), told)

    async def run(self) -> None:
        """Tell until cancelled, and then for a moment what is left."""
        try:
            await self._of_pipelines.run()
        finally:
            await self._lines.close()
