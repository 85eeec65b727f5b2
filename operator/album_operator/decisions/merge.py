"""Merged: a reviewer, the forge or the operator merged the pull request."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from album_operator.decisions import retarget
from album_operator.decisions.hold import UNTIL_LIFTED
from album_operator.decisions.propose import BETWEEN_LOOKS, closed, to_record
from album_operator.decisions.take_back import give_title_back
from album_operator.domain.names import join_words
from album_operator.domain.pull_requests import (
    Checks,
    Fit,
    Gate,
    PullRequestSeen,
    PullRequestState,
    Review,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.record import PullRequestRecord, Record
from album_operator.domain.release import MergeMode
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import (
    Act,
    DisarmPullRequest,
    Done,
    Halt,
    MergeAction,
    MergePullRequest,
    OpenPullRequest,
    ProposeAction,
    PushBranch,
    Verdict,
    Wait,
    WithdrawPullRequest,
)

LOOK = timedelta(hours=1)
"""How often a release looks at its pull request by itself: the watch has its eye on all of them."""

UNDECIDED = timedelta(seconds=5)
"""Until the next look where the forge still looks for conflicts and we are to merge."""


HOLD_LABEL = "do-not-merge/hold"
"""Of a pull request that a person keeps from `merge: Auto`; Prow's word for it."""

NOT_MERGED = "Nothing had to be merged."


@dataclass(frozen=True)
class Waiting:
    """What a waiting pull request lacks, and what is to be done about it.

    Attributes:
        ready: reason of the release as a whole.
    """

    reason: Reason
    text: str
    ready: Reason = Reason.AWAITING_MERGE


def decide(
    record: Record, resolved: Resolved, seen: PullRequestSeen | None, now: datetime
) -> Verdict[MergeAction]:
    """Wait for the merge, merge, take the merge's commit, or accept a "no".

    Args:
        record: what the release achieved so far.
        resolved: what the release does.
        seen: the pull request; None where none was needed.
        now: the present time.
    """
    if seen is None:
        return Done(record, Reason.NO_CHANGE, NOT_MERGED)
    match seen.state:
        case PullRequestState.CLOSED:
            shown = to_record(seen, record.pull_request)
            return replace(closed(seen), record=replace(record, pull_request=shown))
        case _ if retarget.is_strange(record, resolved, seen):
            return retarget.strange(resolved, seen)
        case PullRequestState.MERGED if (write := give_title_back(seen)) is not None:
            message = f"Pull request #{seen.number} is merged; giving it its title back."
            return Act(write, Reason.MERGING, message)
        case PullRequestState.MERGED if retarget.is_elsewhere(resolved, seen):
            return retarget.merged_elsewhere(resolved, seen)
        case PullRequestState.MERGED:
            known = record.pull_request
            shown = replace(to_record(seen, None), seen_at=_not_before(known, now))
            return _merged(replace(record, pull_request=shown), seen)
        case PullRequestState.OPEN:
            return _open(record, resolved, seen, now)
        case _:
            assert_never(seen.state)


def needs_look(record: Record, resolved: Resolved, seen: PullRequestSeen | None) -> bool:
    """Tell whether the base must be looked at before a pull request is judged: `decide_again`."""
    if seen is None or seen.is_archived or retarget.is_strange(record, resolved, seen):
        return False
    if give_title_back(seen) is not None:
        return False
    is_merged = seen.state is PullRequestState.MERGED
    if is_merged or retarget.is_elsewhere(resolved, seen):
        return is_merged and retarget.is_elsewhere(resolved, seen)
    proposed = record.proposal.commit if record.proposal is not None else None
    conflicts = seen.gate is not None and seen.gate.fit is Fit.CONFLICT
    is_closed = seen.state is PullRequestState.CLOSED
    return is_closed or conflicts or not seen.has_branch or seen.head_sha != proposed


