"""What a pass over a release begins with, works on, and ends with."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

from album_operator.domain.notice import Subject
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.record import PullRequestRecord, Record, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Wait
from album_operator.steps.access import Access
from album_operator.steps.app_notices import Shown
from album_operator.steps.case import Case
from album_operator.steps.path import next_step


@dataclass(frozen=True)
class Next:
    """When a release is to be passed over again.

    Attributes:
        after: time until the next pass if no event comes; None: only an event brings one.
        is_poll: the next pass, if `after` brings it, asks for others' doings.
        woken_by: what events must be about that matter to the step that waits; None for any.
        applications: Applications whose events concern the release.
        pull_request: the open pull request whose events do, None for none.
        branch: its head branch, or that of the commit that is awaited.
        repository: the config repository, where a commit of others is awaited; None for none.
        image: the image that is waited for, which is built elsewhere; None for none.
        commit: whose checks are waited for; None for none.
        is_gone: the release is deleted, or about to be: nothing is left to pass over.
    """

    after: timedelta | None
    is_poll: bool = False
    woken_by: frozenset[Subject] | None = None
    applications: tuple[Ref, ...] = ()
    pull_request: PullRequestRecord | None = None
    branch: str | None = None
    image: str | None = None
    commit: str | None = None
    repository: str | None = None
    is_gone: bool = False


@dataclass
class Memory:
    """What a daemon remembers of its release between two passes; losing it harms nothing.

    Attributes:
        failures: transient failures in a row, for the backoff.
        overhead: the operator's own time by step that no status write has carried yet.
        is_tidied: the deletion of the merged branch was begun; begun once more after a restart, a
            death before its end is made good.
        shown: what Argo CD's pages say of the release; None where that is not known.
    """

    failures: int = 0
    is_tidied: bool = False
    shown: Shown | None = None
    overhead: dict[StepName, timedelta] = field(default_factory=dict)


@dataclass
class Pass:
    """The state of one pass: the release as last read or written, and the record as it grows.

    Attributes:
        access: the credentials of this pass.
        looks: what its steps know of the image's tag.
        pipeline: its AlbumPipeline as it is now, None where that is gone or not read yet.
    """

    release: Release
    written: Record
    record: Record
    access: Access
    memory: Memory
    lap_started: float
    looks: dict[str, ImageSeen | None] = field(default_factory=dict)
    pipeline: Pipeline | None = None

    @property
    def case(self) -> Case:
        """The release as its steps know it, once it is fixed what it does."""
        resolved = self.record.resolved
        if resolved is None:
            raise AssertionError("no step is taken before preflight has resolved what it does")
        return self.with_wish(resolved)

    def with_wish(self, wish: Resolved) -> Case:
        """Give the release as it would do this."""
        return Case(self.release, self.record, wish, self.access, self.looks, self.pipeline)

    def lap(self, step: StepName | None) -> None:
        """Count the time since the last lap as the operator's own, spent on this step."""
        now = time.monotonic()
        if step is not None:
            known = self.memory.overhead.get(step, timedelta())
            self.memory.overhead[step] = known + timedelta(seconds=now - self.lap_started)
        self.lap_started = now

    def next_look(self, wait: Wait) -> Next:
        """Say when to come again, where a step waits."""
        resolved, pull_request = self.record.resolved, self.record.pull_request
        if resolved is None:
            return Next(wait.retry_after, wait.is_poll, woken_by=frozenset())
        due = next_step(self.case)
        return Next(
            wait.retry_after,
            wait.is_poll,
            due[0].WOKEN_BY if due is not None else None,
            resolved.argocd.applications,
            pull_request,
            resolved.config.branch,
            resolved.build.image if wait.reason is Reason.AWAITING_IMAGE else None,
            resolved.source.commit if wait.reason is Reason.AWAITING_CHECKS else None,
            resolved.config.repository if wait.reason is Reason.AWAITING_COMMIT else None,
        )
