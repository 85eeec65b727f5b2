"""Whether a pull request may be merged, and in what words GitHub says that it may not."""

from __future__ import annotations

from typing import Literal

from testbed.github.model import (
    ROLES,
    CheckRun,
    Protection,
    PullRequest,
    Repository,
    Review,
    Status,
)

Rollup = Literal["SUCCESS", "PENDING", "FAILURE", "ERROR"]
ReviewDecision = Literal["APPROVED", "CHANGES_REQUESTED", "REVIEW_REQUIRED"]
MergeState = Literal["BEHIND", "BLOCKED", "CLEAN", "DIRTY", "DRAFT", "UNKNOWN", "UNSTABLE"]

# Conclusions that do not stand in the way of a merge (docs.github.com, About status checks).
_GOOD = {"success", "neutral", "skipped"}


def find_protection(pull: PullRequest) -> Protection:
    """Give what the base branch asks for."""
    return pull.repository.find_protection(pull.base_ref) or Protection()


def find_latest_statuses(repository: Repository, sha: str) -> list[Status]:
    """Give the newest status of each context."""
    return list({each.context: each for each in repository.statuses.get(sha, ())}.values())


def find_latest_checks(repository: Repository, sha: str) -> list[CheckRun]:
    """Give the newest check run of each name."""
    return list({each.name: each for each in repository.checks.get(sha, ())}.values())


def find_states(repository: Repository, sha: str) -> dict[str, Rollup]:
    """Give the state of each context and check run of a commit."""
    states: dict[str, Rollup] = {}
    for status in find_latest_statuses(repository, sha):
        upper: dict[str, Rollup] = {
            "error": "ERROR",
            "failure": "FAILURE",
            "pending": "PENDING",
            "success": "SUCCESS",
        }
        states[status.context] = upper[status.state]
    for check in find_latest_checks(repository, sha):
        if check.conclusion is None:
            states[check.name] = "PENDING"
        else:
            states[check.name] = "SUCCESS" if check.conclusion in _GOOD else "FAILURE"
    return states


def roll_up(repository: Repository, sha: str) -> Rollup | None:
    """Give the state of all of a commit's checks as one, or None where there are none."""
    states = set(find_states(repository, sha).values())
    worst: tuple[Rollup, ...] = ("ERROR", "FAILURE", "PENDING", "SUCCESS")
    return next((state for state in worst if state in states), None)


def find_latest_reviews(pull: PullRequest) -> list[Review]:
    """Give the newest review of each person that says yes or no."""
    telling = [each for each in pull.reviews if each.state != "COMMENTED"]
    return list({each.user.login: each for each in telling}.values())


def decide_review(pull: PullRequest) -> ReviewDecision | None:
    """Decide where the reviews stand; None where the base branch asks for none."""
    needed = find_protection(pull).approvals
    if needed == 0:
        return None
    states = [
        review.state
        for review in find_latest_reviews(pull)
        if may_write(pull.repository, review) and review.state != "DISMISSED"
    ]
    if "CHANGES_REQUESTED" in states:
        return "CHANGES_REQUESTED"
    return "APPROVED" if states.count("APPROVED") >= needed else "REVIEW_REQUIRED"


def may_write(repository: Repository, review: Review) -> bool:
    """Say whether a review is of somebody whose reviews count."""
    role = repository.find_role(review.user)
    return role is not None and ROLES.index(role) >= ROLES.index("write")


def find_unmet_requirements(pull: PullRequest) -> list[str]:
    """Say what of the branch protection is not met, in GitHub's sentences."""
    unmet = []
    match decide_review(pull):
        case "REVIEW_REQUIRED":
            needed = find_protection(pull).approvals
            reviews = "approving review is" if needed == 1 else "approving reviews are"
            unmet.append(f"At least {needed} {reviews} required by reviewers with write access.")
        case "CHANGES_REQUESTED":
            unmet.append("Changes have been requested.")
    return unmet + _find_unmet_checks(pull)


def _find_unmet_checks(pull: PullRequest) -> list[str]:
    required = find_protection(pull).checks
    states = find_states(pull.repository, pull.head_sha)
    missing = [name for name in required if states.get(name) != "SUCCESS"]
    if len(missing) > 1:
        return [f"{len(missing)} of {len(required)} required status checks are expected."]
    for name in missing:
        match states.get(name):
            case None:
                return [f'Required status check "{name}" is expected.']
            case "PENDING":
                return [f'Required status check "{name}" is pending.']
            case _:
                return [f'Required status check "{name}" is failing.']
    return []


def is_behind(pull: PullRequest) -> bool:
    """Say whether the base branch asks for a head that contains it, and this one does not."""
    if not find_protection(pull).is_strict:
        return False
    return not pull.repository.git.is_ancestor(pull.base_sha, pull.head_sha)


def decide_merge_state(pull: PullRequest) -> MergeState:
    """Decide what GitHub shows beside the merge button."""
    if pull.tested != (pull.head_sha, pull.base_sha):
        return "UNKNOWN"
    if not pull.is_mergeable:
        return "DIRTY"
    if pull.is_draft:
        return "DRAFT"
    if find_unmet_requirements(pull):
        return "BLOCKED"
    if is_behind(pull):
        return "BEHIND"
    is_fine = roll_up(pull.repository, pull.head_sha) in (None, "SUCCESS")
    return "CLEAN" if is_fine else "UNSTABLE"
