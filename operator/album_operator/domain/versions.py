"""The forms of versions, the order of each, and which rule of it decided."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from itertools import zip_longest

import semver

SEMVER = r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
"""A version of SemVer 2.0, `v` allowed, build metadata not: an image tag cannot hold `+`.

Zeros before a number are allowed too, which SemVer is not: calendar versions have them.
"""

NUMERIC = r"v?[0-9]+([.-][0-9]+)*"
"""Numbers with dots or dashes between them, of any count: `2024.11.03`, `v737`, `2024-11-03-2`."""

IMAGE_TAG_LENGTH = 128
"""Longest tag of an image (OCI distribution specification 1.1), and so longest version."""

DATE = r"(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([0-9]{2,6})?"
SECONDS = "1[0-9]{9}"
"""Since 1970, of a time from 2001 on."""

HASH = rf"(?!({DATE}|{SECONDS})$)[0-9]{{7,64}}"
"""Of a commit, by chance without a letter: one of 27 short ones is."""

LOOKS_LIKE_VERSION = re.compile(
    rf"(?=.*[1-9])(?!{HASH}$)({NUMERIC}|v?[0-9]+(\.[0-9]+)+[._A-Za-z-].*)", re.ASCII
)
"""What people take for a version, of whatever form.

`latest` and the hash of a commit are none, nor is a placeholder of zeros, such as `v0`.
"""

LEADING = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)")

RUNS = re.compile(r"([0-9]+)|([A-Za-z]+)")


class Versioning(StrEnum):
    """Form of an app's versions, and with it their order.

    `SemVer` is that of SemVer 2.0; `Numeric` compares number by number, one that is not there
    counting as 0.
    """

    SEMVER = "SemVer"
    NUMERIC = "Numeric"


FORMS: Mapping[Versioning, re.Pattern[str]] = {
    Versioning.SEMVER: re.compile(SEMVER),
    Versioning.NUMERIC: re.compile(NUMERIC),
}

EXAMPLES: Mapping[Versioning, str] = {
    Versioning.SEMVER: "v1.2.3 or v1.2.3-rc.1",
    Versioning.NUMERIC: "2024.11.03 or v737",
}


def is_version(text: str, versioning: Versioning) -> bool:
    """Tell whether `text` is a version of a form, and an image tag can hold it."""
    return len(text) <= IMAGE_TAG_LENGTH and FORMS[versioning].fullmatch(text) is not None


def forms_of(text: str) -> list[Versioning]:
    """Give the forms of which `text` is a version."""
    return [versioning for versioning in Versioning if is_version(text, versioning)]


def is_newer(version: str, than: str, versioning: Versioning) -> bool:
    """Compare two versions by the order of their form; False where either is none of it."""
    if not (is_version(version, versioning) and is_version(than, versioning)):
        return False
    if versioning is Versioning.NUMERIC:
        pairs = zip_longest(_numbers(version), _numbers(than), fillvalue=0)
        return next((one > other for one, other in pairs if one != other), False)
    return _semver(version) > _semver(than)


def is_below(text: str, version: str) -> bool:
    """Tell whether what looks like a version is older, whatever its form.

    By its first numbers it must be: `1.27` and `1.27-alpine` may stand for any 1.27.x, so they are
    below 1.28.0, and neither below 1.27.3 nor above.
    """
    pairs = zip(_leading(text), _leading(version), strict=False)
    return next((one < other for one, other in pairs if one != other), False)


def rule_between(newer: str, older: str) -> str:
    """Say which rule of SemVer puts a version above another, where people may expect otherwise.

    Returns:
        A sentence; empty where the numbers before any `-` decide, or the texts after it as people
        read them.
    """
    newer_core, _, newer_part = newer.removeprefix("v").partition("-")
    older_core, _, older_part = older.removeprefix("v").partition("-")
    if _numbers(newer_core) != _numbers(older_core):
        return ""
    if not newer_part:
        return f"By SemVer what follows a - is a pre-release: {older} comes before {newer}."
    pairs = zip(newer_part.split("."), older_part.split("."), strict=False)
    one, other = next(((one, other) for one, other in pairs if one != other), ("", ""))
    if _as_people_count(older_part) <= _as_people_count(newer_part):
        return ""
    return (
        f"SemVer compares {other} and {one} as texts, letter by letter and capitals first, so "
        f"{other} comes before {one}; only digits that stand alone, as in rc.10, are a number to "
        "it."
    )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.split("[.-]", version.removeprefix("v"))]


def _leading(text: str) -> list[int]:
    found = LEADING.match(text)
    return _numbers(found[1]) if found is not None else []


@lru_cache(1024)
def _semver(version: str) -> semver.Version:
    """Parse a version without the zeros before its numbers, which SemVer 2.0 does not allow."""
    core, dash, part = version.removeprefix("v").partition("-")
    numbers = ".".join(map(str, _numbers(core)))
    words = (str(int(word)) if word.isdigit() else word for word in part.split("."))
    return semver.Version.parse(f"{numbers}{dash}{'.'.join(words)}")


def _as_people_count(text: str) -> list[tuple[bool, int, str]]:
    """Give a key of the order of `rc9`, `rc.10` and `rc-11`, and of `beta` and `RC`."""
    return [
        (not number, int(number or 0), letters.casefold()) for number, letters in RUNS.findall(text)
    ]
