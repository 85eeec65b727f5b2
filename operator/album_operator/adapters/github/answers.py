"""What a GitHub answers: refusals as the operator's errors."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from album_operator.adapters.foreign_words import WORDS_LENGTH
from album_operator.adapters.forge_failures import (
    RETRIED,
    garbage,
    not_let,
    parse_retry_after,
    time_of,
    unavailable,
    where,
)
from album_operator.codec.foreign_json import ExcessiveError, parse_json
from album_operator.domain.errors import OutsideError, TerminalError
from album_operator.domain.places import ForgePlace
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head

ARCHIVED = re.compile(r"\barchived\b", re.IGNORECASE)

MISSING_RIGHT = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})

ODD = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading an answer raises where it is not what this API gives."""


@dataclass(frozen=True)
class Answer:
    """What the forge answered to a request.

    Attributes:
        body: parsed JSON, None where it is none.
        said: all messages in it, printable and without a secret.
        headers: by name in lower case.
    """

    status: int
    body: Any
    said: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> list[Mapping[str, Any]]:
        """What a validation or a GraphQL query found wrong."""
        return [item for item in _errors(self.body) if isinstance(item, dict)]


def parse_answer(
    status: int, headers: Mapping[str, str], text: str, scrub: Callable[[str], str]
) -> Answer:
    """Take an answer apart; what is no JSON has no body, only a status.

    Raises:
        ExcessiveError: it is more than any honest answer.
    """
    try:
        body = parse_json(text)
    except ExcessiveError:
        raise
    except ValueError:
        body = None
    words = [body.get("message")] if isinstance(body, dict) else []
    words += [_describe(error) for error in _errors(body)]
    told = "; ".join(word for word in words if isinstance(word, str) and word)
    said = printable(scrub(told)) or f"HTTP status {status}"
    return Answer(status, body, said, headers)


def _errors(body: Any) -> list[Any]:  # noqa: ANN401 - JSON
    found = body.get("errors") if isinstance(body, dict) else None
    return found if isinstance(found, list) else []


def _describe(error: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(error, dict):
        return error
    return error.get("message") or f"{error.get('field')} is {error.get('code')}"


def printable(text: str) -> str:
    """Give a text as one short printable line."""
    return head(re.sub(r"[^!-~]+", " ", text).strip(), WORDS_LENGTH).rstrip(" .")


def require(place: ForgePlace, answer: Answer, status: int, doing: str) -> None:
    """Refuse an answer with another status.

    Args:
        place: the repository.
        answer: the forge's.
        status: the only one that is good.
        doing: what was tried, such as `open pull requests in`.

    Raises:
        OutsideError: what the status means.
    """
    if answer.status != status:
        raise refused(place, answer, doing)


def refused(place: ForgePlace, answer: Answer, doing: str) -> OutsideError:
    """Say why the forge did not do what was tried."""
    match answer.status:
        case 403 if ARCHIVED.search(answer.said):
            return archived(place, answer.said)
        # To a token that may read and not write, GitHub answers a write with 404, too.
        case 401 | 403 | 404:
            return credential_refused(place, answer, doing)
        case status if status in RETRIED:
            wait = parse_retry_after(
                answer.headers.get("retry-after"), time_of(answer.headers.get("date"))
            )
            return unavailable(place, answer.said, wait)
        case status if status < 400 or status >= 500:
            return garbage(place, f"HTTP status {status} was not expected")
        case _:
            return not_let(place, doing, answer.said)


def credential_refused(place: ForgePlace, answer: Answer, doing: str) -> TerminalError:
    """Say that the forge does not let the credential do what was tried."""
    return TerminalError(
        Reason.CREDENTIALS_REFUSED,
        f"{place.api_url} refused {name_of(place)}: {answer.said}. It must be allowed to {doing} "
        f"{where(place)}.{name_missing_right(answer)}",
        "Put a working credential into the Secret",
    )


def is_right_missing(answer: Answer) -> bool:
    """Tell whether GraphQL says that the credential has no right to something."""
    return bool({error.get("type") for error in answer.errors} & MISSING_RIGHT)


def name_of(place: ForgePlace) -> str:
    """Name a credential in a message."""
    kind = "GitHub App" if place.credential.app and not place.credential.token else "token"
    return f"the {kind} of Secret {place.credential.secret}"


def name_missing_right(answer: Answer) -> str:
    """Name the scope, permission or single sign-on a token lacks, where the answer tells.

    Returns:
        A sentence with a space before it, or nothing.
    """
    if answer.headers.get("x-github-sso", "").startswith("required"):
        return (
            " The organization wants single sign-on: authorize the token for it (Configure SSO, "
            "beside the token in GitHub's settings)."
        )
    wanted = printable(answer.headers.get("x-accepted-github-permissions", ""))
    if wanted:
        return f" It needs permission {wanted}."
    if "x-oauth-scopes" not in answer.headers:
        return ""
    has = _words(answer.headers["x-oauth-scopes"])
    accepted = _words(answer.headers.get("x-accepted-oauth-scopes", "")) or ["repo"]
    if set(has) & {*accepted, "repo"}:
        return ""
    return f" It needs scope {' or '.join(accepted)} and has {', '.join(has) or 'none'}."


def _words(header: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", printable(header)) if word]


def archived(place: ForgePlace, said: str) -> TerminalError:
    """Say that the repository can only be read."""
    return TerminalError(
        Reason.REPOSITORY_ARCHIVED,
        f"{where(place)} is archived: {said}.",
        "Take it out of the archive there",
    )


def repository_not_found(place: ForgePlace, answer: Answer | None = None) -> TerminalError:
    """Say that the repository is not there, or not for this token."""
    right = name_missing_right(answer) if answer is not None else ""
    return TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{place.repository} does not exist in {place.api_url}, or {name_of(place)} may not see it."
        f"{right}",
        "Correct spec.config.repository of the pipeline or the token's rights",
    )


def renamed(place: ForgePlace, name: str) -> TerminalError:
    """Say that the repository has another name by now."""
    return TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{where(place)} was renamed to {printable(name)[:140]}.",
        "Name its new address in spec.config.repository of the pipeline",
    )
