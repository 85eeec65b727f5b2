"""Trees of a kept repository, of which only those on the asked paths are ever there."""

from collections.abc import Collection, Iterable
from itertools import islice

from album_operator.adapters.git.failures import LocalGitError
from album_operator.adapters.git.objects import (
    OBJECTS_SIZE_LIMIT,
    Commit,
    Entry,
    Tree,
    above,
    differences,
    parse_commit,
    read_objects,
)
from album_operator.adapters.git.partial import Fetcher, folders_too_large
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.streams import TooLongError

TREES_LIMIT = 256
"""Most trees that are read to find what a commit changed; ours changes one path."""

PATHS_LIMIT = 1000
"""Most changed paths that are told one by one, and most folders that are looked into next."""

EMPTY = Tree(b"")


class Trees:
    """Commits and trees read so far, for one piece of work.

    Args:
        repository: to read from.
        fetcher: brings what is not there.
    """

    def __init__(self, repository: Repository, fetcher: Fetcher) -> None:
        self._repository = repository
        self._fetcher = fetcher
        self._commits: dict[str, Commit] = {}
        self._trees: dict[str, Tree] = {}
        self._size = 0

    def load(self, commits: Collection[str], paths: Collection[str]) -> None:
        """Have commits and their trees on the way to some paths, one fetch for each level.

        Raises:
            OutsideError: a commit does not exist, or the server did not give it.
        """
        folders = sorted({folder for path in paths for folder in above(path)})
        ways = ["", ":", *(f":{folder}/" for folder in folders)]
        names = [commit + way for commit in commits for way in ways]
        self._read(names)
        if missing := [commit for commit in commits if commit not in self._commits]:
            self._fetcher.fetch_commits(self._repository, missing)
            self._read(names)
        while wanted := self._next(commits, paths):
            # By name, all ways at once: below a new folder there may be known ones.
            self._fetch(wanted, names)

    def has_commit(self, oid: str) -> bool:
        """Tell whether what was loaded by an object id is a commit."""
        return oid in self._commits

    def commit(self, oid: str) -> Commit:
        """Give a loaded commit.

        Raises:
            LocalGitError: it is none, or was not there after it had been fetched.
        """
        if oid not in self._commits:
            raise LocalGitError("fetch", f"{oid} did not come as a commit")
        return self._commits[oid]

    def listing(self, commit: str, folder: str) -> Tree:
        """Give a loaded folder; the name of the root is empty.

        Raises:
            KeyError: there is no such folder.
        """
        oid = self.commit(commit).tree
        for name in filter(None, folder.split("/")):
            entry = self._trees[oid].get(name)
            if entry is None:
                raise KeyError(name)
            oid = entry.oid
        return self._trees[oid]

    def find(self, commit: str, paths: Iterable[str]) -> dict[str, Entry]:
        """Find loaded paths.

        Returns:
            The entry by path. A path below a symbolic link or submodule has that one's entry: git
            does not look through them, and neither do we.
        """
        found = {}
        for path in paths:
            tree, rest = self.commit(commit).tree, path
            while rest:
                name, _, rest = rest.partition("/")
                entry = self._trees[tree].get(name)
                if entry is None or (rest and entry.is_file):
                    break
                if not rest or not entry.is_tree:
                    found[path] = entry
                    break
                tree = entry.oid
        return found

    def changed_paths(self, before: str, after: str) -> frozenset[str]:
        """Give the paths that differ between two loaded commits.

        Returns:
            Paths of files; a folder, with `/` at its end, where more differs than is looked at.
        """
        changed: set[str] = set()
        pairs = [("", self.commit(before).tree, self.commit(after).tree)]
        looked = 0
        while pairs:
            wanted = {oid for _, *both in pairs for oid in both if oid}
            looked += len(wanted)
            if looked > TREES_LIMIT:
                return frozenset(changed | {folder or "/" for folder, *_ in pairs})
            self._have(wanted - self._trees.keys())
            below = (pair for both in pairs for pair in self._compare(*both, changed))
            pairs = list(islice(below, PATHS_LIMIT + 1))
            if len(changed) > PATHS_LIMIT or len(pairs) > PATHS_LIMIT:
                return frozenset(changed | {"/"})
        return frozenset(changed)

    def _compare(
        self, folder: str, before: str, after: str, changed: set[str]
    ) -> Iterable[tuple[str, str, str]]:
        """Note the files that differ in two trees ("" for none); give the folders that do."""
        old = self._trees[before] if before else EMPTY
        new = self._trees[after] if after else EMPTY
        for name, sides in differences(old, new):
            if len(changed) > PATHS_LIMIT:
                break
            if any(entry is not None and not entry.is_tree for entry in sides):
                changed.add(folder + name)
            trees = [entry.oid if entry is not None and entry.is_tree else "" for entry in sides]
            if any(trees):
                yield (f"{folder}{name}/", trees[0], trees[1])

    def _next(self, commits: Collection[str], paths: Collection[str]) -> set[str]:
        """Give the trees on the ways that are not known although what they lie in is."""
        return {
            wanted
            for commit in commits
            for path in paths
            if (wanted := self._first_unknown(commit, path)) is not None
        }

    def _first_unknown(self, commit: str, path: str) -> str | None:
        oid = self.commit(commit).tree
        for name in path.split("/"):
            if oid not in self._trees:
                return oid
            entry = self._trees[oid].get(name)
            if entry is None or not entry.is_tree:
                break
            oid = entry.oid
        # What a path that is a folder holds is nobody's matter.
        return None

    def _have(self, oids: Collection[str]) -> None:
        """Read trees, and fetch those that are not there."""
        self._read(oids)
        if missing := set(oids) - self._trees.keys():
            self._fetch(missing, missing)

    def _fetch(self, oids: Collection[str], names: Collection[str]) -> None:
        """Fetch trees, and read them by these names."""
        self._fetcher.fetch_trees(self._repository, oids)
        self._read(names)
        if missing := set(oids) - self._trees.keys():
            raise LocalGitError("fetch", f"{min(missing)} did not come as a tree")

    def _read(self, names: Collection[str]) -> None:
        try:
            for found in read_objects(self._repository, list(names)):
                if found is not None and found.kind == "commit":
                    self._commits[found.oid] = parse_commit(found.data)
                elif found is not None and found.kind == "tree" and found.oid not in self._trees:
                    self._keep(found.oid, Tree(found.data))
        except TooLongError as error:
            raise folders_too_large(self._repository) from error

    def _keep(self, oid: str, tree: Tree) -> None:
        self._size += tree.size
        if self._size > OBJECTS_SIZE_LIMIT:
            raise TooLongError
        self._trees[oid] = tree
