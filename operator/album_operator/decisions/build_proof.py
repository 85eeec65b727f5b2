"""ImageReady: what a build that succeeded has pushed, by the registry's word or the builder's."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from album_operator.decisions.image import whose
from album_operator.domain.builds import BuildSeen, LastWords
from album_operator.domain.image_labels import Kin, kin_of
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, ImageRecord, Record
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Done, Halt, Wait

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

IMPOSSIBLE = {
    # kaniko 1.28.3 wrote it once after a push that went through: its hash was never set.
    f"sha256:{'0' * 64}": "which is no hash at all",
    f"sha256:{hashlib.sha256(b'').hexdigest()}": "which is the hash of nothing",
}
"""Digests of the right form that no image has, and why."""

UNTIL_SHOWN = timedelta(seconds=60)
"""How long after a build its registry may not show yet what it has taken."""

SHOWN_LOOK = timedelta(seconds=5)


@dataclass(frozen=True)
class Pushed:
    """What a registry has after a build.

    Attributes:
        tagged: the image under the tag.
        named: the one with the digest that the builder left, where the tag has another or none.
    """

    tagged: ImageSeen | None
    named: ImageSeen | None = None


def word_of(seen: BuildSeen, tagged: ImageSeen | None = None) -> str | None:
    """Give the digest the builder left, be it possible or not; None where it left none.

    Whoever may create Pods can let one claim to be the Job's: of several digests the one counts
    that the registry has under the tag, then the first.
    """
    texts = [words.text.strip() for words in seen.last_words]
    digests = sorted(text for text in texts if DIGEST.fullmatch(text))
    if tagged is not None and tagged.digest in digests:
        return tagged.digest
    return digests[0] if digests else None


def prove_by_registry(
    record: Record, resolved: Resolved, seen: BuildSeen, pushed: Pushed, now: datetime
) -> Done | Wait | Halt:
    """Compare what the builder said with what the registry has, whose word it is that counts.

    Args:
        record: what the release achieved, with the build.
        resolved: what it does.
        seen: its Job, which succeeded.
        pushed: what the registry has.
        now: the time.
    """
    tagged = pushed.tagged
    word = word_of(seen, tagged)
    if tagged is None:
        return _missing(resolved, seen, pushed, word, now)
    is_ours = kin_of(resolved, tagged.labels) is Kin.OURS
    if is_ours and word in {None, tagged.digest}:
        note = "" if word else f" The registry tells, for {_why_no_digest(seen.last_words)}."
        return _done(record, resolved, tagged, ImageOrigin.BUILT, note)
    is_named_ours = pushed.named is not None and kin_of(resolved, pushed.named.labels) is Kin.OURS
    if is_ours and is_named_ours:
        note = (
            f" Another build of this commit has put the tag there since that of Job {seen.job}, "
            f"which is {word}."
        )
        return _done(record, resolved, tagged, ImageOrigin.REUSED, note)
    return _mismatch(resolved, seen, tagged, pushed.named, word)


def prove_by_builder(
    release: Release, record: Record, resolved: Resolved, seen: BuildSeen
) -> Done | Halt:
    """Believe the builder, if all of its Pods say the same: the registry is not asked."""
    texts = {words.text.strip() for words in seen.last_words}
    text = texts.pop() if len(texts) == 1 else ""
    if DIGEST.fullmatch(text) and text not in IMPOSSIBLE:
        return _done(record, resolved, ImageSeen(text, {}), ImageOrigin.BUILT, "")
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


def _done(
    record: Record, resolved: Resolved, seen: ImageSeen, origin: ImageOrigin, note: str
) -> Done:
    image = ImageRecord(resolved.build.image, seen.digest, resolved.source.commit, origin)
    message = f"{image.reference}@{image.digest}"
    return Done(
        replace(record, image=image), Reason.SUCCEEDED, f"{message}.{note}" if note else message
    )


def _missing(
    resolved: Resolved, seen: BuildSeen, pushed: Pushed, word: str | None, now: datetime
) -> Wait | Halt:
    """Wait a moment for a registry that does not show yet what it has taken."""
    image, until = resolved.build.image, (seen.finished_at or now - UNTIL_SHOWN) + UNTIL_SHOWN
    if now < until:
        return Wait(
            Reason.BUILDING,
            f"Job {seen.job} succeeded, and the registry does not show {image} yet. It is asked "
            f"until {until:%H:%M:%S} UTC.",
            SHOWN_LOOK,
            is_poll=True,
        )
    if pushed.named is not None:
        why = (
            f"{_left(seen, word)}, which the registry has, but not under the tag: somebody has "
            "deleted that since"
        )
    elif word is not None:
        why = f"{_left(seen, word)}, and the registry has no such image and none under the tag"
    else:
        why = f"{_why_no_digest(seen.last_words)}, and the registry has no image under the tag"
    return Halt(
        Reason.IMAGE_MISMATCH,
        f"Job {seen.job} succeeded without {image} being there: {why}.",
        f"Look at the registry, and {SET_RETRY} to build again",
        ending=".",
    )


def _mismatch(
    resolved: Resolved,
    seen: BuildSeen,
    tagged: ImageSeen,
    named: ImageSeen | None,
    word: str | None,
) -> Halt:
    """Tell a builder that lies from a tag that was moved."""
    image = resolved.build.image
    there = f"under {image} the registry has {tagged.digest}, an image {whose(tagged)}"
    if kin_of(resolved, tagged.labels) is Kin.OURS:
        return Halt(
            Reason.IMAGE_MISMATCH,
            f"Job {seen.job} succeeded, but {_left(seen, word)}, and {there} and no other. "
            "Something in the build's Pod has written the termination message, such as a process "
            "that a step of the Dockerfile left behind.",
            f"Mend the Dockerfile and release another version; or {SET_RETRY} to take what the "
            "registry has",
            ending=".",
        )
    said = _left(seen, word) if word is not None else _why_no_digest(seen.last_words)
    if word not in {None, tagged.digest}:
        said += f", which is {'there without the tag' if named is not None else 'not there'}"
    return Halt(
        Reason.IMAGE_MISMATCH,
        f"Job {seen.job} succeeded, but {said}, and {there}. So somebody else has pushed it.",
        "Find out who pushes to that tag, and delete it in the registry to have it built again",
    )


def _left(seen: BuildSeen, word: str | None) -> str:
    """Say which Pod left a digest."""
    pod = next((each.pod for each in seen.last_words if each.text.strip() == word), "")
    why = f", {IMPOSSIBLE[word]}" if word in IMPOSSIBLE else ""
    return f"Pod {pod} left the digest {word}{why}"


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
