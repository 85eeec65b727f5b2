"""What a decision can say; the unions are closed and `match` over them is exhaustive.

Each step has a union of actions of its own, so that a missing case is found by the type checker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from album_operator.domain.applications import ConsentedApplication
from album_operator.domain.build_parts import WHOLE
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Record, SupersededBy
from album_operator.domain.release import Release
from album_operator.domain.remedy import THEN_RETRY, in_words


@dataclass(frozen=True)
class SubmitBuild:
    """Create a build Job.

    Attributes:
        platform: it is for, empty where it builds the whole image.
    """

    platform: str = WHOLE


@dataclass(frozen=True)
class PutIndex:
    """Let the release's tag stand for an index of the images of its platforms.

    Attributes:
        images: their digests.
    """

    images: tuple[str, ...]


@dataclass(frozen=True)
class PutTags:
    """Let further tags stand for the release's image.

    Attributes:
        digest: of the image.
        tags: each with the digest that it stands for so far, None for nothing.
    """

    digest: str
    tags: Mapping[str, str | None]


@dataclass(frozen=True)
class PushBranch:
    """Commit these files on top of the base and push the release branch.

    Attributes:
        replaces: our commit that the branch holds and that is replaced; None where it is created.
        before: version the base has at the place of ours; None where none is known, and where the
            branch is replaced: it mostly has its pull request, which tells of that already.
    """

    base_commit: str
    files: Mapping[str, bytes]
    replaces: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class CommitToBase:
    """Look at the base branch as its only writer here, and commit to it what is still due."""


@dataclass(frozen=True)
class OpenPullRequest:
    """Open the pull request for the release branch.

    Attributes:
        diff: unified diff of the branch's commit, for the body.
        before: version the base has at the place of ours; None where none is known.
    """

    diff: str
    before: str | None = None


@dataclass(frozen=True)
class MergePullRequest:
    """Merge the pull request, if its head still is the commit that was seen, into the base.

    Attributes:
        by_forge: let the forge do it as soon as nothing blocks, for now something does.
    """

    number: int
    head_sha: str
    by_forge: bool = False


@dataclass(frozen=True)
class DisarmPullRequest:
    """Keep the forge from merging the pull request by itself."""

    number: int


@dataclass(frozen=True)
class WithdrawPullRequest:
    """Close our own pull request that has become pointless, and say there why.

    Attributes:
        title: that it gets with that; None for the one it has.
    """

    number: int
    why: str
    title: str | None = None


@dataclass(frozen=True)
class GiveTitleBack:
    """Take the mark off the title of a pull request that was merged before it could be closed."""

    number: int
    title: str


@dataclass(frozen=True)
class ApplySyncPolicy:
    """Patch an Application's sync policy as it was seen, and ask for a refresh."""

    application: ConsentedApplication


@dataclass(frozen=True)
class RefreshApplication:
    """Ask Argo CD to compare an Application, as it was seen, again.

    Attributes:
        is_hard: its manifests are to be rendered anew.
    """

    application: ConsentedApplication
    is_hard: bool = False


@dataclass(frozen=True)
class StartSync:
    """Have Argo CD sync an Application, as it was seen, once."""

    application: ConsentedApplication


@dataclass(frozen=True)
class CreateRollback:
    """Create the release that takes this one back."""

    wish: Release


BuildAction = SubmitBuild | PutIndex | PutTags
ProposeAction = PushBranch | OpenPullRequest
CommitAction = CommitToBase
MergeAction = (
    ProposeAction | MergePullRequest | DisarmPullRequest | WithdrawPullRequest | GiveTitleBack
)
SyncAction = ApplySyncPolicy
DeployAction = RefreshApplication | StartSync | CreateRollback

A = TypeVar("A", covariant=True)
"""The writes of one step."""


@dataclass(frozen=True)
class Done:
    """A step is complete, with the record it leads to; the next step follows in the same pass.

    Attributes:
        also: message of the step that is complete with it; `message` too where None.
    """

    record: Record
    reason: Reason
    message: str
    also: str | None = None


@dataclass(frozen=True)
class Act(Generic[A]):
    """One write is due; afterwards the step is looked at again.

    Attributes:
        reason: progress reason shown while the step runs.
    """

    action: A
    reason: Reason
    message: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do until an event comes, or `retry_after` passed.

    Attributes:
        record: what was learned on the way, None for nothing.
        detail: what exactly is waited for, shown in the step; `reason` where None.
        is_poll: the wake-up after `retry_after` is a poll for others' doings, or settle time: its
            passes are no overhead of the operator.
    """

    reason: Reason
    message: str
    retry_after: timedelta
    record: Record | None = None
    is_poll: bool = False
    detail: Reason | None = None


@dataclass(frozen=True)
class Halt:
    """The release stops until a person acts.

    Attributes:
        message: what is so, in whole sentences.
        remedy: what a person does about it, without the end of its sentence; empty for nothing.
        ending: that end; it mostly asks for the annotation that lets the release go on.
        failure: details for `status.failure`; None where reason and sentence are all.
        superseded_by: what took the release's place, None where nothing did.
        misses: each of the things that this tells of together; none where it is one.
        record: what was learned on the way, None for nothing.
    """

    reason: Reason
    message: str
    remedy: str = ""
    ending: str = THEN_RETRY
    failure: Failure | None = None
    superseded_by: SupersededBy | None = None
    misses: "tuple[Halt, ...]" = ()
    record: Record | None = None

    @classmethod
    def of(cls, error: TerminalError) -> "Halt":
        """Stop at a trouble that stays until a person acts."""
        return cls(error.reason, error.message, error.remedy, error.ending)

    @property
    def sentence(self) -> str:
        """Message and remedy, as people read them."""
        return in_words(self.message, self.remedy, self.ending)


Verdict = Done | Act[A] | Wait | Halt
