"""Proposed: the change is a commit on the release branch with a pull request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from album_operator.decisions import edits
from album_operator.decisions.preflight import check_config, check_free, taken
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ProposalRecord, PullRequestRecord, Record
from album_operator.domain.release import Edit, EditValue, PullRequestWish, Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen, ConfigSeen
from album_operator.domain.verdict import (
    Act,
    Done,
    Halt,
    OpenPullRequest,
    ProposeAction,
    PushBranch,
    Verdict,
    Wait,
)

BETWEEN_LOOKS = timedelta(seconds=1)
"""Until the next look, when forge and repository, asked one after the other, did not agree."""


@dataclass(frozen=True)
class ProposeSeen:
    """What a look at the config repository found.

    Attributes:
        current: value at each edit's key on the base branch.
        edited: new bytes of each file that changes, on the base branch's present head.
        branch_is_ours: the release branch holds exactly our commit on some base.
        branch_diff: unified diff of that commit.
        pull_request: the pull request from the release branch, open preferred.
        merge_is_in_base: the base as seen descends from that pull request's merge.
    """

    config: ConfigSeen
    current: Mapping[Edit, str]
    edited: Mapping[str, bytes]
    branch_is_ours: bool
    branch_diff: str
    pull_request: PullRequestSeen | None
    merge_is_in_base: bool = False


def decide(
    release: Release, record: Record, resolved: Resolved, seen: ProposeSeen
) -> Verdict[ProposeAction]:
    """Push the branch, open the pull request, or take what is there already."""
    halt = check_config(resolved, seen.config)
    if halt is not None:
        return halt
    pull_request = seen.pull_request
    if not seen.edited:
        return _nothing_to_change(record, resolved, seen, pull_request)
    if pull_request is not None and is_refused(pull_request):
        return closed(pull_request)
    halt = edits.check(release, resolved, seen.current)
    if halt is not None:
        return halt
    branch = seen.config.branch
    if branch is None:
        return check_free(resolved, seen.config, is_ours=False) or _push(resolved, seen, None)
    if not seen.branch_is_ours:
        return taken(resolved, branch, pull_request)
    return _on_our_branch(record, resolved, seen, branch)


def is_ours(
    branch: BranchSeen, expected: Mapping[str, bytes] | None, message: str, author: tuple[str, str]
) -> bool:
    """Tell whether a branch holds exactly the commit we would make on its parent.

    Args:
        branch: the release branch.
        expected: new bytes of each file our edit changes on the branch's parent, None where the
            edit is not possible there.
        message: the commit message we would write.
        author: name and address we would write.
    """
    return (
        expected is not None
        and branch.message.strip() == message.strip()
        and (branch.author_name, branch.author_email) == author
        and branch.changed_paths == frozenset(expected)
        and all(branch.files.get(path) == data for path, data in expected.items())
    )


def _on_our_branch(
    record: Record, resolved: Resolved, seen: ProposeSeen, branch: BranchSeen
) -> Verdict[ProposeAction]:
    """Bring the branch to the present base where it has to be, and let it have its pull request."""
    pull_request = seen.pull_request
    if pull_request is not None and _is_merge_of(pull_request, branch):
        return _merged_before(resolved, pull_request, seen)
    if branch.parent_files != seen.config.files:
        return _push(resolved, seen, branch)
    if (
        pull_request is None
        or pull_request.state is not PullRequestState.OPEN
        or _lacks(resolved.config.pull_request, pull_request)
    ):
        return Act(
            OpenPullRequest(seen.branch_diff, _version(seen.current)),
            Reason.PROPOSING,
            f"Opening the pull request for {resolved.config.branch}.",
        )
    if pull_request.head_sha != branch.commit:
        return Wait(
            Reason.PROPOSING,
            f"Pull request #{pull_request.number} does not show what is on "
            f"{resolved.config.branch} yet; looking again.",
            BETWEEN_LOOKS,
        )
    return _proposed(record, resolved, seen, pull_request)


def _version(current: Mapping[Edit, str]) -> str | None:
    versions = [
        edits.version_in(edit, value)
        for edit, value in current.items()
        if edit.value is EditValue.TAG
    ]
    return versions[0] if versions else None


def _lacks(wish: PullRequestWish, seen: PullRequestSeen) -> bool:
    """Tell whether we died between opening a pull request and adding all that belongs to it.

    Forges compare the names of users and labels without regard to case.
    """
    pairs = [
        (wish.labels, seen.labels),
        (wish.reviewers, seen.reviewers),
        (wish.assignees, seen.assignees),
    ]
    return any(
        {name.casefold() for name in wanted} - {name.casefold() for name in there}
        for wanted, there in pairs
    ) or (wish.milestone is not None and seen.milestone != wish.milestone)


def is_refused(pull_request: PullRequestSeen) -> bool:
    """Tell whether a person closed a pull request, and not its own release."""
    is_closed = pull_request.state is PullRequestState.CLOSED
    return is_closed and not pull_request.is_taken_back


def closed(pull_request: PullRequestSeen) -> Halt:
    """End a release whose pull request a person closed: a "no" is final.

    GitHub reopens none whose branch is gone or holds anything that does not go on from its head;
    it and Gitea keep that head as `refs/pull/<number>/head`.
    """
    number, branch = pull_request.number, pull_request.head
    who = f" by {pull_request.actor}" if pull_request.actor else ""
    put_back = (
        f" (where the forge refuses that, put its branch back first: git fetch origin "
        f"refs/pull/{number}/head && git push --force origin FETCH_HEAD:refs/heads/{branch})"
    )
    return Halt(
        Reason.PULL_REQUEST_CLOSED,
        f"Pull request #{number} was closed{who} without a merge: {pull_request.url}.",
        f"Reopen it{put_back if branch else ''}",
        ending=f" and {SET_RETRY} if it shall be released after all.",
    )


def _nothing_to_change(
    record: Record, resolved: Resolved, seen: ProposeSeen, pull_request: PullRequestSeen | None
) -> Done:
    if pull_request is not None and pull_request.state is PullRequestState.MERGED:
        return _proposed(record, resolved, seen, pull_request)
    proposal = ProposalRecord(resolved.config.branch, None, "")
    record = replace(record, proposal=proposal, merged_commit=seen.config.base_commit)
    return Done(
        record,
        Reason.NO_CHANGE,
        f"Branch {resolved.config.base_branch} of {resolved.config.repository} already holds "
        f"{resolved.version}; no pull request was needed.",
    )


def _push(resolved: Resolved, seen: ProposeSeen, replaced: BranchSeen | None) -> Act[PushBranch]:
    """Create the branch, or make it anew where our commit on it was made of other bytes.

    A commit whose parent had the edited files as the base has them now is left alone: it says the
    same, and to follow a base that others push to would push without end.
    """
    # check_config, asked before, has refused a missing base.
    base = seen.config.base_commit or ""
    if replaced is None:
        push, again = PushBranch(base, seen.edited, before=_version(seen.current)), ""
    else:
        push = PushBranch(base, seen.edited, replaces=replaced.commit)
        again = " again, on the base branch as it is now"
    return Act(
        push,
        Reason.PROPOSING,
        f"Pushing {resolved.config.branch} to {resolved.config.repository}{again}.",
    )


def _is_merge_of(pull_request: PullRequestSeen, branch: BranchSeen) -> bool:
    merged = pull_request.state is PullRequestState.MERGED
    return merged and pull_request.head_sha == branch.commit


def _merged_before(
    resolved: Resolved, pull_request: PullRequestSeen, seen: ProposeSeen
) -> Wait | Halt:
    """Tell a merge between our two looks from one whose change was taken back since."""
    if not seen.merge_is_in_base:
        return Wait(
            Reason.PROPOSING,
            f"Pull request #{pull_request.number} was merged just now; looking again.",
            BETWEEN_LOOKS,
        )
    return Halt(
        Reason.BRANCH_TAKEN,
        f"Branch {resolved.config.branch} of {resolved.config.repository} holds the commit of "
        f"pull request #{pull_request.number}, which was merged and whose change was taken back "
        "since.",
        "To propose it anew, delete the branch",
    )


def _proposed(
    record: Record, resolved: Resolved, seen: ProposeSeen, pull_request: PullRequestSeen
) -> Done:
    known = record.proposal
    branch = seen.config.branch
    if branch is not None and seen.branch_is_ours:
        # Not the pull request's head: a push between the two looks would pass for our commit.
        commit, diff = branch.commit, seen.branch_diff
    else:
        commit, diff = pull_request.head_sha, known.diff if known is not None else ""
    return Done(
        replace(
            record,
            proposal=ProposalRecord(resolved.config.branch, commit, diff),
            pull_request=to_record(pull_request, record.pull_request),
        ),
        Reason.SUCCEEDED,
        f"#{pull_request.number} {resolved.config.branch}: {pull_request.url}",
    )


def to_record(seen: PullRequestSeen, known: PullRequestRecord | None) -> PullRequestRecord:
    """Keep what the status shows of a pull request, and what is known of its wait."""
    is_same = known is not None and known.number == seen.number
    before = known if is_same and seen.state is PullRequestState.OPEN else None
    return PullRequestRecord(
        number=seen.number,
        url=seen.url,
        state=seen.state,
        head_sha=seen.head_sha,
        merge_commit=seen.merge_commit,
        merged_at=seen.merged_at,
        waits_for=before.waits_for if before is not None else None,
        waits_since=before.waits_since if before is not None else None,
    )
