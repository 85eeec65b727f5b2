"""ImageReady: submit a build, wait for it, take its digest, or say why it failed."""

from dataclasses import replace
from datetime import timedelta

from album_operator.decisions import build
from album_operator.decisions.build_look import Look, PartLook
from album_operator.domain.build_parts import WHOLE
from album_operator.domain.build_slots import BuildRunning, BuildSlots, OverallSlots
from album_operator.domain.builds import BuildKitMode, BuildSeen, BuildState, JobOwner
from album_operator.domain.image_labels import REVISION
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, BuildAction, Done, Halt, SubmitBuild, Verdict, Wait
from tests.fakes.builders import (
    BUILD_SEEN,
    DIGEST,
    IMAGE,
    IMAGE_RECORD,
    NOW,
    RELEASE,
    RESOLVED,
    record_before,
)

RECORD = record_before(StepName.IMAGE_READY)
SUCCEEDED = replace(BUILD_SEEN, state=BuildState.SUCCEEDED)
PRIVILEGED = replace(RESOLVED, build=replace(RESOLVED.build, type=BuildType.BUILDKIT))


def _decide(seen: BuildSeen | None, resolved: Resolved = RESOLVED) -> Verdict[BuildAction]:
    return build.decide(
        RELEASE, RECORD, resolved, Look({WHOLE: PartLook(seen)}), NOW, buildkit=None
    )


def _halt(seen: BuildSeen, resolved: Resolved = RESOLVED) -> Halt:
    verdict = _decide(seen, resolved)
    assert isinstance(verdict, Halt)
    return verdict


def test_without_a_job_one_is_submitted() -> None:
    verdict = _decide(None)

    assert isinstance(verdict, Act)
    assert verdict.action == SubmitBuild()
    assert verdict.reason is Reason.BUILDING


def test_a_privileged_build_is_submitted_only_by_an_admins_word() -> None:
    refused = build.decide(RELEASE, RECORD, PRIVILEGED, Look(), NOW, buildkit=None)

    assert isinstance(refused, Halt)
    assert refused.reason is Reason.ENGINE_NOT_ALLOWED
    assert "AlbumPipeline album-app builds with BuildKit" in refused.sentence
    assert "spec.build.type: Kaniko" in refused.sentence
    assert "ALBUM_ALLOW_PRIVILEGED_BUILDS=true" in refused.sentence
    assert "ALBUM_BUILDKIT_MODE=UserNamespace or Rootless" in refused.sentence
    allowed = build.decide(
        RELEASE, RECORD, PRIVILEGED, Look(), NOW, buildkit=BuildKitMode.PRIVILEGED
    )
    assert isinstance(allowed, Act)


def test_a_privileged_build_that_runs_is_waited_for_whatever_the_admin_says_by_now() -> None:
    verdict = build.decide(
        RELEASE, RECORD, PRIVILEGED, Look({WHOLE: PartLook(BUILD_SEEN)}), NOW, buildkit=None
    )

    assert isinstance(verdict, Wait)


def test_the_job_of_a_deleted_release_of_the_same_name_is_outwaited() -> None:
    verdict = _decide(replace(BUILD_SEEN, owner=JobOwner.EARLIER, state=BuildState.SUCCEEDED))

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.BUILDING
    assert verdict.is_poll
    assert "by an earlier release of this name, which is deleted" in verdict.message
    assert f"kubectl get job -n album {BUILD_SEEN.job} -o yaml" in verdict.message


def test_a_job_of_somebody_else_is_left_alone() -> None:
    halt = _halt(replace(BUILD_SEEN, owner=JobOwner.OTHER))

    assert halt.reason is Reason.BUILD_FAILED
    assert f"kubectl delete job -n album {BUILD_SEEN.job}" in halt.sentence


def test_a_running_build_is_waited_for_and_noted() -> None:
    verdict = _decide(replace(BUILD_SEEN, started_at=NOW))

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.BUILDING
    assert not verdict.is_poll
    assert verdict.record is not None
    assert verdict.record.build is not None
    assert (verdict.record.build.job, verdict.record.build.started_at) == (BUILD_SEEN.job, NOW)


def test_an_image_of_an_earlier_attempt_is_not_built_again() -> None:
    record = replace(RECORD, image=IMAGE_RECORD)
    verdict = build.decide(RELEASE, record, RESOLVED, Look(), NOW, buildkit=None)

    assert isinstance(verdict, Done)
    assert verdict.record == record


def _queued(slots: BuildSlots) -> Wait:
    verdict = build.decide(
        RELEASE, RECORD, RESOLVED, Look({WHOLE: PartLook(slots=slots)}), NOW, buildkit=None
    )
    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.QUEUED
    assert verdict.is_poll
    return verdict


def test_a_build_waits_while_as_many_run_as_may() -> None:
    wait = _queued(BuildSlots(3, ("a", "b", "c")))

    assert wait.message == (
        "Place 1 of 1 in the line of namespace album. Of at most 3 builds at once there "
        "(ALBUM_BUILDS_PER_NAMESPACE, an admin's setting) 3 run: those of a, b, c."
    )
    assert wait.retry_after == timedelta(minutes=1)


