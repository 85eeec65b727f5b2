"""What a Gitea answers: pull requests as domain values, refusals as the operator's errors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from album_operator.adapters.foreign_words import WORDS_LENGTH, scrub
from album_operator.adapters.forge_answers import STATES, Answer, check_sane, parse_body, reading
from album_operator.adapters.forge_failures import archived, garbage, redirected, where
from album_operator.codec.foreign_json import ExcessiveError
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState, RepositorySeen
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head


@dataclass(frozen=True)
class GiteaAnswer(Answer):
    """What a Gitea answered."""

    @property
    def total(self) -> int | None:
        """How many items the whole list has, of which this may be a page."""
        count = self.headers.get("x-total-count", "")
        return int(count) if re.fullmatch(r"[0-9]{1,9}", count) else None

    def refusal(self, place: ForgePlace, doing: str) -> OutsideError:
        """Say why the forge did not do what was tried."""
        match self.status:
            case 401 | 403:
                return TerminalError(
                    Reason.CREDENTIALS_REFUSED,
                    f"{place.api_url} refused the token of Secret {place.credential.secret}: "
                    f"{self.said}.",
                    f"It must be allowed to {doing} {where(place)} (Gitea scope write:repository); "
                    "put a working token into the Secret",
                )
            case 301 | 302 | 303 | 307 | 308:
                return redirected(place)
            case 429:
                limited = f"{place.api_url} limits requests: {self.said}."
                return TransientError(Reason.RATE_LIMITED, limited, self.retry_after)
            case 423:
                return archived(place, "archived or locked", self.said)
            case _:
                return super().refusal(place, doing)


def parse_answer(
    place: ForgePlace, status: int, headers: Mapping[str, str], data: bytes
) -> GiteaAnswer:
    """Take an answer apart.

    Raises:
        TransientError: it is more than any honest answer.
    """
    try:
        body = parse_body(data)
    except ExcessiveError as error:
        raise garbage(place, str(error)) from error
    message = body.get("message") if isinstance(body, dict) else None
    said = message if isinstance(message, str) and message else f"HTTP status {status}"
    said = head(re.sub(r"[^!-~]+", " ", scrub(said, place.credential)), WORDS_LENGTH)
    return GiteaAnswer(status, body, said, headers)


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
    with reading(place, "a pull request has"):
        return datetime.fromisoformat(raw["updated_at"])


def parse_repository(place: ForgePlace, raw: Any) -> RepositorySeen:  # noqa: ANN401 - JSON
    """Read a repository.

    Raises:
        TransientError: it is none.
    """
    with reading(place, "a repository has"):
        return RepositorySeen(bool(raw["archived"]), bool(raw["permissions"]["push"]))


def parse_pull_request(place: ForgePlace, raw: Any) -> PullRequestSeen:  # noqa: ANN401 - JSON
    """Read a pull request.

    Raises:
        TransientError: it is none, or not a sane one.
    """
    with reading(place, "a pull request has"):
        merged, actor = bool(raw["merged"]), raw.get("merged_by") or {}
        state = PullRequestState.MERGED if merged else STATES[raw["state"]]
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
    return check_sane(place, seen)
