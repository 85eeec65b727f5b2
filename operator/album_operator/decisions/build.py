"""ImageReady: the image is there already, or its build Jobs exist, ran, and pushed it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from album_operator.decisions import build_checks, build_part, build_platforms, further_tags, image
from album_operator.decisions.build_engine import check_engine
from album_operator.decisions.build_look import Look, PartLook
from album_operator.decisions.build_pod import check_pod
from album_operator.domain.build_parts import WHOLE, parts_of
from album_operator.domain.build_pod import SAFE_RULES, PodRules
from album_operator.domain.builds import BuildKitMode
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.release import BuildType, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import BuildAction, Done, Halt, SubmitBuild, Verdict


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
    has_job = build_platforms.has_job(record, seen.parts)
    if seen.tagged is not None and not has_job:
        judged = image.judge(resolved, seen.tagged, aliases)
        if isinstance(judged, Halt):
            return judged
        record = replace(record, build=None)
        waiting = build_checks.wait(record, resolved, seen.checks, now)
        return waiting or further_tags.place(record, resolved, judged, seen.standing, aliases)
    if resolved.build.type is BuildType.EXTERNAL:
        return image.wait(record, resolved, now)
    refused = check_engine(resolved, buildkit) or check_pod(release, resolved, pods)
    if not has_job and any(look.is_due for look in seen.parts.values()):
        stopped = refused or build_checks.wait(record, resolved, seen.checks, now)
        if stopped is not None:
            return stopped
    decide_part = partial(build_part.decide, release, now=now, buildkit=buildkit, aliases=aliases)
    verdicts = _decide_parts(record, resolved, seen, refused, decide_part)
    if WHOLE in verdicts:
        return verdicts[WHOLE]
    return build_platforms.join(record, resolved, seen, verdicts, aliases)


def _decide_parts(
    record: Record,
    resolved: Resolved,
    seen: Look,
    refused: Halt | None,
    decide_part: Callable[[Record, Resolved, PartLook], Verdict[SubmitBuild]],
) -> Mapping[str, Verdict[SubmitBuild]]:
    """Decide of each Job by itself; none that an admin does not allow by now is begun."""
    parts = parts_of(resolved)
    verdicts: dict[str, Verdict[SubmitBuild]] = {}
    for platform, look in seen.parts.items():
        own = build_platforms.as_part(record, platform)
        verdict = decide_part(own, parts[platform], look)
        verdicts[platform] = refused if refused is not None and look.is_due else verdict
    return verdicts
