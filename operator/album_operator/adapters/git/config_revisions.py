"""The config repository at any revision git can name, read only; what `album plan` looks at.

A repository on this machine is not fetched from. Its objects are read where they are by a
throw-away repository with our own settings (gitrepository-layout, `objects/info/alternates`), so
nothing is written into it, and its owner, hooks and filters do not matter.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from album_operator.adapters.git.failures import translate, words
from album_operator.adapters.git.files import Files, diff_files, read_base
from album_operator.adapters.git.git import SHARES, Git
from album_operator.adapters.git.history import WITHOUT_TREES
from album_operator.adapters.git.partial import Fetcher
from album_operator.adapters.git.refs import (
    HEADS,
    PEELED,
    TAGS,
    find_obstacle,
    list_refs,
    with_neighbours,
)
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.names import check_file_path, is_commit, is_ref_name
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import GitPlace
from album_operator.domain.proxies import Proxies
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import ConfigSeen

ORIGIN = "refs/remotes/origin/"
"""What a clone knows of the branches of the repository it was cloned from."""

GIT_DIRECTORY = ("HEAD", "objects", "refs")
"""What every repository has (gitrepository-layout)."""


class GitConfigRevisions:
    """Reads a repository at a URL, or at an absolute path of this machine.

    Args:
        insecure_hosts: `host[:port]` of servers that may be spoken to in plain HTTP.
        proxies: through which servers are gone to.
    """

    def __init__(self, insecure_hosts: Collection[str], proxies: Proxies) -> None:
        gateway = Gateway(SHARES, Reason.GIT_UNAVAILABLE, proxies=proxies)
        self._remote = Git(insecure_hosts, gateway=gateway)
        self._local = _LocalGit(())
        self._found: dict[str, Files] = {}

    def close(self) -> None:
        """End what runs."""
        self._remote.close()
        self._local.close()

    async def look(
        self, place: GitPlace, base: str | None, paths: Collection[str], branch: str | None
    ) -> ConfigSeen:
        """Read files at a revision; None stands for what the repository's HEAD is.

        Of the branch only what keeps it from being made is told: whose it is, a release in the
        cluster knows.

        Raises:
            OutsideError: there is no such repository or revision, or it cannot be read.
        """
        revision = "HEAD" if base is None else base
        for path in paths:
            check_file_path(path)
        if is_local(place):
            commit, found = await self._local.run(place, lambda at: _read_here(at, revision, paths))
            refs = await self._local.run(place, _list_here)
        else:
            # Here may be commits without trees, which a fetch would take for complete.
            commit = await self._remote.run(place, lambda at: _find_commit(at, revision))
            found = await self._remote.run(place, lambda at: _read_there(at, commit, paths))
            names = with_neighbours(branch) if branch is not None else ()
            refs = await self._remote.run(place, lambda at: list_refs(at, *names)) if names else {}
        self._found[commit] = found
        return ConfigSeen(
            base_branch=revision,
            base_commit=commit,
            files=found.data,
            not_files=found.not_files,
            obstacle=find_obstacle(branch, refs) if branch is not None else None,
        )

    async def diff(self, place: GitPlace, base_commit: str, files: Mapping[str, bytes]) -> str:
        """Compare files with those a look found at a commit."""
        found = self._found[base_commit]
        # Away from the repository: git marks an object it would write and finds there as fresh.
        return await self._local.run(place, lambda apart: diff_files(apart, found, files))


class _LocalGit(Git):
    """Runs git beside repositories of this machine; no transport, no token, nothing to check."""

    def _check(self, place: GitPlace) -> None:
        del place

    def _look_up(self, place: GitPlace) -> GitPlace:
        return place

    def _dials(self, place: GitPlace) -> bool:
        del place
        return False


def is_local(place: GitPlace) -> bool:
    """Tell whether a place is a path of this machine."""
    return place.url.startswith("/")


def _read_here(repository: Repository, revision: str, paths: Collection[str]) -> tuple[str, Files]:
    git_dir = _find_git_dir(repository.place)
    commit = _resolve(repository, revision, {"GIT_DIR": str(git_dir)})
    _borrow_objects(repository, git_dir)
    try:
        return commit, read_base(repository, Fetcher(), commit, frozenset(paths))
    except TransientError as error:
        raise _unreadable(repository.place, error.message) from error


def _list_here(repository: Repository) -> Collection[str]:
    """List the branches of the repository; of a clone, those its origin had."""
    variables = {"GIT_DIR": str(_find_git_dir(repository.place))}
    listed = repository.local(
        "for-each-ref", "--format=%(refname)", HEADS, ORIGIN, variables=variables
    ).text.splitlines()
    at_origin = [HEADS + name.removeprefix(ORIGIN) for name in listed if name.startswith(ORIGIN)]
    return at_origin or listed


def _read_there(repository: Repository, commit: str, paths: Collection[str]) -> Files:
    try:
        return read_base(repository, Fetcher(), commit, frozenset(paths))
    except TransientError as error:
        if "not our ref" in error.message:
            said = "the server does not give this commit out"
            raise _no_revision(repository.place, commit, said) from error
        raise


def _find_git_dir(place: GitPlace) -> Path:
    """Find the repository of a work tree, or a bare one; git itself follows a `.git` file."""
    path = Path(place.url)
    if (path / ".git").exists():
        return path / ".git"
    if all((path / name).exists() for name in GIT_DIRECTORY):
        return path
    raise TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{path} is no git repository.",
        "Name the top of a work tree or a bare repository",
        ending=".",
    )


def _borrow_objects(repository: Repository, git_dir: Path) -> None:
    theirs = repository.local(
        "rev-parse", "--git-path", "objects", variables={"GIT_DIR": str(git_dir)}
    ).text
    ours = repository.local("rev-parse", "--git-path", "objects/info/alternates").text
    Path(ours).parent.mkdir(exist_ok=True)
    Path(ours).write_text(f"{theirs}\n")


def _resolve(repository: Repository, revision: str, variables: Mapping[str, str]) -> str:
    """Let git name the commit of a revision."""
    name = revision
    # In two steps: what follows a search such as `:/text` would belong to its text.
    for peel in ("", "^{commit}"):
        answer = repository.local(
            "rev-parse", "--verify", "--end-of-options", f"{name}{peel}",
            variables=variables, accept=(0, 1, 128),
        )  # fmt: skip
        name = answer.text
        if answer.status != 0:
            break
    if is_commit(name):
        return name
    raise _no_revision(repository.place, revision, words(answer.err, repository.place.credential))


def _find_commit(repository: Repository, revision: str) -> str:
    """Ask a server for a revision: a name in one request, what is reckoned by its history."""
    if is_commit(revision):
        return revision
    names = [revision] if revision == "HEAD" or revision.startswith("refs/") else []
    if is_ref_name(revision):
        names += [f"{TAGS}{revision}{PEELED}", f"{TAGS}{revision}", f"{HEADS}{revision}"]
    refs = list_refs(repository, "HEAD", *names)
    for name in names:
        if name in refs:
            return refs[name]
    answer = repository.try_fetch([f"+{HEADS}*:{HEADS}*", f"+{TAGS}*:{TAGS}*"], WITHOUT_TREES)
    if answer.status != 0:
        raise translate(repository.place, "read", answer.err)
    if "ref:HEAD" in refs:
        repository.local("symbolic-ref", "HEAD", refs["ref:HEAD"])
    return _resolve(repository, revision, {})


def _no_revision(place: GitPlace, revision: str, said: str) -> TerminalError:
    return TerminalError(
        Reason.BASE_BRANCH_NOT_FOUND,
        f"{place.url} has no revision {revision}: {said}.",
        "Name a branch, a tag, a commit or another revision git knows (gitrevisions)",
        ending=".",
    )


def _unreadable(place: GitPlace, said: str) -> TerminalError:
    return TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{place.url} cannot be read: {said}",
        "A partial clone lacks files it never fetched: check the revision out there, or name the "
        "URL it was cloned from",
        ending=".",
    )
