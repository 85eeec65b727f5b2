"""Creating the branch of a release at its one commit."""

import re
from collections.abc import Mapping

from album_operator.adapters.git import HEADS, Repository
from album_operator.adapters.git_failures import translate, words
from album_operator.adapters.git_process import Answer
from album_operator.decisions.preflight import RETRY
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import Change
from album_operator.domain.reasons import Reason

NEGOTIATE = {"push.negotiate": "true"}
"""Has git ask the server for a commit both know, which else it takes from the server's branches."""

# pack-objects without such a commit: it would send the base too, of which it has only a part.
LACKS_OBJECTS = re.compile(r"bad tree object|unable to read|unable to find|missing (tree|blob)")


def push_branch(repository: Repository, change: Change, commit: str, *, is_at_tip: bool) -> str:
    """Create the branch of a change at the commit that was made of it.

    Args:
        repository: where the commit is.
        change: what was committed.
        commit: made of it.
        is_at_tip: whether its base was a branch of the server a moment ago.

    Returns:
        The commit; the branch points to it, whoever put it there.

    Raises:
        OutsideError: the branch has another commit, or the server refused.
    """
    name = HEADS + change.branch
    answer = _push(repository, name, commit, {} if is_at_tip else NEGOTIATE)
    if answer.status != 0 and is_at_tip and LACKS_OBJECTS.search(answer.err):
        answer = _push(repository, name, commit, NEGOTIATE)
    if answer.status == 0:
        return commit
    ref_lines = [line for line in answer.out.decode().splitlines() if line.startswith("!\t")]
    if not ref_lines:
        raise translate(repository.place, "write to", answer.err)
    # Whoever pushed the same commit a moment ago, an earlier self of ours included, did our work.
    there = repository.list_refs(name).get(name)
    if there == commit:
        return commit
    raise _rejected(repository, change, there, f"{answer.err}\n{ref_lines[0]}")


def _push(repository: Repository, name: str, commit: str, settings: Mapping[str, str]) -> Answer:
    return repository.remote(
        "push",
        "--porcelain",
        "--no-verify",
        "--recurse-submodules=no",
        # Nothing after the colon: the branch must not exist (git-push).
        f"--force-with-lease={name}:",
        "--end-of-options",
        "origin",
        f"{commit}:{name}",
        settings=settings,
    )


def _rejected(repository: Repository, change: Change, there: str | None, said: str) -> OutsideError:
    place = repository.place
    if there is not None:
        return TransientError(
            Reason.GIT_UNAVAILABLE,
            f"Branch {change.branch} of {place.url} came into being with commit {there[:12]} "
            "while ours was pushed.",
        )
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.url} refused the branch {change.branch}: {words(said, place.credential)}. Let the "
        f"user of Secret {place.credential.secret} create branches release/*, {RETRY}.",
    )
