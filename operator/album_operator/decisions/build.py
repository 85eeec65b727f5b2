"""ImageReady: the image is there already, or its build Job exists, ran, and pushed it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from album_operator.decisions import (
    build_checks,
    build_proof,
    build_troubles,
    build_turn,
    further_tags,
    image,
)
from album_operator.decisions.build_engine import check_engine
from album_operator.decisions.build_pod import check_pod
from album_operator.decisions.build_proof import Pushed
from album_operator.decisions.further_tags import Standing
from album_operator.domain.build_pod import SAFE_RULES, PodRules
from album_operator.domain.build_slots import BuildRunning, BuildSlots
from album_operator.domain.builds import BuildKitMode, BuildSeen, BuildState, JobOwner
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.pull_requests import Checks
from album_operator.domain.reasons import Reason
from album_operator.domain.record import BuildRecord, Record
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, ProofBy, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, BuildAction, Done, Halt, SubmitBuild, Verdict, Wait

EARLIER_LOOK = timedelta(seconds=5)
"""How often it is looked whether the Job of a deleted release is gone, where no event tells."""

SHARED_LOOK = timedelta(seconds=60)
"""How often it is looked whether another's build of the same image has ended, likewise."""


@dataclass(frozen=True)
class Look:
    """What step ImageReady looked at.

    Attributes:
        job: the release's build Job, None where there is none.
        tagged: what the registry has under the tag; None also where it was not asked: a build runs
            or has failed, there is something to wait for, or the builder alone is believed.
        named: what it has by the digest the builder left, where the tag has another or none.
        standing: its further tags, looked at where the image under the tag may be released.
        other: another build of the same image that runs, looked for where there is no Job.
        slots: the namespace's builds, None where they need not be known.
        checks: of the source commit, by name; None where they were not asked for.
    """

    job: BuildSeen | None = None
    tagged: ImageSeen | None = None
    named: ImageSeen | None = None
    standing: Standing = field(default_factory=Standing)
    other: BuildRunning | None = None
    slots: BuildSlots | None = None
    checks: Mapping[str, Checks] | None = None


def decide(
    release: Release,
    record: Record,
    resolved: Resolved,
    seen: Look,
    now: datetime,
    *,
    buildkit: BuildKitMode | None,
    pods: PodRules = SAFE_RULES,
    aliases: HostAliases = NO_ALIASES,
) -> Verdict[BuildAction]:
    """Take the image that is there, or submit a build, wait for it, and prove what it pushed.

    Args:
        release: the release.
        record: what it achieved so far.
        resolved: what it does.
        seen: what was looked at.
        now: the time.
        buildkit: how the admin has BuildKit run, if at all, today: when the release was resolved
            another answer may have been in force.
        pods: what the admin allows of the Pods of builds, likewise.
        aliases: which hosts are one, as an admin tells.
    """
    if record.image is not None:
        whose = "ran before" if release.rollback_of is not None else "is from an earlier attempt"
        message = f"{record.image.reference} is there and {whose}."
        return Done(record, Reason.SUCCEEDED, message)
    job = seen.job
    is_own = job is not None and job.owner is JobOwner.RELEASE
    if seen.tagged is not None and not is_own:
        judged = image.judge(resolved, seen.tagged, aliases)
        if isinstance(judged, Halt):
            return judged
        waiting = build_checks.wait(record, resolved, seen.checks, now)
        return waiting or further_tags.place(record, resolved, judged, seen.standing, aliases)
    if resolved.build.type is BuildType.EXTERNAL:
        return image.wait(record, resolved, now)
    if job is None:
        refused = check_engine(resolved, buildkit)
        refused = refused or check_pod(release, resolved, pods)
        return refused or _begin(release, record, resolved, seen, now)
    stranger = _find_stranger(release, job)
    return stranger or _go_on(release, record, resolved, job, seen, now, buildkit)


def _begin(
    release: Release, record: Record, resolved: Resolved, seen: Look, now: datetime
) -> Act[BuildAction] | Wait:
    waiting = build_checks.wait(record, resolved, seen.checks, now)
    if waiting is not None:
        return waiting
    if seen.other is not None:
        return _share(release, resolved, seen.other)
    if seen.slots is not None and not seen.slots.is_free:
        return build_turn.wait(release, seen.slots)
    message = f"Building {resolved.build.image} with {resolved.build.type}."
    return Act(SubmitBuild(), Reason.BUILDING, message)


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
    resolved: Resolved,
    job: BuildSeen,
    seen: Look,
    now: datetime,
    buildkit: BuildKitMode | None,
) -> Done | Wait | Halt:
    """Wait for the build, say why it failed, or prove what it pushed."""
    build = BuildRecord(job.job, resolved.build.type, job.started_at, job.finished_at)
    record = replace(record, build=build)
    match job.state:
        case BuildState.RUNNING:
            return build_troubles.wait(record, resolved, job, now, buildkit)
        case BuildState.SUCCEEDED if resolved.build.proof is ProofBy.BUILDER:
            return build_proof.prove_by_builder(release, record, resolved, job)
        case BuildState.SUCCEEDED:
            pushed = Pushed(seen.tagged, seen.named)
            return build_proof.prove_by_registry(record, resolved, job, pushed, now)
        case BuildState.FAILED:
            return build_troubles.fail(release, record, resolved, job)
        case _:
            assert_never(job.state)


def _share(release: Release, resolved: Resolved, other: BuildRunning) -> Wait:
    """Wait for a build of the same image; what it pushes is looked at like any image."""
    whose = f"AlbumRelease {other.release}"
    if other.release == release.ref.name:
        whose = "an earlier attempt of this release"
    namespace = release.ref.namespace
    return Wait(
        Reason.BUILDING,
        f"Job {other.job} of {whose} builds {resolved.build.image}; once it has ended, its image "
        "is used if it is the one this release would build. One that is not wanted can be stopped: "
        f"kubectl delete job -n {namespace} {other.job}.",
        SHARED_LOOK,
        is_poll=True,
    )
