"""Which git tags make releases by themselves."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Select(StrEnum):
    """Which of several new tags of an app make a release: the newest, or each."""

    NEWEST = "Newest"
    ALL = "All"


@dataclass(frozen=True)
class TagsWish:
    """Which tags of the source make releases.

    Attributes:
        interval: time between two looks at the tags, where nobody tells of one before.
        range: of the versions that count, as `domain/ranges` reads it; None for all.
        prereleases: versions with a pre-release part count too.
        pattern: expression of RE2 that some part of a tag must match; None for any.
    """

    interval: timedelta = timedelta(minutes=5)
    range: str | None = None
    prereleases: bool = False
    pattern: str | None = None
    select: Select = Select.NEWEST


@dataclass(frozen=True)
class TriggersWish:
    """What makes releases by itself.

    Attributes:
        webhook: what the forge tells brings a look at once.
    """

    webhook: bool = True
    tags: TagsWish = field(default_factory=TagsWish)


@dataclass(frozen=True)
class AppTag:
    """A git tag of an app.

    Attributes:
        name: without `refs/tags/`.
        version: what follows the app's prefix.
        commit: that the tag stands for, 40 hex digits.
    """

    name: str
    version: str
    commit: str
