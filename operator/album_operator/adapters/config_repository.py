"""The GitOps repository, read and written over git; the adapter of port `ConfigRepository`.

Nothing is ever checked out: files are read from and written to git's object store, so no symbolic
link, attribute or filter of the repository has a file to act on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from album_operator.adapters.git import HEADS, TIME_LIMIT, Git, Repository
from album_operator.adapters.git_diff import diff_entries, store_files
from album_operator.adapters.git_history import find_descent
from album_operator.adapters.git_names import (
    check_commit,
    check_file_path,
    check_ref_name,
    is_commit,
)
from album_operator.adapters.git_objects import (
    KINDS,
    WITHOUT_BLOBS,
    Entry,
    Kept,
    fetch_blobs,
    list_entries,
    read_blobs,
    read_commit,
)
from album_operator.adapters.git_push import push_branch
from album_operator.domain.names import normal_url
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.seen import BranchSeen, ConfigSeen

KEPT_LOOKS = 64
KEPT_SIZE_LIMIT = 256 * 1024
"""Files of a commit are kept in memory only if they have no more bytes than this together."""

KEPT_ANSWERS = 1024


@dataclass(frozen=True)
class _Files:
    """Asked paths at one commit."""

    entries: Mapping[str, Entry]
    data: Mapping[str, bytes]

    @property
    def files(self) -> dict[str, Entry]:
        return {path: entry for path, entry in self.entries.items() if entry.is_file}

    @property
    def not_files(self) -> dict[str, str]:
        return {
            path: KINDS.get(entry.mode, "special file")
            for path, entry in self.entries.items()
            if not entry.is_file
        }


class GitConfigRepository:
    """Reads the base and release branches, and pushes the one commit of a release.

    Args:
        insecure_hosts: `host[:port]` of servers that may be spoken to in plain HTTP.
        time_limit: longest a single git command may take.
    """

    def __init__(
        self, insecure_hosts: Collection[str], *, time_limit: timedelta = TIME_LIMIT
    ) -> None:
        self._git = Git(insecure_hosts, time_limit=time_limit)
        self._writing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._files: Kept[tuple[str, str, frozenset[str]], _Files] = Kept(KEPT_LOOKS)
        self._branches: Kept[tuple[str, str, frozenset[str]], BranchSeen] = Kept(KEPT_LOOKS)
        self._descents: Kept[tuple[str, str, str], bool] = Kept(KEPT_ANSWERS)

    def close(self) -> None:
        """End what runs."""
        self._git.close()

    async def look(
        self, place: GitPlace, base: str | None, paths: Collection[str], branch: str | None
    ) -> ConfigSeen:
        """Read files at the head of the base branch, and the release branch if one is named."""
        for name in filter(None, (base, branch)):
            check_ref_name(name)
        asked = frozenset(check_file_path(path) for path in paths)
        return await self._git.run(
            place, lambda repository: self._look(repository, base, asked, branch)
        )

    async def push(self, place: GitPlace, change: Change) -> str:
        """Commit and put the branch there, if it is where the change expects it."""
        _check_change(change)
        async with self._writing[normal_url(place.url)]:
            return await self._git.run(place, lambda repository: self._push(repository, change))

    async def commit(
        self,
        place: GitPlace,
        base: str,
        paths: Collection[str],
        edit: Callable[[ConfigSeen], Change | None],
    ) -> BranchSeen | None:
        """Look at the base branch and push the change that is made of it, as one piece of work.

        It is one in the thread too: looks of other releases that queue for the threads would give
        a writer elsewhere the time to come in between.
        """
        check_ref_name(base)
        asked = frozenset(check_file_path(path) for path in paths)
        async with self._writing[normal_url(place.url)]:
            return await self._git.run(
                place, lambda repository: self._commit(repository, base, asked, edit)
            )

    async def diff(self, place: GitPlace, base_commit: str, files: Mapping[str, bytes]) -> str:
        """Compare files with what a commit has, without writing anything to the server."""
        check_commit(base_commit)
        for path in files:
            check_file_path(path)
        return await self._git.run(
            place, lambda repository: self._diff(repository, base_commit, files)
        )

    async def is_descendant(self, place: GitPlace, revision: str, ancestor: str, base: str) -> bool:
        """Tell whether `revision` is `ancestor` or descends from it, both on branch `base`."""
        if not (is_commit(revision) and is_commit(ancestor)):
            return False
        if revision == ancestor:
            return True
        check_ref_name(base)
        question = (normal_url(place.url), revision, ancestor)
        answer = self._descents.find(question)
        if answer is None:
            answer = await self._git.run(
                place, lambda repository: find_descent(repository, revision, ancestor, base)
            )
            if answer is not None:
                # The history of a commit is part of its hash: a "no" stays true as well.
                self._descents.keep(question, answer)
        return bool(answer)

    def _commit(
        self,
        repository: Repository,
        base: str,
        paths: frozenset[str],
        edit: Callable[[ConfigSeen], Change | None],
    ) -> BranchSeen | None:
        seen = self._look(repository, base, paths, None)
        change = edit(seen)
        if change is None:
            return None
        _check_change(change)
        return BranchSeen(
            commit=push_branch(repository, change),
            diff=self._diff(repository, change.base_commit, change.files),
            message=change.message,
            author_name=change.author_name,
            author_email=change.author_email,
            files={**seen.files, **change.files},
            parent_files=seen.files,
            changed_paths=frozenset(change.files),
        )

    def _diff(self, repository: Repository, base_commit: str, files: Mapping[str, bytes]) -> str:
        paths = frozenset(files)
        at_base = self._files.find((normal_url(repository.place.url), base_commit, paths))
        if at_base is None:
            repository.fetch([base_commit], "--depth=1", WITHOUT_BLOBS)
            at_base = _read_files(repository, [base_commit], paths)[base_commit]
        return _diff_files(repository, at_base, files)

    def _push(self, repository: Repository, change: Change) -> str:
        commit = push_branch(repository, change)
        # The next look asks the server where the branch is; what this commit holds is known.
        url, paths = normal_url(repository.place.url), frozenset(change.files)
        at_base = self._files.find((url, change.base_commit, paths))
        if at_base is not None:
            about = read_commit(repository, commit)
            seen = BranchSeen(
                commit=commit,
                message=about.message,
                author_name=about.author_name,
                author_email=about.author_email,
                files=dict(change.files),
                parent_files=at_base.data,
                changed_paths=frozenset(
                    path for path, data in change.files.items() if at_base.data[path] != data
                ),
                diff=_diff_files(repository, at_base, change.files),
            )
            self._branches.keep((url, commit, paths), seen)
        return commit

    def _look(
        self, repository: Repository, base: str | None, paths: frozenset[str], branch: str | None
    ) -> ConfigSeen:
        asked = ["HEAD" if base is None else HEADS + base]
        if branch is not None:
            asked.append(HEADS + branch)
        refs = repository.list_refs(*asked)
        default = refs.get("ref:HEAD", "").removeprefix(HEADS)
        base_branch = base if base is not None else default
        base_commit = refs.get(asked[0]) if base_branch else None
        if base_commit is None:
            return ConfigSeen(base_branch, None, {}, {})
        branch_commit = refs.get(HEADS + branch) if branch is not None else None
        at_base, at_branch = self._read(repository, base_commit, branch_commit, paths)
        return ConfigSeen(base_branch, base_commit, at_base.data, at_base.not_files, at_branch)

    def _read(
        self,
        repository: Repository,
        base_commit: str,
        branch_commit: str | None,
        paths: frozenset[str],
    ) -> tuple[_Files, BranchSeen | None]:
        """Read what is not kept from an earlier look, in two fetches at most."""
        url = normal_url(repository.place.url)
        at_base = self._files.find((url, base_commit, paths))
        at_branch = None
        if branch_commit is not None:
            at_branch = self._branches.find((url, branch_commit, paths))
        new = []
        if at_base is None:
            new.append(base_commit)
        if branch_commit is not None and at_branch is None:
            new.append(branch_commit)
        if new:
            repository.fetch(dict.fromkeys(new), "--depth=2", WITHOUT_BLOBS)
        if branch_commit is not None and at_branch is None:
            at_branch = _read_branch(repository, branch_commit, paths)
            if _size(at_branch.files) <= KEPT_SIZE_LIMIT:
                self._branches.keep((url, branch_commit, paths), at_branch)
        if at_base is None:
            at_base = _read_files(repository, [base_commit], paths)[base_commit]
            if _size(at_base.data) <= KEPT_SIZE_LIMIT:
                self._files.keep((url, base_commit, paths), at_base)
        return at_base, at_branch


def _check_change(change: Change) -> None:
    check_ref_name(change.branch)
    for commit in filter(None, (change.base_commit, change.expected)):
        check_commit(commit)
    for path in change.files:
        check_file_path(path)


def _size(files: Mapping[str, bytes]) -> int:
    return sum(len(data) for data in files.values())


def _diff_files(repository: Repository, base: _Files, files: Mapping[str, bytes]) -> str:
    """Compare new bytes with a commit's files, of which nothing needs to be on disk."""
    modes = {path: entry.mode for path, entry in base.files.items()}
    before = store_files(repository, modes, base.data)
    return diff_entries(repository, before, {**before, **store_files(repository, modes, files)})


