"""Rollback: which version was Released before one that failed, and whether it can be had again."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from album_operator.decisions import image
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, ImageRecord, Outcome, Record, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import ProofBy, Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from album_operator.domain.versions import is_newer

Known = tuple[Release, Record]
"""A release of the same app, and what it achieved."""


@dataclass(frozen=True)
class Past:
    """A release of the same app that was Released, and still is there.

    Attributes:
        commit: of the source, which its tag stood for.
        at: when it was Released.
    """

    ref: Ref
    version: str
    commit: str
    image: ImageRecord
    at: datetime


@dataclass(frozen=True)
class Brought:
    """What a rollback brings back: the image that ran, and the commit of the source it is of."""

    image: ImageRecord
    commit: str


STEM_LENGTH = 200


def name_of(release: Release, attempt: int) -> str:
    """Name the rollback of one attempt of a release: the same whoever makes it, and when.

    Another release of the same name, after the first was deleted, has another uid.
    """
    digest = hashlib.sha256(f"{release.uid}/{attempt}".encode()).hexdigest()[:8]
    return f"{release.ref.name[:STEM_LENGTH].rstrip('-.')}-rollback-{digest}"


def wish(release: Release, attempt: int, version: str, app: str) -> Release:
    """Give the release that brings a version back: like any other, but for what it takes back."""
    return Release(
        ref=Ref(release.ref.namespace, name_of(release, attempt)),
        uid="",
        generation=1,
        resource_version="",
        created_at=release.created_at,
        pipeline=release.pipeline,
        app=app,
        version=version,
        allow_downgrade=True,
        rollback_of=release.ref.name,
    )


def find_target(release: Release, resolved: Resolved, others: Iterable[Known]) -> Past | None:
    """Give the release whose version ran before one that failed; None where there is none.

    It is the one Released last, but neither of the same version nor of a newer one.
    """
    ours, versioning = resolved.version, resolved.source.versioning
    return _last(
        past
        for past in _released(release, resolved, others)
        if past.version != ours and not is_newer(past.version, ours, versioning)
    )


def judge(
    release: Release,
    resolved: Resolved,
    others: Iterable[Known],
    there: ImageSeen | None,
    aliases: HostAliases = NO_ALIASES,
) -> Brought | Halt:
    """Give the image that a rollback brings back, or say why there is nothing to bring back.

    The source is not asked: what its tag stood for is known, whatever became of it since.

    Args:
        release: the rollback.
        resolved: what it does.
        others: all releases of its app that are there.
        there: what the registry has under the image's tag.
        aliases: which hosts are one, as an admin tells.
    """
    others = list(others)
    refused = _check_undone(release, resolved, others)
    if refused is not None:
        return refused
    ran = _last(
        past for past in _released(release, resolved, others) if past.version == resolved.version
    )
    if ran is None:
        return _never_released(release, resolved)
    if there is None or there.digest != ran.image.digest or _is_unproved(resolved):
        return _not_the_image(resolved, ran, there)
    source = replace(resolved.source, commit=ran.commit)
    judged = image.judge(replace(resolved, source=source), there, aliases)
    if isinstance(judged, Halt) and judged.reason is Reason.IMAGE_EXISTS_FROM_OTHER_BUILD:
        # Its digest is the one that ran, whatever the pipeline would build by now.
        judged = ImageRecord(resolved.build.image, there.digest, ran.commit, ImageOrigin.REUSED)
    return judged if isinstance(judged, Halt) else Brought(judged, ran.commit)


def _released(release: Release, resolved: Resolved, others: Iterable[Known]) -> Iterator[Past]:
    """Give those of an app's releases that were Released, but not the one who asks."""
    wanted = resolved.pipeline.name, resolved.app
    for other, record in others:
        its, at = record.resolved, record.step(StepName.DEPLOYED).finished_at
        if its is None or other.ref == release.ref or (its.pipeline.name, its.app) != wanted:
            continue
        if record.outcome is Outcome.RELEASED and record.image is not None and at is not None:
            yield Past(other.ref, its.version, its.source.commit, record.image, at)


def _last(all_past: Iterable[Past]) -> Past | None:
    return max(all_past, key=lambda past: (past.at, past.ref.name), default=None)


def _check_undone(release: Release, resolved: Resolved, others: Iterable[Known]) -> Halt | None:
    """Refuse to take back a rollback, or a version by itself; one that is deleted may be."""
    name = release.rollback_of
    for other, record in others:
        if other.ref.name != name:
            continue
        if other.rollback_of is not None:
            return _refuse(
                f"AlbumRelease {name} is a rollback itself, and to take one back would only bring "
                "back what failed.",
                "Release the version that is wanted without rollbackOf",
            )
        if record.resolved is not None and record.resolved.version == resolved.version:
            return _refuse(
                f"AlbumRelease {name} is of {resolved.version} too, so this would bring back what "
                "it takes back.",
                "Create one of a version that was Released before",
            )
    return None


def _never_released(release: Release, resolved: Resolved) -> Halt:
    return _refuse(
        f"no AlbumRelease in namespace {release.ref.namespace} shows that {resolved.version} of "
        f"{resolved.app} was ever Released, so there is nothing to bring back.",
        f"Create one of a version that was, or release {resolved.version} without rollbackOf "
        "(allowDowngrade: true if it is older)",
    )


def _refuse(said: str, remedy: str) -> Halt:
    return Halt(Reason.ROLLBACK_REFUSED, f"spec.rollbackOf: {said}", remedy, ending=".")


def _is_unproved(resolved: Resolved) -> bool:
    return resolved.build.proof is ProofBy.BUILDER


def _not_the_image(resolved: Resolved, ran: Past, there: ImageSeen | None) -> Halt:
    """Refuse an image that is not the very one that ran, or that nobody can ask for."""
    image, digest = resolved.build.image, ran.image.digest
    if _is_unproved(resolved):
        said = f"With proof: Builder no registry is asked whether {image} still is {digest}"
        remedy = "Set spec.build.proof: Registry in the pipeline"
    elif there is None:
        said = f"{image} is not in its registry any more: a rollback builds nothing, and {digest}"
        remedy = "Push that image under its tag again"
    else:
        said = f"{image} is {there.digest} by now, and not {digest}"
        remedy = "Let the tag stand for that image again"
    said = f"{said}, which AlbumRelease {ran.ref.name} ran, is to come back."
    return Halt(Reason.ROLLBACK_REFUSED, said, remedy)
