"""A git server in memory: repositories, and who may reach them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from album_operator.adapters.servers.addresses import check_git_credential
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.names import is_same_repository, is_ssh, normal_url
from album_operator.domain.places import Credential, GitPlace
from album_operator.domain.reasons import Reason
from tests.fakes.git_history import Commit, File, ancestors

TOKEN = "fake-token"
IDENTITY = "fake-identity"
KNOWN_HOSTS = "git.example.org fake-host-key"


@dataclass
class FakeRepository:
    """One repository.

    Attributes:
        tags: commit by tag, annotated ones included.
        protected: beginnings of branch names that nobody may push.
        signed: beginnings of those that take signed commits alone.
        is_archived: nobody can push or open pull requests any more.
        pushes: branch and commit of every push that changed something, in order.
    """

    default_branch: str = "main"
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    protected: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    is_archived: bool = False
    pushes: list[tuple[str, str]] = field(default_factory=list)

    def add(self, commit: Commit) -> str:
        """Store a commit."""
        self.commits[commit.sha] = commit
        return commit.sha

    def commit(self, branch: str, files: Mapping[str, File | None], message: str = "change") -> str:
        """Commit on a branch, which is made where it does not exist; None deletes a file."""
        head = self.branches.get(branch)
        before = self.commits[head].files if head is not None else {}
        after = {path: file for path, file in {**before, **files}.items() if file is not None}
        self.branches[branch] = self.add(
            Commit((head,) if head is not None else (), after, message)
        )
        return self.branches[branch]

    def write(self, branch: str, texts: Mapping[str, str], message: str = "change") -> str:
        """Commit regular files with these texts."""
        files = {path: File(text.encode()) for path, text in texts.items()}
        return self.commit(branch, files, message)

    def is_ancestor(self, ancestor: str, sha: str) -> bool:
        """Tell whether a commit is another or an ancestor of it."""
        return ancestor in ancestors(self.commits, sha)


class FakeGitServer:
    """Repositories by URL.

    Attributes:
        tokens: those it takes.
        identities: private keys whose public halves it knows.
        known_hosts: the line of its own key, for SSH.
        trouble: raised by every request while set.
        lose_push_answer: the next push takes effect, but its answer does not arrive.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, FakeRepository] = {}
        self.tokens = {TOKEN}
        self.identities = {IDENTITY}
        self.known_hosts = KNOWN_HOSTS
        self.trouble: OutsideError | None = None
        self.lose_push_answer = False

    def add_repository(self, url: str, default_branch: str = "main") -> FakeRepository:
        """Make an empty repository."""
        made = FakeRepository(default_branch)
        self.repositories[normal_url(url)] = made
        return made

    def place(self, url: str, credential: Credential | None = None) -> GitPlace:
        """Give a place, with a token that is good for all this server has below the host."""
        host = "/".join(url.split("/", 3)[:3])
        return GitPlace(url, credential or Credential("album-git", host, "album", TOKEN))

    def open(self, place: GitPlace) -> FakeRepository:
        """Give a repository to whoever may see it."""
        check_git_credential(place.credential, place.url)
        if self.trouble is not None:
            raise self.trouble
        host = urlsplit(normal_url(place.url)).hostname
        if not any(host == urlsplit(url).hostname for url in self.repositories):
            raise TransientError(Reason.GIT_UNAVAILABLE, f"{place.url} cannot be reached.")
        if is_ssh(place.url):
            self._check_host_key(place)
        known = place.credential.identity in self.identities
        if not (known if is_ssh(place.url) else place.credential.token in self.tokens):
            raise TerminalError(
                Reason.CREDENTIALS_REFUSED,
                f"{place.url} refused the credential of Secret {place.credential.secret}.",
            )
        for url, repository in self.repositories.items():
            if is_same_repository(url, place.url):
                return repository
        raise TerminalError(Reason.REPOSITORY_NOT_FOUND, f"{place.url} does not exist.")

    def _check_host_key(self, place: GitPlace) -> None:
        secret, known = place.credential.secret, place.credential.known_hosts.split()
        host, *_ = ours = self.known_hosts.split()
        if host not in known:
            raise TerminalError(
                Reason.CREDENTIALS_MISSING, f"Key `known_hosts` of Secret {secret} lacks {host}."
            )
        if ours != known:
            raise TerminalError(
                Reason.HOST_KEY_CHANGED, f"{place.url} is not what Secret {secret} knows."
            )


def with_token(place: GitPlace, token: str) -> GitPlace:
    """Give the same place with another token."""
    return replace(place, credential=replace(place.credential, token=token))
