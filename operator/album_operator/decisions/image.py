"""ImageReady: an image that is there under the release's tag, and whether it may be released."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.image_labels import REVISION, Kin, commit_in, kin_of
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, ImageRecord, Record, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, ExistingImage
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Done, Halt, Wait

FIRST_LOOK, LAST_LOOK = timedelta(seconds=15), timedelta(minutes=5)
"""How often a registry is asked for an image that is built elsewhere, at first and at last."""

ADOPT = "set spec.build.existingImage: Adopt in the pipeline to take it as it is"

BUILD_AGAIN = "Release another version, or delete that tag in the registry to have it built again"

WHY = {
    ImageOrigin.BUILT: "was built.",
    ImageOrigin.REUSED: "was there already, built from this commit, and is reused.",
    ImageOrigin.ADOPTED: (
        "was there already and is taken as it is (existingImage: Adopt); nothing proves what it "
        "was built from."
    ),
    ImageOrigin.EXTERNAL: "was built elsewhere from this commit.",
}


def judge(
    resolved: Resolved,
    seen: ImageSeen,
    aliases: HostAliases = NO_ALIASES,
    *,
    may_adopt: bool = True,
) -> ImageRecord | Halt:
    """Give an image that is there as the release's own, or say why it is not.

    Args:
        resolved: what the release does.
        seen: what the registry has under its tag.
        aliases: which hosts are one, as an admin tells.
        may_adopt: whether `existingImage` counts: an index is of images of one commit.
    """
    build, commit = resolved.build, resolved.source.commit
    match kin_of(resolved, seen.labels, aliases):
        case Kin.OURS:
            is_external = build.type is BuildType.EXTERNAL
            origin = ImageOrigin.EXTERNAL if is_external else ImageOrigin.REUSED
            return ImageRecord(build.image, seen.digest, commit, origin)
        case Kin.OTHER_COMMIT:
            return _of_other_commit(resolved, seen)
        case _ if may_adopt and build.existing_image is ExistingImage.ADOPT:
            return ImageRecord(build.image, seen.digest, None, ImageOrigin.ADOPTED)
        case Kin.OTHER_BUILD:
            halt = _of_other_build(resolved, seen)
        case _:
            halt = _unknown(resolved, seen)
    return replace(halt, remedy=f"{halt.remedy}, or {ADOPT}" if may_adopt else halt.remedy)


def take(record: Record, image: ImageRecord, notes: Iterable[str] = ()) -> Done:
    """Go on with an image, and with something to say of it."""
    message = " ".join([f"{image.reference}@{image.digest} {WHY[image.origin]}", *notes])
    return Done(replace(record, image=image), Reason.SUCCEEDED, message)


def next_look(since: datetime | None, now: datetime) -> timedelta:
    """Give when to look again for what others make: the longer it takes, the more seldom."""
    return min(max(FIRST_LOOK, (now - (since or now)) / 2), LAST_LOOK)


def wait(record: Record, resolved: Resolved, now: datetime) -> Wait:
    """Wait for an image that is built elsewhere."""
    return Wait(
        Reason.AWAITING_IMAGE,
        f"{resolved.build.image} is built elsewhere and not in its registry yet. The release goes "
        f"on once it is there, with the label {REVISION}={resolved.source.commit}.",
        next_look(record.step(StepName.IMAGE_READY).started_at, now),
        is_poll=True,
    )


def whose(seen: ImageSeen) -> str:
    """Say what the labels of an image tell of its commit, after the word `image`."""
    commit = commit_in(seen.labels)
    return f"with the label of commit {commit[:12]}" if commit else "without the label of a commit"


def _there(resolved: Resolved, seen: ImageSeen) -> str:
    return f"{resolved.build.image} is in the registry already ({seen.digest[:19]}…)"


def _of_other_commit(resolved: Resolved, seen: ImageSeen) -> Halt:
    source = resolved.source
    is_external = resolved.build.type is BuildType.EXTERNAL
    return Halt(
        Reason.IMAGE_EXISTS_FROM_OTHER_COMMIT,
        f"{_there(resolved, seen)}, {whose(seen)}, and tag {source.tag} is commit "
        f"{source.commit[:12]}. It is neither used nor overwritten.",
        f"Push the image of commit {source.commit[:12]} under that tag, or release another version"
        if is_external
        else BUILD_AGAIN,
    )


def _of_other_build(resolved: Resolved, seen: ImageSeen) -> Halt:
    return Halt(
        Reason.IMAGE_EXISTS_FROM_OTHER_BUILD,
        f"{_there(resolved, seen)}, built from this commit with another contextDir, dockerfile or "
        "target, or other args or platforms, than the pipeline gives now. It is neither used nor "
        "overwritten.",
        BUILD_AGAIN,
    )


def _unknown(resolved: Resolved, seen: ImageSeen) -> Halt:
    commit = resolved.source.commit
    label = f"label {REVISION}"
    why = f"and no {label} tells the whole commit it was built from"
    if commit_in(seen.labels) is not None:
        why = f"and its {label} is of another repository, as one that a base image hands down"
    way_out = BUILD_AGAIN
    if resolved.build.type is BuildType.EXTERNAL:
        way_out = f"Push it with {label}={commit}"
    return Halt(
        Reason.IMAGE_SOURCE_UNKNOWN,
        f"{_there(resolved, seen)}, {why}. It is neither used nor overwritten.",
        way_out,
    )
