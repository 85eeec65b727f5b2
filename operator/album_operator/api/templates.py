r"""Templates of names and texts, and what is refused in them; `domain.templates` fills them in.

A dollar is written `\x24` in the patterns: in Python's form of them, `$` is the end of the text.
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from album_operator.api.model import Rule, Rules
from album_operator.api.predicates import Predicate, contains, finds, matches
from album_operator.domain.templates import BRANCH_LENGTH, BRANCH_VARIABLES, VARIABLES

COMMIT_MESSAGE_LENGTH = 1024
BODY_LENGTH = 2048


def _variable(names: Iterable[str]) -> str:
    return rf"\x24\{{({'|'.join(names)})\}}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"${{{name}}}" for name in names)


def _has(*names: str) -> Predicate:
    first, *more = (contains(f"${{{name}}}") for name in names)
    for other in more:
        first = first | other
    return first


_KNOWN = matches(
    rf"([^\x24]|\x24+[^\x24\{{]|\x24*{_variable(VARIABLES)})*\x24*",
)
"""Each `${` begins a variable there is; a dollar alone is one."""

_UNKNOWN = f"there is no such variable: those there are, {_listed(VARIABLES)}."

_NOT_YET = _has("image", "digest")
_PART = rf"([A-Za-z0-9._+@/-]|{_variable(BRANCH_VARIABLES)})*"

BranchTemplate = Annotated[
    str,
    Field(max_length=BRANCH_LENGTH, examples=["release/${environment}/${app}_${version}"]),
    Rules(
        Rule(
            ~_NOT_YET,
            "a branch cannot have ${image} or ${digest} in its name: it is made up before the "
            "build, and an image has ':' in its name. Take ${tag} or ${version}.",
        ),
        # Silent where a rule above speaks, so that the user reads one message.
        Rule(
            _NOT_YET
            | (
                matches(rf"([A-Za-z0-9_]|{_variable(BRANCH_VARIABLES)}){_PART}")
                & ~finds(r"\.\.|//|/\.|[/.]$|\.lock(/|$)|^refs/")
            ),
            "this must give the name of a git branch, such as release/${app}_${version}: letters, "
            "digits, '.', '_', '+', '@', '-', '/' and the variables "
            f"{_listed(BRANCH_VARIABLES)}; not beginning with '-', no '..', no part beginning "
            "with '.' or ending with .lock.",
        ),
        Rule(
            _NOT_YET | _has("version", "tag"),
            "two releases would have the same branch: the name needs ${version} or ${tag}.",
        ),
        Rule(
            ~contains("}${"),
            "two releases could have the same branch: put a character such as '_' between two "
            "variables.",
        ),
    ),
]

_BLANK_FIRST = finds(r"^\s")


def _text_rules(control: str, form: str) -> Rules:
    return Rules(
        Rule(_KNOWN, _UNKNOWN),
        Rule(~finds(control) & ~_BLANK_FIRST, form),
    )


TitleTemplate = Annotated[
    str,
    Field(min_length=1, max_length=200, examples=["${environment}: ${app} ${version}"]),
    _text_rules(
        r"[\x00-\x1f\x7f]",
        "the title is one line without control characters, and begins with no blank.",
    ),
]

CommitMessage = Annotated[
    str,
    Field(min_length=1, max_length=COMMIT_MESSAGE_LENGTH, examples=["deploy(${app}): ${version}"]),
    _text_rules(
        r"[\x00-\x09\x0b-\x1f\x7f]",
        "the message is a subject and, after an empty line, more of them; it begins with no blank "
        "and has no control characters but line ends.",
    ),
]

BodyTemplate = Annotated[
    str,
    Field(min_length=1, max_length=BODY_LENGTH, examples=["Rolls ${app} out to ${environment}."]),
    _text_rules(
        r"[\x00-\x08\x0b-\x1f\x7f]",
        "the body is Markdown that begins with no blank and has no control characters but tabs "
        "and line ends.",
    ),
]

Environment = Annotated[
    str,
    Field(max_length=63, examples=["staging"]),
    Rule(
        matches(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?"),
        "environment must be a word such as staging: letters, digits, '_' and '-', beginning and "
        "ending with a letter or digit.",
    ),
]
