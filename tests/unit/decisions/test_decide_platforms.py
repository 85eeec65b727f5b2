"""Several platforms with kaniko: of the verdicts of all one is made, of their images one image."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import build, build_platforms
from album_operator.decisions.build_look import Look, PartLook
from album_operator.decisions.further_tags import Standing
from album_operator.domain.build_parts import parts_of
from album_operator.domain.build_pod import PodWish
from album_operator.domain.build_slots import BuildSlots
from album_operator.domain.builds import (
    BuildSeen,
    BuildState,
    JobOwner,
    LastWords,
    PodTrouble,
)
from album_operator.domain.image_labels import REVISION, labels_of
from album_operator.domain.reasons import Reason
from album_operator.domain.record import BuildRecord, ImageOrigin, PlatformRecord, Record, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.verdict import (
    Act,
    BuildAction,
    Done,
    Halt,
    PutIndex,
    PutTags,
    SubmitBuild,
    Verdict,
    Wait,
)
from tests.fakes.builders import BUILD_SEEN, IMAGE, NOW, RELEASE, RESOLVED, record_before

AMD, ARM = "linux/amd64", "linux/arm64"
RESOLVED_FOR_TWO = replace(RESOLVED, build=replace(RESOLVED.build, platforms=(AMD, ARM)))
RECORD = record_before(StepName.IMAGE_READY)
LABELS = labels_of(RESOLVED_FOR_TWO)
DIGESTS = {AMD: f"sha256:{'1' * 64}", ARM: f"sha256:{'2' * 64}"}
INDEX = ImageSeen(f"sha256:{'3' * 64}", LABELS, (AMD, ARM), tuple(DIGESTS.values()))
LATER = NOW + timedelta(minutes=2)

NO_NODE = PodTrouble("pod-x", None, "Unschedulable", "0/1 nodes are available")


def _job(platform: str, state: BuildState, **seen: object) -> BuildSeen:
    return replace(BUILD_SEEN, job=f"job-{platform[6:]}", state=state, **seen)  # type: ignore[arg-type]


def _running(platform: str, **seen: object) -> PartLook:
    return PartLook(_job(platform, BuildState.RUNNING, started_at=NOW, **seen))


def _failed(platform: str, **seen: object) -> PartLook:
    return PartLook(_job(platform, BuildState.FAILED, **seen))


def _built(platform: str) -> PartLook:
    """Give a platform whose Job has pushed what its builder said."""
    words = (LastWords("pod-x", DIGESTS[platform]),)
    job = _job(platform, BuildState.SUCCEEDED, last_words=words, started_at=NOW, finished_at=LATER)
    return PartLook(job, ImageSeen(DIGESTS[platform], LABELS))


def _there(platform: str) -> PartLook:
    return PartLook(tagged=ImageSeen(DIGESTS[platform], LABELS))


def _decide(
    amd: PartLook | None,
    arm: PartLook | None,
    tagged: ImageSeen | None = None,
    record: Record = RECORD,
    standing: Standing | None = None,
) -> Verdict[BuildAction]:
    parts = {name: look for name, look in ((AMD, amd), (ARM, arm)) if look is not None}
    look = Look(parts, tagged, standing or Standing())
    return build.decide(RELEASE, record, RESOLVED_FOR_TWO, look, NOW, buildkit=None)


def _wait(amd: PartLook | None, arm: PartLook | None, record: Record = RECORD) -> Wait:
    verdict = _decide(amd, arm, record=record)
    assert isinstance(verdict, Wait)
    assert verdict.record is not None
    return verdict


def _build(verdict: Wait | Done | Halt) -> BuildRecord:
    assert verdict.record is not None
    assert verdict.record.build is not None
    return verdict.record.build


def _record(*known: PlatformRecord) -> Record:
    build = BuildRecord("job-amd64", "Kaniko", NOW, None, known)
    return replace(RECORD, build=build)


def test_the_first_that_has_no_job_gets_one() -> None:
    verdict = _decide(_running(AMD), PartLook())

    assert isinstance(verdict, Act)
    assert verdict.action == SubmitBuild(ARM)
    assert verdict.message == f"Building {IMAGE}:v1.1.0-arm64 with Kaniko."


def test_who_waits_for_a_turn_keeps_its_place_and_says_what_runs() -> None:
    wait = _wait(_running(AMD), PartLook(slots=BuildSlots(1, ("x",))))

    assert (wait.reason, wait.detail) == (Reason.BUILDING, Reason.QUEUED)
    assert wait.message.startswith(f"{AMD}: Job job-amd64 builds {IMAGE}:v1.1.0-amd64 with Kaniko.")
    assert f" {ARM}: Place 1 of 1 in the line of namespace album" in wait.message
    assert not wait.is_poll
    alone = _wait(None, PartLook(slots=BuildSlots(1, ("x",))), _record(_known(AMD)))
    assert (alone.reason, alone.is_poll) == (Reason.QUEUED, True)
    assert alone.message.startswith(f"There already: the image of {AMD}. {ARM}: Place 1 of 1")


def _known(platform: str, job: str | None = "job-amd64") -> PlatformRecord:
    return PlatformRecord(platform, job, DIGESTS[platform])


def test_what_keeps_one_platform_is_the_reason_with_its_architecture() -> None:
    wait = _wait(_running(AMD), _running(ARM, trouble=NO_NODE))

    assert wait.reason is Reason.UNSCHEDULABLE
    assert wait.detail is None
    assert f"{ARM}: Pod pod-x of Job job-arm64 does not run: Unschedulable" in wait.message
    assert "It needs a node whose label kubernetes.io/arch is arm64." in wait.message


@pytest.mark.parametrize("kept", [True, False])
def test_a_platform_that_timed_out_says_what_kept_it_and_not_what_kept_another(kept: bool) -> None:
    trouble = {"trouble": NO_NODE}
    amd, arm = ({}, trouble) if kept else (trouble, {})
    wait = _wait(_running(AMD, **amd), _running(ARM, **arm))
    steps = tuple(
        replace(step, message=wait.message, reason=wait.reason)
        if step.name is StepName.IMAGE_READY
        else step
        for step in RECORD.steps
    )
    late = _failed(ARM, failure_reason="DeadlineExceeded")
    halt = _decide(_built(AMD), late, record=replace(RECORD, steps=steps))

    assert isinstance(halt, Halt)
    assert halt.reason is Reason.BUILD_TIMED_OUT
    assert ("does not run: Unschedulable" in halt.message) is kept
    assert halt.message.startswith(f"{ARM}: The build")


def test_what_kept_a_platform_is_told_until_its_job_has_failed_though_its_pods_are_gone() -> None:
    wait = _wait(_built(AMD), _running(ARM, trouble=NO_NODE))
    steps = tuple(
        replace(step, message=wait.message, reason=wait.reason)
        if step.name is StepName.IMAGE_READY
        else step
        for step in RECORD.steps
    )
    ending = _wait(_built(AMD), _running(ARM, is_ending=True), replace(RECORD, steps=steps))

    assert ending.reason is Reason.UNSCHEDULABLE
    assert f"{ARM}: Pod pod-x of Job job-arm64 does not run: Unschedulable" in ending.message
    assert ending.message.count("There already") == 1


def test_one_that_failed_is_told_at_once_and_ends_the_release_with_the_last() -> None:
    trouble = PodTrouble("pod-y", "build", "Error", "", 2)
    wait = _wait(_running(AMD), _failed(ARM, trouble=trouble))
    assert wait.reason is Reason.BUILD_FAILED
    assert wait.message.startswith(f"{ARM}: Container build of the build failed with exit code 2.")
    assert "The release stops with that once linux/amd64 has ended too" in wait.message
    assert _build(wait).job == "job-arm64"

    halt = _decide(_built(AMD), _failed(ARM, trouble=trouble))
    assert isinstance(halt, Halt)
    assert halt.failure is not None
    assert (halt.failure.platform, halt.failure.pod, halt.failure.exit_code) == (ARM, "pod-y", 2)
    assert halt.failure.message.startswith(f"{ARM}: ")
    assert _build(halt).job == "job-arm64"
    assert _build(halt).platforms == (
        PlatformRecord(AMD, "job-amd64", DIGESTS[AMD]),
        PlatformRecord(ARM, "job-arm64"),
    )


def test_where_one_failed_no_other_is_begun() -> None:
    halt = _decide(_failed(AMD), PartLook())

    assert isinstance(halt, Halt)
    assert halt.message.startswith(f"{AMD}: ")


def test_a_job_of_somebody_else_stops_the_release_and_an_earlier_lifes_is_waited_for() -> None:
    halt = _decide(_built(AMD), PartLook(_job(ARM, BuildState.RUNNING, owner=JobOwner.OTHER)))
    assert isinstance(halt, Halt)
    assert halt.failure is not None
    assert (halt.failure.platform, halt.failure.reason) == (ARM, Reason.BUILD_FAILED)
    assert _build(halt).job == "job-amd64"

    wait = _wait(_built(AMD), PartLook(_job(ARM, BuildState.SUCCEEDED, owner=JobOwner.EARLIER)))
    assert "by an earlier release of this name" in wait.message


def test_what_an_admin_does_not_allow_by_now_is_not_begun() -> None:
    pod = PodWish(priority_class_name="system-node-critical")
    whole = replace(RESOLVED_FOR_TWO, build=replace(RESOLVED_FOR_TWO.build, pod=pod))
    look = Look({AMD: _running(AMD), ARM: PartLook()})
    wait = build.decide(RELEASE, RECORD, whole, look, NOW, buildkit=None)

    assert isinstance(wait, Wait)
    assert wait.reason is Reason.POD_NOT_ALLOWED


def test_an_image_of_one_platform_that_is_there_needs_no_job() -> None:
    act = _decide(_there(AMD), PartLook())
    assert isinstance(act, Act)
    assert act.action == SubmitBuild(ARM)

    put = _decide(_there(AMD), _built(ARM))
    assert isinstance(put, Act)
    assert put.action == PutIndex(tuple(DIGESTS.values()))
    assert put.message == f"Putting the index of {AMD} and {ARM} under {IMAGE}:v1.1.0."
    # So it is where none is this attempt's own.
    alone = _decide(_there(AMD), _there(ARM))
    assert isinstance(alone, Act)
    assert alone.action == put.action


def test_an_image_of_another_commit_is_neither_used_nor_overwritten_nor_adopted() -> None:
    for labels, reason in (
        ({REVISION: "9" * 40}, Reason.IMAGE_EXISTS_FROM_OTHER_COMMIT),
        ({}, Reason.IMAGE_SOURCE_UNKNOWN),
        (labels_of(RESOLVED), Reason.IMAGE_EXISTS_FROM_OTHER_BUILD),
    ):
        halt = _decide(PartLook(tagged=ImageSeen(DIGESTS[AMD], labels)), None)
        assert isinstance(halt, Halt)
        assert halt.reason is reason
        assert halt.message.startswith(f"{AMD}: {IMAGE}:v1.1.0-amd64 is in the registry already")
        assert "Adopt" not in halt.sentence


def test_the_index_is_the_image_once_it_is_of_exactly_these() -> None:
    done = _decide(_built(AMD), _built(ARM), INDEX)

    assert isinstance(done, Done)
    image = done.record.image
    assert image is not None
    assert (image.reference, image.digest) == (f"{IMAGE}:v1.1.0", INDEX.digest)
    assert image.origin is ImageOrigin.BUILT
    assert _build(done) == BuildRecord(
        "job-arm64",
        "Kaniko",
        NOW,
        LATER,
        tuple(PlatformRecord(name, f"job-{name[6:]}", DIGESTS[name]) for name in (AMD, ARM)),
    )


def test_its_further_tags_are_put_on_the_index() -> None:
    act = _decide(_built(AMD), _built(ARM), INDEX, standing=Standing({"latest": None}, True))

    assert isinstance(act, Act)
    assert act.action == PutTags(INDEX.digest, {"latest": None})


def test_another_index_of_this_build_is_used_and_a_strangers_stops_the_release() -> None:
    done = _decide(_built(AMD), _built(ARM), replace(INDEX, images=(DIGESTS[AMD],)))
    assert isinstance(done, Done)
    assert done.record.image is not None
    assert done.record.image.origin is ImageOrigin.REUSED

    halt = _decide(_built(AMD), _built(ARM), replace(INDEX, labels={REVISION: "9" * 40}))
    assert isinstance(halt, Halt)
    assert halt.reason is Reason.IMAGE_MISMATCH
    assert f"under {IMAGE}:v1.1.0 the registry has {INDEX.digest}, an image with" in halt.message


def test_what_is_proved_is_remembered_and_not_looked_at_again() -> None:
    record = _record(_known(AMD), PlatformRecord(ARM, "job-arm64"))
    wait = _wait(None, _running(ARM), record)

    assert _build(wait).platforms == (_known(AMD), PlatformRecord(ARM, "job-arm64"))
    assert _build(wait).job == "job-arm64"
    assert _build(wait).started_at == NOW
    done = _decide(None, None, INDEX, _record(_known(AMD), _known(ARM, "job-arm64")))
    assert isinstance(done, Done)
    assert done.record.image is not None
    assert done.record.image.origin is ImageOrigin.BUILT


def test_an_index_that_is_there_before_any_job_is_reused() -> None:
    done = _decide(PartLook(), PartLook(), INDEX)

    assert isinstance(done, Done)
    assert done.record.image is not None
    assert done.record.image.origin is ImageOrigin.REUSED
    assert done.record.build is None


def test_the_whole_is_looked_at_once_all_are_pushed() -> None:
    def is_pushed(record: Record = RECORD, **parts: PartLook) -> bool:
        named = {f"linux/{name}": look for name, look in parts.items()}
        return build_platforms.is_pushed(record, RESOLVED_FOR_TWO, named)

    assert set(parts_of(RESOLVED_FOR_TWO)) == {AMD, ARM}
    assert is_pushed(amd64=_built(AMD), arm64=_there(ARM))
    assert is_pushed(_record(_known(AMD)), arm64=_there(ARM))
    assert not is_pushed(amd64=_built(AMD))
    assert not is_pushed(amd64=_built(AMD), arm64=_running(ARM))
    assert not is_pushed(amd64=_built(AMD), arm64=PartLook())
    assert not build_platforms.is_pushed(RECORD, RESOLVED, {"": _built(AMD)})
