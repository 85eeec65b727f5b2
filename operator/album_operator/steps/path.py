"""Which steps a release takes, and in which order."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, assert_never

from album_operator.domain import progress
from album_operator.domain.notice import Subject
from album_operator.domain.record import Record, StepName, StepState
from album_operator.domain.release import Delivery, Mode
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Done, Halt, Verdict, Wait
from album_operator.steps import (
    build,
    commit,
    deploy,
    follow,
    merge,
    plan,
    preflight,
    propose,
    sync,
)
from album_operator.steps.case import Case
from album_operator.steps.world import World


class Step(Protocol):
    """A module of this package that is a step."""

    @property
    def NAMES(self) -> tuple[StepName, ...]:  # noqa: N802 - a module's constant
        """Names of the steps of the status that are complete with it, in their order."""

    @property
    def WOKEN_BY(self) -> frozenset[Subject]:  # noqa: N802
        """What an event must be about to concern a release that waits in it."""

    async def decide(self, world: World, case: Case, /) -> Verdict[Any]:
        """Look through the ports, and judge.

        Raises:
            OutsideError: of an adapter.
            NotEditableError: one of the edits is not possible.
        """

    async def act(self, world: World, case: Case, action: Any, /) -> Record:  # noqa: ANN401
        """Do the write that `decide` asked for.

        Returns:
            The record with what only the write itself could tell.

        Raises:
            OutsideError: of an adapter.
        """


def path(mode: Mode, resolved: Resolved) -> tuple[Step, ...]:
    """Give the steps of a release in their order."""
    if mode is Mode.FOLLOW:
        return build, follow, sync, deploy
    match resolved.config.delivery:
        case Delivery.PULL_REQUEST:
            return build, propose, merge, sync, deploy
        case Delivery.COMMIT:
            return build, commit, sync, deploy
        case _:
            assert_never(resolved.config.delivery)


def next_step(case: Case) -> tuple[Step, StepName] | None:
    """Give the first step that is not complete, and the name it goes by; None when all are."""
    for step in path(case.release.mode, case.resolved):
        for name in step.NAMES:
            if case.record.step(name).state is not StepState.SUCCEEDED:
                return step, name
    return None


def complete(step: Step, done: Done, now: datetime) -> Record:
    """Mark all that a step is in the status as complete.

    Args:
        step: the step.
        done: its verdict.
        now: the present time.
    """
    record = done.record
    for name, message in zip(step.NAMES, (done.message, done.also or done.message), strict=False):
        if record.step(name).state is not StepState.SUCCEEDED:
            record = progress.begin(record, name, now)
            record = progress.finish(record, name, done.reason, message, now)
    return record


def entrance(mode: Mode) -> Callable[[World, Case], Awaitable[Done | Wait | Halt]]:
    """Give what a release goes through before its first step, or in place of all."""
    match mode:
        case Mode.APPLY | Mode.FOLLOW:
            return preflight.decide
        case Mode.PLAN:
            return plan.decide
        case _:
            assert_never(mode)


def tidy(world: World, case: Case, *, is_begun: bool) -> bool:
    """Begin to take away what a release needs no more.

    Args:
        world: the outside.
        case: the release.
        is_begun: it was begun for this release already.

    Returns:
        Whether it is begun by now.
    """
    is_due = merge.is_merged(case.record)
    if is_due and not is_begun:
        merge.tidy(world, case)
    return is_due
