"""Strings, durations and references that both resources use, with the rules on them.

Rules are CEL rather than `pattern`, because the API server shows a pattern as it is and a rule's
message as a sentence. Each `maxLength` also keeps the estimated cost of the rules inside the API
server's budget, which refuses rules over unbounded strings and lists.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from album_operator.api.model import Model, Rule
from album_operator.api.predicates import contains, ends, finds, matches
from album_operator.domain.durations import in_short
from album_operator.domain.versions import IMAGE_TAG_LENGTH, NUMERIC, SEMVER

PREFIX_LENGTH = 63
"""Longest prefix of an app's git tags."""

MESSAGE_LENGTH = 1024
"""Longest message in a status; the writer of the status has to cut longer ones."""

DIFF_LENGTH = 4096
"""Longest diff in a status, in characters."""

PLAN_DIFF_LENGTH = 8192
"""Longest diff of a plan, in characters."""

PATCH_LENGTH = 1024
"""Longest patch of an Application in a plan, in characters."""

VERSION = f"({SEMVER}|{NUMERIC})"
# A prefix ends with none of `.` and digits, so that `v1.2.3.4` is not app `v1.` at 2.3.4.
_TAG_PREFIX = r"(@?[A-Za-z0-9][A-Za-z0-9._@/-]*[A-Za-z_@/-]|[A-Za-z@])?"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
# At most three parts of five digits: CEL's `duration()` overflows on more instead of answering.
_DURATION = re.compile(r"([0-9]{1,5}[smh]){1,3}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


# `.lock` at the end and `..` are refused in every part of a git reference (git-check-ref-format).
_SAFE_IN_REF = ~contains("..") & ~ends(".lock")
# So are empty ones and a `.` at the beginning; one at the end is refused to be sure.
_SAFE_FOLDERS = ~finds(r"//|/\.|\./|\.lock/")

Version = Annotated[
    str,
    Field(max_length=IMAGE_TAG_LENGTH, examples=["v1.1.0"]),
    Rule(
        matches(VERSION) & _SAFE_IN_REF,
        "version must be of the form v1.2.3 or v1.2.3-rc.1 (the v may be left out): three numbers, "
        "then at most one pre-release part of letters, digits, '-' and '.', not ending with .lock; "
        "or, with versioning Numeric, numbers with '.' or '-' between them, such as 2024.11.03; "
        "image tags cannot hold build metadata such as +1, and latest is no version.",
    ),
]

TagName = Annotated[
    str,
    Field(max_length=PREFIX_LENGTH + IMAGE_TAG_LENGTH, examples=["backend-v1.1.0"]),
    Rule(
        matches(_TAG_PREFIX + VERSION) & _SAFE_IN_REF & _SAFE_FOLDERS,
        "tag must be the name of a git tag that ends with a version, such as backend-v1.1.0 or "
        "backend/v1.1.0: letters, digits, '.', '_', '-', '/' and '@' only, no '..' and no '//', "
        "not beginning with '-', '.' or '/', not ending with .lock; the version becomes an image "
        "tag, which cannot hold build metadata such as +1.",
    ),
]

TagPrefix = Annotated[
    str,
    Field(max_length=PREFIX_LENGTH, examples=["backend-", "backend/"]),
    Rule(
        matches(_TAG_PREFIX) & ~contains("..") & _SAFE_FOLDERS,
        "tagPrefix must be what an app's git tags have before the version, such as backend-, "
        "backend/ or @acme/backend@: letters, digits, '.', '_', '-', '/' and '@', no '..' and no "
        "'//', beginning with a letter, a digit or '@' and ending with a letter, '-', '_', '/' or "
        "'@'.",
    ),
]

AppName = Annotated[
    str,
    Field(max_length=63, examples=["backend"]),
    Rule(
        matches(_LABEL),
        "an app's name must be lower-case letters, digits and '-', beginning and ending with a "
        "letter or digit: it becomes part of image, branch, path and label.",
    ),
]

Label = Annotated[
    str,
    Field(max_length=63),
    Rule(
        matches(_LABEL),
        "this must be a namespace: lower-case letters, digits and '-', beginning and ending with a "
        "letter or digit.",
    ),
]

_OBJECT_NAME = Rule(
    matches(rf"{_LABEL}(\.{_LABEL})*"),
    "this must be the name of an object: lower-case letters, digits, '-' and '.', beginning and "
    "ending with a letter or digit.",
)

ObjectName = Annotated[str, Field(max_length=253), _OBJECT_NAME]

# The operator labels releases with their pipeline; a label's value has at most 63 characters.
PipelineName = Annotated[str, Field(max_length=63), _OBJECT_NAME]


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `90s`, `30m` or `1h30m`.

    Raises:
        ValueError: the text is not of that form.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"`{text}` is not a duration such as 90s, 30m or 1h30m")
    parts: Iterable[tuple[str, str]] = re.findall(r"([0-9]+)([smh])", text)
    return sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in parts), timedelta())


