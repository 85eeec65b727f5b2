"""What a pipeline wishes of Argo CD, and what a release made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from album_operator.domain.release import Ref


class Sync(StrEnum):
    """Who syncs: Argo CD by itself, the operator once for each release, or others alone."""

    AUTOMATED = "Automated"
    OPERATION = "Operation"
    OBSERVE = "Observe"


class OlderImages(StrEnum):
    """What other versions of a release's image are that an Application shows beside it.

    `Refuse`: a rollout that is not over. `Ignore`: Pods that have ended, which Argo CD lists too.
    """

    REFUSE = "Refuse"
    IGNORE = "Ignore"


@dataclass(frozen=True)
class RewrittenRegistry:
    """A registry, or a place in one, of which images run under another name.

    Attributes:
        original: as edits write it.
        rewritten: what Pods have in its stead.
    """

    original: str
    rewritten: str


@dataclass(frozen=True)
class SyncPolicyWish:
    """What the sync policy shall be; None leaves a field alone."""

    self_heal: bool | None = True
    apply_out_of_sync_only: bool | None = True
    prune: bool | None = None


NO_WISH = SyncPolicyWish(None, None, None)


@dataclass(frozen=True)
class ArgoCDWish:
    """The Applications and how they are to sync.

    Attributes:
        namespace: of the Application an app has by convention.
        notice: their pages are to tell what a release waits for.
    """

    namespace: str
    sync_policy: SyncPolicyWish
    settle: timedelta
    timeout: timedelta
    sync: Sync = Sync.AUTOMATED
    older_images: OlderImages = OlderImages.REFUSE
    rewritten_registries: tuple[RewrittenRegistry, ...] = ()
    notice: bool = False


@dataclass(frozen=True)
class ApplicationSelector:
    """Which Applications run an app, by their labels."""

    match_labels: Mapping[str, str]


@dataclass(frozen=True)
class ResolvedApplicationSelector:
    """The same, with the namespace in which they are looked for."""

    namespace: str
    match_labels: Mapping[str, str]

    def __str__(self) -> str:
        return ",".join(f"{key}={value}" for key, value in sorted(self.match_labels.items()))


@dataclass(frozen=True)
class ResolvedArgoCD:
    """Which Applications run the app and how their sync is to behave.

    Attributes:
        applications: none where they are still to be found.
        application_selector: how they are found; None where they are named.
        notice: their pages are to tell what the release waits for.
    """

    applications: tuple[Ref, ...]
    sync_policy: SyncPolicyWish
    settle: timedelta
    timeout: timedelta
    sync: Sync = Sync.AUTOMATED
    older_images: OlderImages = OlderImages.REFUSE
    rewritten_registries: tuple[RewrittenRegistry, ...] = ()
    application_selector: ResolvedApplicationSelector | None = None
    notice: bool = False
