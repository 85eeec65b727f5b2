"""ImageReady: the images of several platforms, each built by a Job of its own, become one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from album_operator.decisions import further_tags
from album_operator.decisions.build_look import Look, PartLook
from album_operator.decisions.build_troubles import KEEPS_TRYING
from album_operator.decisions.image import whose
from album_operator.domain.build_parts import WHOLE, parts_of
from album_operator.domain.hosts import HostAliases
from album_operator.domain.image_labels import Kin, kin_of
from album_operator.domain.names import join_words
from album_operator.domain.reasons import TRANSIENT, Reason
from album_operator.domain.record import (
    BuildRecord,
    Failure,
    ImageOrigin,
    ImageRecord,
    PlatformRecord,
    Record,
    StepName,
)
from album_operator.domain.registry import ImageSeen
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import (
    Act,
    Done,
    Halt,
    PutIndex,
    PutTags,
    SubmitBuild,
    Verdict,
    Wait,
)

Verdicts = Mapping[str, Verdict[SubmitBuild]]
"""What is decided of each platform that was looked at."""

Found = Mapping[str, PlatformRecord]
"""What is known of each platform."""


def proved(record: Record) -> dict[str, PlatformRecord]:
    """Give the platforms whose image is known to be there, by name."""
    known = record.build.platforms if record.build is not None else ()
    return {each.platform: each for each in known if each.digest is not None}


def has_job(record: Record, parts: Mapping[str, PartLook]) -> bool:
    """Tell whether the release has built anything itself, in this attempt."""
    is_known = any(each.job is not None for each in proved(record).values())
    return is_known or any(look.own is not None for look in parts.values())


def is_pushed(record: Record, resolved: Resolved, parts: Mapping[str, PartLook]) -> bool:
    """Tell whether the images of several platforms are there, so that the whole may be."""
    done, wanted = proved(record), parts_of(resolved)
    return WHOLE not in wanted and all(
        name in done or (name in parts and parts[name].is_pushed) for name in wanted
    )


def as_part(record: Record, platform: str) -> Record:
    """Give a record whose step says what was said of one platform, as that of its only Job."""
    if platform == WHOLE:
        return record
    step = record.step(StepName.IMAGE_READY)
    own = _said_of(platform, step.message)
    reason = Reason.BUILDING
    if KEEPS_TRYING in own:
        # That of another platform, where more than one is kept from running.
        reason = step.reason if step.reason in TRANSIENT else Reason.POD_NOT_STARTED
    own_step = replace(step, reason=reason, message=own)
    steps = (own_step if known.name is step.name else known for known in record.steps)
    return replace(record, steps=tuple(steps))


def join(
    record: Record, resolved: Resolved, seen: Look, verdicts: Verdicts, aliases: HostAliases
) -> Done | Act[SubmitBuild | PutIndex | PutTags] | Wait | Halt:
    """Make one verdict of those of all platforms, and one image of their images.

    Args:
        record: what the release achieved so far.
        resolved: what it does.
        seen: what was looked at.
        verdicts: of each platform that was looked at.
        aliases: which hosts are one, as an admin tells.
    """
    halts = {name: each for name, each in verdicts.items() if isinstance(each, Halt)}
    waits = {name: each for name, each in verdicts.items() if isinstance(each, Wait)}
    found = _found(record, resolved, seen, verdicts)
    record = _noted(record, resolved, seen, found, next(iter(halts), None))
    if halts:
        running = [name for name in waits if seen.parts[name].own is not None]
        return _wait_for_end(record, halts, waits, running) if running else _failed(record, halts)
    for verdict in verdicts.values():
        if isinstance(verdict, Act):
            return verdict
    if waits:
        return _wait(record, waits)
    images = tuple(sorted(each.digest for each in found.values() if each.digest is not None))
    return _make_one(record, resolved, seen, images, aliases)


def _found(record: Record, resolved: Resolved, seen: Look, verdicts: Verdicts) -> Found:
    """Tell which Job builds what, and which images are proved."""
    known = proved(record)
    found = {}
    for platform in resolved.build.platforms:
        job = seen.parts.get(platform, PartLook()).own
        own = PlatformRecord(platform, job.job if job is not None else None)
        verdict = verdicts.get(platform)
        if isinstance(verdict, Done) and verdict.record.image is not None:
            own = replace(own, digest=verdict.record.image.digest)
        found[platform] = known.get(platform, own)
    return found


def _noted(
    record: Record, resolved: Resolved, seen: Look, found: Found, failed: str | None
) -> Record:
    """Note what was found; where this attempt builds nothing itself, there is no build to tell."""
    named = _named(found, failed)
    if named is None:
        return replace(record, build=None)
    build = BuildRecord(named, resolved.build.type, platforms=tuple(found.values()))
    return replace(record, build=_timed(build, record.build, seen))


def _named(found: Found, failed: str | None) -> str | None:
    """Choose the Job that stands for all: that which failed, is not done, or was the last."""
    if failed is not None and found[failed].job is not None:
        return found[failed].job
    jobs = [each for each in found.values() if each.job is not None]
    open_ones = [each.job for each in jobs if each.digest is None]
    return (open_ones or [each.job for each in jobs[-1:]] or [None])[0]


def _timed(build: BuildRecord, before: BuildRecord | None, seen: Look) -> BuildRecord:
    """Note when the first Job began, and when the last one ended, once all have."""
    jobs = [look.own for look in seen.parts.values() if look.own is not None]
    begun = [job.started_at for job in jobs] + [before.started_at if before else None]
    ended = [job.finished_at for job in jobs]
    started_at = min((time for time in begun if time is not None), default=None)
    finished_at = before.finished_at if before else None
    if jobs:
        is_over = all(build.digest is not None for build in build.platforms)
        finished_at = max((time for time in ended if time), default=None) if is_over else None
    return replace(build, started_at=started_at, finished_at=finished_at)


def _said_of(platform: str, message: str) -> str:
    return message.partition(f"{platform}: ")[2].partition(" linux/")[0]


def _say(verdicts: Mapping[str, Wait] | Mapping[str, Halt]) -> str:
    return " ".join(f"{platform}: {each.message}" for platform, each in verdicts.items())


def _wait(record: Record, waits: Mapping[str, Wait]) -> Wait:
    """Wait for all of them: trouble gives the reason, and who is in line keeps its place."""
    reasons = [each.reason for each in waits.values()]
    done = proved(record)
    return Wait(
        min(reasons, key=lambda reason: (reason not in TRANSIENT, reason is Reason.QUEUED)),
        (f"There already: the image of {join_words(done)}. " if done else "") + _say(waits),
        min(each.retry_after for each in waits.values()),
        record,
        is_poll=all(each.is_poll for each in waits.values()),
        detail=Reason.QUEUED if Reason.QUEUED in reasons else None,
    )


def _wait_for_end(
    record: Record, halts: Mapping[str, Halt], waits: Mapping[str, Wait], running: Iterable[str]
) -> Wait:
    """Tell of a platform that failed while others build: what these push serves a retry."""
    first = next(iter(halts.values()))
    message = (
        f"{_say(halts)} The release stops with that once {join_words(running)} has ended too, "
        "whose image a retry uses."
    )
    retry_after = min(each.retry_after for each in waits.values())
    return Wait(first.reason, message, retry_after, record)


def _failed(record: Record, halts: Mapping[str, Halt]) -> Halt:
    """Name the platforms that failed; the first one's way out is told, and each in the misses."""
    platform, first = next(iter(halts.items()))
    each = (replace(halt, message=f"{name}: {halt.message}") for name, halt in halts.items())
    misses = tuple(each) if len(halts) > 1 else ()
    halt = replace(first, message=_say(halts), misses=misses)
    failure = first.failure or Failure(StepName.IMAGE_READY, first.reason, first.sentence)
    told = replace(failure, platform=platform, message=f"{platform}: {failure.message}")
    return replace(halt, failure=told, record=record)


