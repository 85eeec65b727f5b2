"""`.git` for a build: a commit's history and tags, and nothing of ours or of a credential."""

import os
from collections.abc import Collection
from pathlib import Path

from album_operator.adapters.git.checkout import NOT_SERVED, broken, check_tag
from album_operator.adapters.git.failures import translate
from album_operator.adapters.git.process import Answer
from album_operator.adapters.git.repository import Repository

HEAD = "refs/album/head"
"""What keeps the commit while the repository is ours."""

CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
[remote "origin"]
\turl = {url}
"""

ONLY_A_PART = """[status]
\tshowUntrackedFiles = no
"""
"""More where the files of the build are not those of the index."""

# What old tools wrote and forges have let in; all of it is harmless (git-fsck, "FSCK MESSAGES").
OLD_WAYS = (
    "zeroPaddedFilemode",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingNameBeforeEmail",
    "badTimezone",
    "badDateOverflow",
    "badEmail",
    "missingEmail",
    "multipleAuthors",
    "nullSha1",
)


def fetch_history(repository: Repository, commit: str, tag: str, most: int) -> None:
    """Fetch a commit with all that is before it, and the tags on the way.

    Args:
        repository: gets it.
        commit: its id.
        tag: one that stood for it.
        most: bytes it may leave on disk.

    Raises:
        OutsideError: as of `fetch_commit`.
    """
    answer = _fetch(repository, f"{commit}:{HEAD}", most)
    if answer.status and NOT_SERVED.search(answer.err):
        name = f"refs/tags/{tag}"
        answer = _fetch(repository, f"{name}:{name}", most)
        if answer.status == 0:
            check_tag(repository, commit, tag)
    if answer.status:
        place = repository.place
        raise broken(place, answer.err) or translate(place, "read", answer.err)


def hand_over(
    repository: Repository,
    commit: str,
    tag: str,
    folder: Path,
    changed: Collection[str] | None,
) -> None:
    """Make the repository the `.git` of a folder; afterwards it is no longer there for us.

    Args:
        repository: with the history and the index of its files.
        commit: what is checked out, on no branch.
        tag: stands for it, whatever the server says by now.
        folder: on the same file system.
        changed: files that are not as in the index, which git is told to take for such; None
            where the folder is only a part of what the index has.
    """
    git_dir = repository.git_dir
    if (
        repository.local(
            "rev-parse", "-q", "--verify", f"refs/tags/{tag}^{{commit}}", accept=(0, 1)
        ).text
        != commit
    ):
        repository.local("update-ref", f"refs/tags/{tag}", commit)
    repository.local("update-ref", "--no-deref", "HEAD", commit)
    if repository.local("rev-parse", "-q", "--verify", HEAD, accept=(0, 1)).status == 0:
        repository.local("update-ref", "-d", HEAD)
    _leave_out(repository, changed)
    url = repository.place.url
    config = CONFIG.format(url=url) + (ONLY_A_PART if changed is None else "")
    (git_dir / "config").write_text(config)
    (repository.folder / "index").replace(git_dir / "index")
    git_dir.rename(folder / ".git")


def _leave_out(repository: Repository, changed: Collection[str] | None) -> None:
    """Mark files that git is not to compare (git-update-index, "skip-worktree")."""
    if changed is None:
        data = repository.local("ls-files", "-z").out
    else:
        data = b"".join(os.fsencode(path) + b"\0" for path in changed)
    if data:
        words = ("update-index", "--skip-worktree", "-z", "--stdin")
        # Paths are taken from where git is; the files themselves are not looked at.
        variables = {"GIT_WORK_TREE": str(repository.folder)}
        repository.local(*words, data=data, variables=variables)


def _fetch(repository: Repository, what: str, most: int) -> Answer:
    repository.make()
    # Without `--no-tags`, those that stand for what comes come along.
    words = ("fetch", "--quiet", "--no-write-fetch-head", "--no-recurse-submodules")
    settings = {f"fetch.fsck.{name}": "ignore" for name in OLD_WAYS}
    return repository.remote(
        *words, "--end-of-options", "origin", what, settings=settings, limit=most
    )