def decide_again(
    record: Record,
    resolved: Resolved,
    seen: PullRequestSeen,
    proposed: Verdict[ProposeAction],
    now: datetime,
) -> Verdict[MergeAction]:
    """Judge a pull request not merged into our base by what step Proposed finds there now.

    A conflict is mended by making the same edit on the new base; a branch that holds anything but
    such a commit of ours is somebody else's doing; a base that holds the value needs no merge.
    """
    is_open = seen.state is PullRequestState.OPEN
    match proposed:
        case Wait() | Halt(Reason.BASE_BRANCH_NOT_FOUND):
            return proposed
        case Done(reason=Reason.NO_CHANGE) if is_open:
            withdraw = WithdrawPullRequest(seen.number, f"{proposed.message} Closing this one.")
            message = f"Closing pull request #{seen.number}. {proposed.message}"
            return Act(withdraw, Reason.MERGING, message)
        case Done(reason=Reason.NO_CHANGE):
            shown = to_record(seen, record.pull_request)
            return replace(proposed, record=replace(proposed.record, pull_request=shown))
    if not is_open and seen.is_taken_back:
        return _propose_anew(proposed)
    if not is_open:
        return decide(record, resolved, seen, now)
    match proposed:
        case Act():
            return _propose_again(proposed, resolved, seen)
        case Halt(Reason.BRANCH_TAKEN):
            return _head_changed(record, seen)
        case Halt():
            return proposed
        case Done():
            return _on_our_commit(proposed.record, resolved, seen, now)
        case _:
            assert_never(proposed)


def _propose_anew(proposed: Verdict[ProposeAction]) -> Verdict[MergeAction]:
    """Propose once more what another release, or an earlier self, has taken back: no person did."""
    if not isinstance(proposed, Done):
        return proposed
    return Wait(
        Reason.AWAITING_MERGE,
        "The pull request was taken back, and another one takes its place.",
        timedelta(),
        proposed.record,
    )


def _propose_again(
    proposed: Act[ProposeAction], resolved: Resolved, seen: PullRequestSeen
) -> Act[MergeAction] | Halt:
    match proposed.action:
        case PushBranch(replaces=None):
            return _branch_deleted(resolved, seen)
        case PushBranch():
            message = f"{proposed.message[0].lower()}{proposed.message[1:]}"
            return replace(
                proposed,
                reason=Reason.MERGE_CONFLICT,
                message=f"Pull request #{seen.number} does not fit its base any more; {message}",
            )
        case OpenPullRequest():
            return proposed
        case _:
            assert_never(proposed.action)


def _on_our_commit(
    record: Record, resolved: Resolved, seen: PullRequestSeen, now: datetime
) -> Verdict[MergeAction]:
    ours = record.proposal.commit if record.proposal is not None else None
    if ours != seen.head_sha:
        return Wait(
            Reason.AWAITING_MERGE,
            f"Pull request #{seen.number} does not show yet what is on {resolved.config.branch}; "
            "looking again.",
            BETWEEN_LOOKS,
            record,
            is_poll=True,
            detail=Reason.MERGE_CONFLICT,
        )
    # The forge's word is older than its base: ours was made of what the base has now.
    gate = replace(seen.gate or Gate(), fit=Fit.UNKNOWN)
    return decide(record, resolved, replace(seen, gate=gate), now)


def _merged(record: Record, seen: PullRequestSeen) -> Done | Wait:
    if seen.merge_commit is None:
        return Wait(
            Reason.AWAITING_MERGE,
            f"Pull request #{seen.number} is merged; its merge commit is not known yet.",
            BETWEEN_LOOKS,
            record,
            is_poll=True,
        )
    who = f" by {seen.actor}" if seen.actor else ""
    return Done(
        replace(record, merged_commit=seen.merge_commit),
        Reason.SUCCEEDED,
        f"#{seen.number} was merged{who} as {seen.merge_commit[:12]}.",
    )


def _open(
    record: Record, resolved: Resolved, seen: PullRequestSeen, now: datetime
) -> Verdict[MergeAction]:
    config = resolved.config
    if seen.is_archived:
        return Halt(
            Reason.REPOSITORY_ARCHIVED,
            f"{config.repository} was archived, so pull request #{seen.number} cannot be merged.",
            "Take the repository out of the archive",
        )
    gate, after = seen.gate or Gate(), LOOK
    is_auto = config.pull_request.merge is MergeMode.AUTO
    if retarget.is_elsewhere(resolved, seen):
        if is_auto and (gate.is_armed or gate.may_be_armed):
            return retarget.disarm(resolved, seen)
        text = retarget.describe(resolved, seen)
        lacks = Waiting(Reason.BASE_CHANGED, text, ready=Reason.BASE_CHANGED)
        return _wait(record, seen, lacks, now, LOOK)
    held = _labelled(seen) or gate.held
    if is_auto and held is not None:
        return _hold(record, seen, replace(gate, held=held), now)
    if is_auto and not seen.is_draft:
        by_forge = gate.is_blocked or gate.fit is Fit.BEHIND
        if gate.fit is Fit.UNKNOWN:
            after = UNDECIDED
        elif not (by_forge and (gate.is_armed or _is_queued(gate))):
            merge = MergePullRequest(seen.number, seen.head_sha, by_forge=by_forge)
            how = "Letting the forge merge" if by_forge else "Merging"
            return Act(merge, Reason.MERGING, f"{how} pull request #{seen.number}: {seen.url}")
    return _wait(record, seen, _lacks(seen, gate), now, after)


