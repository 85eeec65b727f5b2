"""One pass over one release: look, decide, write at most what the step needs, and report.

Level-triggered: a pass knows nothing but the resource and what it sees, so it can be run at any
time, twice, or after a crash at any line. What a release will do (`status.resolved`) is in the API
server before its first write anywhere else; all other facts can be seen again.
"""

import logging
import random
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, assert_never

from album_operator.decisions import conventions, newer, trust
from album_operator.decisions.hold import wait
from album_operator.decisions.take_back import cancelled
from album_operator.domain import progress
from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.names import AppVersion
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    Outcome,
    Record,
    StepName,
    StepState,
)
from album_operator.domain.release import Mode, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, Done, Halt, Wait
from album_operator.feedback import Feedback
from album_operator.passes import Memory, Next, Pass
from album_operator.report import Reporter
from album_operator.steps import hold, take_back, turns
from album_operator.steps.access import Access
from album_operator.steps.app_notices import AppNotices
from album_operator.steps.path import Step, complete, entrance, next_step, tidy
from album_operator.steps.world import World

T = TypeVar("T")

LOG = logging.getLogger(__name__)

FIRST_BACKOFF = timedelta(seconds=1)
LONGEST_BACKOFF = timedelta(seconds=60)

ACTS_IN_A_PASS = 6
"""More writes than any pass needs: a write whose effect never shows must not spin."""


