"""Statuses: written and read back, valid, small, and stable."""

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from album_operator.api.status import ReleaseStatus
from album_operator.codec import parse_status, render_status
from album_operator.domain import progress
from album_operator.domain.names import AppVersion
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    ApplicationRecord,
    AttemptRecord,
    BuildRecord,
    Failure,
    Outcome,
    PlannedPatch,
    ProposalRecord,
    Record,
    StepName,
    StepState,
)
from album_operator.domain.release import BuildArg, Delivery, Edit, Mode, Ref
from tests.fakes.builders import (
    DIGEST,
    IMAGE_RECORD,
    NOW,
    PLAN,
    RECORD,
    RELEASE,
    RESOLVED,
    VALUES,
    record_before,
)
from tests.fakes.crd_schema import faults_of_status as faults_of
from tests.unit.codec.records import records

LIMIT = 16 * 1024
LATER = NOW + timedelta(minutes=5)


@settings(max_examples=60)
@given(record=records())
def test_a_status_reads_as_the_record_it_was_written_from(record: Record) -> None:
    status = render_status(RELEASE, record, NOW)

    assert parse_status(json.loads(json.dumps(status))) == record


@settings(max_examples=40)
@given(record=records(), longer=st.sampled_from(["", "x" * 5000, "ö" * 5000]))
def test_every_status_is_what_the_schema_allows(record: Record, longer: str) -> None:
    record = replace(record, message=record.message + longer)
    status = render_status(RELEASE, record, NOW)

    assert faults_of("albumreleases", status) == []
    ReleaseStatus.parse(status)


@settings(max_examples=25)
@given(record=records(), message=st.text(min_size=600, max_size=3000))
def test_what_was_read_is_written_the_same_again(record: Record, message: str) -> None:
    status = render_status(RELEASE, replace(record, message=message), NOW)

    assert render_status(RELEASE, parse_status(status), LATER) == status


def _fullest() -> Record:
    """Give a release that failed as late and as wordily as the schema lets it."""
    long = "A sentence that says what went wrong and, at its end, what is to be done. " * 60
    url = f"https://git.example.org/{'o' * 100}/{'r' * 100}"
    name = "n" * 63
    record = replace(
        record_before(StepName.DEPLOYED),
        attempt=1000,
        attempts=tuple(
            AttemptRecord(
                number, "SyncPolicyApplied", Reason.VERSIONS_NOT_COMPARABLE, long, "j" * 63, NOW
            )
            for number in range(995, 1000)
        ),
        proposal=ProposalRecord(f"release/{name}_v1.1.0-{'p' * 121}", "c" * 40, "+" * 4096),
        build=BuildRecord("j" * 63, "BuildKit", NOW, NOW),
        image=replace(IMAGE_RECORD, reference=f"ghcr.io/{'i' * 247}:v1.1.0-{'p' * 121}"),
        applications=(
            ApplicationRecord(name, name, "d" * 40, "Descendant", "OutOfSync", "Degraded", NOW),
        ),
        resolved=replace(
            RESOLVED,
            app=name,
            version=f"v1.1.0-{'p' * 121}",
            source=replace(RESOLVED.source, repository=url, tag=f"t{'t' * 7}-v1.1.0-{'p' * 112}"),
            build=replace(
                RESOLVED.build,
                image=f"ghcr.io/{'i' * 247}:v1.1.0-{'p' * 121}",
                context_dir="d" * 256,
                dockerfile="f" * 256,
                args=tuple(BuildArg(f"{'A' * 62}{index}", "v" * 64) for index in range(3)),
                target="s" * 128,
            ),
            config=replace(
                RESOLVED.config,
                repository=url,
                base_branch="b" * 200,
                branch=f"release/{name}_v1.1.0-{'p' * 121}",
                forge_url=url,
                author_name="a" * 128,
                author_email=f"{'e' * 242}@example.org",
                edits=(Edit("p" * 256, "k" * 256),),
            ),
            argocd=replace(RESOLVED.argocd, applications=(Ref(name, name),)),
        ),
        last_handled_retry="r" * 253,
        last_handled_refresh="r" * 253,
        requested_by="q" * 100,
    )
    for step in StepName:
        record = progress.finish(record, step, Reason.SUCCEEDED, long, NOW)
    failure = Failure("Deployed", Reason.SYNC_FAILED, long, "p" * 63, "build", 137)
    return progress.stall(record, StepName.DEPLOYED, long, failure, NOW)


