"""Asking whether one commit descends from another, with as little history as the answer takes."""

from album_operator.adapters.git import HEADS, Repository

FIRST_DEPTH = 64
"""Commits below a branch's head that are fetched first; all of them only where these don't do."""


def find_descent(repository: Repository, revision: str, ancestor: str, base: str) -> bool | None:
    """Ask git about two commits of a branch, with no more history than the answer takes.

    Returns:
        None where one of them is not known on the branch.
    """
    options = ["--filter=tree:0", f"--depth={FIRST_DEPTH}"]
    for deepen in ([*options], ["--filter=tree:0", "--unshallow"]):
        repository.fetch([f"{HEADS}{base}:{HEADS}{base}"], *deepen)
        if _is_ancestor(repository, ancestor, revision):
            return True
        # No commit descends from its own descendant.
        if _is_ancestor(repository, revision, ancestor):
            return False
        if repository.local("rev-parse", "--is-shallow-repository").text != "true":
            break
    known = all(
        repository.local(
            "merge-base", "--is-ancestor", commit, HEADS + base, accept=(0, 1, 128)
        ).status
        == 0
        for commit in (revision, ancestor)
    )
    return False if known else None


def _is_ancestor(repository: Repository, ancestor: str, commit: str) -> bool:
    answer = repository.local("merge-base", "--is-ancestor", ancestor, commit, accept=(0, 1, 128))
    return answer.status == 0
