"""Where outside things are, and with what they may be reached."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from album_operator.domain.forges import GITHUB, ForgeType, forge_of
from album_operator.domain.names import (
    host_of,
    is_below,
    is_same_address,
    is_ssh,
    repository_path,
    server_of,
)
from album_operator.domain.proxies import Proxy

USERNAME = "x-access-token"
"""User of HTTP basic authentication where the Secret names none: forges look at the token only."""


APP_KEYS = ("appID", "installationID", "privateKey")
"""Keys of a Secret with a GitHub App."""

INSTALLATION = re.compile(r"[0-9]{1,18}")
"""Number of an installation, as its URL in GitHub's settings ends."""


@dataclass(frozen=True)
class GitHubApp:
    """An installation of a GitHub App, which makes tokens that are good for an hour.

    Attributes:
        app_id: number or client id of the App.
        installation_id: of the App in the organization whose repositories are used.
        private_key: PEM of the App's key; left out of `repr`.
    """

    app_id: str
    installation_id: int
    private_key: str = field(repr=False)


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
        app: makes the token where there is none of its own.
    """

    secret: str
    url: str
    username: str
    token: str = field(repr=False)
    identity: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)
    app: GitHubApp | None = None

    @property
    def needs_token(self) -> bool:
        """Whether git over HTTP needs a token that the GitHub App has to make first."""
        return self.app is not None and not self.token

    def with_token(self, token: str) -> "Credential":
        """Give what git shows over HTTP: a token that the GitHub App made."""
        return replace(self, username=USERNAME, token=token, app=None)

    def may_go_to(self, url: str) -> bool:
        """Tell whether the credential may be used at this URL."""
        return is_below(url, self.url)

    @property
    def is_empty(self) -> bool:
        """Whether there is neither token nor key: for what anybody may read."""
        return not (self.token or self.identity or self.app)

    def find_missing_key(self, url: str) -> str | None:
        """Find the key of the Secret without which this URL cannot be reached."""
        needed: dict[str, object] = {"token": self.token or self.app}
        if is_ssh(url):
            needed = {"identity": self.identity, "known_hosts": self.known_hosts}
        return next((key for key, value in needed.items() if not value), None)

    def may_serve(self, api_url: str, repository: str) -> bool:
        """Tell whether the token may be sent to a forge's API to act on a repository.

        An API has a path of its own (`/api/v1`), which may not be below the credential's prefix. So
        beside what is, the API of the forge the repository lies in will do, where the repository is
        below the prefix: nothing else of the host, which may belong to somebody else.
        """
        if self.may_go_to(api_url):
            return True
        if not self.may_go_to(repository):
            return False
        web = repository
        if is_ssh(repository) and not is_ssh(self.url):
            # SSH tells no port of HTTP, which the credential's own URL does.
            web = f"{host_of(self.url)}/{repository_path(repository)}"
        return any(is_same_address(api_url, forge_of(kind).api_of(web)) for kind in ForgeType)


@dataclass(frozen=True)
class GitPlace:
    """A git repository over HTTP(S) or SSH and the credential for it.

    Attributes:
        namespace: of the release that goes there, whose share of the operator's work that takes.
        addresses: where its host was found right before it is gone to; empty: wherever DNS says.
        proxy: through which it is gone to; None: directly.
    """

    url: str
    credential: Credential
    namespace: str = ""
    addresses: tuple[str, ...] = field(default=(), compare=False)
    proxy: Proxy | None = field(default=None, compare=False)

    @property
    def server(self) -> str:
        """`host:port` it is at."""
        return server_of(self.url)

    @property
    def token_source(self) -> "ForgePlace | None":
        """Where the GitHub App makes the token that git is to show; None where none is needed."""
        if not self.credential.needs_token or is_ssh(self.url):
            return None
        api_url = GITHUB.api_of(self.url)
        path = repository_path(self.url)
        return ForgePlace(api_url, path, self.credential, ForgeType.GITHUB, self.namespace)

    def with_token(self, token: str) -> "GitPlace":
        """Give the same place with the token that was made there."""
        return replace(self, credential=self.credential.with_token(token))


@dataclass(frozen=True)
class ForgePlace:
    """A repository as its forge's API knows it.

    Attributes:
        api_url: base of the API, such as `https://git.example.org/api/v1`, no slash at the end.
        repository: `owner/name`.
        namespace: as of `GitPlace`.
        field: of the pipeline that names it: `spec.config` or `spec.source`.
    """

    api_url: str
    repository: str
    credential: Credential
    type: ForgeType = ForgeType.GITEA
    namespace: str = ""
    field: str = "spec.config"

    @property
    def server(self) -> str:
        """`host:port` the API is at."""
        return server_of(self.api_url)

    @property
    def url(self) -> str:
        """URL of the repository, as it follows from that of the API."""
        return f"{forge_of(self.type).web_of(self.api_url)}/{self.repository}"


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


class CommitState(StrEnum):
    """What a commit status says."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class DeploymentState(StrEnum):
    """How a deployment stands."""

    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILURE = "failure"
    INACTIVE = "inactive"


@dataclass(frozen=True)
class Deployment:
    """A commit on its way to an environment.

    Attributes:
        commit: 40 hex digits.
        environment: its name.
        task: what is deployed; of all of one task, one is active in an environment.
        release: whose it is, for people.
        uid: of that release, by which the deployment is found again.
        description: of what is deployed.
    """

    commit: str
    environment: str
    task: str
    release: str
    uid: str
    description: str


class MergeMethod(StrEnum):
    """How a pull request gets into its base: each leaves another kind of commit there."""

    MERGE = "Merge"
    SQUASH = "Squash"
    REBASE = "Rebase"


@dataclass(frozen=True)
class Draft:
    """A pull request to open.

    Attributes:
        labels: names; one the repository does not have yet is made.
        reviewers: users asked for a review.
        milestone: title of an open milestone.
        is_draft: it is not to be merged yet.
    """

    head: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: str | None = None
    is_draft: bool = False
