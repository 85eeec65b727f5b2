"""Pull requests as GitHub's GraphQL API shows them: with checks, reviews and merge state."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from album_operator.adapters.forge_answers import check_sane, reading
from album_operator.adapters.github.pulls import parse_moment
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import (
    Checks,
    Fit,
    Gate,
    PullRequestSeen,
    PullRequestState,
    Review,
)

BATCH = 50
"""Pull requests of one query; GitHub counts it as 2 points of 5,000 an hour."""

NAMES = 10
"""Most names of failing checks that are shown."""

CONTEXTS = 100
"""Checks that are read of a commit."""

FRAGMENT = """
fragment seen on PullRequest {
  number url title state isDraft headRefOid mergedAt
  headRefName isCrossRepository baseRefName
  headRef { name }
  mergeCommit { oid }
  mergedBy { login }
  timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) {
    nodes { ... on ClosedEvent { actor { login } } }
  }
  labels(first: 100) { nodes { name } }
  assignees(first: 100) { nodes { login } }
  reviewRequests(first: 100) { nodes { requestedReviewer { ... on User { login } } } }
  milestone { title }
  mergeable mergeStateStatus reviewDecision isMergeQueueEnabled
  autoMergeRequest { enabledAt }
  mergeQueueEntry { position }
  baseRef { refUpdateRule { requiredStatusCheckContexts } }
  commits(last: 1) { nodes { commit { statusCheckRollup {
    state
    contexts(first: 100) { nodes {
      ... on CheckRun { name conclusion }
      ... on StatusContext { context state }
    } }
  } } } }
}
"""

_STATES = {
    "OPEN": PullRequestState.OPEN,
    "CLOSED": PullRequestState.CLOSED,
    "MERGED": PullRequestState.MERGED,
}

_REVIEWS = {
    None: Review.NOT_REQUIRED,
    "APPROVED": Review.APPROVED,
    "CHANGES_REQUESTED": Review.CHANGES_REQUESTED,
    "REVIEW_REQUIRED": Review.REQUIRED,
}

_CHECKS = {
    "SUCCESS": Checks.PASSING,
    "FAILURE": Checks.FAILING,
    "ERROR": Checks.FAILING,
    "PENDING": Checks.RUNNING,
    "EXPECTED": Checks.RUNNING,
}

FAILED = frozenset(
    {"FAILURE", "ERROR", "CANCELLED", "TIMED_OUT", "ACTION_REQUIRED", "STARTUP_FAILURE"}
)

PASSED = frozenset({"SUCCESS", "NEUTRAL", "SKIPPED"})

_UNMET = frozenset({Review.REQUIRED, Review.CHANGES_REQUESTED})

_BLOCKED = frozenset({"BLOCKED", "BEHIND", "DIRTY", "DRAFT"})


@dataclass(frozen=True)
class _Checks:
    """What the checks of a head come to.

    Attributes:
        all: taken together.
        failing: names of those that failed.
        is_unmet: one that is required has not passed.
    """

    all: Checks
    failing: tuple[str, ...]
    is_unmet: bool


def render_query(numbers: Collection[int]) -> str:
    """Give the query for pull requests, each under the name `p` with its number."""
    each = " ".join(f"p{int(n)}: pullRequest(number: {int(n)}) {{ ...seen }}" for n in numbers)
    return (
        "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { "
        f"nameWithOwner url isArchived {each} }} }}{FRAGMENT}"
    )


def parse_pulls(
    place: ForgePlace, repository: Mapping[str, Any], numbers: Collection[int]
) -> dict[int, PullRequestSeen]:
    """Read the pull requests a query found.

    Raises:
        TransientError: one of them makes no sense.
    """
    found = {}
    for number in numbers:
        raw = repository.get(f"p{number}")
        if raw is not None:
            with reading(place, "a pull request has"):
                seen = _parse(raw, repository)
            found[number] = check_sane(place, seen)
    return found


def _parse(raw: Mapping[str, Any], repository: Mapping[str, Any]) -> PullRequestSeen:
    state = _STATES[raw["state"]]
    milestone = raw["milestone"]
    return PullRequestSeen(
        repository=str(repository["url"]),
        number=int(raw["number"]),
        url=str(raw["url"]),
        state=state,
        head_sha=str(raw["headRefOid"]),
        title=str(raw["title"]),
        head=None if raw["isCrossRepository"] else str(raw["headRefName"]),
        base=str(raw["baseRefName"]),
        merge_commit=str(raw["mergeCommit"]["oid"]) if state is PullRequestState.MERGED else None,
        merged_at=parse_moment(raw["mergedAt"]),
        actor=_actor(raw, state),
        labels=frozenset(_words(raw, "labels", "name")),
        reviewers=frozenset(_reviewers(raw)),
        assignees=frozenset(_words(raw, "assignees", "login")),
        milestone=str(milestone["title"]) if milestone else None,
        is_draft=bool(raw["isDraft"]),
        has_branch=raw["headRef"] is not None,
        is_archived=bool(repository["isArchived"]),
        gate=_gate(raw) if state is PullRequestState.OPEN else None,
    )


def _nodes(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Give what a connection holds; None where the token may not see it."""
    return [node for node in (raw[name] or {}).get("nodes") or () if node is not None]


