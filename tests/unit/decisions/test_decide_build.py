"""ImageReady: submit a build, wait for it, take its digest, or say why it failed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import build
from album_operator.domain.build_slots import BuildSlots, OverallSlots
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import (
    BuildSeen,
    BuildState,
    JobOwner,
    LastWords,
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


def _queued(slots: BuildSlots) -> Wait:
    verdict = build.decide(RELEASE, RECORD, RESOLVED, None, NOW, privileged=False, slots=slots)
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
    verdict = build.decide(RELEASE, RECORD, RESOLVED, None, NOW, privileged=False, slots=slots)

    assert isinstance(verdict, Act)


def test_a_build_with_room_for_it_and_those_before_it_begins() -> None:
    slots = BuildSlots(3, ("a",), ("b",))
    verdict = build.decide(RELEASE, RECORD, RESOLVED, None, NOW, privileged=False, slots=slots)

    assert isinstance(verdict, Act)


def test_a_builder_that_is_not_allowed_does_not_wait_for_a_turn() -> None:
    slots = BuildSlots(1, ("a",))
    verdict = build.decide(RELEASE, RECORD, PRIVILEGED, None, NOW, privileged=False, slots=slots)

    assert isinstance(verdict, Halt)
