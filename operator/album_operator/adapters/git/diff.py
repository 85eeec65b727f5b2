"""Diffs as git itself makes them, of files that may be in no commit yet."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from album_operator.adapters.git.objects import Entry
from album_operator.adapters.git.repository import Repository

PATCH = (
    "--patch", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/",
    "--dst-prefix=b/",
)  # fmt: skip


def store_files(
    repository: Repository, modes: Mapping[str, str], files: Mapping[str, bytes]
) -> Mapping[str, Entry]:
    """Put files into the object store; they are in no tree by that.

    Args:
        repository: where they go.
        modes: mode of each file, in six octal digits, by path.
        files: bytes by path.
    """
    return {
        path: Entry(
            modes[path],
            repository.local("hash-object", "-w", "--stdin", "--no-filters", data=data).text,
        )
        for path, data in files.items()
    }


def diff_entries(
    repository: Repository, before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> str:
    """Let git compare two sets of files whose blobs are in the repository.

    Returns:
        What `git diff` shows, with its hunk headings; bytes that are no UTF-8 are replaced. Empty
        where nothing differs.
    """
    if before == after:
        return ""
    with tempfile.TemporaryDirectory(prefix="diff-", dir=repository.folder) as folder:
        old = {"GIT_INDEX_FILE": str(Path(folder) / "old")}
        new = {"GIT_INDEX_FILE": str(Path(folder) / "new")}
        for index, entries in ((old, before), (new, after)):
            lines = "".join(
                f"{entry.mode} {entry.oid}\t{path}\0" for path, entry in entries.items()
            )
            repository.local(
                "update-index", "-z", "--index-info", data=lines.encode(), variables=index
            )
        tree = repository.local("write-tree", "--missing-ok", variables=old).text
        words = ("diff-index", "--cached", *PATCH, "--end-of-options", tree)
        out = repository.local(*words, variables=new).out
    return out.decode(errors="replace")


def diff_commits(repository: Repository, before: str, after: str) -> str:
    """Let git compare two commits of which all that differs is in the repository."""
    words = ("diff-tree", "-r", *PATCH, "--end-of-options", before, after)
    return repository.local(*words).out.decode(errors="replace")
