"""What others need to know of a release, read of its raw body."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.codec import parse_seen, render_status
from album_operator.domain import progress
from album_operator.domain.claims import ConfigBranch
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Outcome, Record, StepName
from album_operator.domain.release import Delivery
from tests.fakes.builders import BRANCH, CONFIG, NOW, RECORD, RELEASE, raw_release, record_before

FAILURE = Failure("ImageReady", Reason.BUILD_FAILED, "Mend it.")


def _body(record: Record) -> dict[str, Any]:
    return {**raw_release(), "status": render_status(RELEASE, record, NOW)}


def test_a_release_just_applied_has_no_app_and_no_branch_yet() -> None:
    body = raw_release()
    for status in (body["status"], None):
        body["status"] = status
        seen = parse_seen(body)
        assert (seen.pipeline, seen.app, seen.version) == ("album-app", None, None)
        assert (seen.step, seen.outcome) == (StepName.IMAGE_READY, Outcome.WORKING)
        assert seen.branch is None


@pytest.mark.parametrize("step", list(StepName))
def test_a_release_has_its_branch_until_the_merge(step: StepName) -> None:
    seen = parse_seen(_body(record_before(step)))
    assert (seen.app, seen.version, seen.step) == ("backend", "v1.1.0", step)
    needs_it = step in {StepName.IMAGE_READY, StepName.PROPOSED, StepName.MERGED}
    assert seen.branch == (ConfigBranch(CONFIG, BRANCH) if needs_it else None)


def test_two_spellings_of_a_repository_are_one() -> None:
    body = _body(record_before(StepName.PROPOSED))
    body["status"]["resolved"]["config"]["repository"] = "https://GIT.example.org:443" + (
        "/owner/album-app-config.git"
    )
    assert parse_seen(body).branch == ConfigBranch(CONFIG, BRANCH)


def test_a_url_that_nobody_can_read_is_in_nobodys_way() -> None:
    body = _body(record_before(StepName.PROPOSED))
    body["status"]["resolved"]["config"]["repository"] = "https://git.example.org:port/x"
    assert parse_seen(body).branch is None


def test_a_release_that_commits_to_the_base_has_no_branch_of_its_own() -> None:
    record = record_before(StepName.PROPOSED)
    assert record.resolved is not None
    config = replace(record.resolved.config, delivery=Delivery.COMMIT, branch="main")
    record = replace(record, resolved=replace(record.resolved, config=config))
    assert parse_seen(_body(record)).branch is None


def test_a_finished_release_is_in_no_step_and_has_no_branch() -> None:
    proposed = record_before(StepName.MERGED)
    stalled = progress.stall(proposed, StepName.MERGED, "Mend it.", FAILURE, NOW)
    released = progress.release(record_before(StepName.DEPLOYED))
    for record, outcome in ((stalled, Outcome.STALLED), (released, Outcome.RELEASED)):
        seen = parse_seen(_body(record))
        assert (seen.step, seen.outcome, seen.branch) == (None, outcome, None)


def test_a_suspended_release_keeps_its_branch() -> None:
    record = progress.start(replace(RELEASE, suspend=True), record_before(StepName.MERGED))
    seen = parse_seen(_body(record))
    assert (seen.outcome, seen.branch) == (Outcome.SUSPENDED, ConfigBranch(CONFIG, BRANCH))


def test_all_steps_done_is_the_last_until_the_release_has_finished() -> None:
    done = progress.finish(
        record_before(StepName.DEPLOYED), StepName.DEPLOYED, Reason.SUCCEEDED, "Done.", NOW
    )
    assert parse_seen(_body(done)).step is StepName.DEPLOYED


def test_a_release_that_is_to_begin_anew_is_in_flight() -> None:
    body = _body(progress.stall(RECORD, None, "Mend it.", FAILURE, NOW))
    body["metadata"]["annotations"] = {"album.dev/retry": "1"}
    assert parse_seen(body).step is StepName.IMAGE_READY
