"""What ssh and git servers behind it say when they fail, turned into errors for the user.

The words are those of OpenSSH 9.2 and Gitea 1.26, which tests have seen, and those GitHub, GitLab
and `git upload-pack` are known for.
"""

import re

from album_operator.domain.credential_errors import KNOW_HOST
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import host_of
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.remedy import SET_RETRY

CHANGED = re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY DETECTED")
UNKNOWN = re.compile(r"No \S+ host key is known for|Host key verification failed")
FINGERPRINT = re.compile(r"key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/=]+)")
UNREADABLE = re.compile(r'^Load key ".*": (.*?)\r?$', re.MULTILINE)
REFUSED = re.compile(
    r"Permission denied \(|not authorized to (read|write)|: Unauthorized\b"
    r"|ERROR: Permission to \S+ denied|has been marked as read only"
)
NOT_FOUND = re.compile(
    r"Cannot find repository|Repository not found|does not appear to be a git repository"
    r"|project you were looking for could not be found|repository .* does not exist",
    re.IGNORECASE,
)


def find_failure(place: GitPlace, doing: str, stderr: str, said: str) -> TerminalError | None:
    """Find what a person must do about a failure over SSH; None where it may pass by itself.

    Args:
        place: the repository.
        doing: what was tried, such as `read` or `write to`.
        stderr: of git.
        said: the same as a short line without a secret.
    """
    secret = place.credential.secret
    if CHANGED.search(stderr):
        return _changed(place, stderr)
    if UNKNOWN.search(stderr):
        return TerminalError(
            Reason.CREDENTIALS_MISSING,
            f"Key `known_hosts` of Secret {secret} has no host key of {host_of(place.url)}, so the "
            "server cannot be told from an impostor.",
            KNOW_HOST,
        )
    unreadable = UNREADABLE.search(stderr)
    if unreadable:
        return _unreadable(secret, unreadable[1])
    if NOT_FOUND.search(stderr):
        return TerminalError(
            Reason.REPOSITORY_NOT_FOUND,
            f"{place.url} does not exist, or the key `identity` of Secret {secret} may not see "
            f"it: {said}.",
            "Correct the URL in the pipeline or the key's rights",
        )
    if REFUSED.search(stderr):
        return TerminalError(
            Reason.CREDENTIALS_REFUSED,
            f"{place.url} refused the key `identity` of Secret {secret}: {said}.",
            "Check that the forge knows its public half, that it has no passphrase and that it "
            f"may {doing} this repository",
        )
    return None


def _unreadable(secret: str, why: str) -> TerminalError:
    return TerminalError(
        Reason.CREDENTIALS_REFUSED,
        f"Key `identity` of Secret {secret} is no private key ssh can use: {head(why, 80)}.",
        "Put one in OpenSSH's or PEM form without a passphrase there",
    )


def _changed(place: GitPlace, stderr: str) -> TerminalError:
    shown = FINGERPRINT.search(stderr)
    return TerminalError(
        Reason.HOST_KEY_CHANGED,
        f"{place.url} shows another host key{f' ({shown[1]})' if shown else ''} than key "
        f"`known_hosts` of Secret {place.credential.secret} has for it, and nothing was sent.",
        "Compare it with the fingerprints the forge publishes: if it is one of them, replace the "
        "server's line in `known_hosts`",
        ending=f", then {SET_RETRY}; if not, somebody stands in between.",
    )
