"""ImageReady: one build Job, which builds the image or that of one platform."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from album_operator.decisions import build_proof, build_troubles, build_turn, image
from album_operator.decisions.build_look import PartLook
from album_operator.decisions.build_proof import Pushed
from album_operator.domain.build_parts import platform_of
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.builds import BuildKitMode, BuildSeen, BuildState, JobOwner
from album_operator.domain.hosts import HostAliases
from album_operator.domain.reasons import Reason
from album_operator.domain.record import BuildRecord, Record
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import ProofBy, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, Done, Halt, SubmitBuild, Verdict, Wait

EARLIER_LOOK = timedelta(seconds=5)
"""How often it is looked whether the Job of a deleted release is gone, where no event tells."""

SHARED_LOOK = timedelta(seconds=60)
"""How often it is looked whether another's build of the same image has ended, likewise."""


def decide(
    release: Release,
    record: Record,
    part: Resolved,
    seen: PartLook,
    *,
    now: datetime,
    buildkit: BuildKitMode | None,
    aliases: HostAliases,
) -> Verdict[SubmitBuild]:
    """Submit a build, wait for it, and prove what it pushed; the record's image is the part's.

    Args:
        release: the release.
        record: what it achieved so far.
        part: what the Job builds.
        seen: what was looked at.
        now: the time.
        buildkit: how the admin has BuildKit run, if at all, today.
        aliases: which hosts are one, as an admin tells.
    """
    if seen.job is None:
        return _begin(release, record, part, seen, aliases)
    stranger = _find_stranger(release, seen.job)
    return stranger or _go_on(release, record, part, seen.job, seen, now, buildkit)


def _begin(
    release: Release, record: Record, part: Resolved, seen: PartLook, aliases: HostAliases
) -> Verdict[SubmitBuild]:
    if seen.tagged is not None:
        return _reuse(record, part, seen.tagged, aliases)
    if seen.other is not None:
        return _share(release, part, seen.other)
    if seen.slots is not None and not seen.slots.is_free:
        return build_turn.wait(release, seen.slots)
    message = f"Building {part.build.image} with {part.build.type}."
    return Act(SubmitBuild(platform_of(part.build)), Reason.BUILDING, message)


def _reuse(record: Record, part: Resolved, tagged: ImageSeen, aliases: HostAliases) -> Done | Halt:
    """Take the image of one platform that is there, if it is ours: none is adopted for an index."""
    judged = image.judge(part, tagged, aliases, may_adopt=False)
    return judged if isinstance(judged, Halt) else image.take(record, judged)


def _find_stranger(release: Release, seen: BuildSeen) -> Wait | Halt | None:
    """Leave a Job alone that is not this release's own."""
    if seen.owner is JobOwner.EARLIER:
        return Wait(
            Reason.BUILDING,
            f"Job {seen.job} was made by an earlier release of this name, which is deleted. The "
            "build begins once Kubernetes has removed that Job too; kubectl get job -n "
            f"{release.ref.namespace} {seen.job} -o yaml shows what holds it, if it stays.",
            EARLIER_LOOK,
            is_poll=True,
        )
    if seen.owner is JobOwner.OTHER:
        return Halt(
            Reason.BUILD_FAILED,
            f"Job {seen.job} exists but was not made by this release.",
            f"Delete it (kubectl delete job -n {release.ref.namespace} {seen.job})",
        )
    return None


def _go_on(
    release: Release,
    record: Record,
    part: Resolved,
    job: BuildSeen,
    seen: PartLook,
    now: datetime,
    buildkit: BuildKitMode | None,
) -> Done | Wait | Halt:
    """Wait for the build, say why it failed, or prove what it pushed."""
    build = BuildRecord(job.job, part.build.type, job.started_at, job.finished_at)
    record = replace(record, build=build)
    match job.state:
        case BuildState.RUNNING:
            return build_troubles.wait(record, part, job, now, buildkit)
        case BuildState.SUCCEEDED if part.build.proof is ProofBy.BUILDER:
            return build_proof.prove_by_builder(release, record, part, job)
        case BuildState.SUCCEEDED:
            pushed = Pushed(seen.tagged, seen.named)
            return build_proof.prove_by_registry(record, part, job, pushed, now)
        case BuildState.FAILED:
            return build_troubles.fail(release, record, part, job)
        case _:
            assert_never(job.state)


def _share(release: Release, part: Resolved, other: BuildRunning) -> Wait:
    """Wait for a build of the same image; what it pushes is looked at like any image."""
    whose = f"AlbumRelease {other.release}"
    if other.release == release.ref.name:
        whose = "an earlier attempt of this release"
    namespace = release.ref.namespace
    return Wait(
        Reason.BUILDING,
        f"Job {other.job} of {whose} builds {part.build.image}; once it has ended, its image "
        "is used if it is the one this release would build. One that is not wanted can be stopped: "
        f"kubectl delete job -n {namespace} {other.job}.",
        SHARED_LOOK,
        is_poll=True,
    )
