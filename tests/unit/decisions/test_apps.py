"""Where an app of a pipeline stands, by its releases."""

from dataclasses import replace
from datetime import timedelta

from album_operator.decisions import apps
from album_operator.domain.claims import Progress, ReleaseSeen
from album_operator.domain.history import Ended
from album_operator.domain.pipeline import App
from album_operator.domain.pipeline_record import AppRecord, HeldApp, InFlight, LastReleased
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName
from tests.fakes.builders import DIGEST, NOW, PIPELINE

APP = AppRecord("backend")
DONE = ReleaseSeen("album-app", "backend", "v1.0.0", None, Outcome.RELEASED)
FLYING = ReleaseSeen("album-app", "backend", "v1.1.0", StepName.IMAGE_READY, Outcome.WORKING)


def _done(version: str, minutes: int, digest: str = DIGEST) -> ReleaseSeen:
    ended = Ended("uid", "1", NOW + timedelta(minutes=minutes))
    return replace(DONE, version=version, ended=ended, digest=digest)


def _flying(
    step: StepName | None, minutes: int = 0, reason: Reason = Reason.PENDING
) -> ReleaseSeen:
    since = NOW + timedelta(minutes=minutes)
    return replace(FLYING, progress=Progress(step, reason, since))


def _tell(written: AppRecord = APP, **releases: ReleaseSeen) -> AppRecord:
    return apps.tell(PIPELINE, written, releases, NOW)


def test_of_an_app_without_releases_nothing_is_known() -> None:
    assert _tell() == APP


def test_the_last_one_is_what_was_released_last_and_not_the_newest_version() -> None:
    told = _tell(a=_done("v1.1.0", -9), b=_done("v1.0.9", -5), c=_done("v1.2.0", -7))
    assert told.released == LastReleased("v1.0.9", "b", NOW - timedelta(minutes=5), DIGEST)


def test_what_the_status_says_of_the_last_stays_until_one_is_later() -> None:
    known = LastReleased("v1.0.0", "gone", NOW - timedelta(minutes=5), DIGEST)
    written = replace(APP, released=known)
    assert _tell(written).released == known
    assert _tell(written, older=_done("v0.9.0", -6)).released == known
    later = _tell(written, later=_done("v1.1.0", -4, "")).released
    assert later == LastReleased("v1.1.0", "later", NOW - timedelta(minutes=4))


def test_of_several_in_flight_the_farthest_is_told_and_the_others_counted() -> None:
    told = _tell(
        waiting=_flying(None, -9, Reason.HELD),
        building=_flying(StepName.IMAGE_READY, -8, Reason.BUILDING),
        merging=_flying(StepName.MERGED, -5, Reason.REVIEW_REQUIRED),
        done=_done("v1.0.0", -30),
    )
    assert told.in_flight == InFlight(
        release="merging",
        version="v1.1.0",
        step="Merged",
        reason=Reason.REVIEW_REQUIRED,
        since=NOW - timedelta(minutes=5),
        others=2,
    )


def test_of_two_that_are_as_far_the_one_that_is_there_longer_is_told() -> None:
    told = _tell(a=_flying(None, -1), b=_flying(None, -3), c=_flying(None, -2))
    assert told.in_flight is not None
    assert (told.in_flight.release, told.in_flight.step) == ("b", None)


def test_an_app_is_held_by_hand_or_since_a_rollback() -> None:
    back = replace(DONE, rollback_of="forth", created_at=NOW - timedelta(minutes=1))
    held = _tell(back=back).held
    assert held is not None
    assert held.because.startswith("App backend is held since AlbumRelease back took back forth.")

    pipeline = replace(PIPELINE, apps=(App("backend", hold=True),))
    by_hand = apps.tell(pipeline, APP, {"back": back}, NOW).held
    assert by_hand is not None
    assert by_hand.because.startswith("App backend is held by a person")


def test_what_is_over_is_told_no_more() -> None:
    written = replace(
        APP,
        held=HeldApp("For a reason."),
        in_flight=InFlight("a", None, None, Reason.PENDING, NOW),
    )
    assert _tell(written) == APP
