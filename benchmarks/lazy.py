"""The other way to read one path: a partial clone without trees, and git fetches what it misses.

It has the fewest round trips. But git asks for what it misses with the filter of the clone turned
off, and a tree without a filter brings all trees below it: the way that was not taken.
"""

import posixpath
from pathlib import Path

from album_operator.domain.release import Edit
from album_operator.render.values import edit_values
from benchmarks import plain_git
from benchmarks.layout import KEY
from benchmarks.repositories import BASE
from benchmarks.tasks import Task

SETTINGS = {
    "remote.origin.promisor": "true",
    "remote.origin.partialclonefilter": "tree:0",
    "gc.auto": "0",
}


def write_back(url: str, folder: Path, task: Task) -> None:
    """Do one release by a new bare repository, the same commit as ours but for its author.

    Args:
        url: the repository.
        folder: where the bare repository is made; it does not exist yet.
        task: the release.

    Raises:
        PartError: a command failed.
        NotEditableError: the edit's.
    """
    plain_git.git(folder.parent, "init", "--quiet", "--bare", str(folder))
    for key, value in {"remote.origin.url": url, **SETTINGS}.items():
        plain_git.git(folder, "config", key, value)
    plain_git.git(folder, "fetch", "--quiet", "--no-tags", "--depth=1", "--filter=tree:0",
                  "origin", BASE)  # fmt: skip
    base = plain_git.text(folder, "rev-parse", "FETCH_HEAD")
    data = plain_git.git(folder, "cat-file", "blob", f"{base}:{task.path}")
    edited = edit_values(data, {Edit(task.path, KEY): task.version})
    words = ("hash-object", "-w", "--stdin", "--no-filters")
    oid = plain_git.git(folder, *words, data=edited).decode().strip()
    path = task.path
    while path:
        above, name = posixpath.split(path)
        listing = plain_git.text(folder, "ls-tree", f"{base}:{above}").splitlines()
        changed = [_with_oid(line, oid) if line.endswith(f"\t{name}") else line for line in listing]
        tree = "".join(f"{line}\n" for line in changed).encode()
        oid = plain_git.git(folder, "mktree", "--missing", data=tree).decode().strip()
        path = above
    message = f"release: {task.app} {task.version}"
    commit = plain_git.text(folder, "commit-tree", oid, "-p", base, "-m", message)
    plain_git.git(folder, "push", "--quiet", "origin", f"{commit}:refs/heads/{task.branch}")


def _with_oid(line: str, oid: str) -> str:
    about, _, name = line.partition("\t")
    mode, kind, _ = about.split(" ")
    return f"{mode} {kind} {oid}\t{name}"
