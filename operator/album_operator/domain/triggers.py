"""Which git tags make releases by themselves, and what those releases are called."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from album_operator.domain.errors import OutsideError
from album_operator.domain.forges import ForgeType


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
class TagInterest:
    """Which tags a pipeline wants to know of.

    Attributes:
        namespace: of its Secret.
        secret: name of the Secret with the git credential.
        repository: URL of the source, as `normal_url` spells it.
        forge: kind of the source's forge; None where nothing tells it, and any will do.
        prefixes: what the tags of its apps begin with.
        interval: longest time between two looks.
        hears: what the forge tells brings a look at once.
    """

    namespace: str
    secret: str
    repository: str
    forge: ForgeType | None
    prefixes: frozenset[str]
    interval: timedelta
    hears: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What is equal for all that one list of tags serves: it is read with one Secret."""
        return self.namespace, self.secret, self.repository


@dataclass(frozen=True)
class TagsSeen:
    """The tags of a repository as they were last listed.

    Attributes:
        tags: the commit each stands for.
        trouble: why they could not be; None where they were.
    """

    tags: Mapping[str, str]
    trouble: OutsideError | None = None


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


@dataclass(frozen=True)
class Decided:
    """The newest tag of an app that it was decided about whether it makes a release.

    Attributes:
        commit: that it stood for then, 40 hex digits.
        release: name of the AlbumRelease there is of it; None where the base branch had it already.
    """

    tag: str
    version: str
    commit: str
    release: str | None = None


@dataclass(frozen=True)
class TriggerRecord:
    """What became of the tags of an app.

    Attributes:
        decided: None before the first decision.
        message: what keeps tags from making releases; empty for nothing.
        began_empty: nothing was decided yet, and there was no tag of the app: each one is new.
    """

    decided: Decided | None = None
    message: str = ""
    began_empty: bool = False


NAME_LENGTH = 253
"""Longest name of an object (RFC 1123 subdomain)."""

_PLAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MARKED = re.compile("-t[0-9a-f]{10}$")


def release_name(tag: str, pipeline: str = "") -> str:
    """Name the release that a tag makes.

    It is the tag itself where that can be a name; else what is left of it, and a hash that keeps
    two tags apart. A tag that looks as if it had one already gets another.

    Args:
        tag: the tag's name, with a letter or digit in it.
        pipeline: of the release, where another one has a release of the first name already.
    """
    if not pipeline and _PLAIN.fullmatch(tag) and not _MARKED.search(tag):
        return tag
    whole = f"{tag} {pipeline}" if pipeline else tag
    mark = f"-t{hashlib.sha256(whole.encode()).hexdigest()[:10]}"
    words = re.sub("[^a-z0-9.]+", "-", whole.lower())
    stem = re.sub(r"-*\.[-.]*", ".", words).lstrip("-.")[: NAME_LENGTH - len(mark)]
    return f"{stem.rstrip('-.')}{mark}"
