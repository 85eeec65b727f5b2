"""What is known of a pipeline and of each of its apps: the facts of its status, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from album_operator.domain.reasons import Reason
from album_operator.domain.record import Miss
from album_operator.domain.triggers import AppTag, TriggerRecord


@dataclass(frozen=True)
class BaseVersion:
    """What the base branch of the config repository says that runs.

    Attributes:
        commit: head of the branch it was read at, 40 hex digits.
    """

    version: str
    commit: str


@dataclass(frozen=True)
class LastReleased:
    """The version of an app that was Released last.

    Attributes:
        release: name of its AlbumRelease.
        digest: `sha256:…` of its image; empty where nothing told it.
    """

    version: str
    release: str
    at: datetime
    digest: str = ""


@dataclass(frozen=True)
class InFlight:
    """A release of an app that has not finished.

    Attributes:
        release: its name.
        version: None where it is not known yet.
        step: where it is; None before its first step.
        reason: what it does there, or waits for.
        since: when it came to that.
        others: how many releases of the app are in flight beside it.
    """

    release: str
    version: str | None
    step: str | None
    reason: Reason
    since: datetime
    others: int = 0


@dataclass(frozen=True)
class HeldApp:
    """That no release of an app begins.

    Attributes:
        because: a sentence with the way out.
    """

    because: str


@dataclass(frozen=True)
class AppRecord:
    """What is known of an app; None for what is not."""

    name: str
    base: BaseVersion | None = None
    released: LastReleased | None = None
    in_flight: InFlight | None = None
    held: HeldApp | None = None
    newest_tag: AppTag | None = None
    trigger: TriggerRecord | None = None


@dataclass(frozen=True)
class PipelineRecord:
    """What is known of a pipeline.

    Attributes:
        reason: of condition Ready.
        message: of condition Ready.
        is_ready: whether releases of it can be expected to work; None where that cannot be told.
        misses: what they would lack.
        checked_at: when it was last looked whether they lack something.
        last_handled_refresh: value of `album.dev/refresh` that was last obeyed.
        observed_generation: generation of the pipeline that this speaks of; None or -1 before any.
        since: status of each condition and when it came to that, by condition type, as last read.
    """

    apps: tuple[AppRecord, ...] = ()
    reason: Reason = Reason.PENDING
    message: str = ""
    is_ready: bool | None = None
    misses: tuple[Miss, ...] = ()
    checked_at: datetime | None = None
    last_handled_refresh: str | None = None
    observed_generation: int | None = None
    since: Mapping[str, tuple[str, datetime]] = field(default_factory=dict, compare=False)

    def app(self, name: str) -> AppRecord:
        """Give what is known of an app."""
        return next((app for app in self.apps if app.name == name), AppRecord(name))

    def clean(self, clean: Callable[[str], str]) -> "PipelineRecord":
        """Give it with secrets taken out of all that a look may have brought.

        Args:
            clean: takes secrets out of a text.
        """
        misses = (
            replace(miss, message=clean(miss.message), remedy=clean(miss.remedy))
            for miss in self.misses
        )
        apps = (
            replace(app, base=replace(app.base, version=clean(app.base.version)))
            if app.base is not None
            else app
            for app in self.apps
        )
        return replace(self, message=clean(self.message), misses=tuple(misses), apps=tuple(apps))
