"""ImageReady: submit a build, wait for it, take its digest, or say why it failed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import build
from album_operator.domain.reasons import TRANSIENT, Reason
from album_operator.domain.record import StepName
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import (
    BuildSeen,
    BuildSlots,
    BuildState,
    JobOwner,
    LastWords,
    PodTrouble,
)
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
FAILED = replace(BUILD_SEEN, state=BuildState.FAILED)
WITH_LOG = replace(RESOLVED, build=replace(RESOLVED.build, failure_log=True))
PRIVILEGED = replace(RESOLVED, build=replace(RESOLVED.build, type=BuildType.BUILDKIT))


def _decide(seen: BuildSeen | None, resolved: Resolved = RESOLVED) -> Verdict[BuildAction]:
    return build.decide(RELEASE, RECORD, resolved, seen, NOW, privileged=False)


def _left(*texts: str) -> BuildSeen:
    """Give a build that succeeded, with these last words of a Pod each."""
    words = tuple(LastWords(f"pod-{number}", text) for number, text in enumerate(texts, 1))
    return replace(SUCCEEDED, last_words=words)


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
    refused = build.decide(RELEASE, RECORD, PRIVILEGED, None, NOW, privileged=False)

    assert isinstance(refused, Halt)
    assert refused.reason is Reason.ENGINE_NOT_ALLOWED
    assert "AlbumPipeline album-app builds with BuildKit" in refused.sentence
    assert "spec.build.type: Kaniko" in refused.sentence
    assert "ALBUM_ALLOW_PRIVILEGED_BUILDS=true" in refused.sentence
    allowed = build.decide(RELEASE, RECORD, PRIVILEGED, None, NOW, privileged=True)
    assert isinstance(allowed, Act)


def test_a_privileged_build_that_runs_is_waited_for_whatever_the_admin_says_by_now() -> None:
    verdict = build.decide(RELEASE, RECORD, PRIVILEGED, BUILD_SEEN, NOW, privileged=False)

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


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("ImagePullBackOff", Reason.IMAGE_PULL_FAILED),
        ("ErrImagePull", Reason.IMAGE_PULL_FAILED),
        ("Unschedulable", Reason.UNSCHEDULABLE),
        ("DisruptionTarget", Reason.BUILD_EVICTED),
    ],
)
@pytest.mark.parametrize("said", ["", "no such image"])
def test_a_pod_that_does_not_run_is_shown_until_its_time_is_over(
    word: str, reason: Reason, said: str
) -> None:
    trouble = PodTrouble("pod-x", "build", word, said)
    verdict = _decide(replace(BUILD_SEEN, started_at=NOW, trouble=trouble))

    assert isinstance(verdict, Wait)
    assert verdict.reason is reason
    assert reason in TRANSIENT
    assert "pod-x" in verdict.message
    assert said in verdict.message
    assert "12:30:00 UTC" in verdict.message


def test_a_trouble_kubernetes_mends_by_itself_is_no_reason() -> None:
    trouble = PodTrouble("pod-x", "build", "CreateContainerConfigError", "")
    verdict = _decide(replace(BUILD_SEEN, trouble=trouble))

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.BUILDING


def test_a_pod_that_waits_before_its_job_has_a_start_time_is_given_the_whole_time() -> None:
    trouble = PodTrouble("pod-x", None, "Unschedulable", "")
    verdict = _decide(replace(BUILD_SEEN, trouble=trouble))

    assert isinstance(verdict, Wait)
    assert f"{NOW + timedelta(minutes=30):%H:%M:%S} UTC" in verdict.message


def test_the_digest_of_a_build_is_taken_from_its_last_words() -> None:
    verdict = _decide(replace(_left(f"{DIGEST}\n"), finished_at=NOW))

    assert isinstance(verdict, Done)
    assert verdict.record.image == IMAGE_RECORD
    assert verdict.record.build is not None
    assert verdict.record.build.finished_at == NOW
    assert verdict.message == f"{IMAGE}:v1.1.0@{DIGEST}"


@pytest.mark.parametrize(
    "words",
    [
        "",
        "done",
        "sha256:abc",
        f"{DIGEST} {DIGEST}",
        f"{DIGEST}\n{DIGEST}",
        DIGEST.upper(),
        f"sha512:{'f' * 64}",
        f"{IMAGE}@{DIGEST}",
        f"{DIGEST}\0",
        DIGEST.replace("f", "\N{FULLWIDTH LATIN SMALL LETTER F}"),
    ],
)
def test_a_build_that_leaves_no_digest_proves_nothing(words: str) -> None:
    halt = _halt(_left(words))

    assert halt.reason is Reason.BUILD_FAILED
    assert "Pod pod-1 left no digest in its termination message" in halt.sentence
    assert "album.dev/retry" in halt.sentence


@pytest.mark.parametrize(
    ("digest", "why"),
    [
        ("0" * 64, "which is no hash at all"),
        (
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "which is the hash of nothing",
        ),
    ],
)
def test_a_digest_that_no_image_has_is_refused_for_that(digest: str, why: str) -> None:
    halt = _halt(_left(f"sha256:{digest}\n"))

    assert halt.reason is Reason.BUILD_FAILED
    assert f"Pod pod-1 left the digest sha256:{digest}, {why}" in halt.sentence
    assert f"kubectl logs -n album job/{BUILD_SEEN.job}" in halt.sentence


def test_a_build_whose_pod_is_gone_cannot_tell_its_digest() -> None:
    assert "no Pod of its own that succeeded is left" in _halt(SUCCEEDED).message


def test_two_pods_that_leave_different_digests_are_both_not_believed() -> None:
    halt = _halt(_left(DIGEST, f"sha256:{'e' * 64}"))

    assert halt.reason is Reason.BUILD_FAILED
    assert (
        "2 Pods claim to be its own and do not agree, pod-1 and pod-2 among them" in halt.sentence
    )
    assert f"-l batch.kubernetes.io/job-name={BUILD_SEEN.job}" in halt.sentence


def test_two_pods_that_leave_the_same_digest_are_believed() -> None:
    assert isinstance(_decide(_left(DIGEST, f"{DIGEST}\n")), Done)
    assert "pod-2 left no digest" in _halt(_left("done", "done")).message


def test_an_image_of_an_earlier_attempt_is_not_built_again() -> None:
    record = replace(RECORD, image=IMAGE_RECORD)
    verdict = build.decide(RELEASE, record, RESOLVED, None, NOW, privileged=False)

    assert isinstance(verdict, Done)
    assert verdict.record == record


def test_a_build_over_its_time_names_the_setting() -> None:
    halt = _halt(replace(FAILED, failure_reason="DeadlineExceeded"))

    assert halt.reason is Reason.BUILD_TIMED_OUT
    assert "build.timeout (0:30:00)" in halt.sentence


@pytest.mark.parametrize(
    ("container", "remedy"),
    [
        ("build", "Raise build.resources.limits.memory in the pipeline"),
        ("fetch", "Ask an admin to raise ALBUM_FETCH_LIMITS"),
        ("istio-proxy", "Raise the limit where it is added to Pods"),
        (None, "Raise the limit where it is added to Pods"),
    ],
)
def test_a_build_out_of_memory_names_the_setting(container: str | None, remedy: str) -> None:
    trouble = PodTrouble("pod-x", container, "OOMKilled", "", 137)
    halt = _halt(replace(FAILED, trouble=trouble))

    assert halt.reason is Reason.BUILD_OUT_OF_MEMORY
    assert remedy in halt.sentence


@pytest.mark.parametrize("said", ["Usage of EmptyDir volume exceeds the limit.", ""])
def test_a_pod_evicted_for_its_disk_names_the_setting(said: str) -> None:
    halt = _halt(replace(FAILED, trouble=PodTrouble("pod-x", None, "Evicted", said)))

    assert halt.reason is Reason.BUILD_FAILED
    assert f"Pod pod-x was evicted: {said or 'no reason is told'}" in halt.sentence
    assert "build.resources.limits.ephemeral-storage" in halt.sentence


def test_a_failed_build_says_what_the_builder_said_and_where_the_logs_are() -> None:
    trouble = PodTrouble("pod-x", "build", "Error", "undefined: foo", 2)
    halt = _halt(replace(FAILED, trouble=trouble), WITH_LOG)

    assert halt.reason is Reason.BUILD_FAILED
    assert "exit code 2: undefined: foo" in halt.sentence
    assert f"kubectl logs -n album job/{BUILD_SEEN.job} --all-containers" in halt.sentence
    assert halt.failure is not None
    assert (halt.failure.step, halt.failure.reason) == ("ImageReady", Reason.BUILD_FAILED)
    assert (halt.failure.pod, halt.failure.container, halt.failure.exit_code) == (
        "pod-x",
        "build",
        2,
    )
    assert halt.failure.message == "undefined: foo"


def test_a_log_is_shown_only_where_the_pipeline_says_so() -> None:
    said = PodTrouble("pod-x", "build", "ContainerCannotRun", "the password is hunter2", 128)
    halt = _halt(replace(FAILED, trouble=said))

    assert "hunter2" not in repr(halt)
    assert "Container build of the build failed with exit code 128 (ContainerCannotRun). Mend" in (
        halt.sentence
    )
    assert f"kubectl logs -n album job/{BUILD_SEEN.job} --all-containers" in halt.sentence
    assert halt.failure is not None
    assert halt.failure.message == halt.sentence


def test_what_the_init_container_says_is_shown_always() -> None:
    said = PodTrouble("pod-x", "fetch", "Error", "the tag was moved", 1)

    assert (
        "failed with exit code 1: the tag was moved" in _halt(replace(FAILED, trouble=said)).message
    )


def test_a_failed_build_whose_pod_is_gone_still_ends() -> None:
    halt = _halt(FAILED)

    assert halt.reason is Reason.BUILD_FAILED
    assert halt.failure is not None
    assert halt.failure.pod is None
    assert halt.failure.message == halt.sentence


def _queued(slots: BuildSlots) -> Wait:
    verdict = build.decide(RELEASE, RECORD, RESOLVED, None, NOW, privileged=False, slots=slots)
    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.BUILD_QUEUED
    assert verdict.is_poll
    return verdict


def test_a_build_waits_while_as_many_run_as_may() -> None:
    wait = _queued(BuildSlots(3, ("a", "b", "c")))

    assert wait.message == (
        "Of at most 3 builds at once in namespace album (ALBUM_BUILDS_PER_NAMESPACE, an admin's "
        "setting) 3 run: those of a, b, c. This one begins when one of them has ended."
    )
    assert wait.retry_after == timedelta(minutes=1)


def test_a_build_waits_behind_older_ones_and_looks_the_more_seldom() -> None:
    waiting = tuple(f"r{number}" for number in range(7))
    wait = _queued(BuildSlots(3, (), waiting))

    assert "0 run. This one begins after those of r0, r1, r2, r3, r4 and 2 more" in wait.message
    assert wait.retry_after == timedelta(minutes=3)
    assert _queued(BuildSlots(3, ("a", "b"), ("c",))).retry_after == timedelta(minutes=1)


def test_a_build_with_room_for_it_and_those_before_it_begins() -> None:
    slots = BuildSlots(3, ("a",), ("b",))
    verdict = build.decide(RELEASE, RECORD, RESOLVED, None, NOW, privileged=False, slots=slots)

    assert isinstance(verdict, Act)


def test_a_builder_that_is_not_allowed_does_not_wait_for_a_turn() -> None:
    slots = BuildSlots(1, ("a",))
    verdict = build.decide(RELEASE, RECORD, PRIVILEGED, None, NOW, privileged=False, slots=slots)

    assert isinstance(verdict, Halt)
