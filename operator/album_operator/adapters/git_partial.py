"""Fetching single objects: only what is asked for, as far as the server lets itself be asked."""

import logging
import re
from collections.abc import Collection

from album_operator.adapters.git import Repository
from album_operator.adapters.git_connection import Connection
from album_operator.adapters.git_failures import translate
from album_operator.adapters.git_process import Answer, EndedError
from album_operator.adapters.git_settings import PARTLY
from album_operator.adapters.git_wire import TooLongError
from album_operator.decisions.preflight import RETRY
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import normal_url
from album_operator.domain.reasons import Reason

LOG = logging.getLogger(__name__)

FILE_SIZE_LIMIT = 4 * 1024 * 1024
"""Longest file that is read, in bytes; values files of the field have a few KiB."""

PACK_OVERHEAD = 1024 * 1024

FOLDERS_LIMIT = 64 * 1024 * 1024
"""Most bytes that commits and folders are read in at once; a folder of 1,000,000 files has less."""

WITH_ROOT, ITSELF, WHOLE = range(3)
FILTERS = ("tree:1", "tree:0", None)
"""How objects are asked for: a commit with its root, an object by itself, a commit with all files.
Some servers allow no depth of trees (uploadpackfilter.tree.maxDepth), some no filter at all."""

LAST = "refs/album/last"

# upload-pack.c of git 2.30 to 2.47
REFUSED = re.compile(r"tree filter allows max depth|filter '[a-z:]+' not supported")
# fetch-pack.c: all objects come.
IGNORED = "filtering not recognized by server"
# index-pack met its file limit (SIGXFSZ, or EFBIG where that is ignored); what we say too.
TOO_LONG = re.compile(r"died of signal 25|File too large")


class Fetcher:
    """Fetches objects into kept repositories, and remembers what each server refuses."""

    def __init__(self) -> None:
        self._levels: dict[str, int] = {}

    def fetch_commits(self, repository: Repository, commits: Collection[str]) -> None:
        """Fetch commits without their history, and no more of their files than need be.

        Raises:
            OutsideError: translated.
        """
        _check(repository, self._fetch(repository, commits, WITH_ROOT))
        if self._levels.get(normal_url(repository.place.url)) == WHOLE:
            # What the next fetch tells the server it need not send again.
            repository.local("update-ref", LAST, next(iter(commits)))

    def fetch_trees(self, repository: Repository, oids: Collection[str]) -> None:
        """Fetch trees, each without what is below it."""
        _check(repository, self._fetch(repository, oids, ITSELF))

    def fetch_files(self, repository: Repository, oids: Collection[str]) -> None:
        """Fetch files.

        Raises:
            TerminalError: `ValuesNotEditable` for one too large; it was not fetched to its end.
            OutsideError: translated.
        """
        limit = len(oids) * FILE_SIZE_LIMIT + PACK_OVERHEAD
        answer = self._fetch(repository, oids, ITSELF, limit)
        if TOO_LONG.search(answer.err):
            raise too_long(repository)
        _check(repository, answer)

    def _fetch(
        self, repository: Repository, oids: Collection[str], least: int, limit: int | None = None
    ) -> Answer:
        """Fetch with as narrow a filter as the server takes, but none narrower than `least`."""
        url = normal_url(repository.place.url)
        level = first = max(self._levels.get(url, WITH_ROOT), least)
        while True:
            answer = _try(repository, oids, FILTERS[level], limit)
            if answer.status == 0 or level == WHOLE or not REFUSED.search(answer.err):
                break
            level += 1
        if IGNORED in answer.err:
            level = WHOLE
        if level != first:
            self._levels[url] = level
            if level == WHOLE:
                LOG.warning(
                    "%s does not filter what it sends (uploadpack.allowFilter): all files of a "
                    "commit are fetched.",
                    url,
                )
        return answer


def _try(
    repository: Repository, oids: Collection[str], objects: str | None, limit: int | None
) -> Answer:
    """Fetch once, over an open connection if it can be."""
    if objects is None:
        return repository.try_fetch(sorted(oids), "--depth=1", file_limit=limit)

    def fetch(connection: Connection) -> Answer | None:
        if not connection.can_filter:
            return None
        fetched = connection.fetch(oids, objects, limit or FOLDERS_LIMIT)
        return repository.store(fetched.pack, fetched.shallow)

    try:
        answer = repository.over_connection(fetch)
    except EndedError as error:
        return Answer(1, b"", str(error))
    except TooLongError:
        return Answer(1, b"", "File too large")
    if answer is not None:
        return answer
    return repository.try_fetch(
        sorted(oids), "--depth=1", f"--filter={objects}", settings=PARTLY, file_limit=limit
    )


def _check(repository: Repository, answer: Answer) -> None:
    if answer.status != 0:
        raise translate(repository.place, "read", answer.err)


def too_long(repository: Repository) -> TerminalError:
    """Say that a file is too large to be one that people edit."""
    return TerminalError(
        Reason.VALUES_NOT_EDITABLE,
        f"A file to edit in {repository.place.url} has more than {FILE_SIZE_LIMIT} bytes, and such "
        f"are not read. Correct edits[].path in the pipeline, {RETRY}.",
    )
