"""Asking whether one commit descends from another, with as little history as the answer takes.

The repository is kept apart from that of the files: a fetch with a depth moves the end of a
history, and there each commit is its own end.
"""

import hashlib
from datetime import datetime, timedelta
from typing import BinaryIO

from album_operator.adapters.git.failures import translate
from album_operator.adapters.git.objects import HEADING_LENGTH
from album_operator.adapters.git.refs import HEADS
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.settings import KEPT
from album_operator.adapters.git.streams import read_line
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason

WITHOUT_TREES = "--filter=tree:0"

FIRST_DEPTH = 64
"""Commits below a branch's head that are fetched first; more only where these do not do."""

SINCE = "--shallow-since="

CLOCKS_APART = timedelta(days=1)
"""How far the clocks of those who commit may be behind."""


def find_descent(
    repository: Repository, revision: str, ancestor: str, base: str, since: datetime
) -> bool | None:
    """Ask git about two commits of a branch.

    Args:
        repository: of commits only.
        revision: the commit that may descend.
        ancestor: from which.
        base: the branch both must be on.
        since: `ancestor` is hardly older: the history from then on is fetched before the whole.

    Returns:
        None where one of them is not known on the branch, so that it may be later.

    Raises:
        OutsideError: the branch does not exist, or cannot be fetched.
    """
    kept = _kept(base)
    window = f"{SINCE}{int((since - CLOCKS_APART).timestamp())}"
    asked = {revision, ancestor}
    for depth in _depths(repository, kept, window):
        _fetch_commits(repository, base, kept, *depth)
        known = {commit for commit in asked if _is_on(repository, commit, kept)}
        if known == asked:
            # A "yes" within a part of the history is a yes; and no commit descends from its own
            # descendant. Any other "no" needs the whole history.
            if _is_ancestor(repository, ancestor, revision):
                return True
            if _is_ancestor(repository, revision, ancestor):
                return False
        if not _is_shallow(repository):
            return False if known == asked else None
        if window in depth and known == {ancestor}:
            # What descends from it is younger, so in the window too.
            return None
    return None


def fetch_latest(repository: Repository, base: str) -> None:
    """Fetch the last commits of a branch.

    Raises:
        OutsideError: the branch does not exist, or cannot be fetched.
    """
    kept = _kept(base)
    _fetch_commits(repository, base, kept, *_depths(repository, kept)[0])


def _kept(base: str) -> str:
    # Flat, as `a` and `a/b` cannot both be branches here, but one after the other on the server.
    return f"{HEADS}{hashlib.sha256(base.encode()).hexdigest()[:32]}"


def _depths(repository: Repository, kept: str, window: str = "") -> list[list[str]]:
    """Give the options of the fetches, one after another: a whole history stays whole."""
    has_history = repository.local("for-each-ref", kept).text != ""
    if has_history and not _is_shallow(repository):
        return [[]]
    return [[f"--depth={FIRST_DEPTH}"], [window], ["--unshallow"]]


def _is_shallow(repository: Repository) -> bool:
    return repository.local("rev-parse", "--is-shallow-repository").text == "true"


def _fetch_commits(repository: Repository, base: str, kept: str, *depth: str) -> None:
    answer = repository.try_fetch([f"+{HEADS}{base}:{kept}"], WITHOUT_TREES, *depth, settings=KEPT)
    # A server that has no commit so young ends without a word (upload-pack.c), which looks like any
    # other failure; the next fetch tells.
    if answer.status == 0 or any(option.startswith(SINCE) for option in depth):
        return
    if "couldn't find remote ref" in answer.err:
        raise TerminalError(
            Reason.BASE_BRANCH_NOT_FOUND,
            f"Branch {base} no longer exists in {repository.place.url}.",
            "Push it again",
        )
    raise translate(repository.place, "read", answer.err)


def _is_on(repository: Repository, commit: str, kept: str) -> bool:
    """Tell whether a commit is here and on a branch: git is asked about no other."""
    question = f"{commit}\n".encode()
    (about,) = repository.ask(
        "cat-file", "--batch-check", questions=[question], answer=_read_heading
    )
    return about.split()[1:2] == [b"commit"] and _is_ancestor(repository, commit, kept)


def _read_heading(stream: BinaryIO) -> bytes:
    return read_line(stream, HEADING_LENGTH)


def _is_ancestor(repository: Repository, ancestor: str, commit: str) -> bool:
    answer = repository.local("merge-base", "--is-ancestor", ancestor, commit, accept=(0, 1))
    return answer.status == 0
