"""Other releases, and whose a release branch is."""

from dataclasses import dataclass
from datetime import UTC, datetime

from album_operator.domain.history import Ended
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.names import is_same_repository
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref


@dataclass(frozen=True, slots=True)
class ConfigBranch:
    """A branch of a config repository.

    Attributes:
        repository: its URL, as `normal_url` spells it.
    """

    repository: str
    name: str

    def is_same(self, other: "ConfigBranch", aliases: HostAliases = NO_ALIASES) -> bool:
        """Tell whether two are one branch, by whichever names of their repository.

        It is in a forge, for pull requests are made of it, and no forge tells case apart.
        """
        return self.name == other.name and is_same_repository(
            self.repository, other.repository, aliases, ignores_case=True
        )


UNMERGED = frozenset({StepName.IMAGE_READY, StepName.PROPOSED, StepName.MERGED})
"""The steps in which a release needs its branch."""

AFTER_MERGE = frozenset({StepName.SYNC_POLICY_APPLIED, StepName.DEPLOYED})
"""The steps in which what is merged can fail."""


UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a release in flight is.

    Attributes:
        step: None before its first.
        reason: what it does there, or waits for.
        since: when it came to its step, or was created, before the first.
    """

    step: StepName | None
    reason: Reason
    since: datetime


@dataclass(frozen=True)
class RollbackSeen:
    """A release that takes another one back.

    Attributes:
        of: name of the other one.
    """

    name: str
    of: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseSeen:
    """A release of a served namespace, as far as others need to know it.

    Attributes:
        app: None, and `version` too, before its tag was taken apart.
        step: the first that is not done; None where the release has finished.
        branch: the release branch that is its own until its merge; None before it was resolved,
            after that merge or its end, and where it commits to the base branch.
        applications: whose sync policy it relies on; none before it was resolved and after its end.
        is_plan: it only tells what it would do.
        has_begun: what it does is resolved, and in its status.
        rollback_of: name of the release that it takes back; None for none.
        is_triggered: a trigger made it.
        ended: how it ended; None while it is in flight.
        progress: where it is; None where it has finished, and of a plan, which releases nothing.
        digest: `sha256:…` of its image, once it is Released; empty where nothing told it.
        failed_at: since when it has failed after its merge, or one of its attempts had; None where
            none has.
        minds_others: it gives way to others of its app, and they to it; not where it brings a
            version back, only plans or follows, or is cancelled.
    """

    pipeline: str
    app: str | None
    version: str | None
    step: StepName | None
    outcome: Outcome
    branch: ConfigBranch | None = None
    applications: tuple[Ref, ...] = ()
    is_plan: bool = False
    has_begun: bool = False
    rollback_of: str | None = None
    is_triggered: bool = False
    ended: Ended | None = None
    created_at: datetime = UNKNOWN_TIME
    progress: Progress | None = None
    digest: str = ""
    minds_others: bool = True
    failed_at: datetime | None = None


@dataclass(frozen=True)
class BranchClaim:
    """Whose a release branch is, of the releases of all served namespaces.

    Attributes:
        holder: another release in flight that has it; None where who asked has it now.
        is_certain: all of them are known; not so while they are listed after a start.
    """

    holder: Ref | None
    is_certain: bool = True
