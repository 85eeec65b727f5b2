"""`status.plan`: what a release in mode Plan would do, as JSON and back."""

from dataclasses import replace
from typing import Any

from album_operator.codec.text import Raw, cut, without_nothing
from album_operator.domain.diffs import cut_diff
from album_operator.domain.record import PlannedPatch, PlanRecord

LINES = 25
"""How many times the length of a sentence a plan's diff may have."""


def shorten_plan(plan: PlanRecord, length: int) -> PlanRecord:
    """Cut each patch to the length of a sentence, and the diff to that of many."""
    applications = (replace(app, patch=cut(app.patch, length)) for app in plan.applications)
    diff = cut_diff(plan.diff, LINES * length)
    return replace(plan, diff=diff, applications=tuple(applications))


def render_plan(plan: PlanRecord) -> dict[str, Any]:
    """Write a plan."""
    return without_nothing(
        {
            "image": plan.image,
            "branch": plan.branch,
            "baseCommit": plan.base_commit,
            "diff": plan.diff or None,
            "applications": [
                {"namespace": app.namespace, "name": app.name, "patch": app.patch}
                for app in plan.applications
            ],
        }
    )


def parse_plan(raw: Raw) -> PlanRecord:
    """Read a plan."""
    return PlanRecord(
        image=raw["image"],
        branch=raw["branch"],
        base_commit=raw["baseCommit"],
        diff=raw.get("diff", ""),
        applications=tuple(
            PlannedPatch(app["namespace"], app["name"], app["patch"])
            for app in raw.get("applications", [])
        ),
    )
