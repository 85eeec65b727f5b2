"""One pass over one release: look, decide, write at most what the step needs, and report.

Level-triggered: a pass knows nothing but the resource and what it sees, so it can be run at any
time, twice, or after a crash at any line. What a release will do (`status.resolved`) is in the API
server before its first write anywhere else; all other facts can be seen again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar, assert_never

from album_operator.decisions import conventions, trust
from album_operator.decisions.transitions import transitions
from album_operator.domain import progress
from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.marks import marks_of
from album_operator.domain.names import AppVersion
from album_operator.domain.notice import Subject
from album_operator.domain.reasons import TRANSIENT, Reason
from album_operator.domain.record import (
    Failure,
    Outcome,
    PullRequestRecord,
    Record,
    StepName,
    StepState,
)
from album_operator.domain.release import Mode, Pipeline, Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, Done, Halt, Wait
from album_operator.feedback import Feedback
from album_operator.ports import Releases
from album_operator.steps.access import Access
from album_operator.steps.case import Case
from album_operator.steps.path import Step, complete, entrance, next_step, tidy
from album_operator.steps.world import World

T = TypeVar("T")

LOG = logging.getLogger(__name__)

FIRST_BACKOFF = timedelta(seconds=1)
LONGEST_BACKOFF = timedelta(seconds=60)

ACTS_IN_A_PASS = 6
"""More writes than any pass needs: a write whose effect never shows must not spin."""


@dataclass(frozen=True)
class Next:
    """When a release is to be passed over again.

    Attributes:
        after: time until the next pass if no event comes; None: only an event brings one.
        is_poll: the next pass, if `after` brings it, asks for others' doings.
        woken_by: what events must be about that matter to the step that waits; None for any.
        applications: Applications whose events concern the release.
        pull_request: the open pull request whose events do, None for none.
        branch: its head branch.
        is_gone: the release is deleted, or about to be: nothing is left to pass over.
    """

    after: timedelta | None
    is_poll: bool = False
    woken_by: frozenset[Subject] | None = None
    applications: tuple[Ref, ...] = ()
    pull_request: PullRequestRecord | None = None
    branch: str | None = None
    is_gone: bool = False


@dataclass
class Memory:
    """What a daemon remembers of its release between two passes; losing it harms nothing.

    Attributes:
        failures: transient failures in a row, for the backoff.
        overhead: the operator's own time by step that no status write has carried yet.
        is_tidied: the deletion of the merged branch was begun; begun once more after a restart, a
            death before its end is made good.
    """

    failures: int = 0
    is_tidied: bool = False
    overhead: dict[StepName, timedelta] = field(default_factory=dict)


@dataclass
class _Pass:
    """The state of one pass: the release as last read or written, and the record as it grows.

    Attributes:
        access: the credentials of this pass.
    """

    release: Release
    written: Record
    record: Record
    access: Access
    memory: Memory
    lap_started: float

    @property
    def case(self) -> Case:
        """The release as its steps know it, once it is fixed what it does."""
        resolved = self.record.resolved
        if resolved is None:
            raise AssertionError("no step is taken before preflight has resolved what it does")
        return self.with_wish(resolved)

    def with_wish(self, wish: Resolved) -> Case:
        """Give the release as it would do this."""
        return Case(self.release, self.record, wish, self.access)

    def lap(self, step: StepName | None) -> None:
        """Count the time since the last lap as the operator's own, spent on this step."""
        now = time.monotonic()
        if step is not None:
            known = self.memory.overhead.get(step, timedelta())
            self.memory.overhead[step] = known + timedelta(seconds=now - self.lap_started)
        self.lap_started = now


