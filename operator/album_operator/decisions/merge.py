"""Merged: a reviewer merged the pull request."""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from album_operator.decisions.commit import committed
from album_operator.decisions.propose import closed, to_record
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.seen import PullRequestSeen, PullRequestState
from album_operator.domain.verdict import Done, Halt, Verdict, Wait


def decide(record: Record, seen: PullRequestSeen | None, poll: timedelta) -> Verdict:
    """Wait for the merge, take its commit, or accept a "no".

    Args:
        record: what the release achieved so far.
        seen: the pull request; None where none was needed.
        poll: how often the forge is asked.
    """
    if seen is None:
        if record.proposal is not None and record.proposal.commit is not None:
            return Done(record, Reason.SUCCEEDED, committed(record.proposal))
        return Done(record, Reason.NO_CHANGE, "Nothing had to be merged.")
    known = replace(record, pull_request=to_record(seen))
    match seen.state:
        case PullRequestState.CLOSED:
            return closed(seen)
        case PullRequestState.MERGED:
            return _merged(known, seen, poll)
        case PullRequestState.OPEN:
            return _open(known, seen, poll)
        case _:
            assert_never(seen.state)


def _merged(record: Record, seen: PullRequestSeen, poll: timedelta) -> Done | Wait:
    if seen.merge_commit is None:
        return Wait(
            Reason.AWAITING_MERGE,
            f"Pull request #{seen.number} is merged; its merge commit is not known yet.",
            poll,
            record,
            is_poll=True,
        )
    who = f" by {seen.actor}" if seen.actor else ""
    return Done(
        replace(record, merged_commit=seen.merge_commit),
        Reason.SUCCEEDED,
        f"#{seen.number} was merged{who} as {seen.merge_commit[:12]}.",
    )


def _open(record: Record, seen: PullRequestSeen, poll: timedelta) -> Halt | Wait:
    proposed = record.proposal.commit if record.proposal else None
    if proposed is not None and seen.head_sha != proposed:
        return Halt(
            Reason.HEAD_CHANGED,
            f"Somebody changed the branch of pull request #{seen.number}: its head is "
            f"{seen.head_sha[:12]}, not the proposed one. Put {proposed} back on the branch, "
            "or merge the pull request as it is, then set the annotation album.dev/retry.",
        )
    return Wait(
        Reason.AWAITING_MERGE,
        f"Pull request #{seen.number} waits for a merge: {seen.url}",
        poll,
        record,
        is_poll=True,
    )
