"""Writing down what a pass found out, and telling of it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from album_operator.decisions.transitions import transitions
from album_operator.domain import progress
from album_operator.domain.marks import marks_of
from album_operator.domain.misses import listed
from album_operator.domain.reasons import TRANSIENT
from album_operator.domain.record import Failure, Record, StepName, StepState
from album_operator.domain.status_change import Observer, StatusChange
from album_operator.domain.verdict import Done, Halt, Wait
from album_operator.feedback import Feedback
from album_operator.passes import Next, Pass
from album_operator.ports import Releases
from album_operator.steps.app_notices import AppNotices

LOG = logging.getLogger(__name__)

STEPS = frozenset[str](StepName)
"""Reasons of those that succeeded."""


class Reporter:
    """Writes statuses, Events and labels."""

    def __init__(
        self,
        releases: Releases,
        feedback: Feedback,
        notices: AppNotices,
        clock: Callable[[], datetime],
        observers: Sequence[Observer],
    ) -> None:
        self._releases = releases
        self._feedback = feedback
        self._notices = notices
        self._clock = clock
        self._observers = observers

    async def report(self, run: Pass, verdict: Done | Wait | Halt | None) -> Next:
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
        if run.record.resolved is not None:
            run.memory.shown = await self._notices.show(run.case, run.memory.shown)
        if not await self.save(run):
            return Next(timedelta())
        if run.record.is_finished or not isinstance(verdict, Wait):
            return Next(None)
        if verdict.reason not in TRANSIENT:
            run.memory.failures = 0
        return run.next_look(verdict)

    def _stall(self, run: Pass, halt: Halt) -> None:
        step = run.record.next_step if run.record.resolved is not None else None
        failure = halt.failure or Failure(step or progress.PREFLIGHT, halt.reason, halt.sentence)
        record = halt.record or run.record
        now, misses = self._clock(), listed(halt)
        run.record = progress.stall(record, step, halt.sentence, failure, now, misses)
        if halt.superseded_by is not None:
            run.record = progress.supersede(run.record, halt.superseded_by)

    def _wait(self, run: Pass, step: StepName, wait: Wait) -> None:
        record = wait.record or run.record
        state = StepState.WAITING if wait.is_poll else StepState.RUNNING
        run.record = progress.keep_going(
            record, step, state, wait.reason, wait.message, wait.detail
        )

    async def _clean(self, run: Pass) -> Record:
        """Take the values of the Secrets the release uses out of all that its record says anew."""
        if run.record.resolved is not None:
            await run.access.learn(run.record.resolved)
        known = progress.texts_of(run.written)
        return progress.clean(
            run.record, lambda text: text if text in known else run.access.clean(text)
        )

    async def save(self, run: Pass) -> bool:
        """Write the record if it differs from what is there, then tell of what changed.

        Returns:
            False when the release changed meanwhile and must be looked at again.
        """
        if run.record != run.written:
            run.record = await self._clean(run)
        is_told = run.record == run.written and run.release.is_observed
        if not is_told and not await self._write(run):
            return False
        marks = marks_of(run.release, run.record)
        if any(run.release.marks.get(key) != value for key, value in marks.items()):
            marked = await self._releases.mark(run.release, marks)
            if marked is None:
                return False
            run.release = marked
        return True

    async def _write(self, run: Pass) -> bool:
        for step, took in run.memory.overhead.items():
            run.record = progress.add_overhead(run.record, step, took)
        now = await self._releases.write_record(run.release, run.written, run.record)
        if now is None:
            return False
        run.memory.overhead.clear()
        events = transitions(run.written, run.record)
        at = run.record.next_step or run.written.next_step
        for _, reason, message in events:
            told = {"reason": reason, "step": reason if reason in STEPS else at}
            LOG.info("AlbumRelease %s: %s: %s", run.release.ref, reason, message, extra=told)
        await asyncio.gather(*(self._releases.post_event(run.release, *event) for event in events))
        self._tell(StatusChange(run.release, run.written, now[1]))
        run.release, run.written = now
        run.record = run.written
        return True

    def _tell(self, change: StatusChange) -> None:
        for observe in self._observers:
            try:
                observe(change)
            except Exception:
                LOG.exception("AlbumRelease %s: a change could not be told of", change.release.ref)
