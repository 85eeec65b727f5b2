"""The port `PullRequests` over a git server in memory, and what people do with pull requests."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from album_operator.adapters.forge_failures import commit_unknown, merged_meanwhile
from album_operator.adapters.servers.addresses import check_forge_credential
from album_operator.domain.errors import OutsideError, StaleError, TerminalError, TransientError
from album_operator.domain.names import normal_url
from album_operator.domain.places import (
    CommitState,
    Deployment,
    DeploymentState,
    Draft,
    ForgePlace,
    GitPlace,
    MergeMethod,
)
from album_operator.domain.pull_requests import (
    Changes,
    Checks,
    Fit,
    Gate,
    PullRequestSeen,
    PullRequestState,
    RepositorySeen,
    Review,
    SigningRule,
    title_before,
)
from album_operator.domain.reasons import Reason
from tests.fakes.git_history import Commit, File, ancestors, changed
from tests.fakes.git_server import TOKEN, FakeGitServer, FakeRepository

REVIEWER, OPERATOR = "reviewer", "album-operator"


@dataclass
class _PullRequest:
    repository: str
    head: str
    base: str
    body: str
    seen: PullRequestSeen
    changed_at: datetime
    gate: Gate | None = None
    is_armed: bool = False
    reviews: dict[str, bool] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


@dataclass
class Rules:
    """What the protection of a repository's base branches asks for."""

    approvals: int = 0
    checks: tuple[str, ...] = ()


