"""Pull requests of a Gitea or Forgejo; the adapter of port `PullRequests`.

Written against Gitea 1.26 and its API v1: `/repos/{owner}/{name}/pulls` and what belongs to them.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from album_operator.adapters.comment_markers import last_line, marker_of
from album_operator.adapters.forge_answers import READING, reading, require
from album_operator.adapters.forge_failures import (
    ListTooLongError,
    base_changed,
    may_not_merge,
    merged_meanwhile,
    not_let,
    not_merged_now,
    pull_request_gone,
    unavailable,
    wrong_method,
)
from album_operator.adapters.gitea.answers import (
    is_between,
    parse_moment,
    parse_pull_request,
    parse_repository,
)
from album_operator.adapters.gitea.api import PAGE, TIME_LIMIT, GiteaApi
from album_operator.adapters.gitea.extras import DRAFT_TITLE, add_extras
from album_operator.adapters.gitea.gate import parse_checks, parse_gate
from album_operator.adapters.gitea.rules import find_signing_rule
from album_operator.adapters.names import check_commit, check_ref_name
from album_operator.adapters.servers.gateway import REFUSED_PAUSE, Gateway
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
    Fit,
    Gate,
    Glance,
    PullRequestSeen,
    PullRequestState,
    RepositorySeen,
    title_before,
)

ALREADY_MERGED = "already merged"

UNKNOWN = ""
"""In place of the head whose merge is scheduled: what was before the operator began."""


class GiteaPullRequests:
    """Finds, reads, opens and merges pull requests.

    Args:
        insecure_hosts: `host[:port]` of forges that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a request may take in all.
        refused_pause: after which a token that was refused is tried once more.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
        refused_pause: timedelta = REFUSED_PAUSE,
    ) -> None:
        self._api = GiteaApi(insecure_hosts, allowed_hosts, gateway, time_limit, refused_pause)
        # Heads whose merge we have scheduled, None for taken back: Gitea's API does not tell.
        self._armed: dict[tuple[str, str, int], str | None] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def git_token(self, place: ForgePlace) -> str:
        """Give the token itself: a Gitea knows no Apps."""
        return place.credential.token

    async def get_repository(self, place: ForgePlace, branch: str | None = None) -> RepositorySeen:
        """Read what the token's user may do with the repository."""
        raw = await self._api.get_repository(place)
        seen = parse_repository(place, raw)
        if branch is None:
            return seen
        return replace(seen, signing_rule=await find_signing_rule(self._api, place, raw, branch))

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from branch `head` of the same repository into `base`."""
        found = await self._find(place, head, base)
        return parse_pull_request(place, found) if found is not None else None

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request, with its gate while it is open."""
        found = await self.get_many(place, [number])
        if number not in found:
            await self._api.get_repository(place)
            raise pull_request_gone(place, number)
        return found[number]

    async def get_many(
        self, place: ForgePlace, numbers: Collection[int]
    ) -> Mapping[int, PullRequestSeen]:
        """Read several as `get` does: each takes requests of its own."""
        found = {}
        for number in numbers:
            answer = await self._api.send(place, "GET", f"/pulls/{int(number)}")
            if answer.status != 404:
                require(place, answer, 200, READING)
                found[number] = await self._complete(place, answer.body)
        return found

    async def list_changed(self, place: ForgePlace, since: datetime | None) -> Changes:
        """Tell which pull requests changed (opened, pushed to, merged, closed)."""
        glances: dict[int, Glance] = {}
        until = since
        newest = self._api.list(place, "/pulls?state=all&sort=recentupdate")
        # More than are read at once: of those a release waits for, the next looks tell.
        with suppress(ListTooLongError):
            async for raw in newest:
                moment = parse_moment(place, raw)
                # Gitea's clock has whole seconds: what changed in the last may change again in it.
                if moment < (since or moment) or (since is None and len(glances) == PAGE):
                    break
                glances.setdefault(int(raw["number"]), parse_pull_request(place, raw).glance)
                until = max(moment, until or moment)
        return Changes(glances, until)

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back."""
        check_ref_name(draft.head)
        check_ref_name(draft.base)
        body = {
            "head": draft.head,
            "base": draft.base,
            "title": DRAFT_TITLE * draft.is_draft + draft.title,
            "body": draft.body,
        }
        answer = await self._api.send(place, "POST", "/pulls", body)
        raw = answer.body
        if answer.status == 409:
            raw = await self._find(place, draft.head, draft.base)
            if raw is None or raw["state"] != "open":
                raise unavailable(place, f"a pull request for {draft.head} came and went")
        elif answer.status == 404:
            await self._api.get_repository(place)
            raise unavailable(place, f"it does not know branch {draft.head} or {draft.base} yet")
        else:
            require(place, answer, 201, "open pull requests in")
            raw = await self._keep_one(place, raw, draft)
        opened = parse_pull_request(place, raw)
        if answer.status == 201:
            self._armed[_key(place, opened.number)] = None
        if await add_extras(self._api, place, opened, draft):
            raw = await self._api.read(place, f"/pulls/{opened.number}")
            opened = parse_pull_request(place, raw)
        return opened

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
        """Merge a pull request from `head_sha` into `base`, or let Gitea do it once it can."""
        answer = await self._api.send(place, "GET", f"/pulls/{int(number)}")
        if answer.status == 404:
            await self._api.get_repository(place)
            raise pull_request_gone(place, number)
        require(place, answer, 200, READING)
        seen = parse_pull_request(place, answer.body)
        if seen.state is PullRequestState.MERGED:
            return
        if seen.base != base:
            raise base_changed(place, number, seen.base)
        body = {
            "Do": str(method).lower(),
            "head_commit_id": head_sha,
            "merge_when_checks_succeed": by_forge,
        }
        answer = await self._api.send(place, "POST", f"/pulls/{int(number)}/merge", body)
        scheduled = answer.status == 201 or (answer.status == 409 and "schedule" in answer.said)
        if by_forge and scheduled:
            self._armed[_key(place, number)] = head_sha
            return
        if answer.status == 405 and ALREADY_MERGED in answer.said:
            return
        if answer.status == 405 and "merge style" in answer.said:
            raise wrong_method(place, method, answer.said)
        if answer.status == 405 and "not allowed" in answer.said:
            raise may_not_merge(place, answer.said)
        if answer.status in {404, 405, 409}:
            raise not_merged_now(place, number, answer.said)
        require(place, answer, 200, "merge pull requests of")

    async def disarm(self, place: ForgePlace, number: int) -> None:
        """Take a scheduled merge back; without one it is success."""
        answer = await self._api.send(place, "DELETE", f"/pulls/{int(number)}/merge")
        if answer.status == 404:
            await self._api.get_repository(place)
        # Only who scheduled a merge and admins may take it back: another's is not ours to take.
        elif answer.status != 403:
            require(place, answer, 204, "take back merges of")
        self._armed[_key(place, number)] = None

    async def comment(
        self, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
    ) -> None:
        """Write a comment; one that carries the same key is there already: nothing is written."""
        marker = marker_of(key)
        path = f"/issues/{int(number)}/comments"
        there = {last_line(raw.get("body")) for raw in await self._api.read(place, path)}
        is_due = answers is None or marker_of(answers) in there
        if not is_due or marker in there:
            return
        answer = await self._api.send(place, "POST", path, {"body": f"{text}\n\n{marker}"})
        require(place, answer, 201, "comment on pull requests of")

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
        """Refuse it: pipelines are, too, that ask for deployments of a Gitea."""
        del deployment, state, text, url
        raise not_let(place, "make deployments in", "Gitea has none")

    async def list_checks(self, place: ForgePlace, commit: str) -> Mapping[str, Checks]:
        """Give the state of each commit status of a commit, by its context."""
        check_commit(commit)
        statuses = await self._api.list_statuses(place, commit)
        with reading(place, "statuses have"):
            return parse_checks(statuses)

    async def rename(self, place: ForgePlace, number: int, title: str) -> None:
        """Give a pull request another title, whatever has become of it."""
        answer = await self._api.send(place, "PATCH", f"/pulls/{int(number)}", {"title": title})
        require(place, answer, 201, "rename pull requests of")

    async def withdraw(self, place: ForgePlace, number: int, title: str | None = None) -> None:
        """Close a pull request of ours that has become pointless."""
        change = {"state": "closed"} | ({"title": title} if title is not None else {})
        path = f"/pulls/{int(number)}"
        answer = await self._api.send(place, "PATCH", path, change)
        if answer.status == 412:
            if (before := title_before(title)) is not None:
                # It has changed the title before it refused the rest.
                await self.rename(place, number, before)
            raise merged_meanwhile(place, number)
        require(place, answer, 201, "close pull requests of")

    async def _find(self, place: ForgePlace, head: str, base: str) -> Any:  # noqa: ANN401 - JSON
        check_ref_name(head)
        check_ref_name(base)
        # Gitea gives any one of several for the same branches, so only an open one is the answer.
        any_one = f"/pulls/{quote(base, safe='')}/{quote(head, safe='')}"
        answer = await self._api.send(place, "GET", any_one)
        if answer.status == 404:
            await self._api.get_repository(place)
            return None
        require(place, answer, 200, READING)
        found = parse_pull_request(place, answer.body)
        is_ours = is_between(answer.body, head, base)
        if found.state is PullRequestState.OPEN and is_ours:
            return answer.body
        # What is older than the one we have is not the answer, unless it was opened again.
        for state, oldest in (("open", 0), ("closed", found.number if is_ours else 0)):
            query = f"/pulls?state={state}&base_branch={quote(base, safe='')}"
            async for raw in self._api.list(place, query):
                if _number(place, raw) < oldest:
                    break
                if is_between(raw, head, base):
                    return raw
        return answer.body if is_ours else None

    async def _keep_one(self, place: ForgePlace, opened: Any, draft: Draft) -> Any:  # noqa: ANN401
        """Close the one just opened where an older one is open, and give the one that stays.

        Gitea looks for another one before it opens one, not while: of two operators that ask in the
        same moment each gets its own.
        """
        number, newest = _number(place, opened), 0
        query = f"/pulls?state=open&base_branch={quote(draft.base, safe='')}"
        async for raw in self._api.list(place, query):
            if _number(place, raw) < number and is_between(raw, draft.head, draft.base):
                await self.withdraw(place, number)
                return raw
            newest += 1
            if newest == PAGE:  # one of the same moment is among the newest
                break
        return opened

    async def _complete(self, place: ForgePlace, raw: Any) -> PullRequestSeen:  # noqa: ANN401 - JSON
        """Add what the pull request itself does not tell: its gate, or who closed it."""
        seen = parse_pull_request(place, raw)
        if seen.state is PullRequestState.CLOSED:
            return replace(seen, actor=await self._closer(place, seen.number))
        if seen.state is PullRequestState.MERGED:
            return seen
        rules, statuses, reviews = await asyncio.gather(
            self._find_rules(place, seen.base),
            self._api.list_statuses(place, seen.head_sha),
            self._list(place, f"/pulls/{seen.number}/reviews?since="),
        )
        if rules is None:
            return replace(seen, gate=Gate(fit=Fit.CONFLICT, is_blocked=True))
        with reading(place, "rules, checks or reviews have"):
            gate = parse_gate(raw, rules, statuses, reviews, is_armed=self._is_armed(place, seen))
        return replace(seen, gate=gate)

    async def _list(self, place: ForgePlace, path: str) -> list[Mapping[str, Any]]:
        return [raw async for raw in self._api.list(place, path)]

    async def _find_rules(self, place: ForgePlace, base: str) -> Any:  # noqa: ANN401 - JSON
        """Read what a branch's protection asks for; None where there is no such branch."""
        answer = await self._api.send(place, "GET", f"/branches/{quote(base, safe='')}")
        if answer.status == 404:
            await self._api.get_repository(place)
            return None
        require(place, answer, 200, READING)
        return answer.body

    def _is_armed(self, place: ForgePlace, seen: PullRequestSeen) -> bool | None:
        """Tell whether a merge of this head is scheduled; None where that is not known."""
        armed = self._armed.get(_key(place, seen.number), UNKNOWN)
        return None if armed not in {None, seen.head_sha} else armed is not None

    async def _closer(self, place: ForgePlace, number: int) -> str | None:
        closer = None
        try:
            async for event in self._api.list(place, f"/issues/{number}/timeline?since="):
                if event.get("type") == "close":
                    closer = (event.get("user") or {}).get("login")
        except ListTooLongError:
            return None
        return closer


def _number(place: ForgePlace, raw: Mapping[str, Any]) -> int:
    with reading(place, "a pull request has"):
        return int(raw["number"])


def _key(place: ForgePlace, number: int) -> tuple[str, str, int]:
    return (place.api_url, place.repository, number)
