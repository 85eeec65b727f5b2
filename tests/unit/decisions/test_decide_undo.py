"""What becomes of a version that failed."""

from dataclasses import replace

import pytest

from album_operator.decisions import undo
from album_operator.decisions.rollback import Known, Past, wish
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    Failure,
    Outcome,
    Record,
    RollbackRecord,
    StepName,
)
from album_operator.domain.release import Edit, EditValue, Ref
from album_operator.domain.remedy import SENTENCE_LENGTH
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, CreateRollback, DeployAction, Halt, Verdict, Wait
from tests.fakes.builders import (
    COMMIT,
    EDIT,
    IMAGE_RECORD,
    NAMESPACE,
    NOW,
    RELEASE,
    RESOLVED,
    record_before,
)

FAILED = Halt(Reason.DEGRADED, "It is Degraded.", "Mend the cause")
TARGET = Past(Ref(NAMESPACE, "backend-v1.0.0"), "v1.0.0", COMMIT, IMAGE_RECORD, NOW)
WISH = wish(RELEASE, 1, "v1.0.0", "backend")
PIPELINE = Ref(NAMESPACE, "album-app")


def test_a_failure_is_told_with_the_way_back() -> None:
    told = undo.report(FAILED, TARGET, "kubectl …")

    assert told.reason is Reason.DEGRADED
    assert told.sentence == (
        "It is Degraded. v1.0.0 was Released before (AlbumRelease backend-v1.0.0). Bring v1.0.0 "
        "back (kubectl …), or mend the cause, then set the annotation album.dev/retry."
    )
    assert undo.report(FAILED, TARGET, "kubectl …", "No right.").message.endswith("). No right.")


def test_the_command_stays_whole_however_much_is_said_of_the_failure() -> None:
    command = "echo " + "x" * 260
    failed = replace(FAILED, message="It is Degraded: " + "exceeded its deadline " * 30)
    for words in ("", "Pod shop-1, container shop: OOMKilled, exit code 137."):
        told = undo.report(failed, TARGET, command, words=words)
        assert len(told.sentence) <= SENTENCE_LENGTH
        assert f"({command})" in told.sentence
        assert words in told.message


def test_a_failure_is_told_without_one_where_there_is_none() -> None:
    none = undo.nothing_before(FAILED, RESOLVED)
    assert "No earlier version of backend was Released here" in none.message
    again = undo.not_again(FAILED)
    assert "nothing is rolled back again" in again.message
    assert {none.remedy, again.remedy} == {FAILED.remedy}


@pytest.mark.parametrize(
    ("remedy", "told"), [("Push it", "Push it, or mend the cause"), ("", "mend the cause")]
)
def test_what_keeps_a_failure_from_being_taken_back_is_told(remedy: str, told: str) -> None:
    lacks = Halt(Reason.ROLLBACK_REFUSED, "Its image is gone.", remedy)
    halt = undo.not_possible(FAILED, TARGET, lacks)

    assert halt.reason is Reason.DEGRADED
    assert halt.message == "It is Degraded. It is not rolled back to v1.0.0: Its image is gone."
    assert halt.remedy == told


def _with_digest() -> Resolved:
    digest = Edit(EDIT.path, "image.digest", EditValue.DIGEST)
    return replace(RESOLVED, config=replace(RESOLVED.config, edits=(EDIT, digest)))


def test_only_what_the_base_branch_still_holds_is_taken_back() -> None:
    resolved = _with_digest()
    tag, digest = resolved.config.edits
    assert undo.replaced(resolved, {tag: "v1.1.0", digest: "sha256:0"}) is None

    for value in ("v1.2.0", "v1.0.0"):
        halt = undo.replaced(resolved, {digest: "sha256:0", tag: value})
        assert halt is not None
        assert f"holds {value} at image.tag by now" in halt.message


def _begun() -> Record:
    waiting = undo.begin(record_before(StepName.DEPLOYED), FAILED, WISH)
    assert waiting.record is not None
    return waiting.record


