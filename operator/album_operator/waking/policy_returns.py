"""Giving Applications the sync policy back that they had before us, once nobody holds it.

It is held by the pipelines that the Application lets change it, while they exist, and by releases
in flight. No finalizer says so: it is found by what the Application itself keeps, at the start and
again and again, so that a pipeline may go while no operator runs.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from album_operator.decisions import give_back
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.errors import OutsideError, StaleError
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.release import Ref
from album_operator.memory.release_index import ReleaseIndex
from album_operator.ports import Applications
from album_operator.render.sync_policy import give_back_patch

LOG = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
"""Between two looks at all of them: an event of a pipeline or release may have been missed."""

PAUSE_SECONDS = 1.0
"""Between two looks at those whose consent has changed, which their owners can do all the time."""

LIST_SECONDS = 30.0
"""After the start nothing is given back: which releases are in flight is being listed."""


class PolicyReturns:
    """Applications whose policy from before us is kept, and who lets them go.

    Args:
        applications: the port.
        find_pipeline: reads one; asked only about those of which events tell nothing.
        find_told: tells whether one is there by the last event of it; None where none has told.
        namespaces: that are served; pipelines of others are nobody's to judge.
        index: which releases are in flight.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        applications: Applications,
        find_pipeline: Callable[[Ref], Awaitable[Pipeline | None]],
        find_told: Callable[[Ref], bool | None],
        namespaces: Collection[str],
        index: ReleaseIndex,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._applications = applications
        self._find_pipeline = find_pipeline
        self._find_told = find_told
        self._namespaces = namespaces
        self._index = index
        self._clock = clock
        self._since = clock()
        self._kept: dict[Ref, frozenset[str]] = {}
        self._unlisted: set[str] = set()
        self._changed: set[Ref] = set()
        self._news = asyncio.Event()

    def note(self, application: Ref, state: object) -> None:
        """Take what an event told of an Application; None for one that is gone."""
        if isinstance(state, ApplicationSeen) and state.previous_policy is not None:
            if self._kept.get(application, state.consents) != state.consents:
                self._changed.add(application)
                self._news.set()
            self._kept[application] = state.consents
        elif state is None or isinstance(state, ApplicationSeen):
            self._kept.pop(application, None)

    def let_go(self, pipeline: Ref) -> None:
        """Take notice that a pipeline is gone, and look at the Applications it may have held."""
        concerned = {ref for ref, consents in self._kept.items() if str(pipeline) in consents}
        self._changed |= concerned
        if concerned:
            self._news.set()

    def miss(self, namespace: str) -> None:
        """Take notice that changes of a namespace's Applications may have been missed."""
        self._unlisted.add(namespace)

    async def run(self) -> None:
        """Look again and again, for ever."""
        swept = self._clock()
        while True:
            left = max(0.0, swept + SWEEP_SECONDS - self._clock())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
            is_due = not self._news.is_set()
            self._news.clear()
            swept = self._clock() if is_due else swept
            try:
                await (self.sweep() if is_due else self.look_at_changed())
            except Exception:
                LOG.exception("Giving sync policies back failed by a bug of the operator")
            await asyncio.sleep(PAUSE_SECONDS)

    async def look_at_changed(self) -> None:
        """Look at the Applications whose consent has changed, or whose pipeline is gone."""
        await self._look_at([ref for ref in self._changed if ref in self._kept])

    async def sweep(self) -> None:
        """Look at each Application whose policy is kept, and give back what is let go."""
        for namespace in list(self._unlisted):
            try:
                listed = await self._applications.list_kept(namespace)
            except OutsideError as error:
                LOG.warning("Applications of namespace %s: %s", namespace, error)
                continue
            self._unlisted.discard(namespace)
            self._kept |= listed
        await self._look_at(list(self._kept))

    async def _look_at(self, applications: Collection[Ref]) -> None:
        if self._clock() - self._since < LIST_SECONDS:
            return
        self._changed.clear()
        asked: dict[Ref, bool] = {}
        for application in applications:
            try:
                await self._look(application, self._kept[application], asked)
            except StaleError:
                continue  # It changes right now: the next look is of what it is then.
            except OutsideError as error:
                LOG.warning("The sync policy of Application %s: %s", application, error.sentence)

    async def _look(
        self, application: Ref, consents: frozenset[str], asked: dict[Ref, bool]
    ) -> None:
        """Give one back, if it is let go.

        Args:
            application: the Application.
            consents: the pipelines it was last seen to let change it.
            asked: which pipelines were found to hold theirs in this sweep.
        """
        if self._index.is_in_use(application) or await self._find_holding(consents, asked):
            return
        seen = await self._applications.find(application)
        self.note(application, seen)
        if seen is None:
            return
        holding = await self._find_holding(seen.consents, asked)
        free, patch = give_back.let_go(seen, holding), give_back_patch(seen)
        if free is None or patch is None:
            return
        await self._applications.patch(free, patch)
        self._kept.pop(application, None)
        what = "has its sync policy back" if "spec" in patch else "keeps the sync policy it has"
        LOG.info("Application %s is let go by the last pipeline, and %s.", application, what)

    async def _find_holding(
        self, consents: Collection[str], asked: dict[Ref, bool]
    ) -> frozenset[Ref]:
        """Give the pipelines that exist, or of which nobody here can tell."""
        pipelines = give_back.find_pipelines(consents)
        for pipeline in pipelines - asked.keys():
            is_ours = pipeline.namespace in self._namespaces
            asked[pipeline] = not is_ours or await self._is_there(pipeline)
        return frozenset(pipeline for pipeline in pipelines if asked[pipeline])

    async def _is_there(self, pipeline: Ref) -> bool:
        told = self._find_told(pipeline)
        if told:
            return True
        try:
            return await self._find_pipeline(pipeline) is not None
        except OutsideError:
            if told is None:
                raise
            return False  # With its namespace or the CRDs the right or way to ask is gone too.
