"""Whose turn it is to begin, and how a release that waits is told."""

from dataclasses import replace

import pytest

from album_operator.decisions.begin_turn import LISTING, LOOK, takes_over, wait, wait_for_list
from album_operator.domain.begin_places import BeginPlace
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref
from album_operator.domain.versions import Versioning

BEGUN = ReleaseSeen("app", "backend", "v1.1.0", StepName.MERGED, Outcome.WORKING, has_begun=True)
WAITING = replace(BEGUN, version="v1.3.0", has_begun=False)
ENDED = replace(BEGUN, step=None, outcome=Outcome.RELEASED)


def test_who_waits_is_told_its_place_and_who_goes_first() -> None:
    verdict = wait(Ref("team", "mine"), BeginPlace(9, 9, ("theirs", "others"), 4))

    assert verdict.reason is Reason.QUEUED
    assert verdict.message == (
        "Place 3 of 4 in the line of releases that wait to begin in namespace team, before it "
        "theirs, others. Of at most 9 in flight at once there (ALBUM_RELEASES_PER_NAMESPACE, an "
        "admin's setting) 9 are. It begins by itself once one of them has ended."
    )


def test_who_is_far_behind_looks_more_seldom() -> None:
    afters = [wait(Ref("team", "mine"), _behind(count)).retry_after for count in (9, 10, 800)]

    assert afters == [LOOK, 2 * LOOK, 81 * LOOK]


def _behind(count: int) -> BeginPlace:
    return BeginPlace(9, 9, tuple(f"release-{number}" for number in range(count)), count + 1)


@pytest.mark.parametrize(
    ("version", "others", "is_so"),
    [
        ("v1.2.0", [BEGUN], True),
        ("v1.2.0", [BEGUN, ENDED, replace(ENDED, version="v9.0.0")], True),
        ("v1.1.0", [BEGUN], False),
        ("v1.0.0", [BEGUN], False),
        ("v1.2.0", [BEGUN, WAITING], False),
        ("v1.4.0", [BEGUN, WAITING], True),
        ("v1.4.0", [BEGUN, replace(WAITING, version=None)], False),
        ("v1.4.0", [WAITING], False),
        ("v1.2.0", [ENDED], False),
        ("v1.2.0", [], False),
    ],
)
def test_the_newest_of_an_app_takes_the_place_of_one_in_flight(
    version: str, others: list[ReleaseSeen], is_so: bool
) -> None:
    assert takes_over(version, others, Versioning.SEMVER) is is_so


def test_right_after_a_start_a_release_waits_until_the_others_are_known() -> None:
    verdict = wait_for_list("team")

    assert (verdict.reason, verdict.retry_after) == (Reason.QUEUED, LISTING)
    assert verdict.message == "Which releases of namespace team are in flight is being found out."
