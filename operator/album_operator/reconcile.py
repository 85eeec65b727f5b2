"""One pass over one release: look, decide, write at most what the step needs, and report.

Level-triggered: a pass knows nothing but the resource and what it sees, so it can be run at any
time, twice, or after a crash at any line. What a release will do (`status.resolved`) is in the API
server before its first write anywhere else; all other facts can be seen again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

from album_operator.decisions import conventions, preflight, trust
from album_operator.decisions.transitions import transitions
from album_operator.domain import progress
from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.marks import marks_of
from album_operator.domain.names import AppVersion
from album_operator.domain.reasons import TRANSIENT, Reason
from album_operator.domain.record import (
    Failure,
    Outcome,
    PullRequestRecord,
    Record,
    StepName,
    StepState,
)
from album_operator.domain.release import Mode, Ref, Release
from album_operator.domain.verdict import Act, Done, Halt, Verdict, Wait
from album_operator.ports import Releases
from album_operator.render.values import NotEditableError
from album_operator.steps import Steps

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
        step: the step that waits; None where any event may matter.
        applications: Applications whose events concern the release.
        pull_request: the open pull request whose events do, None for none.
        branch: its head branch.
        is_gone: the release is deleted, or about to be: nothing is left to pass over.
    """

    after: timedelta | None
    is_poll: bool = False
    step: StepName | None = None
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
    """The state of one pass: the release as last read or written, and the record as it grows."""

    release: Release
    written: Record
    record: Record
    memory: Memory
    lap_started: float

    def lap(self, step: StepName) -> None:
        """Count the time since the last lap as the operator's own, spent on this step."""
        now = time.monotonic()
        known = self.memory.overhead.get(step, timedelta())
        self.memory.overhead[step] = known + timedelta(seconds=now - self.lap_started)
        self.lap_started = now