def test_the_fullest_status_of_a_release_stays_under_16_kb() -> None:
    status = render_status(RELEASE, _fullest(), NOW)

    assert faults_of("albumreleases", status) == []
    assert len(json.dumps(status).encode()) <= LIMIT
    assert "attempts" not in status or len(status["attempts"]) <= 2


def test_a_message_too_long_keeps_its_beginning_and_the_way_out_at_its_end() -> None:
    message = f"It failed: {'x' * 9000}. Then set the annotation album.dev/retry."
    failure = Failure("Deployed", Reason.SYNC_FAILED, message)
    record = progress.stall(RECORD, StepName.DEPLOYED, message, failure, NOW)
    status = render_status(RELEASE, record, NOW)

    assert faults_of("albumreleases", status) == []
    said = [item["message"] for item in status["conditions"] if item["reason"] == "SyncFailed"]
    assert len(said) == 4
    for text in (*said, status["failure"]["message"], status["steps"][4]["message"]):
        assert text.startswith("It failed: xxx")
        assert " … " in text
        assert text.endswith("Then set the annotation album.dev/retry.")


def test_the_fullest_plan_stays_under_16_kb() -> None:
    name, patch = "n" * 63, json.dumps({"spec": "x" * 4000})
    patches = tuple(PlannedPatch(f"{name}-{number}", name, patch) for number in range(16))
    plan = replace(PLAN, diff='-  tag: "v1"\n' * 630, branch="b" * 200, applications=patches)
    status = render_status(RELEASE, progress.plan(replace(RECORD, plan=plan), "m" * 9000), NOW)

    assert faults_of("albumreleases", status) == []
    assert len(json.dumps(status).encode()) <= LIMIT
    assert status["plan"]["diff"].endswith("\n… the rest of the diff is left out\n")
    assert len(status["plan"]["diff"]) > 3900
    assert " … " in status["plan"]["applications"][0]["patch"]


def test_an_absent_status_is_a_release_not_begun() -> None:
    assert parse_status({}) == RECORD
    assert parse_status({"observedGeneration": -1}) == RECORD


def test_what_is_not_known_is_absent() -> None:
    status = render_status(RELEASE, RECORD, NOW)

    assert set(status) == {"observedGeneration", "attempt", "steps", "overhead", "conditions"}


def test_the_operators_own_time_is_summed_in_seconds_with_microseconds() -> None:
    record = progress.add_overhead(RECORD, StepName.MERGED, timedelta(microseconds=123))
    record = progress.add_overhead(record, StepName.DEPLOYED, timedelta(seconds=1))
    status = render_status(RELEASE, record, NOW)

    assert status["overhead"] == "1.000123"
    assert [step["overhead"] for step in status["steps"]][2] == "0.000123"


def test_times_are_utc_with_microseconds() -> None:
    record = progress.begin(RECORD, StepName.IMAGE_READY, NOW + timedelta(microseconds=7))
    (step, *_) = render_status(RELEASE, record, NOW)["steps"]

    assert step["startedAt"] == "2026-11-20T12:00:00.000007Z"


def _conditions(record: Record) -> dict[str, tuple[str, str]]:
    status = render_status(RELEASE, record, NOW)
    return {item["type"]: (item["status"], item["reason"]) for item in status["conditions"]}


