"""The GitOps repository, read and written over git; the adapter of port `ConfigRepository`.

Nothing is ever checked out: files are read from and written to git's object store, so no symbolic
link, attribute or filter of the repository has a file to act on. The store is a cache (`cache`)
that holds only the commits, trees and files somebody asked for.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from album_operator.adapters.git.cache import Cache, Caches
from album_operator.adapters.git.commit import make_commit
from album_operator.adapters.git.failures import LocalGitError
from album_operator.adapters.git.files import Files, diff_files, diff_made, read_base, read_branch
from album_operator.adapters.git.git import TIME_LIMIT, Git
from album_operator.adapters.git.history import fetch_latest, find_descent
from album_operator.adapters.git.limits import LIMITS, MIB, Limits, TooLargeError
from album_operator.adapters.git.log import read_line_of_merges
from album_operator.adapters.git.objects import Kept
from album_operator.adapters.git.partial import Fetcher
from album_operator.adapters.git.push import delete_branch, push_branch
from album_operator.adapters.git.refs import (
    HEADS,
    find_obstacle,
    list_branches,
    list_refs,
    with_neighbours,
)
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.trees import Trees
from album_operator.adapters.git.writers import Writers
from album_operator.adapters.names import (
    check_commit,
    check_file_path,
    check_ref_name,
    is_commit,
)
from album_operator.adapters.servers.deadline import Deadline
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.names import normal_url
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.seen import BranchSeen, ConfigCommit, ConfigSeen
from album_operator.stopwatch import holding

LOG = logging.getLogger(__name__)

T = TypeVar("T")

CACHE_BYTES = 512 * 1024 * 1024

KEPT_LOOKS = 64
KEPT_SIZE_LIMIT = 256 * 1024
"""What is known of a commit is kept in memory only if it has no more bytes than this."""

LEAST_FETCH_BYTES = 32 * MIB
"""What a fetch may bring however small the cache is: it is removed after the work."""

KEPT_ANSWERS = 1024

FILES, HISTORY = "files", "history"


class GitConfigRepository:
    """Reads the base and release branches, and pushes the one commit of a release.

    Args:
        insecure_hosts: `host[:port]` of servers that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a single git command may take.
        cache_folder: where caches are kept; None for a folder that is removed at the end.
        cache_bytes: most bytes they may have together; a fetch brings no more.
        limits: of each git command.

    Raises:
        CacheError: the folder cannot be used.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
        cache_folder: Path | None = None,
        cache_bytes: int = CACHE_BYTES,
        limits: Limits = LIMITS,
    ) -> None:
        self._caches = Caches(cache_folder, cache_bytes)
        self._git = Git(
            insecure_hosts,
            allowed_hosts=allowed_hosts,
            gateway=gateway,
            time_limit=time_limit,
            folder=self._caches.work,
            limits=_within(limits, cache_bytes),
        )
        self._fetcher = Fetcher()
        self._writers = Writers()
        self._tips: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._running: set[asyncio.Future[Any]] = set()
        self._files: Kept[tuple[str, str, frozenset[str]], Files] = Kept(KEPT_LOOKS)
        self._branches: Kept[tuple[str, str, frozenset[str]], BranchSeen] = Kept(KEPT_LOOKS)
        self._descents: Kept[tuple[str, str, str], bool] = Kept(KEPT_ANSWERS)

    def close(self) -> None:
        """End what runs."""
        self._git.close()
        self._caches.close()

    async def look(
        self, place: GitPlace, base: str | None, paths: Collection[str], branch: str | None
    ) -> ConfigSeen:
        """Read files at the head of the base branch, and the release branch if one is named."""
        for name in filter(None, (base, branch)):
            check_ref_name(name)
        asked = frozenset(check_file_path(path) for path in paths)
        names = ["HEAD", *([] if base is None else [HEADS + base])]
        if branch is not None:
            names += with_neighbours(branch)
        deadline = self._git.deadline()
        refs = await self._git.run(
            place, lambda repository: list_refs(repository, *names), deadline=deadline
        )
        default = refs.get("ref:HEAD", "").removeprefix(HEADS)
        base_branch = base if base is not None else default
        base_commit = refs.get("HEAD" if base is None else HEADS + base) if base_branch else None
        if base_commit is None:
            return ConfigSeen(base_branch, None, {}, {}, default_branch=default)
        self._tips[normal_url(place.url)][base_branch] = base_commit
        at_base = await self._base(place, base_commit, asked, deadline)
        branch_commit = refs.get(HEADS + branch) if branch is not None else None
        at_branch = None
        if branch_commit is not None:
            at_branch = await self._branch(place, branch_commit, asked, deadline)
        obstacle = find_obstacle(branch, refs) if branch is not None else None
        return ConfigSeen(
            base_branch, base_commit, at_base.data, at_base.not_files, at_branch, obstacle, default
        )

    async def look_at(self, place: GitPlace, commit: str, paths: Collection[str]) -> ConfigSeen:
        """Read files at a commit, without asking where any branch is."""
        check_commit(commit)
        asked = frozenset(map(check_file_path, paths))
        files = await self._base(place, commit, asked, self._git.deadline())
        return ConfigSeen("", commit, files.data, files.not_files)

    async def push(self, place: GitPlace, change: Change) -> str:
        """Commit and put the branch there, if it is where the change expects it."""
        _check_change(change)
        return await self._to_its_end(self._push(place, change))

    async def commit(
        self,
        place: GitPlace,
        base: str,
        paths: Collection[str],
        edit: Callable[[ConfigSeen], Coroutine[Any, Any, Change | None]],
    ) -> BranchSeen | None:
        """Look at the base branch and push the change that is made of it, as one piece of work."""
        check_ref_name(base)
        asked = frozenset(check_file_path(path) for path in paths)
        return await self._to_its_end(self._commit(place, base, asked, edit))

    async def list_branches(self, place: GitPlace, prefix: str) -> Mapping[str, str]:
        """List the branches that begin in some way, in one request."""
        check_ref_name(f"{prefix}0")
        return await self._git.run(place, lambda repository: list_branches(repository, prefix))

    async def delete_branch(self, place: GitPlace, branch: str, expected: str) -> None:
        """Delete a branch if it still is at `expected`; elsewhere or gone, it is left as it is."""
        check_ref_name(branch)
        check_commit(expected)
        await self._read(
            place, FILES, lambda repository: delete_branch(repository, branch, expected)
        )

    async def diff(self, place: GitPlace, base_commit: str, files: Mapping[str, bytes]) -> str:
        """Compare files with what a commit has, without writing anything to the server."""
        check_commit(base_commit)
        paths = frozenset(map(check_file_path, files))
        at_base = await self._base(place, base_commit, paths, self._git.deadline())
        return await self._read(
            place, FILES, lambda repository: diff_files(repository, at_base, files)
        )

    async def is_descendant(
        self, place: GitPlace, revision: str, ancestor: str, base: str, since: datetime
    ) -> bool:
        """Tell whether `revision` is `ancestor` or descends from it, both on branch `base`."""
        if not (is_commit(revision) and is_commit(ancestor)):
            return False
        if revision == ancestor:
            return True
        check_ref_name(base)
        question = (normal_url(place.url), revision, ancestor)
        answer = self._descents.find(question)
        if answer is None:
            answer = await self._read(
                place,
                HISTORY,
                lambda repository: find_descent(repository, revision, ancestor, base, since),
            )
            if answer is not None:
                # The history of a commit is part of its hash: a "no" stays true as well.
                self._descents.keep(question, answer)
        return bool(answer)

    async def read(
        self, place: GitPlace, commit: str, paths: Collection[str]
    ) -> Mapping[str, bytes]:
        """Read files at a commit; what is no regular file there is left out."""
        return (await self.look_at(place, commit, paths)).files

    async def list_commits(
        self, place: GitPlace, since: str, until: str
    ) -> tuple[ConfigCommit, ...]:
        """List the commits of a branch after `since` up to `until`, newest first."""
        check_commit(since)
        check_commit(until)
        return await self._read(
            place, HISTORY, lambda repository: read_line_of_merges(repository, since, until)
        )

    async def list_latest(
        self, place: GitPlace, base: str, commit: str
    ) -> tuple[ConfigCommit, ...]:
        """List the last commits of a branch up to one of it, newest first."""
        check_ref_name(base)
        check_commit(commit)

        def read(repository: Repository) -> tuple[ConfigCommit, ...]:
            fetch_latest(repository, base)
            return read_line_of_merges(repository, None, commit)

        return await self._read(place, HISTORY, read)

    async def _base(
        self, place: GitPlace, commit: str, paths: frozenset[str], deadline: Deadline
    ) -> Files:
        question = (normal_url(place.url), commit, paths)
        files = self._files.find(question)
        if files is None:
            files = await self._read(
                place,
                FILES,
                lambda repository: read_base(repository, self._fetcher, commit, paths),
                deadline,
            )
            if _size(files.data) <= KEPT_SIZE_LIMIT:
                self._files.keep(question, files)
        return files

    async def _branch(
        self, place: GitPlace, commit: str, paths: frozenset[str], deadline: Deadline
    ) -> BranchSeen:
        question = (normal_url(place.url), commit, paths)
        seen = self._branches.find(question)
        if seen is None:
            seen = await self._read(
                place,
                FILES,
                lambda repository: read_branch(repository, self._fetcher, commit, paths),
                deadline,
            )
            if _branch_size(seen) <= KEPT_SIZE_LIMIT:
                self._branches.keep(question, seen)
        return seen

    async def _push(self, place: GitPlace, change: Change) -> str:
        """Push, one after another in each repository."""

        def commit(repository: Repository) -> BranchSeen:
            return self._make(repository, change, at_base)

        async def commit_and_push(cache: Cache) -> BranchSeen:
            async with holding(cache.lock):
                made = await self._git.run(place, commit, cache.folder, deadline)
            # Nothing that is there changes any more: looks need not wait for the server.
            is_at_tip = change.base_commit in self._tips[url].values()
            await self._git.run(
                place,
                lambda repository: push_branch(
                    repository, change, made.commit, is_at_tip=is_at_tip
                ),
                cache.folder,
                deadline,
            )
            return made

        url, paths, deadline = (
            normal_url(place.url),
            frozenset(change.files),
            self._git.deadline(),
        )
        at_base = self._files.find((url, change.base_commit, paths))
        async with self._writers.one(place):
            made = await self._in_cache(place, FILES, commit_and_push)
        # The next look asks the server where the branch is; what this commit holds is known.
        if at_base is not None:
            self._branches.keep((url, made.commit, paths), made)
        return made.commit

    async def _commit(
        self,
        place: GitPlace,
        base: str,
        paths: frozenset[str],
        edit: Callable[[ConfigSeen], Coroutine[Any, Any, Change | None]],
    ) -> BranchSeen | None:
        # One piece of work in the thread too: looks of other releases that queue for the threads
        # would give a writer elsewhere the time to come in between.
        loop = asyncio.get_running_loop()

        def edit_in_loop(seen: ConfigSeen) -> Change | None:
            return asyncio.run_coroutine_threadsafe(edit(seen), loop).result()

        async with self._writers.one(place):
            return await self._read(
                place,
                FILES,
                lambda repository: self._look_and_push(repository, base, paths, edit_in_loop),
            )

    def _look_and_push(
        self,
        repository: Repository,
        base: str,
        paths: frozenset[str],
        edit: Callable[[ConfigSeen], Change | None],
    ) -> BranchSeen | None:
        name = HEADS + base
        commit = list_refs(repository, name).get(name)
        at_base = Files({}, {})
        if commit is not None:
            at_base = read_base(repository, self._fetcher, commit, paths)
        change = edit(ConfigSeen(base, commit, at_base.data, at_base.not_files))
        if change is None:
            return None
        _check_change(change)
        made = self._make(repository, change, at_base)
        push_branch(repository, change, made.commit, is_at_tip=True)
        return made

    def _make(self, repository: Repository, change: Change, at_base: Files | None) -> BranchSeen:
        """Make the commit of a change; without the files of its base, only the commit is told."""
        trees = Trees(repository, self._fetcher)
        made = make_commit(repository, trees, change)
        trees.load([made], ())
        about, before = trees.commit(made), at_base or Files({}, {})
        return BranchSeen(
            commit=made,
            message=about.message,
            author_name=about.author_name,
            author_email=about.author_email,
            files={**before.data, **change.files},
            parent_files=before.data,
            changed_paths=frozenset(
                path for path, data in change.files.items() if before.data.get(path) != data
            ),
            diff=diff_made(repository, change.base_commit, at_base, made) if at_base else "",
        )

    async def _read(
        self,
        place: GitPlace,
        purpose: str,
        work: Callable[[Repository], T],
        deadline: Deadline | None = None,
    ) -> T:
        """Do some work in a cache that nobody else fetches into meanwhile."""

        async def work_alone(cache: Cache) -> T:
            async with holding(cache.lock):
                return await self._git.run(place, work, cache.folder, deadline)

        return await self._to_its_end(self._in_cache(place, purpose, work_alone))

    async def _in_cache(
        self, place: GitPlace, purpose: str, work: Callable[[Cache], Awaitable[T]]
    ) -> T:
        """Do some work with a repository's cache, and once more with a new one if it is damaged.

        Each namespace has a cache of its own: who fetches for long keeps out only its own.
        """
        name = f"{normal_url(place.url)} ({purpose}) of namespace {place.namespace}"
        try:
            return await self._attempt(name, work)
        except LocalGitError as error:
            if error.is_full:
                LOG.warning("The disk is full: all caches that are not in use are removed.")
                await self._caches.free()
            else:
                LOG.warning("The cache of %s is made again: %s", name, error.message)
        return await self._attempt(name, work)

    async def _attempt(self, name: str, work: Callable[[Cache], Awaitable[T]]) -> T:
        try:
            async with self._caches.lease(name) as cache:
                try:
                    return await work(cache)
                except (LocalGitError, TooLargeError):
                    self._caches.drop(cache)
                    raise
        except OSError as error:
            raise LocalGitError("init", error.strerror or str(error)) from error

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for some work that goes on if nobody waits for it any more.

        Git runs in a thread, which no cancellation ends: until then its cache is in use.
        """
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def _check_change(change: Change) -> None:
    check_ref_name(change.branch)
    for commit in filter(None, (change.base_commit, change.expected)):
        check_commit(commit)
    for path in change.files:
        check_file_path(path)


def _within(limits: Limits, cache_bytes: int) -> Limits:
    """Let no fetch bring more than the cache may hold."""
    most = max(cache_bytes, LEAST_FETCH_BYTES)
    if limits.fetch <= most:
        return limits
    more_room = "Raise ALBUM_CACHE_BYTES and the size of the operator's volume for it"
    return replace(limits, fetch=most, more_room=more_room)


def _size(files: Mapping[str, bytes]) -> int:
    return sum(len(data) for data in files.values())


def _branch_size(seen: BranchSeen) -> int:
    words = (seen.message, seen.author_name, seen.author_email, seen.diff, *seen.changed_paths)
    return _size(seen.files) + _size(seen.parent_files or {}) + sum(map(len, words))
