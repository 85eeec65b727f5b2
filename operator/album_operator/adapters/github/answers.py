"""What a GitHub answers: refusals as the operator's errors."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from album_operator.adapters.foreign_words import WORDS_LENGTH
from album_operator.adapters.forge_answers import Answer, parse_body
from album_operator.adapters.forge_failures import archived, name_of, where
from album_operator.domain.errors import OutsideError, TerminalError
from album_operator.domain.places import ForgePlace
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head

ARCHIVED = re.compile(r"\barchived\b", re.IGNORECASE)

MISSING_RIGHT = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})


@dataclass(frozen=True)
class GitHubAnswer(Answer):
    """What a GitHub answered; all messages in it are what it said."""

    @property
    def errors(self) -> list[Mapping[str, Any]]:
        """What a validation or a GraphQL query found wrong."""
        return [item for item in _errors(self.body) if isinstance(item, dict)]

    def refusal(self, place: ForgePlace, doing: str) -> OutsideError:
        """Say why the forge did not do what was tried."""
        match self.status:
            case 403 if ARCHIVED.search(self.said):
                return archived(place, "archived", self.said)
            # To a token that may read and not write, GitHub answers a write with 404, too.
            case 401 | 403 | 404:
                return credential_refused(place, self, doing)
            case _:
                return super().refusal(place, doing)


def parse_answer(
    status: int, headers: Mapping[str, str], text: str, scrub: Callable[[str], str]
) -> GitHubAnswer:
    """Take an answer apart.

    Raises:
        ExcessiveError: it is more than any honest answer.
    """
    body = parse_body(text)
    words = [body.get("message")] if isinstance(body, dict) else []
    words += [_describe(error) for error in _errors(body)]
    told = "; ".join(word for word in words if isinstance(word, str) and word)
    said = printable(scrub(told)) or f"HTTP status {status}"
    return GitHubAnswer(status, body, said, headers)


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


def credential_refused(place: ForgePlace, answer: GitHubAnswer, doing: str) -> TerminalError:
    """Say that the forge does not let the credential do what was tried."""
    return TerminalError(
        Reason.CREDENTIALS_REFUSED,
        f"{place.api_url} refused {name_of(place)}: {answer.said}. It must be allowed to {doing} "
        f"{where(place)}.{name_missing_right(answer)}",
        "Put a working credential into the Secret",
    )


def is_right_missing(answer: GitHubAnswer) -> bool:
    """Tell whether GraphQL says that the credential has no right to something."""
    return bool({error.get("type") for error in answer.errors} & MISSING_RIGHT)


def name_missing_right(answer: GitHubAnswer) -> str:
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


def renamed(place: ForgePlace, name: str) -> TerminalError:
    """Say that the repository has another name by now."""
    return TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{where(place)} was renamed to {printable(name)[:140]}.",
        f"Name its new address in {place.field}.repository of the pipeline",
    )