def test_a_release_at_work_is_ready_unknown_and_reconciling() -> None:
    record = progress.keep_going(
        record_before(StepName.MERGED),
        StepName.MERGED,
        StepState.WAITING,
        Reason.AWAITING_MERGE,
        "Waiting.",
    )

    assert _conditions(record) == {
        "Ready": ("Unknown", "AwaitingMerge"),
        "Reconciling": ("True", "AwaitingMerge"),
        "ImageReady": ("True", "Succeeded"),
        "Proposed": ("True", "Succeeded"),
        "Merged": ("Unknown", "AwaitingMerge"),
        "SyncPolicyApplied": ("Unknown", "Pending"),
        "Deployed": ("Unknown", "Pending"),
    }


def test_a_release_given_up_is_stalled_and_finished() -> None:
    failure = Failure("ImageReady", Reason.BUILD_FAILED, "No.")
    conditions = _conditions(progress.stall(RECORD, StepName.IMAGE_READY, "No.", failure, NOW))

    assert conditions["Ready"] == ("False", "BuildFailed")
    assert conditions["Stalled"] == ("True", "BuildFailed")
    assert conditions["Finished"] == ("True", "BuildFailed")
    assert conditions["ImageReady"] == ("False", "BuildFailed")
    assert "Reconciling" not in conditions


def test_a_release_done_is_ready_and_finished() -> None:
    conditions = _conditions(progress.release(record_before(StepName.DEPLOYED)))

    assert conditions["Ready"] == ("True", "Released")
    assert conditions["Finished"] == ("True", "Released")
    assert not {"Reconciling", "Stalled"} & conditions.keys()


def test_a_suspended_release_is_neither_at_work_nor_finished() -> None:
    conditions = _conditions(progress.start(replace(RELEASE, suspend=True), RECORD))

    assert conditions["Ready"] == ("Unknown", "Suspended")
    assert not {"Reconciling", "Stalled", "Finished"} & conditions.keys()


def test_only_a_finished_plan_says_whether_it_is_ready_to_release() -> None:
    planned, stopped = progress.plan(RECORD, "."), replace(RECORD, outcome=Outcome.STALLED)
    told = [
        {one["type"]: one["status"] for one in status["conditions"]}.get("ReadyToRelease")
        for mode in (Mode.PLAN, Mode.APPLY)
        for record in (planned, stopped, RECORD)
        for status in [render_status(replace(RELEASE, mode=mode), record, NOW)]
    ]

    assert told == ["True", "False", None, None, None, None]


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    first = parse_status(render_status(RELEASE, record_before(StepName.MERGED), NOW))
    second = progress.finish(first, StepName.MERGED, Reason.SUCCEEDED, "Merged.", LATER)
    second = replace(second, reason=Reason.SYNCING)
    status = render_status(RELEASE, second, LATER)
    since = {item["type"]: item["lastTransitionTime"] for item in status["conditions"]}

    assert since["Merged"] == "2026-11-20T12:05:00.000000Z"
    assert since["Ready"] == "2026-11-20T12:00:00.000000Z"


def test_conditions_say_which_generation_they_are_about() -> None:
    status = render_status(replace(RELEASE, generation=4), RECORD, NOW)

    assert status["observedGeneration"] == 4
    assert {item["observedGeneration"] for item in status["conditions"]} == {4}


def test_every_outcome_is_read_from_the_conditions_alone() -> None:
    records = {
        Outcome.WORKING: RECORD,
        Outcome.SUSPENDED: progress.start(replace(RELEASE, suspend=True), RECORD),
        Outcome.RELEASED: progress.release(RECORD),
        Outcome.STALLED: replace(RECORD, outcome=Outcome.STALLED, reason=Reason.BUILD_FAILED),
    }
    for outcome, record in records.items():
        conditions = render_status(RELEASE, record, NOW)["conditions"]
        assert parse_status({"conditions": conditions}).outcome is outcome


def test_the_digest_is_in_the_status_as_the_registry_has_it() -> None:
    status = render_status(RELEASE, record_before(StepName.PROPOSED), NOW)

    assert status["image"] == {
        "reference": IMAGE_RECORD.reference,
        "digest": DIGEST,
        "revision": IMAGE_RECORD.revision,
        "origin": "Built",
    }