def _labelled(seen: PullRequestSeen) -> str | None:
    """Say that a person holds a pull request by a label; forges tell no case apart in labels."""
    if HOLD_LABEL not in {label.casefold() for label in seen.labels}:
        return None
    return f"It has the label {HOLD_LABEL}. Take that away to go on."


def _hold(
    record: Record, seen: PullRequestSeen, gate: Gate, now: datetime
) -> Act[MergeAction] | Wait:
    """Merge nothing that a person holds, and keep the forge from it."""
    if gate.is_armed or gate.may_be_armed or _is_queued(gate):
        return Act(
            DisarmPullRequest(seen.number),
            Reason.HELD,
            f"Taking the automatic merge of pull request #{seen.number} back. {gate.held}",
        )
    lacks = Waiting(Reason.HELD, "is not merged by the operator", ready=Reason.HELD)
    held = _wait(record, seen, lacks, now, UNTIL_LIFTED)
    return replace(held, message=f"{held.message} {gate.held}")


def _wait(
    record: Record, seen: PullRequestSeen, lacks: Waiting, now: datetime, after: timedelta
) -> Wait:
    known = to_record(seen, record.pull_request)
    since = (known.waits_since if known.waits_for is lacks.reason else None) or now
    shown = replace(
        known, waits_for=lacks.reason, waits_since=since, seen_at=_not_before(known, now)
    )
    is_armed = seen.gate is not None and seen.gate.is_armed
    armed = " The forge merges it by itself then." if is_armed else ""
    return Wait(
        lacks.ready,
        f"Pull request #{seen.number} {lacks.text}: {seen.url} "
        f"(since {since:%Y-%m-%d %H:%M:%S} UTC).{armed}",
        after,
        replace(record, pull_request=shown),
        is_poll=True,
        detail=lacks.reason,
    )


def _not_before(known: PullRequestRecord | None, now: datetime) -> datetime:
    """Give the time of a look: not before that of the last one, whatever the clock did."""
    return max(now, (known.seen_at if known is not None else None) or now)


def _is_queued(gate: Gate) -> bool:
    return gate.queue_position is not None


def _lacks(seen: PullRequestSeen, gate: Gate) -> Waiting:
    """Say what the pull request waits for: first what only a person can do."""
    if seen.is_draft:
        return Waiting(Reason.DRAFT, "is a draft; mark it ready for review")
    if gate.queue_position is not None:
        return Waiting(Reason.QUEUED, f"is number {gate.queue_position} in the merge queue")
    if gate.review is Review.CHANGES_REQUESTED:
        return Waiting(Reason.CHANGES_REQUESTED, "has a review that asks for changes; answer it")
    if gate.checks is Checks.FAILING:
        names = f" ({join_words(gate.failing)})" if gate.failing else ""
        return Waiting(Reason.CHECKS_FAILING, f"has checks that fail{names}; mend or rerun them")
    if gate.review is Review.REQUIRED:
        return Waiting(Reason.REVIEW_REQUIRED, "waits for a review")
    if gate.checks is Checks.RUNNING:
        return Waiting(Reason.CHECKS_RUNNING, "waits for its checks")
    if gate.fit is Fit.BEHIND:
        return Waiting(Reason.BEHIND, "must be brought up to date with its base; update its branch")
    return Waiting(Reason.AWAITING_MERGE, "waits for a merge")


def _head_changed(record: Record, seen: PullRequestSeen) -> Halt:
    proposed = record.proposal.commit if record.proposal is not None else None
    return Halt(
        Reason.HEAD_CHANGED,
        f"Somebody changed the branch of pull request #{seen.number}: its head is "
        f"{seen.head_sha[:12]}, not the proposed one.",
        f"Put {proposed} back on the branch, or merge the pull request as it is",
    )


def _branch_deleted(resolved: Resolved, seen: PullRequestSeen) -> Halt:
    return Halt(
        Reason.BRANCH_DELETED,
        f"Somebody deleted branch {resolved.config.branch} of open pull request #{seen.number}: "
        f"{seen.url}.",
        "Restore the branch there, or close the pull request",
    )
