"""Rules of a Gitea repository that a push of ours would break, told before it."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from album_operator.adapters.forge_answers import reading
from album_operator.adapters.gitea.api import GiteaApi
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import SigningRule

GLOB = re.compile(r"\*\*|[*?\[\]{}\\]")
WILD = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
"""What Gitea's patterns of branch names mean (`modules/glob`); those with more are not told."""


async def find_signing_rule(
    api: GiteaApi,
    place: ForgePlace,
    repository: Any,  # noqa: ANN401 - JSON
    branch: str,
) -> SigningRule | None:
    """Find a rule that wants what is pushed to a branch signed.

    Args:
        api: of the forge.
        place: the repository.
        repository: the forge's answer about it; Gitea tells its rules to admins alone.
        branch: that would be pushed.
    """
    if not repository["permissions"].get("admin"):
        return None
    with suppress(OutsideError):
        # In the order in which they count: the first that fits a branch is its only one.
        rules = await api.read(place, "/branch_protections")
        with reading(place, "rules of branches have"):
            pairs = [(str(rule["rule_name"]), rule["require_signed_commits"]) for rule in rules]
        return _find(pairs, branch)
    return None


def _find(rules: Iterable[tuple[str, bool]], branch: str) -> SigningRule | None:
    for name, wants_signed in rules:
        fits = _fits(name, branch)
        if fits and wants_signed:
            way_out = f"Narrow its pattern there to leave out branches such as {branch}"
            return SigningRule(f"rule {name}", way_out)
        if fits is not False:
            return None
    return None


def _fits(pattern: str, branch: str) -> bool | None:
    """Tell whether a rule is one of a branch's; None where its pattern is not understood."""
    if not GLOB.search(pattern):
        return pattern.casefold() == branch.casefold()
    parts = [*GLOB.findall(pattern), ""]
    if not set(parts[:-1]) <= WILD.keys():
        return None
    literals = map(re.escape, GLOB.split(pattern))
    wanted = "".join(text + WILD.get(part, "") for text, part in zip(literals, parts, strict=True))
    return re.fullmatch(wanted, branch) is not None
