"""What becomes of a look at what releases of a pipeline need."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import standing
from album_operator.decisions.conventions import resolve
from album_operator.domain.errors import TransientError
from album_operator.domain.pipeline import App
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Miss
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from album_operator.domain.versions import Versioning, is_version
from tests.fakes.builders import NOW, PIPELINE

NONE = PipelineRecord()
FIRST = Halt(Reason.CREDENTIALS_MISSING, "Secret a is missing.", "Create it")
SECOND = Halt(Reason.APPLICATION_NOT_FOUND, "Application b does not exist.", "Create that")
DOWN = TransientError(Reason.GIT_UNAVAILABLE, "git.example.org does not answer.")
LATER = NOW + timedelta(minutes=30)


def _conclude(
    *halts: Halt, written: PipelineRecord = NONE, untold: TransientError | None = None
) -> PipelineRecord:
    return standing.conclude(written, PIPELINE, halts, untold, NOW)


@pytest.mark.parametrize("versioning", list(Versioning))
def test_any_version_is_one_of_every_form(versioning: Versioning) -> None:
    assert is_version(standing.ANY_VERSION, versioning)
    pipeline = replace(PIPELINE, versioning=versioning)
    release = standing.release_of(pipeline, App("backend"), NOW)
    wish = resolve(release, pipeline)
    assert isinstance(wish, Resolved)
    assert (wish.app, wish.version) == ("backend", standing.ANY_VERSION)
    assert release.allow_downgrade


def test_a_pipeline_that_lacks_nothing_is_ready() -> None:
    found = _conclude()
    assert (found.is_ready, found.reason, found.misses) == (True, Reason.CHECKED, ())
    assert found.message == "Nothing is missing that releases of its 2 apps need."
    assert found.checked_at == NOW
    one = standing.conclude(NONE, replace(PIPELINE, apps=(App("web"),)), (), None, NOW)
    assert one.message == "Nothing is missing that releases of app web need."


def test_all_that_is_missing_is_told_once() -> None:
    found = _conclude(FIRST, SECOND, FIRST)
    assert (found.is_ready, found.reason) == (False, Reason.CREDENTIALS_MISSING)
    assert found.misses == (
        Miss(FIRST.reason, FIRST.message, FIRST.remedy),
        Miss(SECOND.reason, SECOND.message, SECOND.remedy),
    )
    assert found.message == (
        "2 things are missing or wrong, each in status.misses: (1) Secret a is missing. Create it. "
        "(2) Application b does not exist. Create that. Mend all of them; this is looked at again "
        "by itself."
    )


def test_one_thing_is_told_with_its_own_way_out_and_no_word_of_a_release() -> None:
    found = _conclude(FIRST)
    assert found.message == ("Secret a is missing. Create it; this is looked at again by itself.")
    assert "album.dev/retry" not in found.message


def test_no_version_is_named_that_nobody_has() -> None:
    halt = Halt(
        Reason.OVERRIDDEN_ELSEWHERE,
        f"It would set image.tag to {standing.ANY_VERSION}.",
        f"Take {standing.ANY_VERSION} out",
    )
    found = _conclude(replace(halt, misses=(halt,)), SECOND)
    assert standing.ANY_VERSION not in str(found)
    assert found.misses[0] == Miss(
        halt.reason, "It would set image.tag to <version>.", "Take <version> out"
    )


def test_what_cannot_be_told_is_neither_good_nor_bad() -> None:
    checked = _conclude()
    found = standing.conclude(checked, PIPELINE, (), DOWN, LATER)
    assert (found.is_ready, found.reason) == (None, Reason.GIT_UNAVAILABLE)
    assert found.message.startswith("git.example.org does not answer.")
    assert found.checked_at == NOW
    assert _conclude(FIRST, untold=DOWN).is_ready is False
    assert "could not be told" in _conclude(FIRST, untold=DOWN).message


def test_a_look_that_finds_the_same_is_not_written_for_its_time_alone_but_seldom() -> None:
    known = _conclude(FIRST)
    # A long message may stand there shortened.
    known = replace(known, message="Secret a …")
    same = standing.conclude(known, PIPELINE, (FIRST,), None, LATER)
    assert same.checked_at == NOW
    later = standing.conclude(known, PIPELINE, (FIRST,), None, NOW + standing.TOLD_AGAIN)
    assert later.checked_at == NOW + standing.TOLD_AGAIN
    other = standing.conclude(known, PIPELINE, (FIRST, SECOND), None, LATER)
    assert other.checked_at == LATER


def test_what_changed_for_good_or_bad_is_an_event() -> None:
    good, bad = _conclude(), _conclude(FIRST)
    assert standing.transition(NONE, good) == ("Normal", "Checked", good.message)
    assert standing.transition(good, bad) == ("Warning", "CredentialsMissing", bad.message)
    assert standing.transition(bad, bad) is None
    unknown = standing.conclude(good, PIPELINE, (), DOWN, LATER)
    assert standing.transition(good, unknown) is None
    assert standing.transition(unknown, good) is not None