def test_a_diff_over_many_files_is_cut_at_a_line() -> None:
    diff = "+  tag: v1.1.0\n" * 400
    record = replace(RECORD, proposal=ProposalRecord("release/backend_v1.1.0", "c" * 40, diff))
    status = render_status(RELEASE, record, NOW)

    assert faults_of("albumreleases", status) == []
    assert len(status["config"]["diff"]) > 4000
    assert diff.startswith(status["config"]["diff"])
    assert status["config"]["diff"].endswith("v1.1.0\n")


def test_what_a_release_will_do_is_kept_whole_however_long_it_is() -> None:
    applications = tuple(Ref("n" * 63, f"{'a' * 250}{index}") for index in range(16))
    edits = tuple(Edit(f"{'p' * 250}{index}", "k" * 256) for index in range(16))
    full = _fullest()
    assert full.resolved is not None
    resolved = replace(
        full.resolved,
        argocd=replace(full.resolved.argocd, applications=applications),
        config=replace(full.resolved.config, edits=edits),
    )
    status = render_status(RELEASE, replace(full, resolved=resolved), NOW)

    assert faults_of("albumreleases", status) == []
    assert parse_status(status).resolved == resolved
    assert max(len(item["message"]) for item in status["conditions"]) <= 160


def test_a_release_that_commits_to_the_base_branch_names_no_forge() -> None:
    config = replace(
        RESOLVED.config,
        delivery=Delivery.COMMIT,
        branch="main",
        forge_type=None,
        forge_url="",
        forge_secret_name="",
    )
    record = replace(RECORD, resolved=replace(RESOLVED, config=config))
    status = render_status(RELEASE, record, NOW)

    assert status["resolved"]["config"]["delivery"] == "Commit"
    assert {name for name in status["resolved"]["config"] if name.startswith("forge")} == set()
    assert faults_of("albumreleases", status) == []
    assert parse_status(status) == record


def test_a_release_that_an_older_operator_began_goes_on_with_its_pull_request() -> None:
    status = render_status(RELEASE, replace(RECORD, resolved=RESOLVED), NOW)
    del status["resolved"]["config"]["delivery"]

    assert faults_of("albumreleases", status) == []
    assert parse_status(status).resolved == RESOLVED


def test_app_and_version_are_told_before_all_is_resolved() -> None:
    record = replace(Record(), chosen=AppVersion("backend", "v1.1.0"))

    status = render_status(RELEASE, record, NOW)

    assert (status["app"], status["version"]) == ("backend", "v1.1.0")
    assert parse_status(status).chosen == AppVersion("backend", "v1.1.0")


def test_a_step_that_has_not_begun_says_so() -> None:
    status = render_status(RELEASE, Record(), NOW)

    merged = next(item for item in status["conditions"] if item["type"] == "Merged")
    assert merged["message"] == "This step has not begun."


def test_an_edit_an_older_operator_wrote_into_a_status_is_one_of_the_tag() -> None:
    status = render_status(RELEASE, replace(RECORD, resolved=RESOLVED), NOW)
    status["resolved"]["config"]["edits"] = [{"path": VALUES, "key": "image.tag"}]

    assert faults_of("albumreleases", status) == []
    assert parse_status(status).resolved == RESOLVED


def test_what_earlier_attempts_said_is_shorter_than_what_the_present_one_says() -> None:
    said = f"It failed: {'x' * 900}. Mend it."
    told = AttemptRecord(1, "ImageReady", Reason.BUILD_FAILED, said, "album-build-1", NOW)
    status = render_status(RELEASE, replace(RECORD, attempt=2, attempts=(told,)), NOW)

    assert faults_of("albumreleases", status) == []
    (shown,) = status["attempts"]
    assert shown == {
        "number": 1,
        "step": "ImageReady",
        "reason": "BuildFailed",
        "message": shown["message"],
        "job": "album-build-1",
        "finishedAt": "2026-11-20T12:00:00.000000Z",
    }
    assert len(shown["message"]) <= 160
    assert shown["message"].startswith("It failed: xx")
    assert shown["message"].endswith("Mend it.")