class FakeForge:
    """Pull requests of all repositories of a server.

    Attributes:
        trouble: raised by every request while set.
        lose_next_answer: the next write takes effect, but its answer does not arrive.
        readers: tokens whose user may read and not push.
        users: who can be asked for a review or assigned.
        rules: protection of base branches, by repository.
        statuses: `success`, `failure` or `pending` by context, by commit.
        milestones: titles of open ones.
        posts: how often somebody tried to open a pull request.
        told: context, state, text and URL of each commit status the operator set.
        deployed: how each deployment stands, the oldest first.
        before_merge: called by a merge that found nothing in its way, right before it.
        before_withdraw: called right before a pull request is closed by the operator.
        requests: methods of the port that were called, in their order.
    """

    def __init__(
        self, server: FakeGitServer, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.server = server
        self.trouble: OutsideError | None = None
        self.lose_next_answer = False
        self.readers: set[str] = set()
        self.users = {REVIEWER}
        self.milestones: set[str] = set()
        self.posts = 0
        self.before_merge: Callable[[], None] | None = None
        self.before_withdraw: Callable[[], None] | None = None
        self.requests: list[str] = []
        self.rules: dict[str, Rules] = {}
        self.statuses: dict[str, dict[str, str]] = {}
        self.told: list[tuple[str, str, str, str | None]] = []
        self.deployed: dict[Deployment, DeploymentState] = {}
        self._clock = clock
        self._all: list[_PullRequest] = []

    async def get_repository(self, place: ForgePlace, branch: str | None = None) -> RepositorySeen:
        """Read what the token's user may do with the repository."""
        repository = self._open(place, "get_repository")
        is_signed = branch is not None and branch.startswith(tuple(repository.signed))
        rule = SigningRule("rule all", f"Leave {branch} out") if is_signed else None
        may_push = place.credential.token not in self.readers
        return RepositorySeen(repository.is_archived, may_push, rule)

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from a branch into another, an open one preferred."""
        self._open(place, "find")
        found = self._find(place, head, base)
        return self._now(found) if found is not None else None

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request, with its gate while it is open."""
        self._open(place, "get")
        return self._whole(self._item(place.repository, number))

    async def get_many(
        self, place: ForgePlace, numbers: Collection[int]
    ) -> Mapping[int, PullRequestSeen]:
        """Read several as `get` does."""
        self._open(place, "get_many")
        return {
            item.seen.number: self._whole(item)
            for item in self._of(place.repository)
            if item.seen.number in numbers
        }

    async def list_changed(self, place: ForgePlace, since: datetime | None) -> Changes:
        """Tell which pull requests changed."""
        self._open(place, "list_changed")
        for item in self._of(place.repository):
            self._now(item)
        items = self._of(place.repository)
        until = max((item.changed_at for item in items), default=since)
        glances = {
            item.seen.number: item.seen.glance
            for item in items
            if since is None or item.changed_at >= since
        }
        return Changes(glances, until)

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back."""
        repository = self._open(place, "open")
        self.posts += 1
        if repository.is_archived:
            raise TerminalError(Reason.REPOSITORY_ARCHIVED, "The repository is archived.")
        item = self._find(place, draft.head, draft.base)
        if item is None or item.seen.state is not PullRequestState.OPEN:
            if not {draft.head, draft.base} <= repository.branches.keys():
                raise TransientError(Reason.FORGE_UNAVAILABLE, f"There is no branch {draft.head}.")
            item = self._make(place, draft, repository.branches[draft.head])
        self._add_extras(item, draft)
        self._lose()
        return self._now(item)

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
        """Merge a pull request from `head_sha` into `base`, or let the forge do it."""
        self._open(place, "merge")
        item = self._item(place.repository, number)
        seen = self._now(item)
        if seen.state is PullRequestState.MERGED:
            return
        is_good = seen.state is PullRequestState.OPEN and seen.head_sha == head_sha
        is_good = is_good and seen.base == base
        if self.before_merge is not None:
            # What somebody does between the adapter's last look and its merge.
            self.before_merge()
        if not is_good or seen.is_draft or self._gate(item).is_blocked is not by_forge:
            raise StaleError(Reason.MERGING, f"Pull request #{number} is not to be merged so.")
        if by_forge:
            item.is_armed = True
        else:
            self.merge_as(place.repository, number, str(method).lower(), OPERATOR)
        self._lose()

    async def disarm(self, place: ForgePlace, number: int) -> None:
        """Take an auto-merge back."""
        self._open(place, "disarm")
        self._item(place.repository, number).is_armed = False
        self._lose()

    async def comment(
        self, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
    ) -> None:
        """Write a comment, once for each key."""
        self._open(place, "comment")
        item = self._item(place.repository, number)
        if self.comment_is_due(place.repository, number, key, answers):
            marker = f"<!-- album:{key} -->"
            item.comments.append(f"{text}\n\n{marker}")
            self._lose()

    def comment_is_due(self, repository: str, number: int, key: str, answers: str | None) -> bool:
        """Tell whether none with a key is there, and one with that it answers."""
        keys = re.findall(r"<!-- album:(\S+) -->", "".join(self.comments(repository, number)))
        return key not in keys and (answers is None or answers in keys)

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
        repository = self._open(place, "set_status")
        if commit not in repository.commits:
            raise TerminalError(Reason.PUSH_REFUSED, f"There is no commit {commit}.")
        self.statuses.setdefault(commit, {})[context] = str(state)
        self.told.append((context, str(state), text, url))
        self._lose()

    async def set_deployment(
        self,
        place: ForgePlace,
        deployment: Deployment,
        state: DeploymentState,
        text: str,
        url: str | None,
    ) -> None:
        """Say how a deployment stands; it is made where it is not there yet."""
        del text, url
        if deployment.commit not in self._open(place, "set_deployment").commits:
            raise commit_unknown(place, deployment.commit)
        if state is not DeploymentState.INACTIVE or deployment in self.deployed:
            self.deployed[deployment] = state
        if state is DeploymentState.SUCCESS:
            before = list(self.deployed)[: list(self.deployed).index(deployment)]
            for other, its in self.deployed.items():
                is_left = its is DeploymentState.IN_PROGRESS and other in before
                is_beside = other.environment == deployment.environment and other != deployment
                if is_beside and other.task == deployment.task and (is_left or its is state):
                    self.deployed[other] = DeploymentState.INACTIVE
        self._lose()

    async def list_checks(self, place: ForgePlace, commit: str) -> Mapping[str, Checks]:
        """Give the state of each status of a commit, by its context."""
        if commit not in self._open(place, "list_checks").commits:
            raise commit_unknown(place, commit)
        states = {"success": Checks.PASSING, "failure": Checks.FAILING, "pending": Checks.RUNNING}
        return {name: states[state] for name, state in self.statuses.get(commit, {}).items()}

    async def rename(self, place: ForgePlace, number: int, title: str) -> None:
        """Give a pull request another title."""
        self._open(place, "rename")
        item = self._item(place.repository, number)
        item.seen = replace(item.seen, title=title)
        self._lose()

    async def withdraw(self, place: ForgePlace, number: int, title: str | None = None) -> None:
        """Close a pull request of ours that has become pointless."""
        self._open(place, "withdraw")
        if self.before_withdraw is not None:
            # What somebody does between the adapter's last look and its request.
            self.before_withdraw()
        item = self._item(place.repository, number)
        if item.seen.state is PullRequestState.MERGED:
            if (before := title_before(title)) is not None and title is not None:
                # Both forges change it before they refuse the rest.
                item.seen = replace(item.seen, title=title)
                await self.rename(place, number, before)
            raise merged_meanwhile(place, number)
        self.close_pull_request(place.repository, number, OPERATOR)
        item.seen = replace(item.seen, title=title or item.seen.title)
        self._lose()

    def set_gate(self, repository: str, number: int, gate: Gate) -> None:
        """Let rules, reviews and checks come to this, whatever they are."""
        self._item(repository, number).gate = gate
        self._merge_armed()

    def set_check(self, sha: str, context: str, state: str) -> None:
        """Let a check say `success`, `failure` or `pending` of a commit."""
        self.statuses.setdefault(sha, {})[context] = state
        self._merge_armed()

    def review(self, repository: str, number: int, *, approves: bool) -> None:
        """Approve a pull request, or ask for changes, as its reviewer."""
        item = self._item(repository, number)
        item.reviews[REVIEWER] = approves
        item.seen = replace(item.seen, reviewers=item.seen.reviewers - {REVIEWER})
        self._merge_armed()

    def set_draft(self, repository: str, number: int, *, is_draft: bool) -> None:
        """Mark a pull request as a draft, or as ready."""
        item = self._item(repository, number)
        item.seen = replace(item.seen, is_draft=is_draft)
        item.changed_at = self._clock()

    def retarget(self, repository: str, number: int, base: str) -> None:
        """Let a pull request go into another branch; it stays armed if it was."""
        item = self._item(repository, number)
        item.base = base
        item.seen = replace(item.seen, base=base)
        item.changed_at = self._clock()

    def comments(self, repository: str, number: int) -> list[str]:
        """Give the comments of a pull request."""
        return self._item(repository, number).comments

    def merge_as(
        self, repository: str, number: int, style: str = "merge", actor: str = REVIEWER
    ) -> str:
        """Merge as a person would: `merge`, `squash` or `rebase`.

        Returns:
            The commit this made on the base branch.
        """
        item = self._item(repository, number)
        git = self._git(item.repository)
        base, head = git.branches[item.base], self._now(item).head_sha
        common = next(sha for sha in ancestors(git.commits, head) if git.is_ancestor(sha, base))
        ours = [sha for sha in ancestors(git.commits, head) if not git.is_ancestor(sha, common)]
        if style == "rebase":
            merged = base
            for sha in reversed(ours):
                commit = git.commits[sha]
                files = _applied(git, commit.parents[0], sha, merged)
                merged = git.add(replace(commit, parents=(merged,), files=files))
        else:
            parents = (base, head) if style == "merge" else (base,)
            files = _applied(git, common, head, base)
            merged = git.add(Commit(parents, files, item.seen.title, date=self._clock()))
        git.branches[item.base] = merged
        item.seen = replace(
            self._now(item),
            state=PullRequestState.MERGED,
            merge_commit=merged,
            merged_at=self._clock(),
            actor=actor,
        )
        item.changed_at = self._clock()
        return merged

    def close_pull_request(self, repository: str, number: int, actor: str = REVIEWER) -> None:
        """Close a pull request without a merge."""
        item = self._item(repository, number)
        item.seen = replace(self._now(item), state=PullRequestState.CLOSED, actor=actor)
        item.changed_at = self._clock()

    def reopen(self, repository: str, number: int) -> None:
        """Open a closed pull request again."""
        item = self._item(repository, number)
        item.seen = replace(self._now(item), state=PullRequestState.OPEN, actor=None)
        item.changed_at = self._clock()

    def head(self, repository: str, number: int) -> str:
        """Give the commit that a pull request's branch was at last while it was open."""
        return self._item(repository, number).seen.head_sha

    def count(self, repository: str) -> int:
        """Count all pull requests of a repository."""
        return len(self._of(repository))

    def body(self, repository: str, number: int) -> str:
        """Give a pull request's text."""
        return self._item(repository, number).body

    def _make(self, place: ForgePlace, draft: Draft, head_sha: str) -> _PullRequest:
        number = 1 + self.count(place.repository)
        seen = PullRequestSeen(
            repository=_web(place),
            number=number,
            url=f"{_web(place)}/pulls/{number}",
            state=PullRequestState.OPEN,
            head_sha=head_sha,
            title=draft.title,
            head=draft.head,
            base=draft.base,
            is_draft=draft.is_draft,
        )
        item = _PullRequest(
            place.repository, draft.head, draft.base, draft.body, seen, self._clock()
        )
        self._all.append(item)
        return item

    def _add_extras(self, item: _PullRequest, draft: Draft) -> None:
        unknown = {*draft.reviewers, *draft.assignees} - self.users
        if unknown or draft.milestone not in {None, *self.milestones}:
            raise TerminalError(
                Reason.PUSH_REFUSED, f"There is no {unknown or draft.milestone}: pullRequest."
            )
        item.seen = replace(
            item.seen,
            labels=item.seen.labels | set(draft.labels),
            reviewers=item.seen.reviewers | set(draft.reviewers),
            assignees=item.seen.assignees | set(draft.assignees),
            milestone=draft.milestone or item.seen.milestone,
        )

    def _merge_armed(self) -> None:
        for item in self._all:
            is_open = item.seen.state is PullRequestState.OPEN
            if item.is_armed and is_open and not self._gate(item).is_blocked:
                self.merge_as(item.repository, item.seen.number, "merge", OPERATOR)

    def _gate(self, item: _PullRequest) -> Gate:
        if item.gate is not None:
            return replace(item.gate, is_armed=item.is_armed)
        rules = self.rules.get(item.repository, Rules())
        checks = self.statuses.get(self._now(item).head_sha, {})
        failing = tuple(sorted(name for name, state in checks.items() if state == "failure"))
        missing = [name for name in rules.checks if checks.get(name) != "success"]
        running = missing or "pending" in checks.values()
        approved = [who for who, approves in item.reviews.items() if approves]
        lacks_approval = len(approved) < rules.approvals
        review = Review.APPROVED if approved else Review.NOT_REQUIRED
        if len(approved) < len(item.reviews):
            review = Review.CHANGES_REQUESTED
        elif lacks_approval:
            review = Review.REQUIRED
        passed = Checks.PASSING if checks else Checks.NONE
        return Gate(
            fit=self._fit(item),
            review=review,
            checks=Checks.FAILING if failing else Checks.RUNNING if running else passed,
            failing=failing,
            is_blocked=lacks_approval or bool(missing),
            is_armed=item.is_armed,
        )

    def _fit(self, item: _PullRequest) -> Fit:
        """Compare what both sides changed since they parted, file by file."""
        git = self._git(item.repository)
        base, head = git.branches.get(item.base), self._now(item).head_sha
        if base is None:
            return Fit.CONFLICT
        common = next(sha for sha in ancestors(git.commits, head) if git.is_ancestor(sha, base))
        theirs = changed(git.commits[common].files, git.commits[base].files)
        ours = changed(git.commits[common].files, git.commits[head].files)
        return Fit.CONFLICT if theirs & ours else Fit.CLEAN

    async def git_token(self, place: ForgePlace) -> str:
        """Make a token for git of a GitHub App."""
        self.requests.append("git_token")
        check_forge_credential(place.credential, place.api_url, _web(place))
        if self.trouble is not None:
            raise self.trouble
        return TOKEN

    def _lose(self) -> None:
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise TransientError(Reason.FORGE_UNAVAILABLE, "The connection broke off.")

    def _find(self, place: ForgePlace, head: str, base: str) -> _PullRequest | None:
        found = [
            item for item in self._of(place.repository) if (item.head, item.base) == (head, base)
        ]
        opened = [item for item in found if item.seen.state is PullRequestState.OPEN]
        return next(iter(opened or found[::-1]), None)

    def _of(self, repository: str) -> list[_PullRequest]:
        return [item for item in self._all if item.repository == repository]

    def _open(self, place: ForgePlace, request: str) -> FakeRepository:
        self.requests.append(request)
        check_forge_credential(place.credential, place.api_url, _web(place))
        if self.trouble is not None:
            raise self.trouble
        try:
            return self.server.open(GitPlace(_web(place), place.credential))
        except TransientError as error:
            raise TransientError(Reason.FORGE_UNAVAILABLE, error.sentence) from error

    def _item(self, repository: str, number: int) -> _PullRequest:
        for item in self._all:
            if (item.repository, item.seen.number) == (repository, number):
                return item
        raise TerminalError(Reason.PULL_REQUEST_CLOSED, f"Pull request #{number} does not exist.")

    def _now(self, item: _PullRequest) -> PullRequestSeen:
        """Show a pull request with its branch as it is now; pushes move the head of an open one."""
        repository = self._git(item.repository)
        head = repository.branches.get(item.head)
        now = replace(item.seen, has_branch=head is not None, is_archived=repository.is_archived)
        if now.state is PullRequestState.OPEN and head is not None:
            now = replace(now, head_sha=head)
        if now.head_sha != item.seen.head_sha:
            item.changed_at = self._clock()
        item.seen = now
        return now

    def _whole(self, item: _PullRequest) -> PullRequestSeen:
        seen = self._now(item)
        return replace(seen, gate=self._gate(item)) if seen.state is PullRequestState.OPEN else seen

    def _git(self, repository: str) -> FakeRepository:
        urls = self.server.repositories
        return next(urls[url] for url in urls if url.endswith(f"/{repository}"))


def _web(place: ForgePlace) -> str:
    return normal_url(f"{place.api_url.removesuffix('/api/v1')}/{place.repository}")


def _applied(git: FakeRepository, before: str, after: str, onto: str) -> dict[str, File]:
    """Apply the difference of two commits to the files of a third."""
    old, new = git.commits[before].files, git.commits[after].files
    files = dict(git.commits[onto].files)
    for path in changed(old, new):
        files.pop(path, None)
        if path in new:
            files[path] = new[path]
    return files
