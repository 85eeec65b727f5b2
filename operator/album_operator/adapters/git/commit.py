"""Making the one commit of a release from the few objects it changes."""

from datetime import UTC
from typing import BinaryIO

from album_operator.adapters.git.objects import Entry, above
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.streams import read_exactly
from album_operator.adapters.git.trees import Trees
from album_operator.domain.errors import TerminalError
from album_operator.domain.places import Change
from album_operator.domain.reasons import Reason

KIND_OF_MODE = {"040000": "tree", "160000": "commit"}

OID_LENGTH = 40


def make_commit(repository: Repository, trees: Trees, change: Change) -> str:
    """Write the commit of a change into the object store: same change, same hash.

    Raises:
        TerminalError: `ValuesFileNotFound` where a path is no regular file of the base.
        OutsideError: the base could not be fetched.
    """
    trees.load([change.base_commit], change.files)
    entries = trees.find(change.base_commit, change.files)
    changed: dict[str, Entry] = {}
    for path, data in change.files.items():
        entry = entries.get(path)
        if entry is None or not entry.is_file:
            raise TerminalError(
                Reason.VALUES_FILE_NOT_FOUND,
                f"{path} is no regular file of {change.base_commit[:12]} in "
                f"{repository.place.url}, and only such are edited.",
                "Correct edits[].path in the pipeline",
            )
        blob = repository.local("hash-object", "-w", "--stdin", "--no-filters", data=data).text
        changed[path] = Entry(entry.mode, blob)
    root = _make_trees(repository, trees, change.base_commit, changed)
    return _make_commit(repository, root, change)


def _make_trees(repository: Repository, trees: Trees, base: str, changed: dict[str, Entry]) -> str:
    """Write the trees on the paths, the deepest first; give the root."""
    folders = {folder for path in changed for folder in (*above(path), "")}
    root = trees.commit(base).tree
    for depth in sorted({_depth(folder) for folder in folders}, reverse=True):
        level = sorted(folder for folder in folders if _depth(folder) == depth)
        listings = []
        for folder in level:
            prefix = f"{folder}/" if folder else ""
            entries = trees.listing(base, folder)
            lines = [
                _line(name, changed.get(prefix + name, entry)) for name, entry in entries.items()
            ]
            # An empty line ends a tree.
            listings.append("".join([*lines, "\0"]).encode(errors="surrogateescape"))
        # The other entries' objects are not here: only their ids matter.
        words = ("mktree", "--missing", "--batch", "-z")
        oids = repository.ask(*words, questions=listings, answer=_read_oid)
        changed |= {folder: Entry("040000", oid) for folder, oid in zip(level, oids, strict=True)}
        root = oids[0]
    return root


def _read_oid(stream: BinaryIO) -> str:
    return read_exactly(stream, OID_LENGTH + 1).decode().strip()


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0


def _line(name: str, entry: Entry) -> str:
    return f"{entry.mode} {KIND_OF_MODE.get(entry.mode, 'blob')} {entry.oid}\t{name}\0"


def _make_commit(repository: Repository, tree: str, change: Change) -> str:
    date = f"@{int(change.date.astimezone(UTC).timestamp())} +0000"
    return repository.local(
        "commit-tree",
        tree,
        "-p",
        change.base_commit,
        "-F",
        "-",
        data=change.message.encode(),
        variables={
            "GIT_AUTHOR_NAME": change.author_name,
            "GIT_AUTHOR_EMAIL": change.author_email,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": change.author_name,
            "GIT_COMMITTER_EMAIL": change.author_email,
            "GIT_COMMITTER_DATE": date,
        },
    ).text
