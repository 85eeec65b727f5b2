"""Asking whether one commit descends from another, with as little history as the answer takes."""

from album_operator.adapters.git import HEADS, Repository
from album_operator.adapters.git_failures import translate
from album_operator.decisions.preflight import RETRY
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason

WITHOUT_TREES = "--filter=tree:0"

FIRST_DEPTH = 64
"""Commits below a branch's head that are fetched first; all of them only where these don't do."""


def find_descent(repository: Repository, revision: str, ancestor: str, base: str) -> bool | None:
    """Ask git about two commits of a branch.

    Returns:
        None where one of them is not known on the branch, so that it may be later.

    Raises:
        OutsideError: the branch does not exist, or cannot be fetched.
    """
    asked = {revision, ancestor}
    for depth in (f"--depth={FIRST_DEPTH}", "--unshallow"):
        _fetch_commits(repository, base, depth)
        # Git is asked about commits that are here only: of others it would try to fetch them.
        is_known = asked <= set(repository.local("rev-list", HEADS + base).text.split())
        if is_known:
            # A "yes" within a part of the history is a yes; and no commit descends from its own
            # descendant. Any other "no" needs the whole history.
            if _is_ancestor(repository, ancestor, revision):
                return True
            if _is_ancestor(repository, revision, ancestor):
                return False
        if repository.local("rev-parse", "--is-shallow-repository").text != "true":
            break
    return False if is_known else None


def _fetch_commits(repository: Repository, base: str, depth: str) -> None:
    answer = repository.try_fetch([f"+{HEADS}{base}:{HEADS}{base}"], WITHOUT_TREES, depth)
    if answer.status == 0:
        return
    if "couldn't find remote ref" in answer.err:
        raise TerminalError(
            Reason.BASE_BRANCH_NOT_FOUND,
            f"Branch {base} no longer exists in {repository.place.url}. Push it again, {RETRY}.",
        )
    raise translate(repository.place, "read", answer.err)


def _is_ancestor(repository: Repository, ancestor: str, commit: str) -> bool:
    answer = repository.local("merge-base", "--is-ancestor", ancestor, commit, accept=(0, 1))
    return answer.status == 0
