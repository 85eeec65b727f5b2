"""Proposed and Merged where delivery is `Commit`: one commit on the base branch itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from album_operator.decisions import edits
from album_operator.decisions.merge import NOT_MERGED
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ProposalRecord, Record
from album_operator.domain.release import Edit, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen
from album_operator.domain.verdict import Act, CommitAction, CommitToBase, Done, Verdict


@dataclass(frozen=True)
class CommitSeen:
    """What a look at the base branch found.

    Attributes:
        current: value at each edit's key.
        edited: new bytes of each file that changes, on the branch's present head.
        ours: the head, where it is exactly our commit.
    """

    config: ConfigSeen
    current: Mapping[Edit, str]
    edited: Mapping[str, bytes]
    ours: ProposalRecord | None = None


def decide(
    release: Release, record: Record, resolved: Resolved, seen: CommitSeen
) -> Verdict[CommitAction]:
    """Commit to the base branch, or take what it holds already.

    Whether a commit is due is asked twice: by the pass, and again by the write itself, on the very
    head that it pushes onto.
    """
    if not seen.edited:
        return _is_there(record, resolved, seen)
    halt = edits.check(release, resolved, seen.current)
    if halt is not None:
        return halt
    return Act(
        CommitToBase(),
        Reason.PROPOSING,
        f"Committing to {resolved.config.branch} of {resolved.config.repository}.",
    )


def _committed(proposal: ProposalRecord) -> str:
    """Say that a commit is on the base branch."""
    return (
        f"Committed to {proposal.branch} as {(proposal.commit or '')[:12]}; no pull request was "
        "needed."
    )


def _is_there(record: Record, resolved: Resolved, seen: CommitSeen) -> Done:
    ours = seen.ours or record.proposal
    if ours is not None:
        record = replace(record, proposal=ours, merged_commit=ours.commit)
        return Done(record, Reason.SUCCEEDED, _committed(ours))
    config = resolved.config
    record = replace(
        record,
        proposal=ProposalRecord(config.branch, None, ""),
        merged_commit=seen.config.base_commit,
    )
    return Done(
        record,
        Reason.NO_CHANGE,
        f"Branch {config.branch} of {config.repository} already holds {resolved.version}; no "
        "commit was needed.",
        also=NOT_MERGED,
    )
