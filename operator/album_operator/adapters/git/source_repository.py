"""The repository that is built, looked at over git; the adapter of port `SourceRepository`."""

import posixpath
from collections.abc import Collection, Mapping
from datetime import timedelta

from album_operator.adapters.git.git import TIME_LIMIT, Git
from album_operator.adapters.git.limits import LIMITS, Limits
from album_operator.adapters.git.log import read_log
from album_operator.adapters.git.objects import Kept
from album_operator.adapters.git.partial import Fetcher
from album_operator.adapters.git.refs import find_tag, list_tags
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.trees import Trees
from album_operator.adapters.names import check_commit, check_file_path, check_ref_name
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.places import GitPlace
from album_operator.domain.seen import SourceCommit, SourceSeen

KEPT_ANSWERS = 256
KEPT_LOGS = 64


class GitSourceRepository:
    """Finds tags, and the Dockerfile in the commit of a tag, without its files.

    Args:
        insecure_hosts: `host[:port]` of servers that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a single git command may take.
        limits: of each git command.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
        limits: Limits = LIMITS,
    ) -> None:
        self._git = Git(
            insecure_hosts,
            allowed_hosts=allowed_hosts,
            gateway=gateway,
            time_limit=time_limit,
            limits=limits,
        )
        self._fetcher = Fetcher()
        self._seen: Kept[tuple[str, str, str], SourceSeen] = Kept(KEPT_ANSWERS)
        self._logs: Kept[tuple[str, str, str, int], tuple[SourceCommit, ...]] = Kept(KEPT_LOGS)

    def close(self) -> None:
        """End what runs."""
        self._git.close()

    async def look(self, place: GitPlace, tag: str, dockerfile: str) -> SourceSeen:
        """Find the commit a tag stands for, and whether it has the Dockerfile as regular file."""
        check_ref_name(tag)
        path = check_file_path(posixpath.normpath(dockerfile))
        return await self._git.run(place, lambda repository: self._look(repository, tag, path))

    async def list_commits(
        self, place: GitPlace, since: str, commit: str, limit: int
    ) -> tuple[SourceCommit, ...] | None:
        """List the commits after tag `since` up to `commit`, the newest first."""
        check_ref_name(since)
        check_commit(commit)
        return await self._git.run(
            place, lambda repository: self._list(repository, since, commit, limit)
        )

    async def list_tags(self, place: GitPlace, prefixes: Collection[str]) -> Mapping[str, str]:
        """List the tags that begin in some ways, in one request."""
        for prefix in filter(None, prefixes):
            check_ref_name(f"{prefix}0")
        return await self._git.run(place, lambda repository: list_tags(repository, prefixes))

    def _list(
        self, repository: Repository, since: str, commit: str, limit: int
    ) -> tuple[SourceCommit, ...] | None:
        before = find_tag(repository, since)
        if before is None:
            return None
        question = (repository.place.url, before, commit, limit)
        log = self._logs.find(question)
        if log is None and (log := read_log(repository, before, commit, limit)) is not None:
            self._logs.keep(question, log)
        return log

    def _look(self, repository: Repository, tag: str, path: str) -> SourceSeen:
        commit = find_tag(repository, tag)
        if commit is None:
            return SourceSeen(None)
        question = (repository.place.url, commit, path)
        seen = self._seen.find(question)
        if seen is None:
            trees = Trees(repository, self._fetcher)
            trees.load([commit], ())
            if not trees.has_commit(commit):
                return SourceSeen(None, is_no_commit=True)
            trees.load([commit], [path])
            entry = trees.find(commit, [path]).get(path)
            seen = SourceSeen(
                commit,
                has_dockerfile=entry is not None and entry.is_file,
                is_in_submodule=entry is not None and entry.is_submodule,
                committed_at=trees.commit(commit).committed_at,
            )
            self._seen.keep(question, seen)
        return seen
