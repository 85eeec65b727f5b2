"""An image that is there already: the release's own, or why it is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import image
from album_operator.domain.image_labels import BUILD, REVISION, SOURCE, labels_of
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, ImageRecord, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, ExistingImage
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from tests.fakes.builders import COMMIT, DIGEST, IMAGE, NOW, RESOLVED, record_before

EXTERNAL = replace(RESOLVED, build=replace(RESOLVED.build, type=BuildType.EXTERNAL))
RECORD = record_before(StepName.IMAGE_READY)
STRANGE = "9" * 40


def _adopting(resolved: Resolved) -> Resolved:
    build = replace(resolved.build, existing_image=ExistingImage.ADOPT)
    return replace(resolved, build=build)


def _judge(labels: dict[str, str], resolved: Resolved = RESOLVED) -> ImageRecord | Halt:
    return image.judge(resolved, ImageSeen(DIGEST, labels))


def _halt(labels: dict[str, str], resolved: Resolved = RESOLVED) -> Halt:
    judged = _judge(labels, resolved)
    assert isinstance(judged, Halt)
    return judged


@pytest.mark.parametrize("labels", [labels_of(RESOLVED), {REVISION: COMMIT}])
@pytest.mark.parametrize(
    ("resolved", "origin"),
    [(RESOLVED, ImageOrigin.REUSED), (EXTERNAL, ImageOrigin.EXTERNAL)],
)
def test_an_image_of_our_commit_is_ours(
    labels: dict[str, str], resolved: Resolved, origin: ImageOrigin
) -> None:
    judged = _judge(labels, resolved)
    assert judged == ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, COMMIT, origin)
    assert isinstance(judged, ImageRecord)
    done = image.take(RECORD, judged)
    assert done.record.image == judged
    assert done.message.startswith(f"{IMAGE}:v1.1.0@{DIGEST} was ")


def test_an_image_of_another_commit_is_refused_though_others_are_adopted() -> None:
    halt = _halt({REVISION: STRANGE}, _adopting(RESOLVED))

    assert halt.reason is Reason.IMAGE_EXISTS_FROM_OTHER_COMMIT
    assert halt.sentence == (
        f"{IMAGE}:v1.1.0 is in the registry already (sha256:ffffffffffff…), with the label of "
        "commit 999999999999, and tag backend-v1.1.0 is commit aaaaaaaaaaaa. It is neither used "
        "nor overwritten. Release another version, or delete that tag in the registry to have it "
        "built again, then set the annotation album.dev/retry."
    )
    assert "Push the image of commit aaaaaaaaaaaa under that tag" in (
        _halt({REVISION: STRANGE}, EXTERNAL).remedy
    )


def test_an_image_that_was_built_in_another_way_is_refused_or_adopted() -> None:
    labels = {BUILD: f"{COMMIT}.0000000000000000", REVISION: COMMIT}
    halt = _halt(labels)

    assert halt.reason is Reason.IMAGE_EXISTS_FROM_OTHER_BUILD
    assert "or set spec.build.existingImage: Adopt in the pipeline" in halt.remedy
    adopted = ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, None, ImageOrigin.ADOPTED)
    assert _judge(labels, _adopting(RESOLVED)) == adopted


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({}, "no label org.opencontainers.image.revision tells the whole commit"),
        (
            {REVISION: STRANGE, SOURCE: "https://example.org/base/image"},
            "its label org.opencontainers.image.revision is of another repository",
        ),
    ],
)
def test_an_image_that_does_not_tell_its_source_is_refused_or_adopted(
    labels: dict[str, str], why: str
) -> None:
    halt = _halt(labels)

    assert halt.reason is Reason.IMAGE_SOURCE_UNKNOWN
    assert why in halt.message
    assert "delete that tag in the registry to have it built again, or set" in halt.remedy
    assert f"Push it with label {REVISION}={COMMIT}, or set" in _halt(labels, EXTERNAL).remedy
    adopted = ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, None, ImageOrigin.ADOPTED)
    assert _judge(labels, _adopting(RESOLVED)) == adopted


@pytest.mark.parametrize(
    ("waited", "after"), [(0, 15), (29, 15), (60, 30), (600, 300), (100_000, 300)]
)
def test_an_image_that_is_built_elsewhere_is_asked_for_the_more_seldom(
    waited: int, after: int
) -> None:
    begun = NOW - timedelta(seconds=waited)
    steps = tuple(replace(step, started_at=begun) for step in RECORD.steps)
    wait = image.wait(replace(RECORD, steps=steps), EXTERNAL, NOW)

    assert wait.reason is Reason.AWAITING_IMAGE
    assert wait.retry_after == timedelta(seconds=after)
    assert f"with the label {REVISION}={COMMIT}." in wait.message
    assert image.wait(RECORD, EXTERNAL, NOW).retry_after == timedelta(seconds=15)
