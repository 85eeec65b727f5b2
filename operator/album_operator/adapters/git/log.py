"""What was committed between two releases of a source, with as little history as that takes."""

from album_operator.adapters.git.failures import translate
from album_operator.adapters.git.history import WITHOUT_TREES
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.settings import KEPT
from album_operator.domain.seen import SourceCommit

DEPTH = 100
"""Commits below each end that are fetched: more than a reviewer reads."""

OLD, NEW = "refs/heads/old", "refs/heads/new"

FORMAT = "--format=%H%x1f%an%x1f%s%x1e"


def read_log(
    repository: Repository, before: str, commit: str, limit: int
) -> tuple[SourceCommit, ...] | None:
    """List commits after one up to another, the newest first; None where that is not known.

    Args:
        repository: a new one.
        before: 40 hex digits; not listed.
        commit: 40 hex digits.
        limit: most that are listed.

    Raises:
        OutsideError: the history cannot be fetched.
    """
    answer = repository.try_fetch(
        [f"+{commit}:{NEW}", f"+{before}:{OLD}"],
        WITHOUT_TREES,
        f"--depth={DEPTH}",
        settings=KEPT,
    )
    if answer.status != 0:
        raise translate(repository.place, "read", answer.err)
    descends = repository.local("merge-base", "--is-ancestor", OLD, NEW, accept=(0, 1))
    if descends.status != 0:
        return None
    listed = repository.local("log", FORMAT, f"--max-count={limit}", f"{OLD}..{NEW}", "--")
    entries = [entry.strip("\n") for entry in listed.out.decode(errors="replace").split("\x1e")]
    fields = [entry.split("\x1f", 2) for entry in entries if entry]
    return tuple(SourceCommit(sha, author, subject) for sha, author, subject in fields)
