"""What becomes of a version that failed: it is told, or taken back by a release of its own."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from album_operator.decisions import crash_words, edits
from album_operator.decisions.hold import lift_command
from album_operator.decisions.rollback import Known, Past
from album_operator.domain import progress
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Outcome, Record, RollbackRecord, StepName
from album_operator.domain.release import Edit, Ref, Release
from album_operator.domain.remedy import SENTENCE_LENGTH
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, CreateRollback, DeployAction, Halt, Verdict, Wait

UNDONE = frozenset({Reason.SYNC_FAILED, Reason.DEGRADED})
"""How a version fails that is rolled back: it was tried, and did not do."""

LOOK = timedelta(seconds=15)
"""How often the release that takes another one back is looked at."""


def report(halt: Halt, target: Past, command: str, why: str = "", words: str = "") -> Halt:
    """Say with a failure which version ran before, and how a person brings it back.

    Args:
        halt: the failure.
        target: that version.
        command: for a shell.
        why: why the operator does not do it, as a sentence.
        words: of what crashed; they and the failure are cut before the command would be.
    """
    remedy = f"{halt.remedy[:1].lower()}{halt.remedy[1:]}"
    before = f"{target.version} was Released before (AlbumRelease {target.ref.name})."
    told = replace(
        halt,
        message=" ".join(filter(None, [before, why])),
        remedy=f"Bring {target.version} back ({command}), or {remedy}",
    )
    failed = crash_words.fit(halt.message, words, SENTENCE_LENGTH - len(told.sentence) - 1)
    return replace(told, message=f"{failed} {told.message}")


def nothing_before(halt: Halt, resolved: Resolved) -> Halt:
    """Say with a failure that there is no version to go back to."""
    said = f"No earlier version of {resolved.app} was Released here, so there is none to go back to"
    return replace(halt, message=f"{halt.message} {said}.")


def not_again(halt: Halt) -> Halt:
    """Say with the failure of a rollback that it is the end of it."""
    said = "This release is a rollback itself, and nothing is rolled back again."
    return replace(halt, message=f"{halt.message} {said}")


def not_possible(halt: Halt, target: Past, lacks: Halt) -> Halt:
    """Say with a failure what keeps it from being taken back; nothing was begun."""
    said = f"It is not rolled back to {target.version}: {lacks.message}"
    ways = [lacks.remedy, f"{halt.remedy[:1].lower()}{halt.remedy[1:]}"]
    return replace(halt, message=f"{halt.message} {said}", remedy=", or ".join(filter(None, ways)))


def replaced(resolved: Resolved, current: Mapping[Edit, str]) -> Halt | None:
    """Refuse to take back what the base branch does not hold any more: what is there counts.

    Args:
        resolved: what the failed release did.
        current: value at each edit's key, as it stands on the base branch.
    """
    for edit, value in current.items():
        version = edits.version_in(edit, value)
        if version is not None and version != resolved.version:
            said = f"{edit.path} holds {value} at {edit.place} by now, which counts."
            return Halt(Reason.ROLLBACK_REFUSED, said)
    return None


def begin(record: Record, halt: Halt, wish: Release) -> Wait:
    """Note the failure and what takes it back, before that is made: neither changes any more."""
    failure = Failure(StepName.DEPLOYED, halt.reason, halt.message)
    rollback = RollbackRecord(wish.ref.name, wish.version or "")
    noted = progress.undo(record, failure, rollback)
    return _wait(noted, failure, rollback, "is made", timedelta())


def follow(
    record: Record, wish: Release, found: Known | None, pipeline: Ref
) -> Verdict[DeployAction]:
    """Make the release that takes a failed one back, and wait for how it ends.

    Args:
        record: of the one that failed, with what takes it back.
        wish: what that is to be.
        found: the release of that name, None where there is none.
        pipeline: theirs.
    """
    failure, known = record.failure, record.rollback
    if failure is None or known is None:
        raise AssertionError("it is noted why and how the release is taken back")
    who = f"AlbumRelease {known.release}"
    if found is None and known.uid is None:
        said = f"{failure.message} Creating {who}, which brings {known.version} back."
        return Act(CreateRollback(wish), failure.reason, said)
    if found is None:
        said = f"{who}, which was to bring {known.version} back, was deleted."
        return _give_up(failure, said)
    release, its = found
    if (release.rollback_of, release.version) != (wish.rollback_of, wish.version):
        return _give_up(failure, f"{who} is there and brings nothing back for this one.")
    record = replace(record, rollback=replace(known, uid=release.uid))
    match its.outcome:
        case Outcome.RELEASED:
            return _undone(failure, known, release, pipeline)
        case Outcome.STALLED | Outcome.PLANNED:
            return _give_up(failure, f"{who}, its rollback, ended as {its.reason}: {its.message}")
        case Outcome.WORKING | Outcome.SUSPENDED:
            how = f"is {its.reason}: {its.message}" if its.message else "begins"
            return _wait(record, failure, known, how)
        case _:
            assert_never(its.outcome)


def _wait(
    record: Record, failure: Failure, known: RollbackRecord, how: str, after: timedelta = LOOK
) -> Wait:
    said = f"AlbumRelease {known.release}, which brings {known.version} back, {how}"
    message = f"{failure.message} {said.rstrip('.')}."
    return Wait(failure.reason, message, after, record, is_poll=True)


def _undone(failure: Failure, known: RollbackRecord, release: Release, pipeline: Ref) -> Halt:
    lift = lift_command(pipeline, release.app or "", release.created_at)
    return Halt(
        Reason.ROLLED_BACK,
        f"{failure.message} {known.version} runs again by AlbumRelease {known.release}, and newer "
        "releases of the app are held.",
        f"Once the cause is mended, lift that ({lift})",
        ending=" and release another version.",
    )


def _give_up(failure: Failure, said: str) -> Halt:
    return Halt(failure.reason, f"{failure.message} {said}", "Mend the cause")
