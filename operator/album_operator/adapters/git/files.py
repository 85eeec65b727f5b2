"""Files of the config repository as a look sees them, at the base and at a release branch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from album_operator.adapters.git.diff import diff_commits, diff_entries, store_files
from album_operator.adapters.git.failures import LocalGitError
from album_operator.adapters.git.objects import KINDS, Entry, read_objects
from album_operator.adapters.git.partial import Fetcher, too_long
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.streams import TooLongError
from album_operator.adapters.git.trees import Trees
from album_operator.domain.seen import BranchSeen


@dataclass(frozen=True)
class Files:
    """Asked paths at one commit."""

    entries: Mapping[str, Entry]
    data: Mapping[str, bytes]

    @property
    def files(self) -> dict[str, Entry]:
        """The entries of those that are regular files."""
        return {path: entry for path, entry in self.entries.items() if entry.is_file}

    @property
    def modes(self) -> dict[str, str]:
        """The modes of those that are regular files."""
        return {path: entry.mode for path, entry in self.files.items()}

    @property
    def not_files(self) -> dict[str, str]:
        """What each path that is no regular file is."""
        return {
            path: KINDS.get(entry.mode, "special file")
            for path, entry in self.entries.items()
            if not entry.is_file
        }


def read_base(
    repository: Repository, fetcher: Fetcher, commit: str, paths: frozenset[str]
) -> Files:
    """Read paths at a commit, and fetch what is not there."""
    trees = Trees(repository, fetcher)
    trees.load([commit], paths)
    return _read_files(repository, fetcher, trees, [commit], paths)[commit]


def read_branch(
    repository: Repository, fetcher: Fetcher, commit: str, paths: frozenset[str]
) -> BranchSeen:
    """Read a branch's last commit, and fetch what is not there."""
    trees = Trees(repository, fetcher)
    trees.load([commit], ())
    about = trees.commit(commit)
    parent = about.parents[0] if len(about.parents) == 1 else None
    commits = [commit] if parent is None else [commit, parent]
    trees.load(commits, paths)
    files = _read_files(repository, fetcher, trees, commits, paths)
    return BranchSeen(
        commit=commit,
        message=about.message,
        author_name=about.author_name,
        author_email=about.author_email,
        is_amended=about.is_amended,
        files=files[commit].data,
        parent_files=files[parent].data if parent is not None else None,
        changed_paths=trees.changed_paths(parent, commit) if parent is not None else frozenset(),
        diff=(
            diff_entries(repository, files[parent].files, files[commit].files)
            if parent is not None
            else ""
        ),
    )


def diff_files(repository: Repository, base: Files, files: Mapping[str, bytes]) -> str:
    """Compare new bytes with a commit's files, of which nothing needs to be on disk.

    They may have been read before the cache was made again, so that git cannot compare commits.
    """
    before = store_files(repository, base.modes, base.data)
    after = store_files(repository, base.modes, files)
    return diff_entries(repository, before, {**before, **after})


def diff_made(repository: Repository, base_commit: str, base: Files, commit: str) -> str:
    """Compare a commit that was just made with its base, whose files were read some time ago."""
    oids = sorted(entry.oid for entry in base.files.values())
    if None in read_objects(repository, oids):
        # They were read before the cache was made again.
        store_files(repository, base.modes, base.data)
    return diff_commits(repository, base_commit, commit)


def _read_files(
    repository: Repository,
    fetcher: Fetcher,
    trees: Trees,
    commits: Collection[str],
    paths: frozenset[str],
) -> dict[str, Files]:
    entries = {commit: trees.find(commit, paths) for commit in commits}
    oids = {entry.oid for found in entries.values() for entry in found.values() if entry.is_file}
    data = _read_blobs(repository, fetcher, oids)
    return {
        commit: Files(
            found, {path: data[entry.oid] for path, entry in found.items() if entry.is_file}
        )
        for commit, found in entries.items()
    }


def _read_blobs(repository: Repository, fetcher: Fetcher, oids: set[str]) -> dict[str, bytes]:
    """Read files.

    Raises:
        TerminalError: `ValuesNotEditable` for one too large to be a file for people.
    """
    try:
        data = _read_known(repository, oids)
        if missing := oids - data.keys():
            fetcher.fetch_files(repository, missing)
            data |= _read_known(repository, missing)
    except TooLongError as error:
        raise too_long(repository) from error
    if oids - data.keys():
        raise LocalGitError("fetch", "a file did not come")
    return data


def _read_known(repository: Repository, oids: set[str]) -> dict[str, bytes]:
    found = read_objects(repository, sorted(oids))
    return {one.oid: one.data for one in found if one is not None}
