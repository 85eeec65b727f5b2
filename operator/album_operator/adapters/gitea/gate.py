"""What a Gitea says of branch, checks and reviews: what is between a pull request and its merge."""

from collections.abc import Mapping, Sequence
from typing import Any

from album_operator.domain.pull_requests import Checks, Fit, Gate, Review

Raw = Mapping[str, Any]

FAILED = frozenset({"failure", "error"})
PASSED = frozenset({"success", "warning", "skipped"})

NAMES = 10
"""Most names of failing checks that are shown."""


def parse_gate(
    pull_request: Raw,
    rules: Raw,
    statuses: Sequence[Raw],
    reviews: Sequence[Raw],
    *,
    is_armed: bool | None,
) -> Gate:
    """Judge an open pull request by Gitea's own rules.

    Args:
        pull_request: `GET /pulls/{number}`.
        rules: `GET /branches/{base}`: what its protection asks for.
        statuses: the last of each context, of `GET /commits/{head}/status`.
        reviews: `GET /pulls/{number}/reviews`.
        is_armed: a merge is scheduled; None where that is not known.
    """
    review, missing = _review(rules, reviews)
    latest = {str(item["context"]): str(item["status"]) for item in statuses}
    wanted = list(rules["status_check_contexts"] or ()) if rules["enable_status_check"] else []
    failing = sorted(name for name, state in latest.items() if state in FAILED)
    # `mergeable` is false also while Gitea still checks for conflicts, and for drafts.
    is_unfit = not pull_request["mergeable"] and not pull_request["draft"]
    unchecked = [name for name in wanted if latest.get(name) not in PASSED]
    return Gate(
        fit=Fit.CONFLICT if is_unfit else Fit.CLEAN,
        review=review,
        checks=_checks(latest, unchecked),
        failing=tuple(failing[:NAMES]),
        is_blocked=missing or bool(unchecked),
        is_armed=bool(is_armed),
        may_be_armed=is_armed is None,
    )


def parse_checks(statuses: Sequence[Raw]) -> dict[str, Checks]:
    """Give the state of each context.

    Args:
        statuses: as of `parse_gate`.
    """
    states = {str(item["context"]): str(item["status"]) for item in statuses}
    return {name: _checks({name: state}, ()) for name, state in states.items()}


def _checks(latest: Mapping[str, str], unchecked: Sequence[str]) -> Checks:
    if any(state in FAILED for state in latest.values()):
        return Checks.FAILING
    if unchecked or any(state not in PASSED for state in latest.values()):
        return Checks.RUNNING
    return Checks.PASSING if latest else Checks.NONE


def _review(rules: Raw, reviews: Sequence[Raw]) -> tuple[Review, bool]:
    """Give what reviews come to, and whether approvals are missing."""
    latest = {}
    for item in reviews:
        if item["state"] in {"APPROVED", "REQUEST_CHANGES"} and not item["dismissed"]:
            # Only those who may push count for the protection; the others' word is shown.
            latest[(item["user"] or {}).get("login")] = (item["state"], item["official"])
    required = int(rules["required_approvals"])
    approvals = sum(state == "APPROVED" and official for state, official in latest.values())
    missing = approvals < required
    if any(state == "REQUEST_CHANGES" for state, _ in latest.values()):
        return Review.CHANGES_REQUESTED, missing
    if missing:
        return Review.REQUIRED, True
    approved = any(state == "APPROVED" for state, _ in latest.values())
    return (Review.APPROVED if approved else Review.NOT_REQUIRED), False