def _make_one(
    record: Record,
    resolved: Resolved,
    seen: Look,
    images: tuple[str, ...],
    aliases: HostAliases,
) -> Done | Act[PutIndex | PutTags] | Halt:
    """Put the index, and prove by the registry that it is of these very images."""
    build, tagged = resolved.build, seen.tagged
    if tagged is None:
        message = f"Putting the index of {join_words(build.platforms)} under {build.image}."
        return Act(PutIndex(images), Reason.BUILDING, message)
    if kin_of(resolved, tagged.labels, aliases) is not Kin.OURS:
        return _not_ours(resolved, tagged, images)
    origin = ImageOrigin.REUSED
    if set(tagged.images) == set(images):
        origin = ImageOrigin.BUILT
    image = ImageRecord(build.image, tagged.digest, resolved.source.commit, origin)
    return further_tags.place(record, resolved, image, seen.standing, aliases)


def _not_ours(resolved: Resolved, tagged: ImageSeen, images: Iterable[str]) -> Halt:
    return Halt(
        Reason.IMAGE_MISMATCH,
        f"The images of {join_words(resolved.build.platforms)} are pushed ({join_words(images)}), "
        f"but under {resolved.build.image} the registry has {tagged.digest}, an image "
        f"{whose(tagged)}. So somebody else has pushed it.",
        "Find out who pushes to that tag, and delete it in the registry to have the index there",
    )
