"""Repositories, pull requests and what hangs on them, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from testbed.github.accounts import User, node_id
from testbed.github.git import GitRepository

MergeMethod = Literal["merge", "squash", "rebase"]
Role = Literal["read", "triage", "write", "maintain", "admin"]
ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"]

ROLES: tuple[Role, ...] = ("read", "triage", "write", "maintain", "admin")


@dataclass(eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"


@dataclass(eq=False)
class Milestone:
    """A milestone of a repository."""

    id: int
    number: int
    title: str
    creator: User
    created_at: datetime
    state: Literal["open", "closed"] = "open"


@dataclass(eq=False)
class Comment:
    """A comment on a pull request."""

    id: int
    user: User
    body: str
    created_at: datetime


@dataclass(eq=False)
class Review:
    """A submitted review of a pull request, of the commit that was its head."""

    id: int
    user: User
    state: ReviewState
    body: str
    commit: str
    submitted_at: datetime


@dataclass(eq=False)
class Status:
    """A commit status; a newer one of the same context takes its place."""

    id: int
    context: str
    state: Literal["error", "failure", "pending", "success"]
    creator: User
    created_at: datetime
    description: str | None = None
    target_url: str | None = None


@dataclass(eq=False)
class CheckRun:
    """A check run; `conclusion` is None until it is completed, and else such as `success`."""

    id: int
    name: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None = None


@dataclass(eq=False)
class DeploymentStatus:
    """One state a deployment was in."""

    id: int
    state: str
    creator: User
    created_at: datetime
    description: str
    environment: str
    log_url: str


@dataclass(eq=False)
class Deployment:
    """A deployment of a commit to an environment."""

    id: int
    sha: str
    ref: str
    task: str
    environment: str
    description: str | None
    payload: object
    creator: User
    created_at: datetime
    is_production: bool
    is_transient: bool
    statuses: list[DeploymentStatus] = field(default_factory=list)

    @property
    def state(self) -> str | None:
        """Give the last state it was in; None where none was told yet."""
        return self.statuses[-1].state if self.statuses else None


@dataclass(eq=False)
class AutoMerge:
    """The wish that a pull request is merged once it may be."""

    enabled_by: User
    method: MergeMethod
    enabled_at: datetime
    title: str | None = None
    message: str | None = None


@dataclass(eq=False)
class QueueEntry:
    """A pull request's place in a merge queue."""

    id: int
    pull: PullRequest
    enqueuer: User
    enqueued_at: datetime


@dataclass(frozen=True)
class Protection:
    """What a branch asks of a pull request before it may be merged; it holds for admins too.

    Attributes:
        approvals: number of approving reviews.
        checks: contexts or names of check runs that must have succeeded.
        is_strict: whether the head must contain the base.
        has_queue: whether all changes go through the merge queue.
        queue_method: how the queue merges.
    """

    approvals: int = 0
    checks: tuple[str, ...] = ()
    is_strict: bool = False
    has_queue: bool = False
    queue_method: MergeMethod = "merge"


@dataclass(frozen=True)
class Ruleset:
    """A ruleset of a repository whose one rule is that commits must be signed.

    Attributes:
        branches: patterns of branch names.
        bypass: logins of those it does not bind.
    """

    id: int
    name: str
    branches: tuple[str, ...]
    bypass: frozenset[str] = frozenset()

    def holds(self, branch: str) -> bool:
        """Say whether a branch is under it, be it there or not."""
        return any(fnmatchcase(branch, pattern) for pattern in self.branches)


@dataclass(eq=False)
class PullRequest:
    """A pull request.

    Attributes:
        head_repository: None once it was deleted.
        head_sha: what the head branch was seen at last.
        base_sha: what the base branch was when the pull request was opened or last looked at.
        tested: head and base for which the test merge was made; None before the first.
        merge_commit: of the test merge, and once merged of the merge.
        is_mergeable: what the test merge found.
    """

    id: int
    number: int
    repository: Repository
    title: str
    body: str | None
    user: User
    head_owner: User
    head_repository: Repository | None
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    created_at: datetime
    updated_at: datetime
    is_draft: bool = False
    maintainer_can_modify: bool = False
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None
    closed_by: User | None = None
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit: str | None = None
    tested: tuple[str, str] | None = None
    is_mergeable: bool = False
    auto_merge: AutoMerge | None = None
    milestone: Milestone | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    requested_reviewers: list[User] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @property
    def node_id(self) -> str:
        """Its global id."""
        return node_id("PR", self.id)

    @property
    def is_merged(self) -> bool:
        """Whether it was merged."""
        return self.merged_at is not None


@dataclass(eq=False)
class Repository:
    """A repository; its objects and branches are in `git`.

    Attributes:
        parent: what it is a fork of.
        roles: of accounts, by login; the owner needs none.
        statuses: by commit, oldest first; so are `checks`.
        protections: by pattern of branch names, such as `release/*`.
        queues: by base branch.
        heads: the branches and their commits, as they were looked at last; so are `tags`.
    """

    id: int
    owner: User
    name: str
    git: GitRepository
    created_at: datetime
    private: bool = False
    archived: bool = False
    default_branch: str = "main"
    parent: Repository | None = None
    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True
    allow_auto_merge: bool = False
    delete_branch_on_merge: bool = False
    roles: dict[str, Role] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    milestones: dict[int, Milestone] = field(default_factory=dict)
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    checks: dict[str, list[CheckRun]] = field(default_factory=dict)
    deployments: list[Deployment] = field(default_factory=list)
    protections: dict[str, Protection] = field(default_factory=dict)
    rulesets: list[Ruleset] = field(default_factory=list)
    queues: dict[str, list[QueueEntry]] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"

    @property
    def node_id(self) -> str:
        """Its global id."""
        return node_id("R", self.id)

    def allows(self, method: MergeMethod) -> bool:
        """Say whether pull requests may be merged that way."""
        return {
            "merge": self.allow_merge_commit,
            "squash": self.allow_squash_merge,
            "rebase": self.allow_rebase_merge,
        }[method]

    def find_protection(self, branch: str) -> Protection | None:
        """Find what a branch asks for; the first pattern that fits counts."""
        fitting = (pattern for pattern in self.protections if fnmatchcase(branch, pattern))
        return next((self.protections[pattern] for pattern in fitting), None)

    def find_role(self, user: User | None) -> Role | None:
        """Give what a user may do here, or None where it may not even look."""
        if user is not None and user is self.owner:
            return "admin"
        given = self.roles.get(user.login) if user is not None else None
        return given or (None if self.private else "read")