def test_a_build_waits_behind_others_and_looks_the_more_seldom() -> None:
    waiting = tuple(f"r{number}" for number in range(7))
    wait = _queued(BuildSlots(3, (), waiting, 12))

    assert wait.message.startswith(
        "Place 8 of 12 in the line of namespace album, before it r0, r1, r2, r3, r4 and 2 more. Of "
    )
    assert wait.message.endswith(" 0 run.")
    assert wait.retry_after == timedelta(minutes=3)
    assert _queued(BuildSlots(3, ("a", "b"), ("c",))).retry_after == timedelta(minutes=1)


def test_a_build_waits_while_as_many_run_in_all_namespaces_as_may() -> None:
    overall = OverallSlots(limit=4, running=3, before=9, line=12)
    wait = _queued(BuildSlots(3, ("a",), ("b",), 2, overall))

    assert wait.message == (
        "Place 10 of 12 in the line of all namespaces, before it b in namespace album. Of at most "
        "4 builds at once in all of them (ALBUM_BUILDS, an admin's setting) 3 run."
    )
    assert wait.retry_after == timedelta(minutes=3)
    alone = _queued(BuildSlots(3, (), (), 1, replace(overall, line=0)))
    assert alone.message.startswith("Place 10 of 10 in the line of all namespaces. Of at most 4 ")


def test_a_build_whose_namespace_is_full_waits_for_that_first() -> None:
    overall = OverallSlots(limit=4, running=4, before=0, line=0)

    assert "in the line of namespace album." in (
        _queued(BuildSlots(1, ("a",), (), 1, overall)).message
    )


def test_a_build_with_room_in_all_namespaces_begins() -> None:
    overall = OverallSlots(limit=4, running=2, before=1, line=5)
    slots = BuildSlots(3, (), (), 1, overall)
    verdict = build.decide(
        RELEASE, RECORD, RESOLVED, Look({WHOLE: PartLook(slots=slots)}), NOW, buildkit=None
    )

    assert isinstance(verdict, Act)


def test_a_build_with_room_for_it_and_those_before_it_begins() -> None:
    slots = BuildSlots(3, ("a",), ("b",))
    verdict = build.decide(
        RELEASE, RECORD, RESOLVED, Look({WHOLE: PartLook(slots=slots)}), NOW, buildkit=None
    )

    assert isinstance(verdict, Act)


def test_a_builder_that_is_not_allowed_does_not_wait_for_a_turn() -> None:
    slots = BuildSlots(1, ("a",))
    verdict = build.decide(
        RELEASE, RECORD, PRIVILEGED, Look({WHOLE: PartLook(slots=slots)}), NOW, buildkit=None
    )

    assert isinstance(verdict, Halt)


def test_another_build_of_the_same_image_is_waited_for_before_a_turn() -> None:
    seen = Look({WHOLE: PartLook(other=BuildRunning("job-x", "prod", "prod"))})
    wait = build.decide(RELEASE, RECORD, RESOLVED, seen, NOW, buildkit=None)

    assert isinstance(wait, Wait)
    assert (wait.reason, wait.is_poll) == (Reason.BUILDING, True)
    assert wait.message == (
        f"Job job-x of AlbumRelease prod builds {IMAGE}:v1.1.0; once it has ended, its image is "
        "used if it is the one this release would build. One that is not wanted can be stopped: "
        "kubectl delete job -n album job-x."
    )
    own = Look({WHOLE: PartLook(other=BuildRunning("job-x", RELEASE.ref.name, "prod"))})
    wait = build.decide(RELEASE, RECORD, RESOLVED, own, NOW, buildkit=None)
    assert isinstance(wait, Wait)
    assert wait.message.startswith("Job job-x of an earlier attempt of this release builds")


def test_an_image_that_is_there_needs_no_job_and_no_turn() -> None:
    labels = {REVISION: RESOLVED.source.commit}
    job = replace(BUILD_SEEN, owner=JobOwner.EARLIER)
    seen = Look({WHOLE: PartLook(job)}, ImageSeen(DIGEST, labels))
    done = build.decide(RELEASE, RECORD, PRIVILEGED, seen, NOW, buildkit=None)

    assert isinstance(done, Done)
    assert done.record.image == replace(IMAGE_RECORD, origin=ImageOrigin.REUSED)
    assert done.record.build is None
    other = replace(seen, tagged=ImageSeen(DIGEST, {REVISION: "9" * 40}))
    halt = build.decide(RELEASE, RECORD, RESOLVED, other, NOW, buildkit=None)
    assert isinstance(halt, Halt)
    assert halt.reason is Reason.IMAGE_EXISTS_FROM_OTHER_COMMIT


def test_an_image_that_is_built_elsewhere_is_waited_for() -> None:
    external = replace(RESOLVED, build=replace(RESOLVED.build, type=BuildType.EXTERNAL))
    wait = build.decide(RELEASE, RECORD, external, Look(), NOW, buildkit=None)

    assert isinstance(wait, Wait)
    assert wait.reason is Reason.AWAITING_IMAGE
