"""What was committed between two commits, with as little history as that takes."""

from album_operator.adapters.git.failures import translate
from album_operator.adapters.git.history import WITHOUT_TREES
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.settings import KEPT
from album_operator.domain.seen import ConfigCommit, SourceCommit

DEPTH = 100
"""Commits below each end that are fetched: more than a reviewer reads."""

OLD, NEW = "refs/heads/old", "refs/heads/new"

FORMAT = "--format=%H%x1f%an%x1f%s%x1e"

WHOLE_FORMAT = "--format=%H%n%an%n%P%n%B"

MOST_COMMITS = 256
"""Commits between two that are looked at, those that were merged included."""


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


def read_line_of_merges(
    repository: Repository, since: str | None, until: str
) -> tuple[ConfigCommit, ...]:
    """List the commits after one up to a descendant along first parents, the newest first.

    Args:
        repository: that has the history of both.
        since: 40 hex digits; not listed. None for the last `MOST_COMMITS`.
        until: 40 hex digits.

    Returns:
        Nothing where one is not there, or more than `MOST_COMMITS` are between them.
    """
    limit = f"--max-count={MOST_COMMITS + 1 if since else MOST_COMMITS}"
    commits = f"{since}..{until}" if since else until
    # No message holds a NUL.
    listed = repository.local("log", "-z", WHOLE_FORMAT, limit, commits, "--", accept=(0, 128))
    entries = filter(None, listed.out.decode(errors="replace").split("\0"))
    found = {sha: rest for sha, *rest in (entry.split("\n", 3) for entry in entries)}
    line: list[ConfigCommit] = []
    while until in found and len(found) <= MOST_COMMITS:
        author, parents, message = found[until]
        first, *others = parents.split() or [""]
        merged = [found[other][-1] for other in others if other in found]
        line.append(ConfigCommit(until, author, "\n\n".join([message, *merged])))
        until = first
    return tuple(line)
