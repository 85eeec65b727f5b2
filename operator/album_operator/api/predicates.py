"""Conditions on texts, each said once: as CEL for the API server, and in Python.

The API server checks specs; what a status holds it does not check, and the operator must.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_ATOM, _AND, _OR = range(3)


@dataclass(frozen=True)
class Predicate:
    """A condition on a text.

    Attributes:
        cel: as CEL over `self`.
        holds: the same in Python.
        binding: how weakly the operator of `cel` binds, for parentheses.
    """

    cel: str
    holds: Callable[[str], bool]
    binding: int = _ATOM

    def __str__(self) -> str:
        return self.cel

    def __and__(self, other: "Predicate") -> "Predicate":
        return Predicate(
            f"{self._inside(_AND)} && {other._inside(_AND)}",
            lambda text: self.holds(text) and other.holds(text),
            _AND,
        )

    def __or__(self, other: "Predicate") -> "Predicate":
        return Predicate(
            f"{self._inside(_OR)} || {other._inside(_OR)}",
            lambda text: self.holds(text) or other.holds(text),
            _OR,
        )

    def __invert__(self) -> "Predicate":
        return Predicate(f"!{self._inside(_ATOM)}", lambda text: not self.holds(text))

    def _inside(self, binding: int) -> str:
        return self.cel if self.binding <= binding else f"({self.cel})"


def matches(pattern: str) -> Predicate:
    """Ask for a text that matches a whole RE2 pattern."""
    known = _compiled(pattern)
    return Predicate(f"self.matches(r'^{pattern}$')", lambda text: bool(known.fullmatch(text)))


def finds(pattern: str) -> Predicate:
    """Ask for a text of which some part matches an RE2 pattern."""
    known = _compiled(pattern)
    return Predicate(f"self.matches(r'{pattern}')", lambda text: bool(known.search(text)))


def contains(part: str) -> Predicate:
    """Ask for a text that holds another."""
    return Predicate(f"self.contains('{part}')", lambda text: part in text)


def begins(part: str) -> Predicate:
    """Ask for a text that begins with another."""
    return Predicate(f"self.startsWith('{part}')", lambda text: text.startswith(part))


def ends(part: str) -> Predicate:
    """Ask for a text that ends with another."""
    return Predicate(f"self.endsWith('{part}')", lambda text: text.endswith(part))


def is_not(other: str) -> Predicate:
    """Ask for any text but one."""
    return Predicate(f"self != '{other}'", lambda text: text != other)


def upper_matches(pattern: str) -> Predicate:
    """Ask for a text that, in capital letters, matches a whole RE2 pattern."""
    known = _compiled(pattern)
    return Predicate(
        f"self.upperAscii().matches(r'^{pattern}$')",
        lambda text: bool(known.fullmatch(text.upper())),
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    # RE2's `$` is the end of the text alone, and its classes are those of ASCII.
    return re.compile(pattern.replace("$", r"\Z"), re.ASCII)