class Reconciler:
    """Passes over releases."""

    def __init__(self, world: World) -> None:
        self._releases = world.releases
        self._world = world
        self._clock = world.clock
        self._feedback = Feedback(world.pull_requests, world.clock)
        consent = world.settings.require_consent
        self._notices = AppNotices(world.applications, consent=consent)
        self._reporter = Reporter(
            world.releases, self._feedback, self._notices, world.clock, world.observers
        )

    async def run_pass(
        self, ref: Ref, memory: Memory, noticed: float, *, polled: bool = False
    ) -> Next:
        """Move one release as far as it goes now.

        Args:
            ref: the AlbumRelease.
            memory: of the daemon that serves it.
            noticed: `time.monotonic()` when the event that caused the pass was seen.
            polled: the pass was caused by the time a poll waits, not by an event.

        Raises:
            TransientError: the API server could not be reached or asked.
        """
        found = await self._releases.find_release(ref)
        if found is None or found[0].deleting:
            self._world.queue.leave(ref)
            await self._notices.withdraw(ref, memory.shown)
            return Next(None, is_gone=True)
        release, written = found
        access = Access(self._world.secrets, self._world.pull_requests, ref.namespace)
        record = progress.start(release, written)
        run = Pass(release, written, record, access, memory, noticed)
        if run.record.outcome is not Outcome.WORKING:
            self._world.queue.leave(ref)
            return Next(None if await self._reporter.save(run) else timedelta())
        before = dict(memory.overhead)
        first = run.record.next_step
        verdict = await self._advance(run)
        if run.record.resolved is not None:
            memory.is_tidied = tidy(self._world, run.case, is_begun=memory.is_tidied)
        is_at_build = run.record.next_step is StepName.IMAGE_READY
        is_queued = isinstance(verdict, Wait) and Reason.QUEUED in {verdict.reason, verdict.detail}
        if not (is_at_build and is_queued):
            self._world.queue.leave(ref)
        if polled and isinstance(verdict, Wait) and run.record.next_step is first:
            memory.overhead = before
        return await self._reporter.report(run, verdict)

    async def _advance(self, run: Pass) -> Done | Wait | Halt | None:
        """Go from step to step until one waits or halts; None when all are done.

        `Done` says that it is planned.
        """
        refused = await self._guard(run, self._enter(run))
        run.lap(run.record.next_step)
        if refused is not None:
            return refused
        acts = 0
        while (due := next_step(run.case)) is not None:
            step, name = due
            run.record = progress.begin(run.record, name, self._clock())
            verdict = await self._guard(run, step.decide(self._world, run.case))
            stopped = None
            match verdict:
                case Done():
                    run.record = complete(step, verdict, self._clock())
                case Act():
                    acts += 1
                    stopped = await self._act(run, due, verdict, acts)
                case Wait() | Halt():
                    stopped = verdict
                case _:
                    assert_never(verdict)
            run.lap(name)
            if stopped is not None:
                return await self._guard(run, take_back.after(self._world, run.case, stopped))
        return None

    async def _enter(self, run: Pass) -> Done | Wait | Halt | None:
        """Find out what the release does, and whether it may; None where its steps may follow."""
        release, known = run.release, run.record.resolved
        pipeline = await self._releases.find_pipeline(Ref(release.ref.namespace, release.pipeline))
        run.pipeline = pipeline
        unknown = newer.find_unknown(release, pipeline)
        if unknown is not None:
            raise unknown
        if release.mode is not Mode.PLAN:
            refused = self._distrust(run, pipeline)
            if refused is not None:
                return refused
        wish = known or conventions.resolve(release, pipeline)
        if isinstance(wish, Halt):
            return cancelled(release) if release.cancel else wish
        taken_back = await take_back.decide(self._world, run.with_wish(wish))
        if taken_back is not None or known is not None:
            return taken_back
        return await self._begin(run, wish)

    async def _begin(self, run: Pass, wish: Resolved) -> Done | Wait | Halt | None:
        """Find out whether a release may do what it would; None where its steps may follow."""
        mode = run.release.mode
        run.record = replace(run.record, chosen=AppVersion(wish.app, wish.version))
        case = run.with_wish(wish)
        held = await hold.find(self._world, case) if mode is Mode.APPLY else None
        if held is not None:
            self._world.index.begins.leave(run.release.ref)
        stopped = wait(held) if held is not None else turns.take(self._world, case)
        if stopped is not None:
            return stopped
        run.record = replace(run.record, queue=None)
        case = run.with_wish(wish)
        verdict = await entrance(mode)(self._world, case)
        if mode is Mode.PLAN or not isinstance(verdict, Done):
            return await take_back.after(self._world, case, verdict)
        run.record = verdict.record
        await self._feedback.tell(run.case)
        return None

    def _distrust(self, run: Pass, pipeline: Pipeline | None) -> Halt | None:
        """Refuse to act on a status that the operator did not write."""
        fault = run.record.fault
        if run.record.resolved is not None:
            fault = trust.find_contradiction(run.release, run.record, run.record.resolved, pipeline)
        if fault is None:
            return None
        run.record = progress.distrust(run.record)
        return trust.refuse(run.release, fault)

    async def _guard(self, run: Pass, work: Awaitable[T]) -> T | Wait | Halt:
        """Turn the troubles of the outside, and bugs of ours, into verdicts."""
        try:
            return await work
        except StaleError:
            raise
        except TransientError as error:
            return self._retry(run, error)
        except TerminalError as error:
            return Halt.of(error)
        except Exception:
            LOG.exception("A pass over AlbumRelease %s failed by a bug", run.release.ref)
            message = "The operator failed by a bug of its own; its log has the traceback."
            return self._retry(run, TransientError(Reason.INTERNAL_ERROR, message))

    async def _act(
        self, run: Pass, due: tuple[Step, StepName], act: Act[Any], count: int
    ) -> Wait | Halt | None:
        """Report what is about to be done, then do it; a verdict means the pass ends here."""
        step, name = due
        resolved = run.case.resolved
        several = (*resolved.argocd.applications, *resolved.build.platforms)
        if count > ACTS_IN_A_PASS + len(several):
            message = f"{act.message} It shows no effect yet."
            return self._retry(run, TransientError(act.reason, message))
        run.record = progress.keep_going(
            run.record, name, StepState.RUNNING, act.reason, act.message
        )
        if not await self._reporter.save(run):
            return Wait(act.reason, act.message, timedelta())
        try:
            outcome = await self._guard(run, step.act(self._world, run.case, act.action))
        except StaleError:
            return None
        if isinstance(outcome, Record):
            run.record = outcome
            return None
        return outcome

    def _retry(self, run: Pass, error: TransientError) -> Wait:
        run.memory.failures += 1
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(run.memory.failures - 1, 10))
        backoff *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
        wait = max(backoff, error.retry_after or timedelta())
        return Wait(
            error.reason,
            f"{error.sentence} Next try at {self._clock() + wait:%H:%M:%S} UTC.",
            wait,
        )
