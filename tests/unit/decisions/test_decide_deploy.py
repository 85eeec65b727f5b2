"""Deployed: what proves that an app runs, and what only looks like it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from album_operator.decisions import deploy, proof
from album_operator.decisions.application import ask
from album_operator.decisions.observed_images import LOOK
from album_operator.decisions.overtaken import Overtaken
from album_operator.decisions.proof import DeploySeen
from album_operator.domain import progress
from album_operator.domain.applications import (
    ApplicationSeen,
    ApplicationSource,
    ConsentedApplication,
    OperationSeen,
)
from album_operator.domain.argocd import OlderImages, Sync
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName
from album_operator.domain.release import EditValue, Ref
from album_operator.domain.verdict import (
    Act,
    DeployAction,
    Done,
    Halt,
    RefreshApplication,
    Verdict,
    Wait,
)
from tests.fakes.builders import (
    APPLICATION,
    APPLICATION_SEEN,
    BASE,
    CONFIG,
    DIGEST,
    EDIT,
    IMAGE,
    LATER,
    MERGED,
    NOW,
    RESOLVED,
    record_before,
)

RECORD = progress.begin(record_before(StepName.DEPLOYED), StepName.DEPLOYED, NOW)
SETTLE = timedelta(seconds=60)
OTHER = Ref("argocd", "backend-eu")


def _at(revision: str | None) -> tuple[ApplicationSource, ...]:
    return (ApplicationSource(CONFIG, "backend", "HEAD", revision),)


def _operation(revision: str, phase: str = "Succeeded", message: str = "") -> OperationSeen:
    return OperationSeen(phase, (revision,), message, NOW)


PROVED = replace(
    APPLICATION_SEEN,
    sources=_at(MERGED),
    images=(f"{IMAGE}:v1.1.0", "docker.io/library/redis:7"),
    operation=_operation(MERGED),
)


def _seen(application: ApplicationSeen | None, *, is_applied: bool = True) -> DeploySeen:
    asked = ask(APPLICATION, application, Ref("album", "album-app"), consent=True)
    return DeploySeen(application, is_applied, frozenset({MERGED, LATER}), asked)


def _decide(
    application: ApplicationSeen | None, record: Record = RECORD, now: datetime = NOW
) -> Verdict[DeployAction]:
    return deploy.decide(record, RESOLVED, {APPLICATION: _seen(application)}, now)


def _wait(application: ApplicationSeen, now: datetime = NOW) -> Wait:
    verdict = _decide(application, now=now)
    assert isinstance(verdict, Wait)
    return verdict


def _settling(application: ApplicationSeen = PROVED) -> Record:
    """Give the record of a release whose proof was complete for the first time at `NOW`."""
    verdict = _wait(application)
    assert verdict.record is not None
    assert verdict.reason is Reason.SETTLING
    return verdict.record


@pytest.mark.parametrize("ours", ["docker.io", "index.docker.io", "registry-1.docker.io"])
@pytest.mark.parametrize("theirs", ["", "docker.io/", "index.docker.io/"])
def test_an_image_of_docker_hub_is_known_by_any_of_its_names(ours: str, theirs: str) -> None:
    build = replace(RESOLVED.build, image=f"{ours}/acme/shop-backend:v1.1.0")
    seen = replace(PROVED, images=(f"{theirs}acme/shop-backend:v1.1.0", "redis:7"))
    asked = {APPLICATION: _seen(seen)}
    verdict = deploy.decide(RECORD, replace(RESOLVED, build=build), asked, NOW)

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.SETTLING


def test_an_older_image_of_docker_hub_is_still_seen_beside_ours_by_another_name() -> None:
    build = replace(RESOLVED.build, image="docker.io/acme/shop-backend:v1.1.0")
    images = ("acme/shop-backend:v1.1.0", "index.docker.io/acme/shop-backend:v1.0.0")
    asked = {APPLICATION: _seen(replace(PROVED, images=images))}
    verdict = deploy.decide(RECORD, replace(RESOLVED, build=build), asked, NOW)

    assert isinstance(verdict, Wait)
    assert "still runs index.docker.io/acme/shop-backend:v1.0.0 beside" in verdict.message


def test_a_complete_proof_must_hold_for_the_settle_time() -> None:
    verdict = _wait(PROVED)

    assert verdict.reason is Reason.SETTLING
    assert verdict.retry_after == SETTLE
    assert verdict.is_poll
    assert "12:01:00 UTC" in verdict.message


def test_a_proof_that_held_for_the_settle_time_is_the_deployment() -> None:
    verdict = _decide(PROVED, _settling(), NOW + SETTLE)

    assert isinstance(verdict, Done)
    (app,) = verdict.record.applications
    assert (app.revision, app.accepted_because) == (MERGED, "Equal")
    assert (app.sync, app.health) == ("Synced", "Healthy")
    assert f"runs {IMAGE}:v1.1.0 at dddddddddddd" in verdict.message


def test_a_later_commit_that_contains_ours_proves_it_though_no_operation_is_for_it() -> None:
    # App A merged at M1, app B half a second later at M2: A is compared to M2, its last
    # operation was at M1, and none will ever come for M2, for A has nothing to change there.
    application = replace(PROVED, sources=_at(LATER), operation=_operation(MERGED))
    verdict = _decide(application, _settling(application), NOW + SETTLE)

    assert isinstance(verdict, Done)
    assert verdict.record.applications[0].accepted_because == "Descendant"


def test_both_apps_merged_before_one_refresh_are_proved_at_the_later_commit() -> None:
    application = replace(PROVED, sources=_at(LATER), operation=_operation(LATER))

    assert isinstance(_decide(application, _settling(application), NOW + SETTLE), Done)


def test_an_app_that_had_nothing_to_change_needs_no_operation() -> None:
    application = replace(PROVED, operation=None)

    assert isinstance(_decide(application, _settling(application), NOW + SETTLE), Done)


def test_a_sync_that_failed_before_our_commit_is_history() -> None:
    application = replace(PROVED, operation=_operation(BASE, "Failed", "boom"))

    assert _wait(application).reason is Reason.SETTLING
    assert _wait(replace(application, sync_status="OutOfSync")).reason is Reason.SYNCING


@pytest.mark.parametrize("phase", ["Failed", "Error"])
@pytest.mark.parametrize("revision", [MERGED, LATER])
def test_a_sync_that_fails_at_our_commit_or_later_ends_the_release(
    phase: str, revision: str
) -> None:
    verdict = _decide(replace(PROVED, operation=_operation(revision, phase, "no such CRD")))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SYNC_FAILED
    assert "no such CRD" in verdict.sentence


@pytest.mark.parametrize("phase", ["Running", "Terminating"])
def test_an_operation_that_runs_is_waited_for(phase: str) -> None:
    verdict = _wait(replace(PROVED, operation=_operation(MERGED, phase, "waiting for hooks")))

    assert verdict.reason is Reason.SYNCING
    assert "waiting for hooks" in verdict.message


@pytest.mark.parametrize(
    "change",
    [{"sync_status": "OutOfSync"}, {"sync_status": "Unknown"}, {"operation_requested": True}],
    ids=str,
)
def test_what_is_not_synced_or_about_to_change_is_waited_for(change: dict[str, object]) -> None:
    verdict = _wait(replace(PROVED, **change))  # type: ignore[arg-type]

    assert verdict.reason is Reason.SYNCING
    assert not verdict.is_poll


def test_other_values_where_it_is_compared_to_end_the_release_whatever_else_runs() -> None:
    busy = replace(PROVED, sources=_at(LATER), operation=_operation(LATER, "Running"))
    found = replace(_seen(busy), overtaken=Overtaken(LATER, {EDIT: "v1.2.0"}))
    verdict = deploy.decide(RECORD, RESOLVED, {APPLICATION: found}, NOW)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SUPERSEDED


def test_each_revision_with_our_commit_is_read_once() -> None:
    ours = frozenset({MERGED, LATER})

    assert proof.unread_revision(PROVED, ours, RECORD, RESOLVED) == MERGED
    assert proof.unread_revision(PROVED, ours, _settling(), RESOLVED) is None
    later = replace(PROVED, sources=_at(LATER))
    assert proof.unread_revision(later, ours, _settling(), RESOLVED) == LATER
    assert proof.unread_revision(later, frozenset({MERGED}), RECORD, RESOLVED) is None
    assert proof.unread_revision(replace(PROVED, sources=()), ours, RECORD, RESOLVED) is None


def test_a_comparison_older_than_the_merge_is_asked_for_again() -> None:
    old = replace(PROVED, sources=_at(BASE), reconciled_at=NOW - timedelta(seconds=30))
    verdict = _decide(old)

    assert isinstance(verdict, Act)
    assert verdict.action == RefreshApplication(ConsentedApplication(old))


def test_an_application_never_compared_is_asked_to() -> None:
    verdict = _decide(replace(PROVED, sources=_at(None), reconciled_at=None))

    assert isinstance(verdict, Act)
    assert isinstance(verdict.action, RefreshApplication)


def test_a_comparison_is_asked_for_only_with_the_consent_of_the_moment() -> None:
    withdrawn = replace(PROVED, consents=frozenset({"album/other"}))
    verdict = _decide(replace(withdrawn, sources=_at(BASE), reconciled_at=None))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.NOT_AUTHORIZED
    # What is only read needs none.
    assert _wait(withdrawn).reason is Reason.SETTLING


def test_a_refresh_asked_for_is_waited_for() -> None:
    old = replace(PROVED, sources=_at(BASE), reconciled_at=None, refresh_requested=True)

    assert _wait(old).reason is Reason.SYNCING
    assert "was last compared to bbbbbbbbbbbb" in _wait(old).message
    assert "is to be compared to dddddddddddd" in _wait(old).message
    assert "was not compared yet" in _wait(replace(old, sources=_at(None))).message


def test_no_history_is_asked_for_while_argo_cd_is_about_to_compare() -> None:
    asked = replace(PROVED, sources=_at(BASE), refresh_requested=True)

    assert proof.undecided_revisions(asked, RECORD, RESOLVED) == frozenset()
    again = replace(asked, sources=_at(MERGED))
    assert proof.undecided_revisions(again, RECORD, RESOLVED) == {MERGED}
    compared = replace(asked, refresh_requested=False)
    assert proof.undecided_revisions(compared, RECORD, RESOLVED) == {BASE}


def test_a_proof_that_was_complete_is_not_lost_by_a_refresh() -> None:
    asked = replace(PROVED, refresh_requested=True)

    assert proof.undecided_revisions(asked, _settling(), RESOLVED) == {MERGED}
    assert isinstance(_decide(asked, _settling(), NOW + SETTLE), Done)


def test_only_an_operation_that_failed_is_asked_after() -> None:
    done = replace(PROVED, operation=_operation(BASE))
    failed = replace(PROVED, operation=_operation(BASE, "Failed"))
    elsewhere = replace(failed, sources=(ApplicationSource("other", "x", "HEAD", LATER),))

    assert proof.undecided_revisions(done, RECORD, RESOLVED) == {MERGED}
    assert proof.undecided_revisions(failed, RECORD, RESOLVED) == {MERGED, BASE}
    # A chart's revision is no commit of the config repository.
    assert proof.undecided_revisions(elsewhere, RECORD, RESOLVED) == frozenset()


@pytest.mark.parametrize("skew", [timedelta(minutes=-16), timedelta(), timedelta(minutes=16)])
def test_a_comparison_just_seen_that_shows_an_older_commit_is_given_time_by_our_clock(
    skew: timedelta,
) -> None:
    seen = replace(_seen(replace(PROVED, sources=_at(BASE), reconciled_at=NOW + skew)))
    just, long_ago = timedelta(), timedelta(seconds=11)

    for age, kind in ((just, Wait), (long_ago, Act)):
        found = replace(seen, compared_for=age)
        assert isinstance(deploy.decide(RECORD, RESOLVED, {APPLICATION: found}, NOW), kind)


def test_what_argo_cd_complains_of_is_shown() -> None:
    old = replace(
        PROVED,
        sources=_at(BASE),
        conditions={"ComparisonError": "no such path", "SyncError": "later"},
    )

    seen = {APPLICATION: replace(_seen(old), compared_for=timedelta())}
    verdict = deploy.decide(RECORD, RESOLVED, seen, NOW)
    assert isinstance(verdict, Wait)
    assert "Argo CD says: ComparisonError: no such path; SyncError: later." in verdict.message


def test_an_old_image_beside_the_new_is_a_rollout_that_still_runs() -> None:
    verdict = _wait(replace(PROVED, images=(f"{IMAGE}:v1.0.0", f"{IMAGE}:v1.1.0")))

    assert verdict.reason is Reason.SYNCING
    assert f"still runs {IMAGE}:v1.0.0" in verdict.message


def test_ended_pods_of_another_version_are_let_be_where_the_pipeline_says_so() -> None:
    argocd = replace(RESOLVED.argocd, older_images=OlderImages.IGNORE)
    resolved = replace(RESOLVED, argocd=argocd)

    def decide(*images: str) -> Verdict[DeployAction]:
        seen = {APPLICATION: _seen(replace(PROVED, images=images))}
        return deploy.decide(RECORD, resolved, seen, NOW)

    both, old = decide(f"{IMAGE}:v1.0.0", f"{IMAGE}:v1.1.0"), decide(f"{IMAGE}:v1.0.0")
    assert isinstance(both, Wait)
    assert both.reason is Reason.SETTLING
    assert isinstance(old, Wait)
    assert old.reason is Reason.SYNCING


def test_an_image_that_looks_like_ours_by_a_mirror_is_told_how_to_declare() -> None:
    mirrored = _wait(replace(PROVED, images=("mirror.example.org/x/album-app-backend:v1.1.0",)))

    assert "spec.argocd.rewrittenRegistries" in mirrored.message
    assert "rewrittenRegistries" not in _wait(replace(PROVED, images=("redis:7",))).message


def test_an_image_without_a_tag_of_the_same_repository_is_an_older_one_too() -> None:
    assert _wait(replace(PROVED, images=(IMAGE, f"{IMAGE}:v1.1.0"))).reason is Reason.SYNCING


def test_our_tag_with_our_digest_is_our_image() -> None:
    pinned = replace(PROVED, images=(f"{IMAGE}:v1.1.0@{DIGEST}",))

    assert _wait(pinned).reason is Reason.SETTLING


@pytest.mark.parametrize("beside", [(), (f"{IMAGE}:v1.1.0",)])
def test_our_tag_with_another_digest_is_never_proof(beside: tuple[str, ...]) -> None:
    other = f"{IMAGE}:v1.1.0@sha256:{'0' * 64}"
    verdict = _wait(replace(PROVED, images=(other, *beside)))

    assert verdict.reason is Reason.SYNCING
    assert other in verdict.message
    assert ("let an edit with value: Digest write it" in verdict.message) is not bool(beside)


@pytest.mark.parametrize("image", [f"{IMAGE}:v1.1.0-rc.1", f"mirror.example.org/{IMAGE}:v1.1.0"])
def test_an_image_that_only_looks_like_ours_is_not(image: str) -> None:
    assert _wait(replace(PROVED, images=(image,))).reason is Reason.SYNCING


def test_no_image_at_all_has_a_reason_of_its_own() -> None:
    verdict = _wait(replace(PROVED, images=()))

    assert verdict.reason is Reason.IMAGE_NOT_OBSERVED
    assert "no image" in verdict.message


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        ("Progressing", Reason.SYNCING),
        ("", Reason.SYNCING),
        ("Suspended", Reason.PAUSED),
        ("Degraded", Reason.DEGRADED),
    ],
)
def test_what_is_not_healthy_is_waited_for(health: str, reason: Reason) -> None:
    verdict = _wait(replace(PROVED, health=health))

    assert verdict.reason is reason
    assert verdict.record is not None
    assert verdict.record.applications[0].settling_since is None


@pytest.mark.parametrize(
    ("health", "reason"), [("Degraded", Reason.DEGRADED), ("Suspended", Reason.PAUSED)]
)
def test_old_pods_beside_new_ones_that_crash_or_wait_are_no_rollout_that_goes_on(
    health: str, reason: Reason
) -> None:
    images = (f"{IMAGE}:v1.0.0", f"{IMAGE}:v1.1.0")
    stuck = replace(PROVED, health=health, images=images)

    assert _wait(stuck).reason is reason
    ended = _decide(stuck, now=NOW + timedelta(minutes=15))
    assert isinstance(ended, Halt)
    assert ended.reason is reason


STALE = replace(PROVED, images=(f"{IMAGE}:v1.0.0",))


def _stale(
    application: ApplicationSeen = STALE, sync: Sync = Sync.AUTOMATED, **seen: object
) -> Verdict[DeployAction]:
    found = replace(_seen(application), compared_for=timedelta(seconds=11))
    found = replace(found, **seen)  # type: ignore[arg-type]
    resolved = replace(RESOLVED, argocd=replace(RESOLVED.argocd, sync=sync))
    return deploy.decide(RECORD, resolved, {APPLICATION: found}, NOW)


def test_manifests_that_stay_old_at_the_new_revision_are_rendered_anew_once() -> None:
    verdict = _stale()

    assert isinstance(verdict, Act)
    assert verdict.action == RefreshApplication(ConsentedApplication(STALE), is_hard=True)
    assert "once (a hard refresh)" in verdict.message
    again = _stale(hard_refreshed=True)
    assert isinstance(again, Wait)
    assert "were rendered anew once (a hard refresh)." in again.message
    assert again.record is not None
    assert again.record.applications[0].hard_refreshed


def test_nothing_is_rendered_anew_where_that_would_not_help_or_is_not_ours_to_ask() -> None:
    assert isinstance(_stale(compared_for=timedelta(seconds=9)), Wait)
    assert isinstance(_stale(compared_for=None), Wait)
    assert isinstance(_stale(sync=Sync.OBSERVE), Wait)
    assert isinstance(_stale(asked=Halt(Reason.NOT_AUTHORIZED, "No.")), Wait)
    for change in (
        {"health": "Progressing"},
        {"refresh_requested": True},
        {"images": ("redis:7",)},
        {"images": ()},
        {"images": (f"{IMAGE}:v1.0.0", f"{IMAGE}:v1.1.0")},
    ):
        assert isinstance(_stale(replace(STALE, **change)), Wait)


def test_an_application_that_stays_at_the_old_revision_by_its_paths_is_rendered_anew_once() -> None:
    old = replace(PROVED, sources=_at(BASE), generate_paths=("/backend",))

    for change, is_hard in (
        ({}, True),
        ({"hard_refreshed": True}, False),
        ({"compared_for": None}, False),
    ):
        verdict = _stale(old, **change)
        assert isinstance(verdict, Act)
        assert verdict.action == RefreshApplication(ConsentedApplication(old), is_hard=is_hard)
        assert ("once (a hard refresh)" in verdict.message) is is_hard
    plain = _stale(replace(old, generate_paths=()))
    assert isinstance(plain, Act)
    assert "hard" not in plain.message


@pytest.mark.parametrize(
    ("health", "message", "reason"),
    [
        ("Suspended", "waiting for healthy state of argoproj.io/Rollout/a", Reason.PAUSED),
        ("Degraded", "waiting for healthy state of apps/Deployment/a", Reason.DEGRADED),
        ("Progressing", "waiting for healthy state of apps/Deployment/a", Reason.SYNCING),
        ("Degraded", "Sync operation blocked by sync window", Reason.SYNC_WINDOW),
    ],
)
def test_a_sync_whose_wave_does_not_get_well_tells_of_the_app(
    health: str, message: str, reason: Reason
) -> None:
    stuck = replace(PROVED, health=health, operation=_operation(MERGED, "Running", message))

    assert _wait(stuck).reason is reason


def test_a_sync_of_an_earlier_commit_that_waits_for_its_wave_is_told() -> None:
    old = _operation(BASE, "Running", "waiting for healthy state of apps/Deployment/a")

    assert _wait(replace(PROVED, operation=old)).reason is Reason.SYNC_HELD_UP
    assert proof.undecided_revisions(replace(PROVED, operation=old), RECORD, RESOLVED) == {
        MERGED,
        BASE,
    }


def test_a_history_that_was_rewritten_with_our_values_is_proved_by_them() -> None:
    found = replace(_seen(replace(PROVED, sources=_at(LATER))), is_rewritten=True)
    verdict = deploy.decide(RECORD, RESOLVED, {APPLICATION: found}, NOW)

    assert isinstance(verdict, Wait)
    assert verdict.record is not None
    assert verdict.record.applications[0].accepted_because == "Content"


def test_whether_a_retried_sync_is_of_our_change_is_asked() -> None:
    running = OperationSeen("Running", (BASE,), "boom", retries=1)

    assert proof.undecided_revisions(replace(PROVED, operation=running), RECORD, RESOLVED) == {
        MERGED,
        BASE,
    }


def test_a_health_that_breaks_begins_the_settle_time_anew() -> None:
    half = NOW + SETTLE / 2
    ill = _decide(replace(PROVED, health="Degraded"), _settling(), half)
    assert isinstance(ill, Wait)
    assert ill.record is not None
    again = _decide(PROVED, ill.record, half)

    assert isinstance(again, Wait)
    assert again.retry_after == SETTLE


@pytest.mark.parametrize("skew", [timedelta(minutes=-16), timedelta(), timedelta(minutes=16)])
def test_an_illness_between_two_looks_begins_the_settle_time_anew_whatever_argo_cds_clock(
    skew: timedelta,
) -> None:
    before = replace(PROVED, health_since=NOW - timedelta(hours=1) + skew)
    half = replace(PROVED, health_since=NOW + SETTLE / 2 + skew)
    record = _settling(before)
    verdict = _decide(half, record, NOW + SETTLE)

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.SETTLING
    assert verdict.retry_after == SETTLE
    assert isinstance(_decide(before, record, NOW + SETTLE), Done)


def test_a_stamp_of_ours_in_the_future_counts_from_now() -> None:
    record = _settling()
    back = NOW - timedelta(minutes=16)
    verdict = _decide(PROVED, record, back)

    assert isinstance(verdict, Wait)
    assert verdict.retry_after == SETTLE
    (app,) = verdict.record.applications if verdict.record is not None else ()
    assert app.settling_since == back
    late = _decide(replace(PROVED, health="Progressing"), RECORD, back)
    assert isinstance(late, Wait)


@pytest.mark.parametrize("application", [PROVED, replace(PROVED, health="Progressing")])
def test_nothing_is_over_at_the_first_look_of_a_process(application: ApplicationSeen) -> None:
    record, jumped = _settling(), NOW + timedelta(minutes=31)
    seen = {APPLICATION: _seen(application)}

    first = deploy.decide(record, RESOLVED, seen, jumped, first_look=jumped)
    assert isinstance(first, Wait)
    assert first.retry_after == timedelta(seconds=10)
    later = jumped + timedelta(seconds=10)
    assert isinstance(deploy.decide(record, RESOLVED, seen, later, first_look=jumped), Done | Halt)


def test_a_health_that_changed_long_ago_takes_nothing_off_the_settle_time() -> None:
    verdict = _wait(replace(PROVED, health_since=NOW - timedelta(days=1)))

    assert verdict.retry_after == SETTLE


def test_all_applications_must_be_proved() -> None:
    seen = {
        APPLICATION: _seen(PROVED),
        OTHER: _seen(replace(PROVED, name="backend-eu", health="Progressing")),
    }
    verdict = deploy.decide(RECORD, RESOLVED, seen, NOW)

    assert isinstance(verdict, Wait)
    assert "argocd/backend-eu is Progressing" in verdict.message


def test_an_application_that_fails_outweighs_one_that_is_waited_for() -> None:
    failed = replace(PROVED, name="backend-eu", operation=_operation(MERGED, "Failed", "boom"))
    seen = {APPLICATION: _seen(replace(PROVED, health="Progressing")), OTHER: _seen(failed)}

    assert isinstance(deploy.decide(RECORD, RESOLVED, seen, NOW), Halt)


def test_a_policy_somebody_took_back_is_not_fought_over() -> None:
    seen = {APPLICATION: _seen(PROVED, is_applied=False)}
    verdict = deploy.decide(RECORD, RESOLVED, seen, NOW)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.MANAGED_ELSEWHERE


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        (None, Reason.APPLICATION_NOT_FOUND),
        (replace(PROVED, sources=()), Reason.APPLICATION_MISMATCH),
    ],
)
def test_an_application_that_went_away_ends_the_release(
    application: ApplicationSeen | None, reason: Reason
) -> None:
    verdict = _decide(application)

    assert isinstance(verdict, Halt)
    assert verdict.reason is reason


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        (replace(PROVED, health="Progressing"), Reason.SYNC_TIMED_OUT),
        (replace(PROVED, sync_status="OutOfSync"), Reason.SYNC_TIMED_OUT),
        (replace(PROVED, health="Degraded"), Reason.DEGRADED),
        (replace(PROVED, images=()), Reason.IMAGE_NOT_OBSERVED),
    ],
)
def test_a_proof_that_stays_incomplete_ends_with_what_is_missing(
    application: ApplicationSeen, reason: Reason
) -> None:
    verdict = _decide(application, now=NOW + timedelta(minutes=15))

    assert isinstance(verdict, Halt)
    assert verdict.reason is reason
    assert "argocd.timeout (15m)" in verdict.sentence
    assert "album.dev/retry" in verdict.sentence


def test_the_last_look_comes_exactly_at_the_end_of_the_time() -> None:
    now = NOW + timedelta(minutes=14, seconds=58)

    assert _wait(replace(PROVED, health="Progressing"), now).retry_after == timedelta(seconds=2)
    assert _wait(replace(PROVED, health="Progressing")).retry_after == LOOK


def test_settling_is_not_cut_short_by_the_timeout() -> None:
    verdict = _decide(PROVED, now=NOW + timedelta(minutes=20))

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.SETTLING


def test_a_step_that_was_not_noted_as_begun_is_given_the_whole_time() -> None:
    record = record_before(StepName.DEPLOYED)

    assert isinstance(_decide(replace(PROVED, health="Progressing"), record), Wait)


def test_a_look_at_an_application_without_merge_commit_proves_nothing() -> None:
    record = replace(RECORD, merged_commit=None)
    found = replace(_seen(PROVED), contains_merge=frozenset(), compared_for=timedelta())
    seen = {APPLICATION: found}

    assert isinstance(deploy.decide(record, RESOLVED, seen, NOW), Wait)


PINNING = replace(
    RESOLVED,
    config=replace(RESOLVED.config, edits=(EDIT, replace(EDIT, value=EditValue.DIGEST))),
)


def _decide_pinned(*images: str, record: Record = RECORD) -> Verdict[DeployAction]:
    seen = {APPLICATION: _seen(replace(PROVED, images=images))}
    return deploy.decide(record, PINNING, seen, NOW)


@pytest.mark.parametrize(
    "images",
    [
        (f"{IMAGE}@{DIGEST}",),
        (f"{IMAGE}:v1.1.0@{DIGEST}",),
        (f"{IMAGE}:v1.0.0@{DIGEST}",),
        (f"{IMAGE}:v1.1.0", f"{IMAGE}@{DIGEST}"),
        (f"{IMAGE}@{DIGEST}", f"ghcr.io/owner/other@sha256:{'0' * 64}"),
    ],
)
def test_where_an_edit_pins_the_digest_an_image_with_it_is_ours(images: tuple[str, ...]) -> None:
    verdict = _decide_pinned(*images)

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.SETTLING
    assert f"{IMAGE}:v1.1.0@{DIGEST}" in verdict.message


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ((f"{IMAGE}:v1.1.0",), "not"),
        ((f"{IMAGE}:v1.1.0@sha256:{'0' * 64}",), "not"),
        ((f"{IMAGE}@{DIGEST}", f"{IMAGE}@sha256:{'0' * 64}"), "still runs"),
        ((f"{IMAGE}@{DIGEST}", f"{IMAGE}:v1.1.0@sha256:{'0' * 64}"), "still runs"),
        ((f"{IMAGE}@{DIGEST}", f"{IMAGE}:v1.0.0"), "still runs"),
        ((f"{IMAGE}@{DIGEST}", IMAGE), "still runs"),
    ],
)
def test_where_an_edit_pins_the_digest_nothing_else_proves_it(
    images: tuple[str, ...], said: str
) -> None:
    verdict = _decide_pinned(*images)

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.SYNCING
    assert said in verdict.message


def test_without_a_digest_to_compare_the_tag_is_the_proof() -> None:
    verdict = _decide_pinned(f"{IMAGE}:v1.1.0", record=replace(RECORD, image=None))

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.SETTLING
