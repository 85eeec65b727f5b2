"""The notice on an Application's page: what it says, and whose it is."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, PullRequestRecord, Record, StepName
from album_operator.render.app_notice import (
    CONTENT,
    KEYS,
    OWNER,
    SEVERITY,
    URL,
    change_for,
    notice_of,
)
from tests.fakes.builders import COMMIT, PULL_REQUEST, RELEASE, RESOLVED, record_before

NOTICED = replace(RESOLVED, argocd=replace(RESOLVED.argocd, notice=True))
OURS = str(RELEASE.ref)
PROPOSED = PullRequestRecord(6, PULL_REQUEST.url, "Open", COMMIT)
TOLD = dict.fromkeys(KEYS, "x") | {OWNER: OURS}


def _record(reason: Reason) -> Record:
    record = replace(record_before(StepName.MERGED), pull_request=PROPOSED)
    steps = tuple(
        replace(step, reason=reason) if step.name is StepName.MERGED else step
        for step in record.steps
    )
    return replace(record, steps=steps)


def test_a_pull_request_that_waits_for_review_is_told_with_its_link() -> None:
    notice = notice_of(RELEASE, _record(Reason.REVIEW_REQUIRED), NOTICED)

    said = f"{RESOLVED.app} {RESOLVED.version} waits for review: {PULL_REQUEST.url}"
    assert notice == {CONTENT: said, SEVERITY: "info", URL: PULL_REQUEST.url, OWNER: OURS}


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.AWAITING_MERGE, "waits for review"),
        (Reason.DRAFT, "is a draft"),
        (Reason.CHANGES_REQUESTED, "a review asks for changes"),
        (Reason.CHECKS_FAILING, "checks of its pull request fail"),
        (Reason.BEHIND, "is behind its base"),
        (Reason.HELD, "the app is held"),
        (Reason.CHECKS_RUNNING, None),
        (Reason.MERGING, None),
        (Reason.QUEUED, None),
    ],
)
def test_only_what_a_person_is_to_do_is_told(reason: Reason, words: str | None) -> None:
    notice = notice_of(RELEASE, _record(reason), NOTICED)

    assert (words in notice[CONTENT]) if words is not None else not notice


def test_nothing_is_told_without_the_wish_a_pull_request_or_a_wait() -> None:
    waits = _record(Reason.REVIEW_REQUIRED)

    assert notice_of(RELEASE, waits, RESOLVED) == {}
    assert notice_of(RELEASE, replace(waits, pull_request=None), NOTICED) == {}
    assert notice_of(RELEASE, replace(waits, outcome=Outcome.STALLED), NOTICED) == {}
    later = replace(record_before(StepName.DEPLOYED), pull_request=PROPOSED)
    assert notice_of(RELEASE, later, NOTICED) == {}


def test_a_notice_is_no_longer_than_what_is_shown() -> None:
    long = replace(NOTICED, app="a" * 600)
    assert len(notice_of(RELEASE, _record(Reason.DRAFT), long)[CONTENT]) == 500


@pytest.mark.parametrize(
    ("seen", "wish", "change"),
    [
        ({}, TOLD, TOLD),
        (TOLD, TOLD, {}),
        (TOLD, {}, dict.fromkeys(KEYS)),
        ({**TOLD, URL: "old"}, TOLD, {URL: "x"}),
        # Another release's, and a person's.
        ({**TOLD, OWNER: "album/other"}, TOLD, {OWNER: OURS}),
        ({**TOLD, OWNER: "album/other"}, {}, {}),
        ({CONTENT: "Maintenance"}, TOLD, {}),
        ({CONTENT: "Maintenance"}, {}, {}),
        ({}, {}, {}),
    ],
)
def test_only_a_notice_of_ours_is_changed(
    seen: Mapping[str, str], wish: Mapping[str, str], change: Mapping[str, str | None]
) -> None:
    assert change_for(seen, wish, OURS) == change
