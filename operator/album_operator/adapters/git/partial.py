"""Fetching single objects: only what is asked for, as far as the server lets itself be asked."""

import logging
import re
from collections.abc import Collection

from album_operator.adapters.git.failures import translate
from album_operator.adapters.git.limits import MIB, TooLargeError
from album_operator.adapters.git.objects import FILE_SIZE_LIMIT, SIZE_LIMITS
from album_operator.adapters.git.process import Answer, EndedError
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.settings import PARTLY
from album_operator.adapters.git.streams import TooLongError
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import normal_url
from album_operator.domain.reasons import Reason

LOG = logging.getLogger(__name__)

FILES_LIMIT = 20 * MIB
"""Most bytes of files that are fetched at once: as many as a release edits, each as long as may
be edited, and some."""

PACK_OVERHEAD = MIB

FOLDERS_LIMIT = 16 * MIB
"""Most bytes that commits and folders have that are fetched at once, packed or not."""

WITH_ROOT, ITSELF, WHOLE = range(3)
FILTERS = ("tree:1", "tree:0", None)
"""How objects are asked for: a commit with its root, an object by itself, a commit with all files.
Some servers allow no depth of trees (uploadpackfilter.tree.maxDepth), some no filter at all."""

LAST = "refs/album/last"

# upload-pack.c of git 2.30 to 2.47
REFUSED = re.compile(r"tree filter allows max depth|filter '[a-z:]+' not supported")
# fetch-pack.c: all objects come.
IGNORED = "filtering not recognized by server"


class Fetcher:
    """Fetches objects into kept repositories, and remembers what each server refuses."""

    def __init__(self) -> None:
        self._levels: dict[str, int] = {}

    def fetch_commits(self, repository: Repository, commits: Collection[str]) -> None:
        """Fetch commits without their history, and no more of their files than need be.

        Raises:
            TooLargeError: they are larger than is read.
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
        limit = min(len(oids) * FILE_SIZE_LIMIT, FILES_LIMIT) + PACK_OVERHEAD
        try:
            _check(repository, self._fetch(repository, oids, ITSELF, limit))
        except TooLargeError as error:
            raise too_long(repository) from error

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
    """Fetch once, over a kept connection if it can be."""
    if objects is None:
        return repository.try_fetch(sorted(oids), "--depth=1", limit=limit)

    try:
        answer = repository.fetch_objects(oids, objects, limit or FOLDERS_LIMIT)
    except EndedError as error:
        return Answer(1, b"", str(error))
    except TooLongError as error:
        raise folders_too_large(repository) from error
    if answer is not None:
        return answer
    return repository.try_fetch(
        sorted(oids), "--depth=1", f"--filter={objects}", settings=PARTLY, limit=limit
    )


def _check(repository: Repository, answer: Answer) -> None:
    if answer.status != 0:
        raise translate(repository.place, "read", answer.err)


def folders_too_large(repository: Repository) -> TooLargeError:
    """Say that commits or folders are larger than is read."""
    what = (
        "a commit, a tag or the folders on the way to a file have more bytes than are read: "
        f"{SIZE_LIMITS['commit']} of a commit or tag, {SIZE_LIMITS['tree']} of a folder, "
        f"{FOLDERS_LIMIT} of all"
    )
    return TooLargeError(repository.place, what, "Keep fewer files in one folder")


def too_long(repository: Repository) -> TerminalError:
    """Say that files are too large to be some that people edit."""
    return TerminalError(
        Reason.VALUES_NOT_EDITABLE,
        f"A file to edit in {repository.place.url} has more than {FILE_SIZE_LIMIT} bytes, or all "
        f"of them have more than {FILES_LIMIT}, and such are not read.",
        "Correct edits[].path in the pipeline",
    )