class Reconciler:
    """Passes over releases."""

    def __init__(self, releases: Releases, steps: Steps, clock: Callable[[], datetime]) -> None:
        self._releases = releases
        self._steps = steps
        self._clock = clock

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
        self._steps.begin_pass()
        found = await self._releases.find_release(ref)
        if found is None or found[0].deleting:
            self._steps.leave_queue(ref)
            return Next(None, is_gone=True)
        release, written = found
        run = _Pass(release, written, progress.start(release, written), memory, noticed)
        if run.record.outcome is not Outcome.WORKING:
            self._steps.leave_queue(ref)
            return Next(None if await self._save(run) else timedelta())
        before = dict(memory.overhead)
        first = run.record.next_step
        is_plan = release.mode is Mode.PLAN
        verdict = await (self._plan(run) if is_plan else self._advance(run))
        is_merged = run.record.step(StepName.MERGED).state is StepState.SUCCEEDED
        if is_merged and not memory.is_tidied:
            self._steps.tidy(run.release, run.record)
        memory.is_tidied = is_merged
        if not isinstance(verdict, Wait) or verdict.reason is not Reason.BUILD_QUEUED:
            self._steps.leave_queue(ref)
        if polled and isinstance(verdict, Wait) and run.record.next_step is first:
            memory.overhead = before
        return await self._report(run, verdict)

    async def _advance(self, run: _Pass) -> Verdict | None:
        """Go from step to step until one waits or halts; None when all are done."""
        refused = await self._guard(run, self._distrust(run))
        if refused is not None:
            return refused
        acts = 0
        while (step := run.record.next_step) is not None:
            verdict = await self._judge(run, step)
            match verdict:
                case Done() if run.record.resolved is None:
                    run.record = progress.begin(verdict.record, step, self._clock())
                    await self._steps.tell(run.release, run.record)
                case Done():
                    run.record = progress.finish(
                        verdict.record, step, verdict.reason, verdict.message, self._clock()
                    )
                case Act():
                    acts += 1
                    stopped = await self._act(run, step, verdict, acts)
                    if stopped is not None:
                        return stopped
                case Wait() | Halt():
                    run.lap(step)
                    return verdict
                case _:
                    assert_never(verdict)
            run.lap(step)
        return None

    async def _plan(self, run: _Pass) -> Verdict:
        """Check all a release needs, and find out what it would do; `Done` says it is planned."""
        verdict = await self._guard(run, self._preflight(run))
        if isinstance(verdict, Done) and verdict.record.resolved is not None:
            # Not kept: what is applied later is resolved anew.
            planned = self._steps.plan(run.release, run.record, verdict.record.resolved)
            verdict = await self._guard(run, planned)
        run.lap(StepName.IMAGE_READY)
        return verdict

    async def _judge(self, run: _Pass, step: StepName) -> Verdict:
        """Let a step look and decide."""
        resolved = run.record.resolved
        if resolved is None:
            return await self._guard(run, self._preflight(run))
        run.record = progress.begin(run.record, step, self._clock())
        decided = self._steps.decide(step, run.release, run.record, resolved)
        return await self._guard(run, decided)

    async def _guard(self, run: _Pass, work: Awaitable[T]) -> T | Wait | Halt:
        """Turn the troubles of the outside, and bugs of ours, into verdicts."""
        try:
            return await work
        except StaleError:
            raise
        except TransientError as error:
            return self._retry(run, error)
        except (TerminalError, NotEditableError) as error:
            return Halt(error.reason, error.message)
        except Exception:
            LOG.exception("A pass over AlbumRelease %s failed by a bug", run.release.ref)
            message = "The operator failed by a bug of its own; its log has the traceback."
            return self._retry(run, TransientError(Reason.INTERNAL_ERROR, message))

    async def _distrust(self, run: _Pass) -> Halt | None:
        """Refuse to act on a status that the operator did not write."""
        release, resolved = run.release, run.record.resolved
        fault = run.record.fault
        if resolved is not None:
            pipeline = await self._releases.find_pipeline(
                Ref(release.ref.namespace, release.pipeline)
            )
            fault = trust.find_contradiction(release, run.record, resolved, pipeline)
        if fault is None:
            return None
        run.record = progress.distrust(run.record)
        return trust.refuse(release, fault)

    async def _preflight(self, run: _Pass) -> Verdict:
        release = run.release
        ref = Ref(release.ref.namespace, release.pipeline)
        pipeline = await self._releases.find_pipeline(ref)
        if pipeline is None:
            return Halt(
                Reason.PIPELINE_NOT_FOUND,
                f"AlbumPipeline {ref} does not exist. Apply it, {preflight.RETRY}.",
            )
        wish = conventions.resolve(release, pipeline)
        if isinstance(wish, Halt):
            return wish
        run.record = replace(run.record, chosen=AppVersion(wish.app, wish.version))
        return await self._steps.preflight(release, run.record, wish)

    async def _act(self, run: _Pass, step: StepName, act: Act, count: int) -> Verdict | None:
        """Report what is about to be done, then do it; a verdict means the pass ends here."""
        resolved = run.record.resolved
        if resolved is None:
            raise AssertionError("a step acts only on what preflight has resolved")
        if count > ACTS_IN_A_PASS + len(resolved.argocd.applications):
            message = f"{act.message} It shows no effect yet."
            return self._retry(run, TransientError(act.reason, message))
        run.record = progress.keep_going(
            run.record, step, StepState.RUNNING, act.reason, act.message
        )
        if not await self._save(run):
            return Wait(act.reason, act.message, timedelta())
        acted = self._steps.act(act.action, run.release, run.record, resolved)
        try:
            outcome = await self._guard(run, acted)
        except StaleError:
            return None
        if isinstance(outcome, Record):
            run.record = outcome
            return None
        run.lap(step)
        return outcome

    def _retry(self, run: _Pass, error: TransientError) -> Wait:
        run.memory.failures += 1
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(run.memory.failures - 1, 10))
        backoff *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
        wait = max(backoff, error.retry_after or timedelta())
        return Wait(
            error.reason,
            f"{error.message} Next try at {self._clock() + wait:%H:%M:%S} UTC.",
            wait,
        )

    async def _report(self, run: _Pass, verdict: Verdict | None) -> Next:
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
        if run.record.is_finished:
            run.record = await self._steps.clean(run.release, run.written, run.record)
            # Before the status says so: afterwards no pass would come that does it again.
            await self._steps.tell(run.release, run.record)
        if not await self._save(run):
            return Next(timedelta())
        if run.record.is_finished:
            return Next(None)
        resolved = run.record.resolved
        applications = resolved.argocd.applications if resolved is not None else ()
        if not isinstance(verdict, Wait):
            return Next(timedelta(), applications=applications)
        if verdict.reason not in TRANSIENT:
            run.memory.failures = 0
        waits_for = run.record.pull_request if step is StepName.MERGED else None
        branch = resolved.config.branch if resolved is not None else None
        return Next(verdict.retry_after, verdict.is_poll, step, applications, waits_for, branch)

    def _stall(self, run: _Pass, halt: Halt) -> None:
        step = run.record.next_step if run.record.resolved is not None else None
        failure = halt.failure or Failure(step or progress.PREFLIGHT, halt.reason, halt.message)
        run.record = progress.stall(run.record, step, halt.message, failure, self._clock())
        if halt.superseded_by is not None:
            run.record = progress.supersede(run.record, halt.superseded_by)

    def _wait(self, run: _Pass, step: StepName, wait: Wait) -> None:
        record = wait.record or run.record
        state = StepState.WAITING if wait.is_poll else StepState.RUNNING
        run.record = progress.keep_going(
            record, step, state, wait.reason, wait.message, wait.detail
        )

    async def _save(self, run: _Pass) -> bool:
        """Write the record if it differs from what is there, then tell of what changed.

        Returns:
            False when the release changed meanwhile and must be looked at again.
        """
        if run.record != run.written:
            run.record = await self._steps.clean(run.release, run.written, run.record)
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
