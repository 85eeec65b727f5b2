"""Ranges of versions, as package managers and tools of GitOps write them.

Sources: "Ranges" of npm's `semver`; github.com/Masterminds/semver, which Flux, Kargo and Argo CD
Image Updater read them with. What these two read alike is read so here; pre-releases are not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from album_operator.domain.versions import Versioning, is_newer, is_version

_OPERAND = (
    r"v?[0-9]+(?:(?:\.[0-9]+)*(?:\.[xX*])*"
    r"|(?:\.[0-9]+){2}-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)"
)
_BETWEEN = f"{_OPERAND} +- +{_OPERAND}"
_SPAN = rf"(?:(?:(?:=|==|!=|>|>=|<|<=|~|~>|\^) *)?{_OPERAND}|{_BETWEEN}|[xX*])"

RANGE = rf"{_SPAN}(?:(?: *, *| +| *\|\| *){_SPAN})*"
"""Conditions with blanks or commas between them, which all hold; `||` between those of which one
does. A pattern that RE2 and Python read alike.
"""

RANGE_LENGTH = 200

NAMES_PRERELEASE = "[0-9]-[0-9A-Za-z]"
"""Found in a range that names a pre-release; between two versions a `-` has blanks around it."""

_EACH = re.compile("([=!<>~^]*) *([^ ,=!<>~^]+)(?: +- +([^ ,]+))?")

NUMBERS = 3
"""How many numbers a version of SemVer has; what names fewer stands for all that begin so."""


@dataclass(frozen=True)
class Span:
    """The versions between two, which are among them unless it is open there.

    Attributes:
        low, high: empty where there is none.
        is_outside: all others are meant.
    """

    low: str = ""
    high: str = ""
    is_low_open: bool = False
    is_high_open: bool = False
    is_outside: bool = False

    def admits(self, version: str, versioning: Versioning) -> bool:
        """Tell whether a version of a form is meant."""
        return self._has(version, versioning) is not self.is_outside

    def _has(self, version: str, versioning: Versioning) -> bool:
        if self.low and not _is_at_least(version, self.low, versioning, is_open=self.is_low_open):
            return False
        if not self.high:
            return True
        is_below = _is_at_least(self.high, version, versioning, is_open=self.is_high_open)
        return is_below and not self._is_before_end(version, versioning)

    def _is_before_end(self, version: str, versioning: Versioning) -> bool:
        """Tell of a pre-release of the very version the span ends before: nobody means that."""
        core, dash, _ = version.partition("-")
        if not (self.is_high_open and dash) or versioning is not Versioning.SEMVER:
            return False
        return "-" not in self.high and not is_newer(self.high, core, versioning)


@dataclass(frozen=True)
class Range:
    """A range: of one of its alternatives all spans admit a version."""

    alternatives: tuple[tuple[Span, ...], ...]

    def admits(self, version: str, versioning: Versioning) -> bool:
        """Tell whether a version of a form is in the range."""
        return any(
            all(span.admits(version, versioning) for span in spans) for spans in self.alternatives
        )

    def find_misfit(self, versioning: Versioning) -> str | None:
        """Find an end of the range that is no version of a form."""
        ends = (
            end for spans in self.alternatives for span in spans for end in (span.low, span.high)
        )
        return next((end for end in ends if end and not is_version(end, versioning)), None)

    def is_empty(self, versioning: Versioning, *, prereleases: bool) -> bool:
        """Tell whether no version of a form can be in it, pre-releases counting or not."""
        return all(
            _is_empty(spans, versioning, prereleases=prereleases) for spans in self.alternatives
        )


@lru_cache(256)
def parse_range(text: str) -> Range:
    """Read a range.

    Raises:
        ValueError: it is none.
    """
    if re.fullmatch(RANGE, text) is None:
        raise ValueError(f"`{text}` is no range of versions such as >=1.2.0 <2.0.0")
    return Range(tuple(tuple(_spans(part.strip(" "))) for part in text.split("||")))


def _spans(text: str) -> Iterator[Span]:
    for operator, operand, last in _EACH.findall(text):
        if last:
            yield replace(_span("<=", last), low=_span(">=", operand).low)
        else:
            yield _span(operator or "=", operand)


def _span(operator: str, operand: str) -> Span:
    """Give what an operator makes of a version, or of all that begin with some numbers."""
    core, _, prerelease = operand.removeprefix("v").partition("-")
    numbers = [int(number) for number in core.split(".") if number not in "xX*"]
    if not numbers:
        return Span()
    low = _text(numbers) + (f"-{prerelease}" if prerelease else "")
    is_one = len(numbers) >= NUMBERS
    above = _after(numbers, len(numbers) - 1)
    all_of_it = Span(low, low) if is_one else Span(low, above, is_high_open=True)
    match operator:
        case ">":
            return Span(low, is_low_open=True) if is_one else Span(above)
        case ">=":
            return Span(low)
        case "<":
            return Span(high=low, is_high_open=True)
        case "<=":
            return replace(all_of_it, low="")
        case "!=":
            return replace(all_of_it, is_outside=True)
        case "^":
            first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
            return Span(low, _after(numbers, first), is_high_open=True)
        case "~" | "~>":
            return Span(low, _after(numbers, min(1, len(numbers) - 1)), is_high_open=True)
        case _:
            return all_of_it


def _after(numbers: Sequence[int], at: int) -> str:
    """Give the first version after all that begin with the numbers up to one."""
    return _text([*numbers[:at], numbers[at] + 1])


def _text(numbers: Sequence[int]) -> str:
    return ".".join(map(str, [*numbers, *[0] * (NUMBERS - len(numbers))]))


def _is_at_least(version: str, other: str, versioning: Versioning, *, is_open: bool) -> bool:
    """Tell whether a version is newer than another, or where it is not open, the same."""
    if is_open:
        return is_newer(version, other, versioning)
    return not is_newer(other, version, versioning)


def _is_empty(spans: Sequence[Span], versioning: Versioning, *, prereleases: bool) -> bool:
    """Tell whether two of the spans have nothing between one's low end and the other's high."""
    inside = [span for span in spans if not span.is_outside]
    lows = [_first(span, versioning, prereleases=prereleases) for span in inside if span.low]
    return any(
        not replace(span, low=low.low, is_low_open=False).admits(low.low, versioning)
        or (low.is_low_open and low.low == span.high)
        for low in lows
        for span in inside
        if span.high
    )


def _first(span: Span, versioning: Versioning, *, prereleases: bool) -> Span:
    """Give the low end as the first version above it, where there is one."""
    if prereleases or not span.is_low_open or versioning is not Versioning.SEMVER:
        return span
    if "-" in span.low:
        return span
    numbers = [int(number) for number in span.low.split(".")]
    return replace(span, low=_after(numbers, len(numbers) - 1), is_low_open=False)
