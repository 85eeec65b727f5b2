"""Where outside things are, and with what they may be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from album_operator.domain.names import host_of, is_below, is_ssh

USERNAME = "x-access-token"
"""User of HTTP basic authentication where the Secret names none: forges look at the token only."""


@dataclass(frozen=True)
class Credential:
    """A token, an SSH key or both, and the only place they may be used at.

    Attributes:
        secret: name of the Secret it came from, for messages.
        url: host, or host and path prefix, that the credential is for (no scheme means https).
        username: user of HTTP basic authentication; forges ignore it beside a token.
        token: of HTTP(S) and of the forge's API, empty where there is none; left out of `repr`.
        identity: private key for SSH, empty where there is none; left out of `repr`.
        known_hosts: keys the SSH server may show (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
    """

    secret: str
    url: str
    username: str
    token: str = field(repr=False)
    identity: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)

    def may_go_to(self, url: str) -> bool:
        """Tell whether the credential may be used at this URL."""
        return is_below(url, self.url)

    @property
    def is_empty(self) -> bool:
        """Whether there is neither token nor key: for what anybody may read."""
        return not (self.token or self.identity)

    def find_missing_key(self, url: str) -> str | None:
        """Find the key of the Secret without which this URL cannot be reached."""
        needed = {"token": self.token}
        if is_ssh(url):
            needed = {"identity": self.identity, "known_hosts": self.known_hosts}
        return next((key for key, value in needed.items() if not value), None)

    def may_serve(self, api_url: str, repository: str) -> bool:
        """Tell whether the token may be sent to a forge's API to act on a repository.

        An API has a path of its own (`/api/v1`), so beside the URL itself the same host will do
        where the repository lies below the credential's prefix.
        """
        return self.may_go_to(api_url) or (
            self.may_go_to(repository) and is_below(api_url, host_of(self.url))
        )


@dataclass(frozen=True)
class GitPlace:
    """A git repository over HTTP(S) or SSH and the credential for it."""

    url: str
    credential: Credential


@dataclass(frozen=True)
class ForgePlace:
    """A repository as its forge's API knows it.

    Attributes:
        api_url: base of the API, such as `https://git.example.org/api/v1`, no slash at the end.
        repository: `owner/name`.
    """

    api_url: str
    repository: str
    credential: Credential


@dataclass(frozen=True)
class Change:
    """A commit to make: files to replace on top of a base commit.

    Attributes:
        base_commit: 40 hex digits; the only parent.
        branch: branch to put at the new commit.
        files: new bytes by path; each path exists in the base as a regular file.
        date: author and committer date, so that the same change made again has the same hash.
        expected: commit the branch must be at, 40 hex digits; None: it must not exist.
    """

    base_commit: str
    branch: str
    files: Mapping[str, bytes]
    message: str
    author_name: str
    author_email: str
    date: datetime
    expected: str | None = None

    @property
    def extends_branch(self) -> bool:
        """Tell whether the branch goes on from where it is, as a base branch does."""
        return self.expected == self.base_commit


@dataclass(frozen=True)
class Draft:
    """A pull request to open."""

    head: str
    base: str
    title: str
    body: str
