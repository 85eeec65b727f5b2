"""Proposed and Merged where others do both: the commit that sets our value on the base branch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from album_operator.decisions import edits
from album_operator.decisions.image import next_look
from album_operator.decisions.merge import NOT_MERGED
from album_operator.decisions.overtaken import NAME_LENGTH
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ProposalRecord, Record, StepName
from album_operator.domain.redaction import head
from album_operator.domain.release import Edit, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigCommit
from album_operator.domain.verdict import Done, Halt, Wait


@dataclass(frozen=True)
class FollowSeen:
    """What a look at the base branch found.

    Attributes:
        head: its commit, 40 hex digits.
        current: value at each edit's key.
        is_there: all of them are ours.
        commit: since which they are, looked for where they are; None where that cannot be told.
    """

    head: str
    current: Mapping[Edit, str]
    is_there: bool
    commit: ConfigCommit | None = None


def decide(
    release: Release, record: Record, resolved: Resolved, seen: FollowSeen, now: datetime
) -> Done | Wait | Halt:
    """Wait until the base branch holds our value, whoever commits it."""
    config = resolved.config
    where = f"branch {config.base_branch} of {config.repository}"
    if not seen.is_there:
        halt = edits.check(release, resolved, seen.current)
        places = join_words(f"{edit.place} in {edit.path}" for edit in config.edits)
        since = record.step(StepName.PROPOSED).started_at
        return halt or Wait(
            Reason.AWAITING_COMMIT,
            f"The release goes on once a commit of others sets {places} to {resolved.version} on "
            f"{where} (spec.mode: Follow).",
            next_look(since, now),
            is_poll=True,
        )
    commit = seen.commit.sha if seen.commit is not None else seen.head
    by = f" by {head(seen.commit.author, NAME_LENGTH)}" if seen.commit is not None else ""
    record = replace(
        record,
        proposal=ProposalRecord(config.branch, commit, ""),
        merged_commit=commit,
    )
    message = f"Commit {commit[:12]}{by} has {resolved.version} on {where}."
    return Done(record, Reason.SUCCEEDED, message, also=NOT_MERGED)
