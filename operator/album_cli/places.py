"""Where the config repository is: on this machine, or at a URL, with a token for its host."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from album_cli.ends import TOKEN, BadInputError
from album_operator.domain.names import without_user
from album_operator.domain.places import USERNAME, Credential, GitPlace
from album_operator.domain.proxies import Proxies, ProxyVariablesError, read_proxies

SCP_LIKE = re.compile(r"[^/]+@[^/]+:")


def find_place(text: str, token: str, username: str) -> GitPlace:
    """Read what `--config-repo` or the pipeline names.

    Args:
        text: a path, absolute or relative, or a URL.
        token: what a URL's server asks for; sent to no other host, and to none for a path.
        username: beside it, empty for none.

    Raises:
        BadInputError: it is neither.
    """
    scheme, separator, _ = text.partition("://")
    if not separator:
        if SCP_LIKE.match(text) and not Path(text).exists():
            raise BadInputError(_unknown(text))
        return _here(Path(text))
    if scheme == "file":
        return _here(Path(unquote(urlsplit(text).path)))
    if scheme not in {"http", "https"}:
        raise BadInputError(_unknown(without_user(text)))
    shown = without_user(text)
    if shown != text:
        raise BadInputError(
            f"the URL of the config repository must not hold a user or token: write {shown}, and "
            f"put the token into the variable {TOKEN}."
        )
    parts = urlsplit(text)
    host = f"{parts.scheme}://{parts.netloc}"
    return GitPlace(text, Credential(TOKEN, host, username or USERNAME, token))


def insecure_hosts(place: GitPlace) -> frozenset[str]:
    """Give the one host that may be spoken to in plain HTTP: that of the URL the user wrote."""
    return frozenset(filter(None, {urlsplit(place.url).netloc}))


def find_proxies(environment: Mapping[str, str]) -> Proxies:
    """Read the proxy of the user's network.

    Raises:
        BadInputError: its variables cannot be used.
    """
    try:
        return read_proxies(environment)
    except ProxyVariablesError as error:
        raise BadInputError(f"{error}.") from None


def _here(path: Path) -> GitPlace:
    return GitPlace(str(path.absolute()), Credential(TOKEN, "", "", ""))


def _unknown(text: str) -> str:
    return (
        f"{text} is neither a path nor an http(s) URL, and other transports are not read: clone "
        "the repository, and name the clone's path with --config-repo."
    )
