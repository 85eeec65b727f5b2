"""What a Gitea answers: pull requests as domain values, refusals as the operator's errors."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from album_operator.adapters.foreign_words import WORDS_LENGTH, scrub
from album_operator.adapters.forge_failures import RETRIED, garbage, not_let, unavailable, where
from album_operator.adapters.names import is_commit
from album_operator.codec.foreign_json import BYTES, ExcessiveError, parse_json
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import ForgePlace
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.seen import PullRequestSeen, PullRequestState, RepositorySeen

TOTAL = re.compile(r"[0-9]{1,9}")

URL = re.compile(r"https?://[!-~]{1,500}")

_STATES = {"open": PullRequestState.OPEN, "closed": PullRequestState.CLOSED}


@dataclass(frozen=True)
class Answer:
    """What the forge answered to a request.

    Attributes:
        total: how many items the whole list has, of which this may be a page.
    """

    status: int
    body: Any
    said: str
    retry_after: timedelta | None
    total: int | None = None


async def read_body(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer to its end; compressed, it counts as what comes out.

    Raises:
        aiohttp.ClientPayloadError: it is broken off, or longer than any honest answer.
    """
    data = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) > BYTES:
            raise aiohttp.ClientPayloadError(f"the answer has more than {BYTES} bytes")
    return bytes(data)


def parse_answer(
    place: ForgePlace,
    status: int,
    data: bytes,
    retry_after: timedelta | None,
    total: str | None = None,
) -> Answer:
    """Take an answer apart; what is no JSON has no body, only a status.

    Raises:
        TransientError: it is more than any honest answer.
    """
    try:
        body = parse_json(data)
    except ExcessiveError as error:
        raise garbage(place, str(error)) from error
    except ValueError:
        body = None
    message = body.get("message") if isinstance(body, dict) else None
    said = message if isinstance(message, str) and message else f"HTTP status {status}"
    said = head(re.sub(r"[^!-~]+", " ", scrub(said, place.credential)), WORDS_LENGTH)
    count = int(total) if total is not None and TOTAL.fullmatch(total) else None
    return Answer(status, body, said, retry_after, count)


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
        raise _refused(place, answer, doing)


def _refused(place: ForgePlace, answer: Answer, doing: str) -> OutsideError:
    match answer.status:
        case 401 | 403:
            return TerminalError(
                Reason.CREDENTIALS_REFUSED,
                f"{place.api_url} refused the token of Secret {place.credential.secret}: "
                f"{answer.said}.",
                f"It must be allowed to {doing} {where(place)} (Gitea scope write:repository); "
                "put a working token into the Secret",
            )
        case 301 | 302 | 303 | 307 | 308:
            return TerminalError(
                Reason.REPOSITORY_NOT_FOUND,
                f"{where(place)} answers with a redirect, which is not followed with a token.",
                "Name its new address in the pipeline",
            )
        case 429:
            return TransientError(
                Reason.RATE_LIMITED,
                f"{place.api_url} limits requests: {answer.said}.",
                answer.retry_after,
            )
        case 423:
            return TerminalError(
                Reason.REPOSITORY_ARCHIVED,
                f"{where(place)} is archived or locked: {answer.said}.",
                "Take it out of the archive there",
            )
        case status if status in RETRIED:
            return unavailable(place, answer.said, answer.retry_after)
        case status if status < 400:
            return garbage(place, f"HTTP status {status} was not expected")
        case _:
            return not_let(place, doing, answer.said)


def is_between(raw: Any, head: str, base: str) -> bool:  # noqa: ANN401 - JSON
    """Tell whether a pull request goes from our branch to the base, both of one repository.

    `head.ref` becomes `refs/pull/<number>/head` once the branch is deleted; `head.label` stays.
    """
    try:
        return bool(
            raw["head"]["label"] == head
            and raw["base"]["ref"] == base
            and raw["head"]["repo_id"] == raw["base"]["repo_id"]
        )
    except (KeyError, TypeError):
        return False


def _head(raw: Any) -> str | None:  # noqa: ANN401 - JSON
    """Give the branch of the same repository a pull request comes from; None for a fork's."""
    is_ours = raw["head"]["repo_id"] == raw["base"]["repo_id"]
    return str(raw["head"]["label"]) if is_ours else None


def parse_moment(place: ForgePlace, raw: Any) -> datetime:  # noqa: ANN401 - JSON
    """Read when a pull request last changed.

    Raises:
        TransientError: it does not tell.
    """
    try:
        return datetime.fromisoformat(raw["updated_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise garbage(place, f"a pull request has no proper {error}") from error


def parse_repository(place: ForgePlace, raw: Any) -> RepositorySeen:  # noqa: ANN401 - JSON
    """Read a repository.

    Raises:
        TransientError: it is none.
    """
    try:
        return RepositorySeen(bool(raw["archived"]), bool(raw["permissions"]["push"]))
    except (KeyError, TypeError) as error:
        raise garbage(place, f"a repository has no proper {error}") from error


def parse_pull_request(place: ForgePlace, raw: Any) -> PullRequestSeen:  # noqa: ANN401 - JSON
    """Read a pull request.

    Raises:
        TransientError: it is none, or not a sane one.
    """
    try:
        merged, actor = bool(raw["merged"]), raw.get("merged_by") or {}
        state = PullRequestState.MERGED if merged else _STATES[raw["state"]]
        seen = PullRequestSeen(
            repository=str(raw["base"]["repo"]["html_url"]),
            number=int(raw["number"]),
            url=str(raw["html_url"]),
            state=state,
            head_sha=str(raw["head"]["sha"]),
            title=str(raw["title"]),
            head=_head(raw),
            base=str(raw["base"]["ref"]),
            merge_commit=(raw.get("merge_commit_sha") or None) if merged else None,
            merged_at=datetime.fromisoformat(raw["merged_at"]) if merged else None,
            actor=str(actor["login"]) if actor else None,
            labels=frozenset(str(label["name"]) for label in raw.get("labels") or ()),
            reviewers=frozenset(
                str(user["login"]) for user in raw.get("requested_reviewers") or ()
            ),
            assignees=frozenset(str(user["login"]) for user in raw.get("assignees") or ()),
            milestone=str(raw["milestone"]["title"]) if raw.get("milestone") else None,
            is_draft=bool(raw.get("draft")),
            # Becomes `refs/pull/<number>/head` once the branch is deleted.
            has_branch=raw["head"]["ref"] == raw["head"]["label"],
            is_archived=bool(raw["base"]["repo"].get("archived")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise garbage(place, f"a pull request has no proper {error}") from error
    if not (is_commit(seen.head_sha) and (not seen.merge_commit or is_commit(seen.merge_commit))):
        raise garbage(place, "a pull request has no proper commits")
    if not (URL.fullmatch(seen.url) and URL.fullmatch(seen.repository)):
        raise garbage(place, "a pull request has no proper URL")
    return seen
