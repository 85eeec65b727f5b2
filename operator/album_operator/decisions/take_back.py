"""Taking a release back that is not merged: what is to be written, and how that is told."""

from dataclasses import replace

from album_operator.domain.pull_requests import (
    TAKEN_BACK,
    TITLE_LENGTH,
    Gate,
    PullRequestSeen,
    PullRequestState,
    title_before,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName, StepState
from album_operator.domain.release import Delivery, Mode, OnDelete, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import (
    A,
    DisarmPullRequest,
    Done,
    GiveTitleBack,
    Halt,
    Verdict,
    WithdrawPullRequest,
)

OVER = frozenset({Reason.CANCELLED, Reason.SUPERSEDED})
"""How a release ended that has taken itself back."""

WAY_BACK = "To go back, create a release of the version before with spec.rollbackOf.name: {}."


def may_have_proposed(record: Record) -> bool:
    """Tell whether a branch or a pull request may be there, of this attempt or one before."""
    is_ready = record.step(StepName.IMAGE_READY).state is StepState.SUCCEEDED
    return record.attempt > 1 or is_ready


def leaves_proposal(release: Release, record: Record) -> bool:
    """Tell whether a deleted release may have left a proposal that its pipeline wants closed.

    Not so where it ended with its pull request closed: retention deletes such by hundreds.
    """
    resolved, seen = record.resolved, record.pull_request
    if record.is_finished and seen is not None and seen.state != PullRequestState.OPEN:
        return False
    if resolved is None or release.mode is not Mode.APPLY or record.reason in OVER:
        return False
    is_merged = record.step(StepName.MERGED).state is StepState.SUCCEEDED
    has_branch = resolved.config.delivery is Delivery.PULL_REQUEST
    is_wanted = resolved.policy.on_delete is OnDelete.CANCEL
    return has_branch and is_wanted and not is_merged and may_have_proposed(record)


def is_own(release: Release, seen: PullRequestSeen, head: str | None) -> bool:
    """Tell whether a pull request that no status names is a release's.

    Args:
        release: the release.
        seen: the one from its branch into its base.
        head: the release's commit that the branch is at, None where it is at none.
    """
    if seen.merged_at is not None:
        # A forge may have deleted its branch. One of before was another release's.
        return seen.merged_at >= release.created_at
    return head is not None and seen.head_sha == head


def give_title_back(seen: PullRequestSeen) -> GiveTitleBack | None:
    """Give the write that is due where a merge came before the close; None where none is.

    Whoever dies between the mark and the close, or the mark and taking it off, leaves it there.
    """
    before = title_before(seen.title)
    if seen.state is not PullRequestState.MERGED or before is None or seen.is_archived:
        return None
    return GiveTitleBack(seen.number, before)


def next_write(
    seen: PullRequestSeen | None, why: str
) -> DisarmPullRequest | WithdrawPullRequest | GiveTitleBack | None:
    """Give what is to be done with a release's pull request; None for nothing.

    The forge must not merge by itself what is about to be closed: that comes first.

    Args:
        seen: the pull request, None where there is none.
        why: what its readers are told, in Markdown.
    """
    if seen is None or seen.state is not PullRequestState.OPEN:
        return give_title_back(seen) if seen is not None else None
    gate = seen.gate or Gate()
    if gate.is_armed or gate.may_be_armed or gate.queue_position is not None:
        return DisarmPullRequest(seen.number)
    title = seen.title if seen.title.startswith(TAKEN_BACK) else f"{TAKEN_BACK}{seen.title}"
    return WithdrawPullRequest(seen.number, why, title[:TITLE_LENGTH])


def cancelled(release: Release) -> Halt:
    """End a release that a person cancelled; nothing of it is left to be merged."""
    what = f"tag {release.tag}" if release.tag is not None else f"{release.app} {release.version}"
    return Halt(
        Reason.CANCELLED,
        "The release was cancelled (spec.cancel) and has taken itself back; no retry changes that.",
        f"To release {what} after all, create another AlbumRelease of it",
        ending=".",
    )


def left_behind(release: Release, resolved: Resolved, record: Record, why: str) -> str:
    """Say what a deleted release leaves, which could not be taken back.

    Args:
        release: the release.
        resolved: what it did.
        record: what it had achieved.
        why: as a sentence.
    """
    config, seen = resolved.config, record.pull_request
    pull_request = f"pull request #{seen.number} ({seen.url})" if seen is not None else ""
    what = " and ".join(filter(None, [pull_request, f"branch {config.branch}"]))
    return (
        f"AlbumRelease {release.ref.name} was deleted, and {what} of {config.repository} may stay "
        f"behind: {why} Close and delete there what is not wanted."
    )


def tell_too_late(release: Release, verdict: Verdict[A]) -> Verdict[A]:
    """Say with a merge that it came before the release could be cancelled."""
    if not (release.cancel and isinstance(verdict, Done)):
        return verdict
    said = "That was before it could be taken back, so spec.cancel changes nothing."
    way_back = WAY_BACK.format(release.ref.name)
    return replace(verdict, message=f"{verdict.message} {said} {way_back}")
