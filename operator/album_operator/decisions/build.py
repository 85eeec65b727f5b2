"""ImageReady: the build Job exists, ran, and left a digest."""

import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from album_operator.decisions import build_troubles, build_turn
from album_operator.decisions.build_pod import check_pod
from album_operator.domain.build_pod import SAFE_RULES, PodRules
from album_operator.domain.build_slots import BuildSlots
from album_operator.domain.reasons import Reason
from album_operator.domain.record import BuildRecord, ImageRecord, Record
from album_operator.domain.release import BuildType, Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import (
    BuildSeen,
    BuildState,
    JobOwner,
    LastWords,
)
from album_operator.domain.verdict import Act, BuildAction, Done, Halt, SubmitBuild, Verdict, Wait

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

IMPOSSIBLE = {
    # kaniko 1.28.3 wrote it once after a push that went through: its hash was never set.
    f"sha256:{'0' * 64}": "which is no hash at all",
    f"sha256:{hashlib.sha256(b'').hexdigest()}": "which is the hash of nothing",
}
"""Digests of the right form that no image has, and why."""

EARLIER_LOOK = timedelta(seconds=5)
"""How often it is looked whether the Job of a deleted release is gone, where no event tells."""


def check_engine(resolved: Resolved, *, privileged: bool) -> Halt | None:
    """Refuse a builder that needs a privileged container where the admin allows none.

    Args:
        resolved: what the release does.
        privileged: whether the admin allows privileged builds.
    """
    if privileged or resolved.build.type is not BuildType.BUILDKIT:
        return None
    return Halt(
        Reason.ENGINE_NOT_ALLOWED,
        f"AlbumPipeline {resolved.pipeline.name} builds with {resolved.build.type}, whose Pod is "
        "privileged, and this operator runs no privileged builds.",
        "Set spec.build.type: Kaniko in the pipeline, or ask an admin for "
        "ALBUM_ALLOW_PRIVILEGED_BUILDS=true in the operator's settings",
    )


def decide(
    release: Release,
    record: Record,
    resolved: Resolved,
    seen: BuildSeen | None,
    now: datetime,
    *,
    privileged: bool,
    pods: PodRules = SAFE_RULES,
    slots: BuildSlots | None = None,
) -> Verdict[BuildAction]:
    """Submit the build, wait for it, or take its digest.

    Args:
        release: the release.
        record: what it achieved so far.
        resolved: what it does.
        seen: its build Job, None where there is none yet.
        now: the time.
        privileged: whether the admin allows privileged builds, today: when the release was
            resolved another answer may have been in force.
        pods: what the admin allows of the Pods of builds, likewise.
        slots: the namespace's builds, None where they need not be known: its own Job is there.
    """
    image = resolved.build.image
    if record.image is not None:
        return Done(record, Reason.SUCCEEDED, f"{image} was built by an earlier attempt.")
    if seen is None:
        queued = (
            build_turn.wait(release, slots) if slots is not None and not slots.is_free else None
        )
        refused = check_engine(resolved, privileged=privileged) or check_pod(
            release, resolved, pods
        )
        return refused or queued or _submit(resolved)
    strange = _not_ours(release, seen)
    if strange is not None:
        return strange
    match seen.state:
        case BuildState.RUNNING:
            return build_troubles.wait(_building(record, resolved, seen), resolved, seen, now)
        case BuildState.SUCCEEDED:
            return _finish(release, record, resolved, seen)
        case BuildState.FAILED:
            return build_troubles.fail(release, record, resolved, seen)
        case _:
            assert_never(seen.state)


def _submit(resolved: Resolved) -> Act[BuildAction]:
    message = f"Building {resolved.build.image} with {resolved.build.type}."
    return Act(SubmitBuild(), Reason.BUILDING, message)


def _not_ours(release: Release, seen: BuildSeen) -> Wait | Halt | None:
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


def _finish(release: Release, record: Record, resolved: Resolved, seen: BuildSeen) -> Done | Halt:
    digest = _digest(seen)
    if digest is None:
        namespace = release.ref.namespace
        return Halt(
            Reason.BUILD_FAILED,
            f"Job {seen.job} succeeded, but {_why_no_digest(seen.last_words)}, so what was pushed "
            "cannot be proved.",
            f"{SET_RETRY.capitalize()} to build again; if it happens twice, look at kubectl logs "
            f"-n {namespace} job/{seen.job} and at kubectl get pods -n {namespace} "
            f"-l batch.kubernetes.io/job-name={seen.job}",
            ending=".",
        )
    image = ImageRecord(resolved.build.image, digest, resolved.source.commit)
    return Done(
        replace(_building(record, resolved, seen), image=image),
        Reason.SUCCEEDED,
        f"{image.reference}@{image.digest}",
    )


def _digest(seen: BuildSeen) -> str | None:
    """Give the digest the builder left, None where there is none that can be believed."""
    texts = {words.text.strip() for words in seen.last_words}
    text = texts.pop() if len(texts) == 1 else ""
    return text if DIGEST.fullmatch(text) and text not in IMPOSSIBLE else None


def _why_no_digest(words: tuple[LastWords, ...]) -> str:
    match list({each.text.strip(): each.pod for each in words}.items()):
        case []:
            return "no Pod of its own that succeeded is left to tell the digest"
        case [(text, pod)] if text in IMPOSSIBLE:
            return f"Pod {pod} left the digest {text}, {IMPOSSIBLE[text]}"
        case [(_, pod)]:
            return f"Pod {pod} left no digest in its termination message"
        case several:
            pods = " and ".join(pod for _, pod in several[:2])
            return f"{len(words)} Pods claim to be its own and do not agree, {pods} among them"


def _building(record: Record, resolved: Resolved, seen: BuildSeen) -> Record:
    build = BuildRecord(seen.job, resolved.build.type, seen.started_at, seen.finished_at)
    return replace(record, build=build)
