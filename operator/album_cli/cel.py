"""Rules in CEL, by Google's runtime: RE2 and lengths in code points, as in the API server's.

The functions are those our rules take from Kubernetes' libraries and CEL's extensions.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from cel_expr_python import cel

from album_operator.domain.quantities import amount_of

# CEL's own words; Kubernetes puts underlines around a field of such a name.
_RESERVED = re.compile(
    "true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|"
    "namespace|return|var|void|while"
)
_SIGNS = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


def holds(rule: str, value: object) -> bool:
    """Tell whether a rule holds for a value, `self`.

    Args:
        rule: a CEL expression.
        value: parsed JSON; objects have their names by `name_in_rules`.

    Returns:
        False too where the rule cannot be evaluated: the API server refuses the object then.
    """
    result = _compiled(rule).eval(data={"self": _safe(value)})
    return result.type() == cel.Type.BOOL and bool(result.value())


def matches(pattern: str, text: str) -> bool:
    """Tell whether some part of a text matches an RE2 pattern."""
    found = _compiled("self[0].matches(self[1])").eval(data={"self": _safe([text, pattern])})
    return bool(found.value())


@cache
def name_in_rules(field: str) -> str:
    """Give a field's name as CEL in a CRD has it (Kubernetes: Common Expression Language)."""
    if _RESERVED.fullmatch(field):
        return f"__{field}__"
    for sign, escaped in _SIGNS.items():
        field = field.replace(sign, escaped)
    return field


def _safe(value: Any) -> Any:  # noqa: ANN401 - parsed JSON
    # The runtime's bindings end a text at NUL; no rule tells it from the next control character.
    if isinstance(value, str):
        return value.replace("\x00", "\x01")
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, dict):
        return {name: _safe(item) for name, item in value.items()}
    return value


@cache
def _compiled(rule: str) -> cel.Expression:
    return _environment().compile(rule)


@cache
def _environment() -> cel.Env:
    of = cel.Type
    return cel.NewEnv(
        variables={"self": of.DYN},
        functions=[
            _function("isQuantity", [of.STRING], of.BOOL, _is_quantity),
            # A quantity is its text here.
            _function("quantity", [of.STRING], of.STRING, str),
            _method("isGreaterThan", [of.STRING, of.STRING], of.BOOL, _is_greater),
            _method("compareTo", [of.STRING, of.STRING], of.INT, _order),
            _method("sum", [of.LIST], of.INT, sum),
            _method("upperAscii", [of.STRING], of.STRING, _upper_ascii),
        ],
    )


def _function(
    name: str,
    takes: Sequence[cel.Type],
    gives: cel.Type,
    implementation: Callable[..., Any],
    *,
    is_member: bool = False,
) -> cel.FunctionDecl:
    overload = cel.Overload(
        id=name, return_type=gives, parameters=takes, is_member=is_member, impl=implementation
    )
    return cel.FunctionDecl(name, [overload])


_method = partial(_function, is_member=True)


def _is_quantity(text: str) -> bool:
    try:
        amount_of(text)
    except ValueError:
        return False
    return True


def _is_greater(one: str, other: str) -> bool:
    return amount_of(one) > amount_of(other)


def _order(one: str, other: str) -> int:
    first, second = amount_of(one), amount_of(other)
    return (first > second) - (first < second)


def _upper_ascii(text: str) -> str:
    return "".join(sign.upper() if sign.isascii() else sign for sign in text)
