"""Rules of a GitHub repository that a push of ours would break, told before it.

Rulesets are told to everybody who may read, branches that do not exist yet included. Classic branch
protections are told to admins alone; what they refuse is seen at the push.
"""

from contextlib import suppress
from typing import Any
from urllib.parse import quote

from album_operator.adapters.github.api import GitHubApi
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import SigningRule

SIGNATURES = "required_signatures"

BOUND = frozenset({"never", "pull_requests_only"})
"""What a ruleset says of a user whose pushes it binds; `always` and `exempt` are the others."""


async def find_signing_rule(api: GitHubApi, place: ForgePlace, branch: str) -> SigningRule | None:
    """Find a ruleset that binds our user to sign what is pushed to a branch.

    Returns:
        None where there is none, or the forge does not tell: servers before 3.11 know no rulesets,
        and some plans have none for private repositories.
    """
    with suppress(OutsideError):
        path = f"/rules/branches/{quote(branch, safe='')}"
        async for number in api.list(place, path, _slim_rules):
            if number is None:
                continue
            name, source, bypass = await api.read(place, f"/rulesets/{number}", _slim_ruleset)
            if bypass in BOUND:
                user = f"the user or App of Secret {place.credential.secret}"
                return SigningRule(
                    f"ruleset {name} of {source}",
                    f"Exclude branches such as {branch} there, or let {user} bypass it",
                )
    return None


def _slim_rules(raw: Any) -> list[int | None]:  # noqa: ANN401 - JSON
    """Give the ruleset of each rule that wants signatures, and None for any other rule."""
    return [int(item["ruleset_id"]) if item["type"] == SIGNATURES else None for item in raw]


def _slim_ruleset(raw: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return [str(raw["name"]), str(raw.get("source")), raw.get("current_user_can_bypass")]