def test_a_failure_and_its_rollback_are_noted_before_anything_is_made() -> None:
    waiting = undo.begin(record_before(StepName.DEPLOYED), FAILED, WISH)
    record = _begun()

    assert waiting.reason is Reason.DEGRADED
    assert not waiting.retry_after
    assert record.failure == Failure("Deployed", Reason.DEGRADED, "It is Degraded.")
    assert record.rollback == RollbackRecord(WISH.ref.name, "v1.0.0")


def _follow(found: Known | None, record: Record | None = None) -> Verdict[DeployAction]:
    return undo.follow(record or _begun(), WISH, found, PIPELINE)


def _rollback(outcome: Outcome, reason: Reason, message: str = "So it is.") -> Known:
    record = replace(record_before(StepName.MERGED), outcome=outcome)
    return replace(WISH, uid="7", created_at=NOW), replace(record, reason=reason, message=message)


def test_the_rollback_is_made_where_there_is_none_yet() -> None:
    verdict = _follow(None)

    assert isinstance(verdict, Act)
    assert verdict.action == CreateRollback(WISH)
    assert verdict.reason is Reason.DEGRADED


def _seen(record: Record) -> Record:
    assert record.rollback is not None
    return replace(record, rollback=replace(record.rollback, uid="7"))


def test_one_that_was_deleted_is_not_made_again() -> None:
    verdict = _follow(None, _seen(_begun()))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.DEGRADED
    assert "was deleted" in verdict.message


@pytest.mark.parametrize("how", [{"rollback_of": None}, {"version": "v9.9.9"}])
def test_another_release_of_its_name_is_left_alone(how: dict[str, str | None]) -> None:
    release, record = _rollback(Outcome.WORKING, Reason.BUILDING)
    verdict = _follow((replace(release, **how), record))  # type: ignore[arg-type]

    assert isinstance(verdict, Halt)
    assert "is there and brings nothing back for this one" in verdict.message


@pytest.mark.parametrize("outcome", [Outcome.WORKING, Outcome.SUSPENDED])
def test_it_is_waited_for(outcome: Outcome) -> None:
    verdict = _follow(_rollback(outcome, Reason.AWAITING_MERGE, "#7 waits."))

    assert isinstance(verdict, Wait)
    assert (verdict.reason, verdict.retry_after, verdict.is_poll) == (
        Reason.DEGRADED,
        undo.LOOK,
        True,
    )
    assert verdict.message.endswith("which brings v1.0.0 back, is AwaitingMerge: #7 waits.")
    assert verdict.record == _seen(_begun())
    new = _follow(_rollback(outcome, Reason.PENDING, ""))
    assert isinstance(new, Wait)
    assert new.message.endswith("begins.")


def test_it_ends_rolled_back_once_that_is_released() -> None:
    verdict = _follow(_rollback(Outcome.RELEASED, Reason.RELEASED))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.ROLLED_BACK
    assert verdict.sentence == (
        f"It is Degraded. v1.0.0 runs again by AlbumRelease {WISH.ref.name}, and newer releases of "
        "the app are held. Once the cause is mended, lift that (kubectl annotate albumpipeline -n "
        "album album-app --overwrite lift-hold.album.dev/backend=2026-11-20T12:00:00Z) and release "
        "another version."
    )


@pytest.mark.parametrize("outcome", [Outcome.STALLED, Outcome.PLANNED])
def test_a_rollback_that_ends_otherwise_ends_both(outcome: Outcome) -> None:
    verdict = _follow(_rollback(outcome, Reason.PULL_REQUEST_CLOSED, "It was closed."))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.DEGRADED
    assert "its rollback, ended as PullRequestClosed: It was closed." in verdict.message


@pytest.mark.parametrize("field", ["failure", "rollback"])
def test_nothing_is_followed_that_is_not_noted(field: str) -> None:
    with pytest.raises(AssertionError):
        _follow(None, replace(_begun(), **{field: None}))  # type: ignore[arg-type]