def _from_text(parse: Callable[[str], timedelta]) -> BeforeValidator:
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


class Between:
    """Bounds of a duration, both included.

    Args:
        least: shortest duration allowed, in the API's form.
        most: longest duration allowed.
        example: one for the message.
    """

    def __init__(self, least: str, most: str, example: str) -> None:
        self._least, self._most = parse_duration(least), parse_duration(most)
        self._rule = Rule(
            f"{matches(_DURATION.pattern)} && duration(self) >= duration('{least}') "
            f"&& duration(self) <= duration('{most}')",
            f"this must be a duration between {least} and {most} in hours, minutes and seconds, "
            f"such as {example}.",
        )

    def check(self, value: timedelta) -> None:
        """Refuse a duration outside of the bounds."""
        if not self._least <= value <= self._most:
            raise ValueError(self._rule.message)

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the bounds as a rule."""
        return self._rule.__get_pydantic_json_schema__(core_schema, handler)


Duration = Annotated[
    timedelta,
    _from_text(parse_duration),
    PlainSerializer(in_short, return_type=str),
    WithJsonSchema({"type": "string", "maxLength": 18}),
]
"""A `timedelta` of whole seconds in Python, such as `1h30m` in the API."""


def parse_overhead(text: str) -> timedelta:
    """Read seconds with microseconds, such as `0.123456`."""
    seconds, _, fraction = text.partition(".")
    return timedelta(seconds=int(seconds), microseconds=int(fraction.ljust(6, "0")[:6]))


def render_overhead(overhead: timedelta) -> str:
    """Write a time span as seconds with microseconds, such as `0.123456`."""
    microseconds = overhead // timedelta(microseconds=1)
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"


Overhead = Annotated[
    timedelta,
    _from_text(parse_overhead),
    PlainSerializer(render_overhead, return_type=str),
    WithJsonSchema({"type": "string", "maxLength": 20, "pattern": r"^[0-9]{1,12}\.[0-9]{6}$"}),
]


def render_time(moment: datetime) -> str:
    """Write a moment as UTC with microseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(render_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 40}),
]
"""A moment in a status: UTC with microseconds (RFC 3339)."""

Commit = Annotated[str, Field(max_length=40, pattern=r"^[0-9a-f]{40}$")]
Digest = Annotated[str, Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")]
Word = Annotated[str, Field(max_length=64)]
"""A CamelCase word of a status, such as a reason."""
Name = Annotated[str, Field(max_length=253)]
# Room for what conventions add to a repository's URL or make of registry, repository and version.
Text = Annotated[str, Field(max_length=1024)]
Message = Annotated[str, Field(max_length=MESSAGE_LENGTH)]

BuildType = Literal["Kaniko", "BuildKit", "External"]
ExistingImage = Literal["Refuse", "Adopt"]
ProofBy = Literal["Registry", "Builder"]
ImageOrigin = Literal["Built", "Reused", "Adopted", "External"]
ForgeType = Literal["Gitea", "GitHub"]
MergeMode = Literal["Manual", "Auto"]

Rollback = Literal["Report", "Revert"]
Concurrency = Literal["Supersede", "Queue", "Forbid"]
OnDelete = Literal["Cancel", "Keep"]
MergeMethod = Literal["Merge", "Squash", "Rebase"]
EditValue = Literal["Tag", "Digest", "Reference", "Repository"]
EditFormat = Literal["YAML", "Kustomize"]
EditAnchors = Literal["Refuse", "Edit"]
DeliveryType = Literal["PullRequest", "Commit"]
SyncType = Literal["Automated", "Operation", "Observe"]
OlderImages = Literal["Refuse", "Ignore"]
VersioningType = Literal["SemVer", "Numeric"]


class SecretRef(Model):
    """A Secret in the namespace of this object."""

    name: ObjectName = Field(description="Name of the Secret.")


class MaybeSecretRef(Model):
    """A Secret in the namespace of this object, or none."""

    name: ObjectName | None = Field(None, description="Name of the Secret; none if unset.")
