"""What a look at a forge found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class SigningRule:
    """A rule of a forge that wants commits signed.

    Attributes:
        name: of the rule, with what kind of rule it is.
        way_out: what can be done about it, as a clause.
    """

    name: str
    way_out: str


@dataclass(frozen=True)
class RepositorySeen:
    """A repository as its forge shows it to the user of our token.

    Attributes:
        is_archived: nobody can push or open pull requests any more.
        may_push: the user may push branches.
        signing_rule: binds this user's pushes to the branch that was asked about; None where none
            does, or the forge does not tell.
    """

    is_archived: bool
    may_push: bool
    signing_rule: SigningRule | None = None


TAKEN_BACK = "Taken back: "
"""Beginning of the title of a pull request that its own release has closed: nobody said "no"."""

TITLE_LENGTH = 255
"""Longest title that both forges take (Gitea's column `issue.name`)."""


class PullRequestState(StrEnum):
    """State of a pull request."""

    OPEN = "Open"
    MERGED = "Merged"
    CLOSED = "Closed"


class Review(StrEnum):
    """What all reviews of a pull request come to."""

    NOT_REQUIRED = "NotRequired"
    REQUIRED = "Required"
    CHANGES_REQUESTED = "ChangesRequested"
    APPROVED = "Approved"


class Checks(StrEnum):
    """What all checks of a commit come to."""

    NONE = "None"
    RUNNING = "Running"
    FAILING = "Failing"
    PASSING = "Passing"


class Fit(StrEnum):
    """How a pull request's branch fits its base as it is now."""

    UNKNOWN = "Unknown"
    CLEAN = "Clean"
    BEHIND = "Behind"
    CONFLICT = "Conflict"


@dataclass(frozen=True)
class Gate:
    """What stands between an open pull request and its merge.

    Attributes:
        fit: `Behind` only where a rule wants the branch up to date.
        failing: names of the checks that failed, as far as the forge tells.
        is_blocked: the forge would refuse to merge now, whatever the cause.
        is_armed: the forge merges by itself as soon as nothing blocks.
        may_be_armed: it might, but the forge does not tell.
        queue_position: place in the merge queue, from 1; None outside of one.
        held: why a person keeps the operator from merging, as sentences; None where nobody does.
    """

    fit: Fit = Fit.CLEAN
    review: Review = Review.NOT_REQUIRED
    checks: Checks = Checks.NONE
    failing: tuple[str, ...] = ()
    is_blocked: bool = False
    is_armed: bool = False
    may_be_armed: bool = False
    queue_position: int | None = None
    held: str | None = None


@dataclass(frozen=True)
class PullRequestSeen:
    """A pull request as the forge shows it.

    Attributes:
        repository: URL of the repository it is in, as the forge has it: its pages lie below that.
        head_sha: head commit, 40 hex digits.
        head: branch it comes from; None where that is one of another repository.
        base: branch it goes into, or went into: people can set another while it is open.
        merge_commit: commit it made on the base branch; None until merged.
        actor: who merged or closed it, where the forge tells.
        labels: names.
        reviewers: users asked for a review who have not given one yet.
        milestone: its title.
        is_draft: it is not to be merged yet.
        has_branch: its branch exists.
        is_archived: its repository can only be read.
        gate: what is between it and its merge; None where it is not open, or was not asked.
    """

    repository: str
    number: int
    url: str
    state: PullRequestState
    head_sha: str
    title: str
    head: str | None
    base: str
    merge_commit: str | None = None
    merged_at: datetime | None = None
    actor: str | None = None
    labels: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    assignees: frozenset[str] = frozenset()
    milestone: str | None = None
    is_draft: bool = False
    has_branch: bool = True
    is_archived: bool = False
    gate: Gate | None = None

    @property
    def is_taken_back(self) -> bool:
        """Whether its own release closed it, or was about to."""
        return self.title.startswith(TAKEN_BACK)

    @property
    def glance(self) -> "Glance":
        """What a list would show of it."""
        return Glance(self.state, self.head_sha, self.is_draft, self.base)


@dataclass(frozen=True)
class Glance:
    """What a list shows of a pull request."""

    state: PullRequestState
    head_sha: str
    is_draft: bool
    base: str


@dataclass(frozen=True)
class Changes:
    """Which pull requests of a repository changed between two looks.

    Attributes:
        glances: what they look like now, by number; some may not have changed at all.
        until: where the next look goes on; the forge's own clock.
    """

    glances: Mapping[int, Glance]
    until: datetime | None


def title_before(title: str | None) -> str | None:
    """Give the title that a pull request had before its release took it back; None for others."""
    if title is None or not title.startswith(TAKEN_BACK):
        return None
    return title.removeprefix(TAKEN_BACK)