def _words(raw: Mapping[str, Any], name: str, key: str) -> list[str]:
    return [str(node[key]) for node in _nodes(raw, name)]


def _reviewers(raw: Mapping[str, Any]) -> list[str]:
    asked = [node["requestedReviewer"] or {} for node in _nodes(raw, "reviewRequests")]
    # Teams have no login.
    return [str(who["login"]) for who in asked if "login" in who]


def _actor(raw: Mapping[str, Any], state: PullRequestState) -> str | None:
    """Give who merged or closed it; an account that was deleted has no name."""
    who = None
    if state is PullRequestState.MERGED:
        who = raw["mergedBy"]
    elif state is PullRequestState.CLOSED:
        who = next((node["actor"] for node in _nodes(raw, "timelineItems")), None)
    return str(who["login"]) if who else None


def _gate(raw: Mapping[str, Any]) -> Gate:
    merge_state, entry = str(raw["mergeStateStatus"]), raw["mergeQueueEntry"]
    review, checks = _REVIEWS[raw["reviewDecision"]], _parse_checks(raw)
    # A branch with a merge queue takes nothing but through it.
    waits_for_queue = bool(raw["isMergeQueueEnabled"]) and entry is None
    # While GitHub still looks for conflicts, it does not say what else there is.
    is_unmet = merge_state == "UNKNOWN" and (review in _UNMET or checks.is_unmet)
    return Gate(
        fit=_fit(str(raw["mergeable"]), merge_state),
        review=review,
        checks=checks.all,
        failing=checks.failing,
        is_blocked=bool(raw["isDraft"]) or merge_state in _BLOCKED or waits_for_queue or is_unmet,
        is_armed=raw["autoMergeRequest"] is not None or entry is not None,
        queue_position=int(entry["position"]) if entry is not None else None,
    )


def _fit(mergeable: str, merge_state: str) -> Fit:
    if mergeable == "CONFLICTING" or merge_state == "DIRTY":
        return Fit.CONFLICT
    # GitHub finds out after it was asked, and forgets when the base moves.
    if mergeable == "UNKNOWN" or merge_state == "UNKNOWN":
        return Fit.UNKNOWN
    return Fit.BEHIND if merge_state == "BEHIND" else Fit.CLEAN


def _parse_checks(raw: Mapping[str, Any]) -> "_Checks":
    rollup = next((node["commit"]["statusCheckRollup"] for node in _nodes(raw, "commits")), None)
    nodes = _nodes(rollup, "contexts") if rollup is not None else []
    states = {
        str(node.get("name") or node.get("context")): node.get("conclusion") or node.get("state")
        for node in nodes
    }
    required = _required(raw) if len(nodes) < CONTEXTS else []
    result = _CHECKS[rollup["state"]] if rollup is not None else Checks.NONE
    failing = sorted(name for name, state in states.items() if state in FAILED)
    if result is Checks.PASSING:
        failing = []
    elif failing:
        # While others still run, GitHub calls the whole pending.
        result = Checks.FAILING
    if result is not Checks.FAILING and any(name not in states for name in required):
        # One that is required and has not begun is not in the list.
        result = Checks.RUNNING
    is_unmet = any(states.get(name) not in PASSED for name in required)
    return _Checks(result, tuple(failing[:NAMES]), is_unmet)


def _required(raw: Mapping[str, Any]) -> list[str]:
    """Give the checks the base asks for, as far as the token may see its rules."""
    rule = (raw["baseRef"] or {}).get("refUpdateRule") or {}
    return [str(name) for name in rule.get("requiredStatusCheckContexts") or ()]
