"""How a server wants to be asked: `WWW-Authenticate` (RFC 9110, section 11.6.1)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SCHEME = re.compile(r"[\s,]*([A-Za-z][A-Za-z0-9-]*)(?=[\s,]|\Z)(?!\s*=)")

PARAMETER = re.compile(
    r'[\s,]*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))(?=[\s,]|\Z)'
)


@dataclass(frozen=True)
class Challenge:
    """One way to be asked.

    Attributes:
        scheme: in lower case, such as `bearer`.
        parameters: by name in lower case.
    """

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(headers: Sequence[str]) -> tuple[Challenge, ...]:
    """Read what an answer's headers of this name say.

    Raises:
        ValueError: they are no challenges.
    """
    return tuple(challenge for text in headers for challenge in _parse(text))


def _parse(text: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    at, end = 0, len(text.rstrip(" \t,"))
    while at < end:
        parameter = PARAMETER.match(text, at) if found else None
        match = parameter or SCHEME.match(text, at)
        if match is None:
            raise ValueError("it is no challenge")
        if parameter is None:
            found.append((match[1].lower(), {}))
        else:
            name, quoted, plain = parameter.groups()
            if name.lower() in found[-1][1]:
                raise ValueError("a challenge says a thing twice")
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            found[-1][1][name.lower()] = value
        at = match.end()
    return [Challenge(scheme, parameters) for scheme, parameters in found]
