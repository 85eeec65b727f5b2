"""Pull requests of github.com or a GitHub Enterprise; an adapter of port `PullRequests`.

PyGithub authenticates and sends. Its classes for repositories and pull requests are not used: they
take a request where GraphQL takes a fiftieth of one, and hide ETags and the words of a refusal.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from album_operator.adapters.forge_answers import READING, require
from album_operator.adapters.forge_failures import (
    garbage,
    merged_meanwhile,
    pull_request_gone,
    unavailable,
    where,
)
from album_operator.adapters.github.answers import (
    GitHubAnswer,
    credential_refused,
    is_right_missing,
)
from album_operator.adapters.github.api import GitHubApi
from album_operator.adapters.github.changes import list_changed
from album_operator.adapters.github.checks import list_checks
from album_operator.adapters.github.comments import comment_once
from album_operator.adapters.github.deployments import set_deployment
from album_operator.adapters.github.extras import add_extras
from album_operator.adapters.github.gate import BATCH, parse_pulls, render_query
from album_operator.adapters.github.limits import CHANGE, Limits
from album_operator.adapters.github.merge import arm, disarm, merge_now
from album_operator.adapters.github.pulls import choose, parse_pull, parse_slim, slim_pulls
from album_operator.adapters.github.rules import find_signing_rule
from album_operator.adapters.names import check_commit, check_ref_name
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import OutsideError, StaleError, TerminalError
from album_operator.domain.places import (
    CommitState,
    Deployment,
    DeploymentState,
    Draft,
    ForgePlace,
    MergeMethod,
)
from album_operator.domain.pull_requests import (
    Changes,
    Checks,
    PullRequestSeen,
    PullRequestState,
    RepositorySeen,
    title_before,
)
from album_operator.domain.reasons import Reason

TIME_LIMIT = timedelta(seconds=20)
"""Longest a request may take."""

THERE = "A pull request already exists"
NO_DRAFTS = "Draft pull requests are not supported"
NOTHING_NEW = "No commits between"


class GitHubPullRequests:
    """Finds, reads, opens and merges pull requests.

    Args:
        insecure_hosts: `host[:port]` of forges that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a request may take, in whole seconds.
        make_limits: gives what a credential may do at the forge of that base URL.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
        make_limits: Callable[[str], Limits] = Limits,
    ) -> None:
        self._api = GitHubApi(
            insecure_hosts, allowed_hosts, gateway, int(time_limit.total_seconds()), make_limits
        )

    async def close(self) -> None:
        """Close all connections."""
        self._api.close()

    async def git_token(self, place: ForgePlace) -> str:
        """Give the token that git is to show the same forge.

        A GitHub App's is good for an hour; it is made anew in time, so ask before each use.
        """
        return await self._api.give_token(place)

    async def get_repository(self, place: ForgePlace, branch: str | None = None) -> RepositorySeen:
        """Read what the token's user may do with the repository."""
        if branch is None:
            return await self._api.get_repository(place)
        seen, rule = await asyncio.gather(
            self._api.get_repository(place), find_signing_rule(self._api, place, branch)
        )
        return replace(seen, signing_rule=rule)

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from branch `head` of the same repository into `base`."""
        check_ref_name(head)
        check_ref_name(base)
        owner = place.repository.split("/")[0]
        path = (
            f"/pulls?head={quote(f'{owner}:{head}', safe='')}&base={quote(base, safe='')}"
            "&state=all&sort=created&direction=desc"
        )
        found = choose([pull async for pull in self._api.list(place, path, slim_pulls)], head, base)
        return parse_slim(place, found) if found is not None else None

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request, with its gate while it is open."""
        found = await self.get_many(place, [number])
        if number not in found:
            raise pull_request_gone(place, number)
        return found[number]

    async def get_many(
        self, place: ForgePlace, numbers: Collection[int]
    ) -> Mapping[int, PullRequestSeen]:
        """Read several as `get` does, 50 in a request."""
        asked = sorted({int(number) for number in numbers})
        found: dict[int, PullRequestSeen] = {}
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            answer = await self._api.query(place, render_query(batch), {})
            found |= parse_pulls(place, answer.body["data"]["repository"], batch)
            for number in set(batch) - found.keys():
                _require_gone(place, number, answer)
        return found

    async def list_changed(self, place: ForgePlace, since: datetime | None) -> Changes:
        """Tell which pull requests changed (opened, pushed to, merged, closed)."""
        return await list_changed(self._api, place, since)

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back."""
        check_ref_name(draft.head)
        check_ref_name(draft.base)
        body = {
            "head": draft.head,
            "base": draft.base,
            "title": draft.title,
            "body": draft.body,
            "draft": draft.is_draft,
        }
        answer = await self._api.send(place, "POST", "/pulls", body)
        if answer.status == 201:
            opened = parse_pull(place, answer.body)
        elif answer.status == 422 and THERE in answer.said:
            found = await self.find(place, draft.head, draft.base)
            if found is None or found.state is not PullRequestState.OPEN:
                raise unavailable(place, f"a pull request for {draft.head} came and went")
            opened = found
        else:
            raise await self._not_opened(place, draft, answer)
        return await add_extras(self._api, place, opened, draft)

    async def merge(
        self,
        place: ForgePlace,
        number: int,
        head_sha: str,
        base: str,
        method: MergeMethod,
        *,
        by_forge: bool,
    ) -> None:
        """Merge a pull request from `head_sha` into `base`, or let GitHub do it once it can."""
        check_commit(head_sha)
        do = arm if by_forge else merge_now
        await do(self._api, place, int(number), head_sha, base, method)

    async def disarm(self, place: ForgePlace, number: int) -> None:
        """Take auto-merge back, or a place in the merge queue; without one it is success."""
        await disarm(self._api, place, int(number))

    async def comment(
        self, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
    ) -> None:
        """Write a comment; one that carries the same key is there already: nothing is written."""
        await comment_once(self._api, place, int(number), key, text, answers)

    async def set_status(
        self,
        place: ForgePlace,
        commit: str,
        state: CommitState,
        context: str,
        text: str,
        url: str | None,
    ) -> None:
        """Set a commit status; the last one of a context counts."""
        check_commit(commit)
        body = {"state": str(state), "context": context, "description": text, "target_url": url}
        answer = await self._api.send(place, "POST", f"/statuses/{commit}", body)
        require(place, answer, 201, "set commit statuses in")

    async def set_deployment(
        self,
        place: ForgePlace,
        deployment: Deployment,
        state: DeploymentState,
        text: str,
        url: str | None,
    ) -> None:
        """Say how a deployment stands; it is made where it is not there yet."""
        check_commit(deployment.commit)
        await set_deployment(self._api, place, deployment, state, text, url)

    async def list_checks(self, place: ForgePlace, commit: str) -> Mapping[str, Checks]:
        """Give the state of each commit status and check run of a commit, by its name."""
        check_commit(commit)
        return await list_checks(self._api, place, commit)

    async def rename(self, place: ForgePlace, number: int, title: str) -> None:
        """Give a pull request another title, whatever has become of it."""
        path = f"/pulls/{int(number)}"
        answer = await self._api.send(place, "PATCH", path, {"title": title}, CHANGE)
        require(place, answer, 200, "rename pull requests of")

    async def withdraw(self, place: ForgePlace, number: int, title: str | None = None) -> None:
        """Close a pull request of ours that has become pointless."""
        path, change = f"/pulls/{int(number)}", {"state": "closed"}
        change |= {"title": title} if title is not None else {}
        answer = await self._api.send(place, "PATCH", path, change, CHANGE)
        if answer.status == 404:
            await self._api.get_repository(place)
        require(place, answer, 200, "close pull requests of")
        # GitHub takes the wish of one that is merged, leaves it merged, and has its title changed.
        seen = parse_pull(place, answer.body)
        if seen.state is PullRequestState.MERGED:
            if (before := title_before(title)) is not None:
                await self.rename(place, number, before)
            raise merged_meanwhile(place, number)

    async def _not_opened(
        self, place: ForgePlace, draft: Draft, answer: GitHubAnswer
    ) -> OutsideError:
        """Say why no pull request was opened."""
        if answer.status == 404:
            await self._api.get_repository(place)
        if answer.status == 422:
            unknown = {str(error.get("field")) for error in answer.errors} & {"head", "base"}
            if unknown:
                names = " and ".join(sorted(getattr(draft, field) for field in unknown))
                return unavailable(place, f"it does not know branch {names} yet")
            if NOTHING_NEW in answer.said:
                # Somebody merged or took back the branch: the next look finds out.
                return StaleError(Reason.PROPOSING, f"{where(place)}: {answer.said}.")
            if NO_DRAFTS in answer.said:
                return TerminalError(
                    Reason.PUSH_REFUSED,
                    f"{where(place)}: {answer.said}.",
                    "Leave spec.config.pullRequest.draft of the pipeline out",
                )
        return answer.refusal(place, "open pull requests in")


def _require_gone(place: ForgePlace, number: int, answer: GitHubAnswer) -> None:
    """Tell a pull request that is not there from one that could not be read.

    Raises:
        OutsideError: it could not be read.
    """
    mine = [error for error in answer.errors if f"p{number}" in (error.get("path") or ())]
    if answer.errors and not any(error.get("type") == "NOT_FOUND" for error in mine):
        if is_right_missing(answer):
            raise credential_refused(place, answer, READING)
        raise garbage(place, answer.said)
