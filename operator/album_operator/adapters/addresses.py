"""Which URLs a credential may be sent to, asked again right before it goes out."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from album_operator.decisions.preflight import RETRY, missing_key
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import is_ssh, origin_of
from album_operator.domain.places import Credential
from album_operator.domain.reasons import Reason

URL = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~-]+)*/?"
)
"""HTTP(S) URLs without user, query, fragment, `%` and control characters."""

SSH_URL = re.compile(
    r"ssh://(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
    r"(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)+/?"
)
"""SSH URLs whose user and host cannot be taken for an option."""


def check_git_address(url: str, insecure_hosts: Collection[str]) -> None:
    """Refuse a repository's URL that is not SSH, HTTPS, or HTTP to a host an admin has listed.

    Args:
        url: of a repository.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.

    Raises:
        TerminalError: `HostNotAllowed`.
    """
    if not SSH_URL.fullmatch(url) or ".." in url.split("/"):
        check_address(url, insecure_hosts)


def check_address(url: str, insecure_hosts: Collection[str]) -> None:
    """Refuse a URL that is not plain HTTPS, or HTTP to a host an admin has listed.

    Args:
        url: of a repository or of a forge's API.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.

    Raises:
        TerminalError: `HostNotAllowed`.
    """
    if not URL.fullmatch(url) or ".." in url.split("/"):
        raise TerminalError(
            Reason.HOST_NOT_ALLOWED,
            f"{url[:256]!r} is no URL the operator goes to: it must be https://host/path "
            "without user, query and fragment, or for a repository ssh://user@host/path. Correct "
            f"the pipeline, {RETRY}.",
        )
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.netloc.lower() not in {
        host.lower() for host in insecure_hosts
    }:
        raise TerminalError(
            Reason.HOST_NOT_ALLOWED,
            f"{url} is plain HTTP, which would show the token to everyone on the way. Use https, "
            f"or have an admin add {parts.netloc} to the operator's ALBUM_INSECURE_HOSTS, {RETRY}.",
        )


def check_git_credential(credential: Credential, url: str) -> None:
    """Refuse to use a credential at a repository its Secret does not name or has no key for.

    Raises:
        TerminalError: `HostNotAllowed` or `CredentialsMissing`.
    """
    if not credential.may_go_to(url):
        raise _foreign(credential, url)
    # A repository that is for everybody is read with no credential at all, but never over SSH.
    if is_ssh(url) or not credential.is_empty:
        _check_keys(credential, url)


def check_forge_credential(credential: Credential, api_url: str, repository: str) -> None:
    """Refuse to send a token to a forge's API its Secret does not name or has no token for.

    Args:
        credential: the token.
        api_url: base of the API.
        repository: URL of the repository it is used for.

    Raises:
        TerminalError: `HostNotAllowed` or `CredentialsMissing`.
    """
    if not credential.may_serve(api_url, repository):
        raise _foreign(credential, api_url)
    _check_keys(credential, api_url)


def _check_keys(credential: Credential, url: str) -> None:
    key = credential.find_missing_key(url)
    if key is not None:
        halt = missing_key(credential.secret, key, url)
        raise TerminalError(halt.reason, halt.message)


def _foreign(credential: Credential, url: str) -> TerminalError:
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"Secret {credential.secret} is for {origin_of(credential.url)} by its key `url`, so it is "
        f"not sent to {url}. Name another Secret in the pipeline or correct the Secret's url, "
        f"{RETRY}.",
    )
