"""The ports `SourceRepository` and `ConfigRepository` over a git server in memory."""

import asyncio
import posixpath
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime

from album_operator.adapters.git.refs import HEADS, find_obstacle
from album_operator.adapters.names import (
    check_commit,
    check_file_path,
    check_ref_name,
    is_commit,
)
from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.names import normal_url
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import (
    BranchSeen,
    ConfigCommit,
    ConfigSeen,
    SourceCommit,
    SourceSeen,
)
from tests.fakes.git_diff import diff_files
from tests.fakes.git_history import Commit, File, ancestors, changed
from tests.fakes.git_server import FakeGitServer, FakeRepository

KINDS = {"120000": "symlink", "160000": "submodule"}


COMMITTED_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""Committer date of each commit."""


class FakeSourceRepository:
    """Finds tags and Dockerfiles."""

    def __init__(self, server: FakeGitServer) -> None:
        self.server = server

    async def look(self, place: GitPlace, tag: str, dockerfile: str) -> SourceSeen:
        """Find the commit a tag stands for, and whether it has the Dockerfile."""
        check_ref_name(tag)
        path = check_file_path(posixpath.normpath(dockerfile))
        repository = self.server.open(place)
        commit = repository.tags.get(tag)
        if commit is None:
            return SourceSeen(None)
        data, others = _read(repository.commits[commit].files, [path])
        is_in = others.get(path) == "submodule"
        return SourceSeen(commit, path in data, is_in, committed_at=COMMITTED_AT)

    async def list_commits(
        self, place: GitPlace, since: str, commit: str, limit: int
    ) -> tuple[SourceCommit, ...] | None:
        """List the commits after a tag up to a commit."""
        check_ref_name(since)
        check_commit(commit)
        repository = self.server.open(place)
        before = repository.tags.get(since)
        if before is None or not repository.is_ancestor(before, commit):
            return None
        known = set(ancestors(repository.commits, before))
        found = [sha for sha in ancestors(repository.commits, commit) if sha not in known]
        commits = [(sha, repository.commits[sha]) for sha in found[:limit]]
        return tuple(
            SourceCommit(sha, made.name, made.message.splitlines()[0]) for sha, made in commits
        )

    async def list_tags(self, place: GitPlace, prefixes: Collection[str]) -> Mapping[str, str]:
        """List the tags that begin in some ways, in one request."""
        for prefix in filter(None, prefixes):
            check_ref_name(f"{prefix}0")
        tags = self.server.open(place).tags
        return {name: oid for name, oid in tags.items() if name.startswith(tuple(prefixes))}


class FakeConfigRepository:
    """Reads branches and pushes commits."""

    def __init__(self, server: FakeGitServer) -> None:
        self.server = server
        self._writing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def look(
        self, place: GitPlace, base: str | None, paths: Collection[str], branch: str | None
    ) -> ConfigSeen:
        """Read files at the head of the base branch, and the release branch if one is named."""
        for path in paths:
            check_file_path(path)
        for name in filter(None, (base, branch)):
            check_ref_name(name)
        repository = self.server.open(place)
        name = base if base is not None else repository.default_branch
        commit = repository.branches.get(name)
        # An empty repository does not tell what its default branch will be called.
        is_there = repository.default_branch in repository.branches
        default = repository.default_branch if is_there else ""
        if commit is None:
            return ConfigSeen(base or "", None, {}, {}, default_branch=default)
        files, not_files = _read(repository.commits[commit].files, paths)
        head = repository.branches.get(branch) if branch is not None else None
        seen = _branch(repository, head, paths) if head is not None else None
        obstacle = find_obstacle(branch, _refs(repository)) if branch is not None else None
        return ConfigSeen(name, commit, files, not_files, seen, obstacle, default)

    async def push(self, place: GitPlace, change: Change) -> str:
        """Commit and put the branch there, if it is where the change expects it."""
        check_ref_name(change.branch)
        for known in filter(None, (change.base_commit, change.expected)):
            check_commit(known)
        for path in change.files:
            check_file_path(path)
        repository = self.server.open(place)
        base = repository.commits[change.base_commit]
        files = dict(base.files)
        for path, data in change.files.items():
            if path not in _read(files, [path])[0]:
                raise TerminalError(
                    Reason.VALUES_FILE_NOT_FOUND, f"{path} is no regular file of {base.sha[:12]}."
                )
            files[path] = File(data, files[path].mode)
        commit = Commit(
            (base.sha,),
            files,
            change.message,
            change.author_name,
            change.author_email,
            change.date,
        )
        there = repository.branches.get(change.branch)
        if there == commit.sha:
            return commit.sha
        if there != change.expected:
            raise StaleError(Reason.GIT_UNAVAILABLE, f"Branch {change.branch} is at {there}.")
        self._move(repository, change, commit)
        return commit.sha

    async def commit(
        self,
        place: GitPlace,
        base: str,
        paths: Collection[str],
        edit: Callable[[ConfigSeen], Awaitable[Change | None]],
    ) -> BranchSeen | None:
        """Look at the base branch and push the change that is made of it, as one piece of work."""
        async with self._writing[normal_url(place.url)]:
            change = await edit(await self.look(place, base, paths, None))
            if change is None:
                return None
            pushed = await self.push(place, change)
            return _branch(self.server.open(place), pushed, paths)

    async def diff(self, place: GitPlace, base_commit: str, files: Mapping[str, bytes]) -> str:
        """Compare files with what a commit has."""
        check_commit(base_commit)
        for path in files:
            check_file_path(path)
        base = self.server.open(place).commits[base_commit].files
        after = {path: File(data, base[path].mode) for path, data in files.items()}
        return diff_files({path: base[path] for path in files}, after)

    async def list_branches(self, place: GitPlace, prefix: str) -> Mapping[str, str]:
        """List the branches that begin in some way, in one request."""
        check_ref_name(f"{prefix}0")
        branches = self.server.open(place).branches
        return {name: sha for name, sha in branches.items() if name.startswith(prefix)}

    async def delete_branch(self, place: GitPlace, branch: str, expected: str) -> None:
        """Delete a branch if it still is at `expected`."""
        check_ref_name(branch)
        check_commit(expected)
        repository = self.server.open(place)
        if repository.branches.get(branch) != expected:
            return
        if any(branch.startswith(beginning) for beginning in repository.protected):
            raise TerminalError(Reason.PUSH_REFUSED, f"Branch {branch} may not be deleted.")
        del repository.branches[branch]

    async def is_descendant(
        self, place: GitPlace, revision: str, ancestor: str, base: str, since: datetime
    ) -> bool:
        """Tell whether `revision` is `ancestor` or descends from it, both on branch `base`."""
        del since  # All history is at hand.
        if not (is_commit(revision) and is_commit(ancestor)):
            return False
        if revision == ancestor:
            return True
        repository = self.server.open(place)
        head = repository.branches.get(base)
        if head is None:
            raise TerminalError(Reason.BASE_BRANCH_NOT_FOUND, f"Branch {base} does not exist.")
        on_base = set(ancestors(repository.commits, head))
        return {revision, ancestor} <= on_base and repository.is_ancestor(ancestor, revision)

    async def read(
        self, place: GitPlace, commit: str, paths: Collection[str]
    ) -> Mapping[str, bytes]:
        """Read files at a commit."""
        return (await self.look_at(place, commit, paths)).files

    async def look_at(self, place: GitPlace, commit: str, paths: Collection[str]) -> ConfigSeen:
        """Read files at a commit, without asking where any branch is."""
        check_commit(commit)
        for path in paths:
            check_file_path(path)
        return ConfigSeen("", commit, *_read(self._commit(place, commit).files, paths))

    async def list_commits(
        self, place: GitPlace, since: str, until: str
    ) -> tuple[ConfigCommit, ...]:
        """List the commits of a branch after `since` up to `until`, newest first."""
        check_commit(since)
        check_commit(until)
        commits = self.server.open(place).commits
        if not {since, until} <= commits.keys():
            return ()
        return _line(commits, until, set(ancestors(commits, since)))

    async def list_latest(
        self, place: GitPlace, base: str, commit: str
    ) -> tuple[ConfigCommit, ...]:
        """List the last commits of a branch up to one of it, newest first."""
        check_ref_name(base)
        check_commit(commit)
        repository = self.server.open(place)
        head = repository.branches.get(base)
        if head is None:
            raise TerminalError(Reason.BASE_BRANCH_NOT_FOUND, f"Branch {base} is not there.")
        is_on_it = commit in ancestors(repository.commits, head)
        return _line(repository.commits, commit, ()) if is_on_it else ()

    def _commit(self, place: GitPlace, sha: str) -> Commit:
        found = self.server.open(place).commits.get(sha)
        if found is None:
            raise TransientError(Reason.GIT_UNAVAILABLE, f"{place.url} has no {sha[:12]}.")
        return found

    def _move(self, repository: FakeRepository, change: Change, commit: Commit) -> None:
        branch = change.branch
        if repository.is_archived:
            raise TerminalError(Reason.REPOSITORY_ARCHIVED, "The repository is archived.")
        if branch.startswith(tuple(repository.signed)):
            raise TerminalError(
                Reason.PUSH_REFUSED,
                f"Branch {branch} takes signed commits only.",
                "Leave it out of that rule, for the operator signs none",
            )
        if any(branch.startswith(beginning) for beginning in repository.protected):
            way_out = "spec.config.delivery" if change.extends_branch else branch
            raise TerminalError(
                Reason.PUSH_REFUSED, f"Branch {branch} was refused: protected; see {way_out}."
            )
        obstacle = find_obstacle(branch, _refs(repository))
        if obstacle is not None:
            raise TerminalError(
                Reason.PUSH_REFUSED, f"Branch {branch} was refused: {obstacle} exists."
            )
        repository.branches[branch] = repository.add(commit)
        repository.pushes.append((branch, commit.sha))
        if self.server.lose_push_answer:
            self.server.lose_push_answer = False
            raise TransientError(Reason.GIT_UNAVAILABLE, "The connection broke off.")


def _read(
    files: Mapping[str, File], paths: Collection[str]
) -> tuple[dict[str, bytes], dict[str, str]]:
    data, not_files = {}, {}
    for path in paths:
        above = [path]
        while parent := posixpath.dirname(above[-1]):
            above.append(parent)
        entry = next((files[name] for name in above if name in files), None)
        if any(name.startswith(f"{path}/") for name in files):
            not_files[path] = "directory"
        elif entry is not None and entry.mode in KINDS:
            not_files[path] = KINDS[entry.mode]
        elif path in files:
            data[path] = files[path].data
    return data, not_files


def _refs(repository: FakeRepository) -> list[str]:
    return [HEADS + name for name in repository.branches]


def _branch(repository: FakeRepository, head: str, paths: Collection[str]) -> BranchSeen:
    commit = repository.commits[head]
    parent = repository.commits[commit.parents[0]] if len(commit.parents) == 1 else None
    diff = ""
    if parent is not None:
        sides = [{path: side.files[path] for path in _read(side.files, paths)[0]}
                 for side in (parent, commit)]  # fmt: skip
        diff = diff_files(*sides)
    return BranchSeen(
        commit=head,
        message=commit.message,
        author_name=commit.name,
        author_email=commit.email,
        files=_read(commit.files, paths)[0],
        parent_files=_read(parent.files, paths)[0] if parent is not None else None,
        changed_paths=changed(parent.files, commit.files) if parent is not None else frozenset(),
        diff=diff,
    )


def _line(
    commits: Mapping[str, Commit], at: str, left_out: Collection[str]
) -> tuple[ConfigCommit, ...]:
    """Follow first parents; what a merge merged adds its message."""
    line = []
    while at and at not in left_out:
        made = commits[at]
        merged = [commits[one].message for one in made.parents[1:] if one not in left_out]
        line.append(ConfigCommit(at, made.name, "\n\n".join([made.message, *merged])))
        at = next(iter(made.parents), "")
    return tuple(line)
