"""Submodules of a commit: where they belong, which commit of them, and whose repository it is.

Their names lead nowhere here, for each is fetched into a throw-away repository; and of
`.gitmodules` only paths and URLs are read, so no program can be named in it.
"""

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from album_operator.adapters.git.repository import Repository
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import SHORT_SSH, host_of, is_ssh, without_user
from album_operator.domain.places import USERNAME, Credential, GitPlace
from album_operator.domain.reasons import Reason

FILE = ".gitmodules"

NO_UPDATE = "none"
"""Value of `update` by which git leaves a submodule alone (gitmodules(5))."""

RELATIVE = re.compile(r"\.{1,2}/")


@dataclass(frozen=True)
class Submodule:
    """A folder of a commit that another repository fills.

    Attributes:
        path: below the repository's root.
        commit: of the other repository, 40 hex digits.
        url: as `.gitmodules` has it, None where it says nothing of this folder.
        is_left_alone: git itself leaves the folder empty.
    """

    path: str
    commit: str
    url: str | None = None
    is_left_alone: bool = False


def find_submodules(
    repository: Repository, commit: str, links: Mapping[str, str]
) -> list[Submodule]:
    """Find out what a commit says of its submodules.

    Args:
        repository: has the commit.
        commit: its id.
        links: commit of each submodule by its path.

    Raises:
        TerminalError: `.gitmodules` cannot be read.
    """
    told = _read_file(repository, commit) if links else {}
    return [
        Submodule(path, oid, said.get("url"), said.get("update") == NO_UPDATE)
        for path, oid in links.items()
        for said in [told.get(path, {})]
    ]


def read_config(repository: Repository, commit: str, file: str) -> list[tuple[str, str]]:
    """Read a file of a commit that has the form of git's configuration; empty where it is none.

    Nothing it includes is read (git-config, `--blob` and `--includes`).

    Raises:
        TerminalError: it has another form.
    """
    blob = f"{commit}:{file}"
    if repository.local("cat-file", "-e", blob, accept=(0, 1, 128)).status:
        return []
    listed = repository.local("config", "--blob", blob, "--null", "--list", accept=range(256))
    if listed.status:
        raise TerminalError(
            Reason.BUILD_FAILED,
            f"{file} of {repository.place.url} is no configuration of git.",
            "Mend it in the commit",
        )
    pairs = (one.partition("\n") for one in os.fsdecode(listed.out).split("\0") if one)
    return [(key, value) for key, _, value in pairs]


def _read_file(repository: Repository, commit: str) -> Mapping[str, Mapping[str, str]]:
    """Give what `.gitmodules` says of each path."""
    sections: dict[str, dict[str, str]] = {}
    for key, value in read_config(repository, commit, FILE):
        section, _, variable = key.rpartition(".")
        if section.startswith("submodule."):
            sections.setdefault(section, {})[variable] = value
    return {
        posixpath.normpath(section["path"]): section
        for section in sections.values()
        if "path" in section
    }


def locate(url: str, above: GitPlace, credential: Credential) -> GitPlace:
    """Give the place of a submodule, with the credential if it is for that place.

    Over SSH only with a key for it: else the same path is read over HTTPS, as hosts offer both. A
    user or password in the URL is not used.

    Args:
        url: as `.gitmodules` has it; relative ones go on from the repository above.
        above: the repository it is a submodule of.
        credential: of the pipeline's source.
    """
    url = _resolve(url, above.url) if RELATIVE.match(url) else url
    if not (is_ssh(url := _in_full(url)) and _serves(credential, url)):
        url = over_http(url, credential)
    if _serves(credential, url):
        return GitPlace(url, credential)
    return GitPlace(url, Credential(credential.secret, url, USERNAME, ""))


def over_http(url: str, credential: Credential) -> str:
    """Give the HTTP(S) URL of what a repository's file names, without a user and a password.

    Args:
        url: over HTTP(S) or SSH. SSH tells no port of HTTP, which a Secret may.
        credential: of the pipeline's source.
    """
    url = _in_full(url)
    if not is_ssh(url):
        return without_user(url)
    parts = urlsplit(url)
    home = f"https://{parts.hostname or ''}"
    if not is_ssh(credential.url) and credential.may_go_to(url):
        home = host_of(credential.url)
    return f"{home}/{parts.path.lstrip('/')}"


def _in_full(url: str) -> str:
    short = SHORT_SSH.fullmatch(url)
    return "ssh://{}@{}/{}".format(*short.groups()) if short else url


def _serves(credential: Credential, url: str) -> bool:
    try:
        return credential.may_go_to(url) and credential.find_missing_key(url) is None
    except ValueError:  # a port that is no number, a bracket left open
        return False


def _resolve(url: str, above: str) -> str:
    """Resolve a relative URL as git does (git-submodule, "add"): by whole parts of the path.

    It does not lead above the host.
    """
    scheme, _, rest = above.partition("://")
    host, _, path = rest.rstrip("/").partition("/")
    parts = path.split("/")
    while match := RELATIVE.match(url):
        url = url[match.end() :]
        if match[0] == "../" and parts:
            parts.pop()
    return f"{scheme}://{host}/{'/'.join([*parts, url])}"
