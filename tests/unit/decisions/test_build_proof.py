"""What a build has pushed: by the registry's word, or where it cannot be asked the builder's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import build
from album_operator.decisions.build_look import Look, PartLook
from album_operator.decisions.build_proof import word_of
from album_operator.domain.build_parts import WHOLE
from album_operator.domain.builds import BuildSeen, BuildState, LastWords
from album_operator.domain.image_labels import BUILD, REVISION, labels_of
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import ProofBy
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import BuildAction, Done, Halt, Verdict, Wait
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
BY_BUILDER = replace(RESOLVED, build=replace(RESOLVED.build, proof=ProofBy.BUILDER))
OTHER = f"sha256:{'e' * 64}"
OURS = labels_of(RESOLVED)


def _decide(seen: BuildSeen, resolved: Resolved = BY_BUILDER) -> Verdict[BuildAction]:
    return build.decide(
        RELEASE, RECORD, resolved, Look({WHOLE: PartLook(seen)}), NOW, buildkit=None
    )


def _left(*texts: str) -> BuildSeen:
    """Give a build that succeeded, with these last words of a Pod each."""
    words = tuple(LastWords(f"pod-{number}", text) for number, text in enumerate(texts, 1))
    return replace(SUCCEEDED, last_words=words)


def _halt(seen: BuildSeen) -> Halt:
    verdict = _decide(seen)
    assert isinstance(verdict, Halt)
    return verdict


def _compare(
    seen: BuildSeen, tagged: ImageSeen | None, named: ImageSeen | None = None
) -> Verdict[BuildAction]:
    look = Look(
        {WHOLE: PartLook(replace(seen, finished_at=NOW - timedelta(minutes=2)), tagged, named)}
    )
    return build.decide(RELEASE, RECORD, RESOLVED, look, NOW, buildkit=None)


def _mismatch(seen: BuildSeen, tagged: ImageSeen | None, named: ImageSeen | None = None) -> Halt:
    verdict = _compare(seen, tagged, named)
    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.IMAGE_MISMATCH
    return verdict


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


@pytest.mark.parametrize(
    "labels", [OURS, {REVISION: RESOLVED.source.commit}, {**OURS, REVISION: "unknown"}]
)
def test_a_digest_that_the_registry_confirms_with_our_label_is_proved(
    labels: dict[str, str],
) -> None:
    verdict = _compare(_left(DIGEST), ImageSeen(DIGEST, labels))

    assert isinstance(verdict, Done)
    assert verdict.record.image == IMAGE_RECORD
    assert verdict.message == f"{IMAGE}:v1.1.0@{DIGEST}"


def test_without_a_digest_of_the_builder_the_registry_tells_it() -> None:
    verdict = _compare(SUCCEEDED, ImageSeen(DIGEST, OURS))

    assert isinstance(verdict, Done)
    assert verdict.record.image == IMAGE_RECORD
    assert verdict.message == (
        f"{IMAGE}:v1.1.0@{DIGEST}. The registry tells, for no Pod of its own that succeeded is "
        "left to tell the digest."
    )


def test_of_pods_that_disagree_the_one_counts_that_the_registry_confirms() -> None:
    seen = _left(OTHER, DIGEST, "boom")
    assert word_of(seen) == OTHER
    assert word_of(seen, ImageSeen(DIGEST, {})) == DIGEST
    assert isinstance(_compare(seen, ImageSeen(DIGEST, OURS)), Done)


def test_a_digest_that_the_registry_lacks_is_a_lie_though_our_image_is_there() -> None:
    halt = _mismatch(_left(OTHER), ImageSeen(DIGEST, OURS))

    assert f"Pod pod-1 left the digest {OTHER}, and under {IMAGE}:v1.1.0 the registry has " in (
        halt.message
    )
    assert "a process that a step of the Dockerfile left behind" in halt.message
    assert halt.sentence.endswith(
        "set the annotation album.dev/retry to take what the registry has."
    )
    zeros = _mismatch(_left(f"sha256:{'0' * 64}"), ImageSeen(DIGEST, OURS))
    assert "which is no hash at all" in zeros.message


def test_of_two_builds_of_one_commit_the_last_is_used() -> None:
    verdict = _compare(_left(OTHER), ImageSeen(DIGEST, OURS), ImageSeen(OTHER, OURS))

    assert isinstance(verdict, Done)
    assert verdict.record.image == replace(IMAGE_RECORD, origin=ImageOrigin.REUSED)
    assert f"since that of Job {BUILD_SEEN.job}, which is {OTHER}" in verdict.message


@pytest.mark.parametrize(
    ("named", "fate"),
    [
        (ImageSeen(OTHER, OURS), ", which is there without the tag, and"),
        (None, ", which is not there, and"),
    ],
)
def test_an_image_of_somebody_else_under_the_tag_is_told_with_what_became_of_ours(
    named: ImageSeen | None, fate: str
) -> None:
    halt = _mismatch(_left(OTHER), ImageSeen(DIGEST, {REVISION: "9" * 40}), named)

    assert f"Pod pod-1 left the digest {OTHER}{fate} under {IMAGE}:v1.1.0 the registry has" in (
        halt.message
    )
    assert f"{DIGEST}, an image with the label of commit 999999999999. So somebody" in halt.message
    assert "Find out who pushes to that tag, and delete it in the registry" in halt.sentence


def test_an_image_of_our_commit_built_in_another_way_is_not_ours() -> None:
    built_otherwise = {BUILD: f"{RESOLVED.source.commit}.0000000000000000"}
    halt = _mismatch(_left(DIGEST), ImageSeen(DIGEST, built_otherwise))

    assert f"left the digest {DIGEST}, and under" in halt.message
    assert "no digest in its termination message, and under" in (
        _mismatch(_left("boom"), ImageSeen(DIGEST, {})).message
    )


def test_an_image_that_is_not_shown_yet_is_waited_for_a_minute() -> None:
    seen = replace(_left(DIGEST), finished_at=NOW - timedelta(seconds=59))
    wait = _decide(seen, RESOLVED)

    assert isinstance(wait, Wait)
    assert (wait.reason, wait.is_poll) == (Reason.BUILDING, True)
    assert wait.retry_after == timedelta(seconds=5)
    assert f"the registry does not show {IMAGE}:v1.1.0 yet. It is asked until 12:00:01" in (
        wait.message
    )


def test_an_image_that_never_shows_is_told_with_what_is_known_of_it() -> None:
    gone = _mismatch(_left(DIGEST), None, ImageSeen(DIGEST, OURS))
    assert "which the registry has, but not under the tag: somebody has deleted that" in (
        gone.message
    )
    lost = _mismatch(_left(DIGEST), None)
    assert "and the registry has no such image and none under the tag" in lost.message
    nothing = _mismatch(_left("boom"), None)
    assert "left no digest in its termination message, and the registry has no image" in (
        nothing.message
    )
    assert isinstance(_decide(_left(DIGEST), RESOLVED), Halt)  # when it ended is not told
