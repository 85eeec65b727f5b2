"""What git says when it fails, turned into the two errors of the operator.

The words are those of git 2.30 to 2.47 (`http.c`, `remote-curl.c`, `send-pack.c`) under LC_ALL=C;
those of ssh are in `ssh_failures`.
"""

import re

from album_operator.adapters.foreign_words import WORDS_LENGTH, scrub
from album_operator.adapters.git.ssh_failures import find_failure
from album_operator.adapters.servers.tunnels import refused_by
from album_operator.domain.errors import (
    OutsideError,
    TerminalError,
    TransientError,
    UnansweredError,
)
from album_operator.domain.names import is_ssh
from album_operator.domain.places import Credential, GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head

# What git adds to every failure over SSH, and the frame Gitea draws around its words.
EMPTY_WORDS = re.compile(
    r"(fatal: )?Could not read from remote repository\."
    r"|Please make sure you have the correct access rights|and the repository exists\.|error:"
)

REFUSED = re.compile(
    r"Authentication failed|could not read (Username|Password)|returned error: 40[13]\b"
)
UNAUTHORIZED = re.compile(
    r"Authentication failed|could not read (Username|Password)|returned error: 401\b"
)

MOVED = re.compile(r"returned error: 30\d\b|update url base from redirection")
NOT_FOUND = re.compile(r"repository '[^'\n]*' not found|returned error: (404|410)\b")
ARCHIVED = re.compile(r"^remote:.*\b(is|was) archived\b", re.MULTILINE)
LIMITED = re.compile(r"returned error: 429\b")

TUNNEL = re.compile(
    r"CONNECT tunnel failed, response (\d{3})|Received HTTP code (\d{3}) from proxy after CONNECT"
)
"""Of libcurl, from 7.86 on and before."""

FULL = re.compile(r"No space left on device|Disk quota exceeded")

DAMAGED = re.compile(
    r"\.lock': File exists|not a git repository|bad object"
    r"|bad shallow line|shallow file has changed"
    r"|is corrupt|corrupt loose object|is empty|inflate: |packfile .*\.pack|\.idx\b"
    r"|unable to (create|write|open|unpack)|unable to (read|find) (tree|commit|blob|[0-9a-f]{40})"
    r"|missing (object|tree|commit|blob)|revision walk setup failed|unresolved deltas"
)
"""What git says of a repository of our own that is damaged, locked or half-written."""


class TokenRefusedError(TerminalError):
    """A server does not know a token (401), over HTTP.

    A Gitea that shuts down has closed its database, and says so of any token: worth asking once
    more.
    """


class LocalGitError(TransientError):
    """Git failed on our side: a damaged repository, a full disk, or a bug of ours."""

    def __init__(self, command: str, said: str) -> None:
        self.is_full = FULL.search(said) is not None
        message = f"git {command} failed inside the operator: {head(said.strip(), WORDS_LENGTH)}."
        if self.is_full:
            message = (
                "The operator's disk is full, also after it has emptied its cache. Give the volume "
                "of ALBUM_CACHE_DIR more space, or lower ALBUM_CACHE_BYTES."
            )
        super().__init__(Reason.GIT_UNAVAILABLE, message)


def words(stderr: str, credential: Credential) -> str:
    """Give what git and the server said as one short printable line without a secret."""
    # A carriage return redraws git's progress lines; a server's own begin with `remote:`.
    lines = [
        re.sub(r"[^!-~]+", " ", line).strip().removeprefix("remote:").strip()
        for line in re.split(r"[\r\n]+", scrub(stderr, credential))
    ]
    told = [line for line in lines if line and not EMPTY_WORDS.fullmatch(line)]
    return head("; ".join(told), WORDS_LENGTH).rstrip(" .") or "it gave no reason"


def translate(place: GitPlace, doing: str, stderr: str) -> OutsideError:
    """Turn a failure of a command that talked to a server into an error for the user.

    Args:
        place: the repository.
        doing: what was tried, such as `read` or `write`.
        stderr: of git.
    """
    said = words(stderr, place.credential)
    if ARCHIVED.search(stderr):
        return TerminalError(
            Reason.REPOSITORY_ARCHIVED,
            f"{place.url} is archived: {said}.",
            "Take it out of the archive there",
        )
    if is_ssh(place.url):
        return find_failure(place, doing, stderr, said) or unavailable(place, said)
    if place.proxy is not None and (refusal := TUNNEL.search(stderr)) is not None:
        return unavailable(place, refused_by(place.proxy, int(refusal[1] or refusal[2])))
    if REFUSED.search(stderr):
        return credentials_refused(place, doing, said)
    if MOVED.search(stderr):
        return TerminalError(
            Reason.REPOSITORY_NOT_FOUND,
            f"{place.url} answers with a redirect, which is not followed with a token: {said}.",
            "Name its new address in the pipeline",
        )
    if NOT_FOUND.search(stderr):
        return TerminalError(
            Reason.REPOSITORY_NOT_FOUND,
            f"{place.url} does not exist, or the token of Secret {place.credential.secret} may "
            "not see it.",
            "Correct the URL in the pipeline or the token's rights",
        )
    if LIMITED.search(stderr):
        return TransientError(Reason.RATE_LIMITED, f"{place.url} limits its requests: {said}.")
    ours = "\n".join(line for line in stderr.splitlines() if "remote:" not in line)
    if FULL.search(ours) or DAMAGED.search(ours):
        return LocalGitError(doing, words(ours, place.credential))
    return unavailable(place, said)


def credentials_refused(place: GitPlace, doing: str, said: str) -> TerminalError:
    """Say that the server does not take the token for this repository."""
    kind = TokenRefusedError if UNAUTHORIZED.search(said) else TerminalError
    return kind(
        Reason.CREDENTIALS_REFUSED,
        f"{place.url} refused the token of Secret {place.credential.secret}: {said}.",
        f"Check that the token is valid and may {doing} this repository, put a working one into "
        "the Secret",
    )


def unavailable(place: GitPlace, said: str) -> UnansweredError:
    """Say that the server could not be asked now."""
    message = f"{place.url} cannot be reached: {said}."
    return UnansweredError(Reason.GIT_UNAVAILABLE, message, said)
