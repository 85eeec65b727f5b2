"""The part of an AlbumPipeline that says which git tags make releases by themselves."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from album_operator.api.model import Model, Rule
from album_operator.api.predicates import matches
from album_operator.api.types import Between, Commit, Duration, Message, Name, Text
from album_operator.domain.ranges import NAMES_PRERELEASE, RANGE, RANGE_LENGTH

Interval = Annotated[Duration, Between("1m", "24h", "5m")]

VersionRange = Annotated[
    str,
    Field(max_length=RANGE_LENGTH, examples=[">=1.0.0 <2.0.0", "^1.2 || ^2.1"]),
    Rule(
        matches(RANGE),
        "range must be conditions such as >=1.0.0, <2.0.0, ^1.2, ~1.2.3, 1.x or 1.2 - 1.4, with "
        "blanks or commas between those that all hold, and || between those of which one does.",
    ),
]

TagPattern = Annotated[
    str,
    Field(min_length=1, max_length=200, examples=["-rc\\.[0-9]+$"]),
    Rule(
        # What is no expression is an error of the rule, for `matches` has no answer then.
        "''.matches(self) || !''.matches(self)",
        "pattern must be a regular expression of RE2 (github.com/google/re2/wiki/Syntax).",
    ),
]

SelectTags = Literal["Newest", "All"]


class TagTrigger(Model):
    """Which tags of the source repository make releases."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.range) || (has(self.prereleases) && self.prereleases) "
            f"|| !self.range.matches('{NAMES_PRERELEASE}')",
            "range names a pre-release, and none counts: set prereleases: true, or take what "
            "follows the - out.",
            ".range",
        ),
    )

    interval: Interval = Field(
        timedelta(minutes=5),
        description=(
            "How often the tags are looked at where no webhook tells of one, for all pipelines "
            "that have the same repository and Secret; 5m by default."
        ),
        json_schema_extra={"default": "5m"},
    )
    range: VersionRange | None = Field(
        None, description="Versions that count, such as >=1.0.0 <2.0.0; all by default."
    )
    prereleases: bool = Field(
        default=False,
        description="Whether versions with a pre-release part, such as v1.2.0-rc.1, count too.",
    )
    pattern: TagPattern | None = Field(
        None,
        description=(
            "Regular expression (RE2) that a part of a tag must match to count; all do by default."
        ),
    )
    select: SelectTags = Field(
        "Newest",
        description=(
            "Newest makes a release of the newest new tag of an app; All makes one of each tag "
            "that is newer than what was there before."
        ),
    )


class Triggers(Model):
    """What makes releases by itself."""

    webhook: bool = Field(
        default=True,
        description="Whether what the forge's webhook tells of a tag brings a look at once.",
    )
    tags: TagTrigger = Field(
        default_factory=TagTrigger,
        description="Which tags of the source repository make releases.",
        json_schema_extra={"default": {}},
    )


class DecidedStatus(Model):
    """The newest tag that it was decided about whether it makes a release."""

    tag: Text = Field(description="Name of the tag.")
    version: Text = Field(description="The version it is for.")
    commit: Commit = Field(description="The commit it stood for.")
    release: Name | None = Field(
        None,
        description="The AlbumRelease there is of it; unset where the base branch had it already.",
    )


class TriggerStatus(Model):
    """What became of the tags of an app."""

    decided: DecidedStatus | None = Field(
        None, description="The newest tag that it was decided about."
    )
    message: Message = Field("", description="What keeps tags from making releases.")
    began_empty: bool | None = Field(
        None,
        description=(
            "Whether the app had no tag yet, so that each one is new; unset once one is decided "
            "about."
        ),
    )