def _read_files(
    repository: Repository, commits: Collection[str], paths: frozenset[str]
) -> dict[str, _Files]:
    """Read paths at commits whose trees are there and whose blobs are not."""
    entries = {commit: list_entries(repository, commit, paths) for commit in commits}
    oids = {entry.oid for found in entries.values() for entry in found.values() if entry.is_file}
    fetch_blobs(repository, oids)
    blobs = read_blobs(repository, oids)
    return {
        commit: _Files(
            found, {path: blobs[entry.oid] for path, entry in found.items() if entry.is_file}
        )
        for commit, found in entries.items()
    }


def _read_branch(repository: Repository, commit: str, paths: frozenset[str]) -> BranchSeen:
    about = read_commit(repository, commit)
    parent = about.parents[0] if len(about.parents) == 1 else None
    files = _read_files(repository, [commit] if parent is None else [commit, parent], paths)
    changed: frozenset[str] = frozenset()
    diff = ""
    if parent is not None:
        names = repository.local(
            "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--end-of-options",
            parent, commit,
        ).out.decode(errors="surrogateescape")  # fmt: skip
        changed = frozenset(filter(None, names.split("\0")))
        diff = diff_entries(repository, files[parent].files, files[commit].files)
    return BranchSeen(
        commit=commit,
        message=about.message,
        author_name=about.author_name,
        author_email=about.author_email,
        files=files[commit].data,
        parent_files=files[parent].data if parent is not None else None,
        changed_paths=changed,
        diff=diff,
    )
