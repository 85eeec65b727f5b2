"""Whether an Application runs the image of a release, by what its Pod specs say."""

from datetime import timedelta

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import OlderImages
from album_operator.domain.images import in_full, is_same_image
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.release import EditValue, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Wait

LOOK = timedelta(seconds=10)
"""How often an Application is looked at when no event comes."""

MOST_NAMED = 3
"""How many of the Applications that another one renders a message names."""


def _pinned(record: Record, resolved: Resolved) -> str | None:
    """Give the image's digest where an edit pins it, so that only it proves the image."""
    if not any(edit.value is EditValue.DIGEST for edit in resolved.config.edits):
        return None
    return record.image.digest if record.image is not None else None


def wanted_image(record: Record, resolved: Resolved) -> str:
    """Give the reference that proves the image."""
    pinned = _pinned(record, resolved)
    return resolved.build.image if pinned is None else f"{resolved.build.image}@{pinned}"


def check(ref: Ref, seen: ApplicationSeen, record: Record, resolved: Resolved) -> Wait | None:
    """Wait until an Application runs the image of a release, and no older one of its repository."""
    wanted = wanted_image(record, resolved)
    same, ours, proof = _sort(seen, record, resolved)
    if not proof and (others := _pinned_elsewhere(same, resolved)):
        return Wait(
            Reason.SYNCING,
            f"Application {ref} runs {join_words(others)}: the tag of the release with another "
            f"digest than that of the image that was built, so it is another image. Find what pins "
            "it, and let an edit with value: Digest write it.",
            LOOK,
        )
    if not proof:
        return Wait(
            Reason.SYNCING if seen.images else Reason.IMAGE_NOT_OBSERVED,
            f"Application {ref} runs {join_words(seen.images) or 'no image'}, not {wanted}. "
            f"{_why_not(seen, wanted)}",
            LOOK,
        )
    older = [image for image in same if image not in ours]
    if older and resolved.argocd.older_images is OlderImages.REFUSE:
        return Wait(
            Reason.SYNCING,
            f"Application {ref} still runs {join_words(older)} beside {wanted}: a rollout that is "
            "not over; or Pods that have ended (evicted, of a CronJob), which Argo CD lists too: "
            "delete them, or have the pipeline take any other version beside ours for such "
            "(spec.argocd.olderImages: Ignore).",
            LOOK,
        )
    return None


def has_ours(seen: ApplicationSeen, record: Record, resolved: Resolved) -> bool:
    """Tell whether the image of a release is among those of an Application."""
    return bool(_sort(seen, record, resolved)[2])


def has_others(seen: ApplicationSeen, resolved: Resolved) -> bool:
    """Tell whether an Application has any image of a release's repository."""
    return any(is_same_image(image, resolved.build.image) for image in seen.images)


def _sort(
    seen: ApplicationSeen, record: Record, resolved: Resolved
) -> tuple[list[str], set[str], set[str]]:
    """Give an Application's images of our repository, those that may be ours, and the proof."""
    wanted, pinned = wanted_image(record, resolved), _pinned(record, resolved)
    same = [image for image in seen.images if is_same_image(image, wanted)]
    if pinned is None:
        ours = {image for image in same if _is_wanted(image, wanted, record)}
        return same, ours, ours
    # What a digest names is the same whatever the tag before it says.
    proof = {image for image in same if image.endswith(f"@{pinned}")}
    ours = proof | {image for image in same if in_full(image) == in_full(resolved.build.image)}
    return same, ours, proof


def _why_not(seen: ApplicationSeen, wanted: str) -> str:
    """Say why an Application may not show an image that runs."""
    if seen.renders:
        named = join_words(sorted(map(str, seen.renders))[:MOST_NAMED])
        return (
            f"It renders other Applications, such as {named}: the image runs in one of these, "
            "which has to be named beside it under spec.apps[].applications of the pipeline."
        )
    mirrored = [image for image in seen.images if wanted.endswith(_last_part(image))]
    if mirrored:
        return (
            "If that is the same image by a mirror, as a webhook of the cluster writes it, say so "
            "by spec.argocd.rewrittenRegistries of the pipeline."
        )
    return "Argo CD reads images from Pod specs: an app with 0 replicas or a CronJob shows none."


def _last_part(image: str) -> str:
    """Give the end of a reference that a mirror leaves as it is: the last of its path, and tag."""
    return f"/{image.rpartition('/')[2]}"


def _is_wanted(image: str, wanted: str, record: Record) -> bool:
    """Tell whether an image has our tag, and no digest but ours: that alone says what runs."""
    name, _, digest = in_full(image).partition("@")
    known = record.image.digest if record.image is not None else digest
    return name == in_full(wanted) and digest in ("", known)


def _pinned_elsewhere(images: list[str], resolved: Resolved) -> list[str]:
    """Give the images with our tag and some digest."""
    built = f"{in_full(resolved.build.image)}@"
    return [image for image in images if in_full(image).startswith(built)]
