"""Which pull requests changed since the last look, told from the list GitHub sorts by change."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from album_operator.adapters.forge_answers import reading
from album_operator.adapters.forge_failures import garbage
from album_operator.adapters.github.api import GitHubApi
from album_operator.adapters.github.pulls import parse_moment, parse_slim, slim_pulls
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import Changes, Glance

PAGE = 100

PAGES = 50
"""Most pages that are read in one look; what changed before that the looks at all of them find."""

OVERLAP = timedelta(seconds=5)
"""How late a change may turn up in the list, behind one that came after it: moments are of the
beginning of a write, and the list shows it at its end."""


async def list_changed(api: GitHubApi, place: ForgePlace, since: datetime | None) -> Changes:
    """Tell what changed, and the last seconds before `since` once more."""
    glances: dict[int, Glance] = {}
    until = since
    for page in range(1, PAGES + 1):
        path = f"/pulls?state=all&sort=updated&direction=desc&per_page={PAGE}&page={page}"
        answer = await api.ask(place, path, slim_pulls)
        moments = []
        for pull in answer.body:
            moment, seen = _moment(place, pull), parse_slim(place, pull)
            moments.append(moment)
            # On a later page it is as it was before it came to the first one.
            if since is None or moment >= since - OVERLAP:
                glances.setdefault(seen.number, seen.glance)
        until = max([*moments, *([until] if until else [])], default=None)
        if since is None or len(moments) < PAGE or min(moments) < since - OVERLAP:
            break
    return Changes(glances, until)


def _moment(place: ForgePlace, pull: Mapping[str, Any]) -> datetime:
    with reading(place, "a pull request has"):
        moment = parse_moment(pull["updated_at"])
    if moment is None:
        raise garbage(place, "a pull request has no proper 'updated_at'")
    return moment
