"""The environment of git's processes: nothing of the machine's, and a token only where it goes."""

import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from album_operator.adapters.git.settings import SETTINGS
from album_operator.adapters.git.ssh import ssh_environment
from album_operator.domain.names import is_ssh
from album_operator.domain.places import GitPlace

DIRECTLY = {"http.proxy": ""}
"""Proxies of the process's environment are not trusted with a token."""

ASKPASS = """#!/bin/sh
# Answers git's two questions, and only for the server the token is for.
case "$1" in
"Username for '$ALBUM_GIT_ORIGIN': ") printf '%s\\n' "$ALBUM_GIT_USERNAME" ;;
"Password for '"*"@$ALBUM_GIT_SERVER': ") printf '%s\\n' "$ALBUM_GIT_TOKEN" ;;
*) exit 1 ;;
esac
"""


def git_environment(
    place: GitPlace, folder: Path, git_dir: Path, settings: Mapping[str, str]
) -> dict[str, str]:
    """Give the environment of a command that talks to nobody.

    Args:
        place: what remote `origin` stands for.
        folder: for all that is in no repository.
        git_dir: the repository.
        settings: configuration of git beside `SETTINGS`.
    """
    home = str(folder / "home")
    settings = {**SETTINGS, "remote.origin.url": place.url, **_way(place), **settings}
    environment = {
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "TMPDIR": str(folder),
        "GIT_DIR": str(git_dir),
        "GIT_INDEX_FILE": str(folder / "index"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        # Local commands allow none: an absent object must not be fetched behind our back.
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def _way(place: GitPlace) -> dict[str, str]:
    """Let git go through the proxy, or to the addresses that were looked at, and nowhere else.

    Whatever DNS tells it (git 2.37). Over SSH the server proves itself by its host key before it is
    told anything.
    """
    if place.proxy is not None:
        # Which one is told by a variable, for it may hold a password, to those who go there alone.
        return {"http.proxyAuthMethod": "basic"}
    is_number = ":" in (urlsplit(place.url).hostname or "")
    if not place.addresses or is_number or is_ssh(place.url):
        return DIRECTLY
    addresses = ",".join(f"[{one}]" if ":" in one else one for one in place.addresses)
    return {**DIRECTLY, "http.curloptResolve": f"{place.server}:{addresses}"}


@contextmanager
def temporary_folder(above: Path | None) -> Iterator[Path]:
    """Give an empty folder with a home for git, which is removed in the end."""
    with tempfile.TemporaryDirectory(
        prefix="album-git-", dir=above, ignore_cleanup_errors=True
    ) as folder:
        (Path(folder) / "home").mkdir()
        yield Path(folder)


@contextmanager
def server_environment(place: GitPlace, folder: Path) -> Iterator[dict[str, str]]:
    """Give what a command that talks to the place needs beside that.

    Args:
        place: repository and credential.
        folder: the program that answers git's questions is written there.
    """
    if is_ssh(place.url):
        with ssh_environment(place.credential) as environment:
            yield environment
        return
    parts = urlsplit(place.url)
    helper = folder / "askpass"
    if not helper.exists():
        helper.write_text(ASKPASS)
        helper.chmod(stat.S_IRWXU)
    # The lower-case spelling counts for git; an empty list, lest an inherited one leads it past.
    proxy = {"https_proxy": place.proxy.secret_url, "no_proxy": ""} if place.proxy else {}
    yield proxy | {
        "GIT_ALLOW_PROTOCOL": parts.scheme,
        "GIT_ASKPASS": str(helper),
        "ALBUM_GIT_ORIGIN": f"{parts.scheme}://{parts.netloc}",
        "ALBUM_GIT_SERVER": parts.netloc,
        "ALBUM_GIT_USERNAME": place.credential.username,
        "ALBUM_GIT_TOKEN": place.credential.token,
    }
