"""Which of several releases of an app goes on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import concurrency
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, QueueRecord, StepName
from album_operator.domain.release import Concurrency, Mode, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt, Wait
from album_operator.domain.versions import Versioning
from tests.fakes.builders import CREATED, RECORD, RELEASE, RESOLVED

LATER = CREATED + timedelta(minutes=1)
NEWER = ReleaseSeen(
    pipeline="album-app",
    app="backend",
    version="v1.2.0",
    step=StepName.PROPOSED,
    outcome=Outcome.WORKING,
    has_begun=True,
    created_at=LATER,
)
WAITING = replace(NEWER, step=StepName.IMAGE_READY, has_begun=False)


def _resolved(policy: Concurrency) -> Resolved:
    return replace(RESOLVED, policy=replace(RESOLVED.policy, concurrency=policy))


def _successor(release: Release = RELEASE, **known: ReleaseSeen) -> str | None:
    return _find(release, known)


def _find(release: Release, known: dict[str, ReleaseSeen]) -> str | None:
    found = concurrency.find_successor(release, RESOLVED, known)
    return found.name if found is not None else None


def _turn(
    policy: Concurrency,
    *,
    is_certain: bool = True,
    release: Release = RELEASE,
    **known: ReleaseSeen,
) -> Wait | Halt | None:
    resolved = _resolved(policy)
    return concurrency.take_turn(release, RECORD, resolved, known, is_certain=is_certain)


def test_the_newest_that_has_begun_takes_over() -> None:
    newest = replace(NEWER, version="v1.3.0")
    assert _successor(a=NEWER, b=newest, c=replace(NEWER, version="v1.2.5")) == "b"


@pytest.mark.parametrize(
    "other",
    [
        replace(NEWER, version="v1.1.0"),
        replace(NEWER, version="v1.0.0"),
        replace(NEWER, version=None),
        replace(NEWER, version="2026.11"),
        WAITING,
        replace(NEWER, minds_others=False),
        *(replace(NEWER, outcome=outcome) for outcome in Outcome if outcome is not Outcome.WORKING),
    ],
    ids=str,
)
def test_no_other_takes_over(other: ReleaseSeen) -> None:
    assert _successor(other=other) is None


@pytest.mark.parametrize(
    "release",
    [
        replace(RELEASE, rollback_of="other", allow_downgrade=True),
        replace(RELEASE, mode=Mode.FOLLOW),
        replace(RELEASE, mode=Mode.PLAN),
    ],
    ids=["rollback", "followed", "planned"],
)
def test_who_minds_nobody_gives_way_to_nobody_and_waits_for_nobody(release: Release) -> None:
    assert _successor(release, other=NEWER) is None
    for policy in Concurrency:
        assert _turn(policy, release=release, other=NEWER) is None


def test_who_goes_back_on_purpose_gives_way_to_what_came_later() -> None:
    back = replace(RELEASE, allow_downgrade=True)
    assert _successor(back, other=replace(NEWER, created_at=CREATED)) is None
    assert _successor(back, other=NEWER) == "other"


def test_a_release_does_not_give_way_to_itself() -> None:
    assert _find(RELEASE, {RELEASE.ref.name: NEWER}) is None


@pytest.mark.parametrize("policy", [Concurrency.QUEUE, Concurrency.FORBID])
def test_other_policies_know_no_taking_over(policy: Concurrency) -> None:
    assert concurrency.find_successor(RELEASE, _resolved(policy), {"other": NEWER}) is None


def test_who_took_over_is_told_with_the_way_back() -> None:
    by = concurrency.Other("other", NEWER)
    halt = concurrency.superseded(RELEASE, RESOLVED, by)
    assert halt.reason is Reason.SUPERSEDED
    assert halt.superseded_by is not None
    assert (halt.superseded_by.version, halt.superseded_by.release) == ("v1.2.0", "album/other")
    assert "AlbumRelease other of v1.2.0, which is newer than v1.1.0 by SemVer" in halt.sentence
    assert halt.sentence.endswith("should that one not do, set the annotation album.dev/retry.")


def test_numbers_have_an_order_of_their_own() -> None:
    source = replace(RESOLVED.source, versioning=Versioning.NUMERIC)
    resolved = replace(RESOLVED, version="2024.9", source=source)
    other = replace(NEWER, version="2024.10")
    assert concurrency.find_successor(RELEASE, resolved, {"other": other}) is not None


def test_side_by_side_nobody_waits_for_a_turn() -> None:
    assert _turn(Concurrency.SUPERSEDE, is_certain=False, other=NEWER) is None


@pytest.mark.parametrize("policy", [Concurrency.QUEUE, Concurrency.FORBID])
def test_nobody_begins_before_all_are_known(policy: Concurrency) -> None:
    wait = _turn(policy, is_certain=False)
    assert isinstance(wait, Wait)
    assert (wait.reason, wait.retry_after) == (Reason.QUEUED, concurrency.UNTIL_CERTAIN)


@pytest.mark.parametrize("policy", [Concurrency.QUEUE, Concurrency.FORBID])
@pytest.mark.parametrize(
    "other",
    [
        replace(NEWER, step=None, outcome=Outcome.RELEASED),
        replace(NEWER, minds_others=False),
        replace(WAITING, outcome=Outcome.SUSPENDED),
        WAITING,
    ],
    ids=["ended", "alone", "suspended", "later"],
)
def test_who_is_first_begins(policy: Concurrency, other: ReleaseSeen) -> None:
    assert _turn(policy, other=other) is None


def test_one_waits_for_those_that_have_begun_and_the_lower_versions() -> None:
    lower = replace(WAITING, version="v1.0.5")
    lowest = replace(WAITING, version="v1.0.0")
    wait = _turn(Concurrency.QUEUE, begun=NEWER, lower=lower, lowest=lowest, higher=WAITING)
    assert isinstance(wait, Wait)
    assert (wait.reason, wait.is_poll) == (Reason.QUEUED, True)
    assert wait.record is not None
    assert wait.record.queue == QueueRecord(3, "lower")
    assert "once AlbumRelease lower of v1.0.5 has ended." in wait.message


def test_what_waits_for_a_person_is_told_to() -> None:
    wait = _turn(Concurrency.QUEUE, begun=replace(NEWER, outcome=Outcome.SUSPENDED))
    assert isinstance(wait, Wait)
    assert wait.record is not None
    assert wait.record.queue == QueueRecord(1, "begun")
    assert "once AlbumRelease begun of v1.2.0, which is suspended, has ended." in wait.message


def test_versions_without_an_order_go_by_age() -> None:
    """Whoever asks, the line is the same, so that one is always its first."""
    older = replace(WAITING, version="main", created_at=CREATED - timedelta(minutes=1))
    assert isinstance(_turn(Concurrency.QUEUE, other=older), Wait)
    assert _turn(Concurrency.QUEUE, other=replace(WAITING, version="main")) is None


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"one": NEWER}, "AlbumRelease one of v1.2.0 is in flight"),
        (
            {"one": NEWER, "two": replace(WAITING, created_at=CREATED - timedelta(minutes=1))},
            "AlbumRelease one of v1.2.0 and AlbumRelease two of v1.2.0 are in flight",
        ),
    ],
    ids=["one", "two"],
)
def test_forbidden_is_a_second_one_beside_those_that_stand_in_the_way(
    known: dict[str, ReleaseSeen], said: str
) -> None:
    resolved = _resolved(Concurrency.FORBID)
    halt = concurrency.take_turn(RELEASE, RECORD, resolved, known, is_certain=True)
    assert isinstance(halt, Halt)
    assert halt.reason is Reason.ANOTHER_IN_FLIGHT
    assert said in halt.message
    assert halt.remedy == "Wait until it has ended, or set its spec.cancel to true"