class Reconciler:
    """Passes over releases."""

    def __init__(self, releases: Releases, world: World) -> None:
        self._releases = releases
        self._world = world
        self._clock = world.clock
        self._feedback = Feedback(world.pull_requests, world.clock)

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
            return Next(None, is_gone=True)
        release, written = found
        access = Access(self._world.secrets, self._world.pull_requests, ref.namespace)
        record = progress.start(release, written)
        run = _Pass(release, written, record, access, memory, noticed)
        if run.record.outcome is not Outcome.WORKING:
            self._world.queue.leave(ref)
            return Next(None if await self._save(run) else timedelta())
        before = dict(memory.overhead)
        first = run.record.next_step
        verdict = await self._advance(run)
        if run.record.resolved is not None:
            memory.is_tidied = tidy(self._world, run.case, is_begun=memory.is_tidied)
        if not isinstance(verdict, Wait) or verdict.reason is not Reason.BUILD_QUEUED:
            self._world.queue.leave(ref)
        if polled and isinstance(verdict, Wait) and run.record.next_step is first:
            memory.overhead = before
        return await self._report(run, verdict)

    async def _advance(self, run: _Pass) -> Done | Wait | Halt | None:
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
                return stopped
        return None

    async def _enter(self, run: _Pass) -> Done | Halt | None:
        """Find out what the release does, and whether it may; None where its steps may follow."""
        release, known = run.release, run.record.resolved
        is_plan = release.mode is Mode.PLAN
        pipeline = await self._releases.find_pipeline(Ref(release.ref.namespace, release.pipeline))
        if not is_plan:
            refused = self._distrust(run, pipeline)
            if refused is not None or known is not None:
                return refused
        wish = conventions.resolve(release, pipeline)
        if isinstance(wish, Halt):
            return wish
        run.record = replace(run.record, chosen=AppVersion(wish.app, wish.version))
        verdict = await entrance(release.mode)(self._world, run.with_wish(wish))
        if is_plan or isinstance(verdict, Halt):
            return verdict
        run.record = verdict.record
        await self._feedback.tell(run.case)
        return None

    def _distrust(self, run: _Pass, pipeline: Pipeline | None) -> Halt | None:
        """Refuse to act on a status that the operator did not write."""
        fault = run.record.fault
        if run.record.resolved is not None:
            fault = trust.find_contradiction(run.release, run.record, run.record.resolved, pipeline)
        if fault is None:
            return None
        run.record = progress.distrust(run.record)
        return trust.refuse(run.release, fault)

    async def _guard(self, run: _Pass, work: Awaitable[T]) -> T | Wait | Halt:
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
        self, run: _Pass, due: tuple[Step, StepName], act: Act[Any], count: int
    ) -> Wait | Halt | None:
        """Report what is about to be done, then do it; a verdict means the pass ends here."""
        step, name = due
        if count > ACTS_IN_A_PASS + len(run.case.resolved.argocd.applications):
            message = f"{act.message} It shows no effect yet."
            return self._retry(run, TransientError(act.reason, message))
        run.record = progress.keep_going(
            run.record, name, StepState.RUNNING, act.reason, act.message
        )
        if not await self._save(run):
            return Wait(act.reason, act.message, timedelta())
        try:
            outcome = await self._guard(run, step.act(self._world, run.case, act.action))
        except StaleError:
            return None
        if isinstance(outcome, Record):
            run.record = outcome
            return None
        return outcome

    def _retry(self, run: _Pass, error: TransientError) -> Wait:
        run.memory.failures += 1
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(run.memory.failures - 1, 10))
        backoff *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
        wait = max(backoff, error.retry_after or timedelta())
        return Wait(
            error.reason,
            f"{error.sentence} Next try at {self._clock() + wait:%H:%M:%S} UTC.",
            wait,
        )

    async def _report(self, run: _Pass, verdict: Done | Wait | Halt | None) -> Next:
        """Write the status and say when to come again."""
        step = run.record.next_step
        match verdict:
            case None:
                run.record = progress.release(run.record)
            case Done():
                run.record = progress.plan(verdict.record, verdict.message)
            case Halt():
                self._stall(run, verdict)
            case Wait() if step is not None:
                self._wait(run, step, verdict)
        if run.record.is_finished and run.record.resolved is not None:
            run.record = await self._clean(run)
            # Before the status says so: afterwards no pass would come that does it again.
            await self._feedback.tell(run.case)
        if not await self._save(run):
            return Next(timedelta())
        if run.record.is_finished or not isinstance(verdict, Wait):
            return Next(None)
        if verdict.reason not in TRANSIENT:
            run.memory.failures = 0
        return _next(run, verdict)

    def _stall(self, run: _Pass, halt: Halt) -> None:
        step = run.record.next_step if run.record.resolved is not None else None
        failure = halt.failure or Failure(step or progress.PREFLIGHT, halt.reason, halt.sentence)
        run.record = progress.stall(run.record, step, halt.sentence, failure, self._clock())
        if halt.superseded_by is not None:
            run.record = progress.supersede(run.record, halt.superseded_by)

    def _wait(self, run: _Pass, step: StepName, wait: Wait) -> None:
        record = wait.record or run.record
        state = StepState.WAITING if wait.is_poll else StepState.RUNNING
        run.record = progress.keep_going(
            record, step, state, wait.reason, wait.message, wait.detail
        )

    async def _clean(self, run: _Pass) -> Record:
        """Take the values of the Secrets the release uses out of all that its record says anew."""
        if run.record.resolved is not None:
            await run.access.learn(run.record.resolved)
        known = progress.texts_of(run.written)
        return progress.clean(
            run.record, lambda text: text if text in known else run.access.clean(text)
        )

    async def _save(self, run: _Pass) -> bool:
        """Write the record if it differs from what is there, then tell of what changed.

        Returns:
            False when the release changed meanwhile and must be looked at again.
        """
        if run.record != run.written:
            run.record = await self._clean(run)
        is_told = run.record == run.written and run.release.is_observed
        if not is_told and not await self._write(run):
            return False
        marks = marks_of(run.record)
        if any(run.release.marks.get(key) != value for key, value in marks.items()):
            marked = await self._releases.mark(run.release, marks)
            if marked is None:
                return False
            run.release = marked
        return True

    async def _write(self, run: _Pass) -> bool:
        for step, took in run.memory.overhead.items():
            run.record = progress.add_overhead(run.record, step, took)
        now = await self._releases.write_record(run.release, run.written, run.record)
        if now is None:
            return False
        run.memory.overhead.clear()
        events = transitions(run.written, run.record)
        for _, reason, message in events:
            LOG.info("AlbumRelease %s: %s: %s", run.release.ref, reason, message)
        await asyncio.gather(*(self._releases.post_event(run.release, *event) for event in events))
        run.release, run.written = now
        run.record = run.written
        return True


def _next(run: _Pass, wait: Wait) -> Next:
    resolved, known = run.record.resolved, run.record.pull_request
    if resolved is None:
        return Next(wait.retry_after, wait.is_poll, woken_by=frozenset())
    due = next_step(run.case)
    return Next(
        wait.retry_after,
        wait.is_poll,
        due[0].WOKEN_BY if due is not None else None,
        resolved.argocd.applications,
        known,
        resolved.config.branch,
    )
