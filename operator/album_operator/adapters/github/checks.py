"""Checks of a commit as GitHub's GraphQL API shows them: commit statuses and check runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from album_operator.adapters.forge_answers import ITEMS, reading
from album_operator.adapters.forge_failures import (
    ListTooLongError,
    commit_unknown,
    garbage,
    name_of,
)
from album_operator.adapters.github.answers import GitHubAnswer, is_right_missing
from album_operator.adapters.github.api import GitHubApi
from album_operator.adapters.github.gate import FAILED, PASSED
from album_operator.domain.errors import TerminalError
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import Checks
from album_operator.domain.reasons import Reason

QUERY = """
query($owner: String!, $name: String!, $commit: GitObjectID!, $after: String) {
  repository(owner: $owner, name: $name) {
    nameWithOwner
    object(oid: $commit) { ... on Commit { statusCheckRollup {
      contexts(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          ... on CheckRun { name conclusion startedAt completedAt }
          ... on StatusContext { context state }
        }
      }
    } } }
  }
}
"""

WORST_FIRST = (Checks.FAILING, Checks.RUNNING, Checks.PASSING)

_FAILED = FAILED | {"STALE"}

Raw = Mapping[str, Any]


async def list_checks(api: GitHubApi, place: ForgePlace, commit: str) -> dict[str, Checks]:
    """Give the state of each check of a commit."""
    nodes: list[Raw] = []
    after = None
    while len(nodes) < ITEMS:
        answer = await api.query(place, QUERY, {"commit": commit, "after": after})
        # What may not be seen is left out, and must not be taken for what is not there.
        if is_right_missing(answer):
            raise _may_not_read(place, answer)
        if answer.errors:
            raise garbage(place, answer.said)
        with reading(place, "checks have"):
            found = answer.body["data"]["repository"]["object"]
            if found is None:
                raise commit_unknown(place, commit)
            rollup = found["statusCheckRollup"]
            if rollup is None:
                return {}
            page = rollup["contexts"]
            nodes += page["nodes"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return _parse(nodes)
    raise ListTooLongError(place, ITEMS)


def _may_not_read(place: ForgePlace, answer: GitHubAnswer) -> TerminalError:
    return TerminalError(
        Reason.CREDENTIALS_REFUSED,
        f"{place.api_url} does not let {name_of(place)} read the checks of {place.repository}: "
        f"{answer.said}.",
        "Put a GitHub App with the permissions Checks and Commit statuses (read) or a classic "
        "token with the scope repo into the Secret: GitHub gives fine-grained tokens no right to "
        "read checks",
    )


def _parse(nodes: Sequence[Raw]) -> dict[str, Checks]:
    """Let the worst count of all that have one name, as GitHub's rules of a branch do."""
    found: dict[str, Checks] = {}
    runs = [node for node in nodes if "name" in node]
    for node in (*(node for node in nodes if "context" in node), *_last_runs(runs)):
        name = str(node["name"] if "name" in node else node["context"])
        found[name] = min(found.get(name, Checks.PASSING), _state(node), key=WORST_FIRST.index)
    return found


def _last_runs(runs: Sequence[Raw]) -> Iterator[Raw]:
    """Give the runs that no later one of their name stands for.

    A run that began after another had ended was made in its place. Of two that ran side by side,
    such as jobs of one name in two workflows, neither is the other's.
    """
    last: dict[str, str] = {}
    for run in runs:
        last[run["name"]] = max(last.get(run["name"], ""), run["startedAt"] or "")
    for run in runs:
        begun, ended = run["startedAt"], run["completedAt"]
        if begun is None or ended is None or last[run["name"]] <= max(begun, ended):
            yield run


def _state(node: Raw) -> Checks:
    word = node["conclusion"] if "name" in node else node["state"]
    if word in PASSED:
        return Checks.PASSING
    return Checks.FAILING if word in _FAILED else Checks.RUNNING
