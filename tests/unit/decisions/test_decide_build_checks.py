"""ImageReady: checks of the source commit that are required before its image is built or used."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import build, build_checks
from album_operator.decisions.build_look import Look
from album_operator.domain.image_labels import labels_of
from album_operator.domain.pull_requests import Checks
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.resolved import ResolvedPolicy
from album_operator.domain.verdict import Act, Done, Verdict, Wait
from tests.fakes.builders import COMMIT, DIGEST, NOW, RELEASE, RESOLVED, record_before

RECORD = record_before(StepName.IMAGE_READY)
ALL = ("lint", "unit", "e2e")
STRICT = replace(RESOLVED, policy=ResolvedPolicy(ALL))
PASSED = dict.fromkeys(ALL, Checks.PASSING)


def _decide(look: Look) -> Verdict[object]:
    return build.decide(RELEASE, RECORD, STRICT, look, NOW, buildkit=None)


def _wait(seen: Mapping[str, Checks]) -> Wait:
    verdict = build_checks.wait(RECORD, STRICT, {**PASSED, **seen}, NOW)
    assert verdict is not None
    return verdict


def test_only_what_is_required_and_has_not_passed_is_waited_for() -> None:
    states = {"lint": Checks.PASSING, "unit": Checks.RUNNING, "docs": Checks.FAILING}

    assert build_checks.find_unpassed(STRICT, states) == {
        "unit": Checks.RUNNING,
        "e2e": Checks.NONE,
    }
    assert build_checks.find_unpassed(STRICT, PASSED) == {}
    assert build_checks.find_unpassed(STRICT, None) == {}
    assert build_checks.find_unpassed(RESOLVED, states) == {}


def test_a_build_waits_and_says_for_what_and_what_to_do() -> None:
    seen = {"unit": Checks.RUNNING, "e2e": Checks.FAILING, "Lint": Checks.PASSING}

    verdict = _decide(Look(checks=seen))

    assert isinstance(verdict, Wait)
    assert (verdict.reason, verdict.is_poll) == (Reason.AWAITING_CHECKS, True)
    assert f"Commit {COMMIT[:12]} is released once" in verdict.message
    assert "e2e fails, unit runs and lint is not there." in verdict.message
    assert "The commit has the checks Lint." in verdict.message
    assert "Run what fails again on this commit, or let the CI run what is not" in verdict.message
    assert isinstance(_decide(Look(checks=PASSED)), Act)


def test_an_image_that_is_there_waits_for_the_checks_too() -> None:
    there = ImageSeen(DIGEST, labels_of(STRICT))

    verdict = _decide(Look(tagged=there, checks={**PASSED, "unit": Checks.FAILING}))
    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.AWAITING_CHECKS
    assert isinstance(_decide(Look(tagged=there, checks=PASSED)), Done)


def test_what_only_runs_asks_nothing_of_a_person() -> None:
    assert _wait({"unit": Checks.RUNNING}).message.endswith("The release goes on by itself.")


def test_of_many_checks_some_are_named() -> None:
    names = tuple(f"c{number}" for number in range(16))
    strict = replace(RESOLVED, policy=ResolvedPolicy(names))
    wait = build_checks.wait(RECORD, strict, dict.fromkeys(names, Checks.RUNNING), NOW)

    assert wait is not None
    assert "c5 runs and 10 more have not passed" in wait.message
    assert "c6" not in wait.message


def test_a_commit_without_the_check_has_others_or_none() -> None:
    others = dict.fromkeys([f"x{number:02}" for number in range(9)], Checks.PASSING)

    assert build_checks.foretell(STRICT, others)[0].endswith(
        "The commit has the checks x00, x01, x02, x03, x04, x05 and 3 more."
    )
    assert build_checks.foretell(STRICT, {})[0].endswith("The commit has no other check.")
    assert build_checks.foretell(STRICT, PASSED) == []


def test_only_a_check_that_fails_refuses_a_release_that_was_not_begun() -> None:
    refused = build_checks.refuse(STRICT, {**PASSED, "unit": Checks.FAILING})

    assert refused is not None
    assert refused.reason is Reason.AWAITING_CHECKS
    assert "unit fails." in refused.message
    assert refused.remedy.startswith("Run what fails again on this commit, or take it out of")
    for state in (Checks.RUNNING, Checks.NONE):
        assert build_checks.refuse(STRICT, {**PASSED, "unit": state}) is None


@pytest.mark.parametrize(("waited", "pause"), [(0, 60), (480, 120), (86400, 300)])
def test_the_longer_it_takes_the_more_seldom_is_asked(waited: int, pause: int) -> None:
    steps = tuple(replace(step, started_at=NOW) for step in RECORD.steps)
    record = replace(RECORD, steps=steps)

    wait = build_checks.wait(record, STRICT, {}, NOW + timedelta(seconds=waited))

    assert wait is not None
    assert wait.retry_after == timedelta(seconds=pause)
