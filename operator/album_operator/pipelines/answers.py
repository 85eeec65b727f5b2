"""What a pipeline answers: what its releases would lack, and where each of its apps stands.

Where its apps stand is known by each pass. What releases would lack is asked of the outside: when
the pipeline or one of its Applications changes, and again by time, so seldom that all pipelines
together stay within what a minute may cost.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from album_operator.decisions import apps
from album_operator.decisions import standing as decision
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import AppRecord, PipelineRecord
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Halt
from album_operator.memory.lately import Lately
from album_operator.pipelines.cause import Cause, Causes
from album_operator.pipelines.shared import SharedLooks
from album_operator.steps import standing
from album_operator.steps.access import Access
from album_operator.steps.standing import AppSeen
from album_operator.steps.world import World

LOOK_SECONDS = 600.0
"""Between two looks at a pipeline to which nothing happens, while there are few."""

QUESTION_SECONDS = 1.5
"""For each look, and for each question of it, so many seconds pass before that of another pipeline:
with a thousand pipelines that have nothing in common one is looked at again after three hours. Half
of that was measured to take more than a hundredth of a core (docs/benchmarks.md)."""

LOOKS_REMEMBERED = 100
"""How many of the last looks count for how much one asks."""

QUESTIONS = 6.0
"""What a look asks before that is known: two Secrets, two repositories, a forge, a registry."""

SOONER = 10
"""How many times sooner the first look is made after one that found something missing."""

FRESH_SECONDS = 5.0
"""How old an answer may be for a pipeline that was changed: a thousand may be applied at once."""

UNTIL_LISTED = timedelta(seconds=6)
"""Until the next pass, while the releases of a namespace are still being listed."""


@dataclass
class _Known:
    """What is remembered of a pipeline; all of it can be found out again.

    Attributes:
        generation: of the pipeline whose Applications are known; None before it was passed over.
        begun: monotonic time the last look, or the first pass, began at.
        looked: monotonic time the last look ended at.
        share: of the pause until the next look after `begun`.
        backoff: seconds of that pause while something is missing; 0 while nothing is.
        apps: what the last look found of each app.
        is_untold: the last look could not be told whole.
        applications: those it names or has found.
    """

    generation: int | None = None
    begun: float = 0.0
    looked: float = 0.0
    share: float = 0.0
    backoff: float = 0.0
    apps: Mapping[str, AppSeen] = field(default_factory=dict)
    is_untold: bool = False
    applications: frozenset[Ref] = frozenset()


class Answers:
    """Looks at pipelines, and tells what they answer.

    Args:
        world: the outside.
        clock: monotonic seconds.
    """

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        self._world = world
        self._clock = clock
        self._shared = SharedLooks(clock)
        self._known: dict[Ref, _Known] = {}
        self._states: dict[Ref, object] = {}
        self._lately = Lately[Ref]()
        self._counted = 0
        self._questions = QUESTIONS

    async def answer(
        self, pipeline: Pipeline, written: PipelineRecord, causes: Causes
    ) -> tuple[PipelineRecord, timedelta]:
        """Give what a pipeline answers now, and the time until it is to be asked again.

        Args:
            pipeline: the AlbumPipeline.
            written: what its status says, of the apps that the pipeline has.
            causes: what brought the pass.
        """
        known = self._known.setdefault(pipeline.ref, _Known())
        record, told = written, self._lately.count
        since = self._find_since(pipeline, written, known, causes)
        if since is not None:
            record = await self._look(pipeline, record, known, since)
        if since is not None or known.generation != pipeline.generation:
            before = known.applications
            self._follow(pipeline, known)
            if not (known.applications - before).isdisjoint(self._lately.since(told)):
                known.share = 0.0  # It may have been looked at before that.
        record, is_whole = self._tell_apps(pipeline, record)
        if any(app.released != written.app(app.name).released for app in record.apps):
            known.share = 0.0  # The base branch has another version now.
        left = timedelta(seconds=max(0.0, self._due(known) - self._clock()))
        return record, left if is_whole else min(left, UNTIL_LISTED)

    def forget(self, pipeline: Ref) -> None:
        """Forget a pipeline that is gone."""
        self._known.pop(pipeline, None)

    def note_application(self, application: Ref, state: object) -> list[Ref]:
        """Take what an event told of an Application, and give the pipelines that it concerns.

        Args:
            application: the Application.
            state: as the watch tells it; None for one that is gone.
        """
        self._lately.tell(application)
        concerned = [ref for ref, known in self._known.items() if application in known.applications]
        if not concerned:
            self._states.pop(application, None)
            return []
        self._shared.forget_application(application)
        state = state.lasting if isinstance(state, ApplicationSeen) else state
        is_new = self._states.get(application, self) != state
        self._states[application] = state
        return concerned if is_new else []

    def _find_since(
        self, pipeline: Pipeline, written: PipelineRecord, known: _Known, causes: Causes
    ) -> float | None:
        """Give since when (monotonic) answers are good for a look; None where none is due."""
        now = self._clock()
        if pipeline.refresh != written.last_handled_refresh:
            return now
        is_first = known.generation is None
        is_unknown = is_first and written.checked_at is None
        if written.observed_generation != pipeline.generation or is_unknown:
            return now - FRESH_SECONDS
        if is_first:
            # After a start they are spread, for each was looked at before.
            known.begun = known.looked = now
            known.share = random.uniform(0.0, 1.0)  # noqa: S311 - guards nothing
        if self._due(known) <= now:
            return known.looked
        return now - self._pause() if Cause.APPLICATIONS in causes else None

    async def _look(
        self, pipeline: Pipeline, written: PipelineRecord, known: _Known, since: float
    ) -> PipelineRecord:
        """Look at all that releases need, and say what they would lack."""
        begun, world = self._clock(), self._shared.world(self._world, since)
        access = Access(world.secrets, world.pull_requests, pipeline.ref.namespace)
        seen = await standing.look(world, pipeline, access, known.apps)
        was_untold, known.is_untold = known.is_untold, seen.untold is not None
        known.apps = seen.apps
        found = decision.conclude(written, pipeline, seen.halts, seen.untold, self._world.clock())
        is_same = written.observed_generation == pipeline.generation
        # A server that does not answer once is no news for the night.
        if found.is_ready is None and not was_untold and is_same and written.is_ready is not None:
            found = written
        self._plan(known, begun, is_good=bool(found.is_ready) and not known.is_untold)
        wait = seen.untold.retry_after if seen.untold is not None else None
        known.backoff = max(known.backoff, (wait or timedelta()).total_seconds())
        found = replace(
            found,
            observed_generation=pipeline.generation,
            last_handled_refresh=pipeline.refresh,
            apps=tuple(_with_base(app, seen.apps.get(app.name)) for app in found.apps),
        )
        wish = next((app.wish for app in seen.apps.values()), None)
        if found.is_ready is not True and wish is not None:
            await access.learn(wish)
        return found.clean(access.clean)

    def _plan(self, known: _Known, begun: float, *, is_good: bool) -> None:
        """Say when the next look is due: soon where something may be mended, and then later."""
        asked, self._counted = self._shared.asked - self._counted, self._shared.asked
        self._questions += (asked - self._questions) / LOOKS_REMEMBERED
        longest = self._pause()
        sooner = min(longest, 2 * known.backoff or longest / SOONER)
        known.backoff = 0.0 if is_good else sooner
        known.begun, known.looked = begun, self._clock()
        known.share = random.uniform(1.0, 1.2)  # noqa: S311 - guards nothing

    def _due(self, known: _Known) -> float:
        """Give the monotonic time of the next look: later when looks are found to cost more."""
        return known.begun + known.share * (known.backoff or self._pause())

    def _pause(self) -> float:
        """Give the seconds between two looks at a pipeline, by what the last looks have cost."""
        look = (1.0 + self._questions) * QUESTION_SECONDS
        return max(LOOK_SECONDS, len(self._known) * look)

    def _follow(self, pipeline: Pipeline, known: _Known) -> None:
        """Keep which Applications concern a pipeline: those it names, and those labels found."""
        known.generation = pipeline.generation
        named = (
            wish.argocd.applications
            for wish in standing.wishes(self._world, pipeline).values()
            if not isinstance(wish, Halt)
        )
        looked = (app.look.applications for app in known.apps.values())
        known.applications = frozenset(ref for refs in (*named, *looked) for ref in refs)

    def _tell_apps(self, pipeline: Pipeline, record: PipelineRecord) -> tuple[PipelineRecord, bool]:
        """Tell where each app stands; not before all releases of the namespace are known."""
        index, ref = self._world.index, pipeline.ref
        if not index.is_whole(ref.namespace):
            return record, False
        by_app: dict[str | None, dict[str, ReleaseSeen]] = {}
        for name, seen in index.of_pipeline(ref.namespace, ref.name).items():
            by_app.setdefault(seen.app, {})[name] = seen
        now = self._world.clock()
        told = (apps.tell(pipeline, app, by_app.get(app.name, {}), now) for app in record.apps)
        return replace(record, apps=tuple(told)), True


def _with_base(app: AppRecord, seen: AppSeen | None) -> AppRecord:
    """Tell what the base branch has; what could not be read now stays as it was told."""
    if seen is None or (seen.base is None and seen.look.config is None):
        return app
    return replace(app, base=seen.base)
