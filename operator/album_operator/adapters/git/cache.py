"""Bare repositories that outlive their uses, in a folder of the operator's own.

Nothing in them cannot be fetched again, so whatever is wrong with one, it is thrown away.
"""

import asyncio
import fcntl
import hashlib
import logging
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

LOG = logging.getLogger(__name__)

KEPT_UNUSED = timedelta(days=7)
"""A cache that nobody used for so long is removed."""

PACKS_LIMIT = 256
FILES_LIMIT = 10_000
"""A cache with more packs or files is made anew: git looks into each pack, and never tidies up."""

BLOCK = 512
"""Unit of `st_blocks` (stat(2))."""

ALLOCATED = 1.5
"""How much more disk the caches may take than their files have bytes."""

FOLDER_NAME = re.compile(r"[0-9a-f]{24}-[0-9a-f]{8}")

# gitrepository-layout(5): what git takes for a bare repository.
HEAD = b"ref: refs/heads/none\n"
CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
ENTRIES = frozenset({"HEAD", "config", "objects", "refs", "shallow"})


class CacheError(Exception):
    """The folder of the caches cannot be used; the message says why."""


@dataclass(eq=False)
class Cache:
    """A bare repository on disk.

    Attributes:
        folder: the repository; never made a second time under this name.
        lock: held by whoever changes what is fetched.
        users: how many use it now.
        used: when it was used last, in monotonic seconds.
        size: bytes of its files, as of its last use.
        allocated: bytes of disk they take: many small files take more than they have.
        is_grown: it has too many files or packs.
    """

    folder: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    used: float = 0.0
    size: int = 0
    allocated: int = 0
    is_grown: bool = False

    def find_fault(self) -> str | None:
        """Tell what is wrong with a cache nobody uses; None if nothing shows."""
        try:
            names = {path.name for path in self.folder.iterdir()}
            if names - ENTRIES:
                return f"{min(names - ENTRIES)} was left in it"
            if (self.folder / "config").read_bytes() != CONFIG:
                return "its configuration is not ours"
            if (self.folder / "HEAD").read_bytes() != HEAD:
                return "its HEAD is not ours"
            if locks := [path.name for path in (self.folder / "refs").rglob("*.lock")]:
                return f"{locks[0]} was left in it"
            self.tidy()
        except OSError as error:
            return error.strerror or str(error)
        return None

    def tidy(self) -> None:
        """Remove what a fetch that was killed left in it; git does not look at that."""
        for path in (self.folder / "objects" / "pack").glob("tmp_*"):
            path.unlink()

    def measure(self) -> None:
        """Find out how large it is."""
        size = allocated = files = packs = 0
        for folder, _, names in os.walk(self.folder):
            files += len(names)
            packs += sum(name.endswith(".pack") for name in names)
            for name in (".", *names):
                try:
                    about = Path(folder, name).lstat()
                except FileNotFoundError:
                    continue  # A temporary file of somebody who uses it.
                size += about.st_size if name != "." else 0
                allocated += about.st_blocks * BLOCK
        self.size, self.allocated = size, allocated
        self.is_grown = files > FILES_LIMIT or packs > PACKS_LIMIT


class Caches:
    """The caches of one process, which has their folder for itself.

    Args:
        folder: where they are kept; None for a folder that is removed at the end.
        limit: most bytes they may have together while nobody uses them.

    Raises:
        CacheError: the folder belongs to somebody else or cannot be written.
    """

    def __init__(self, folder: Path | None, limit: int) -> None:
        self._limit = limit
        self._is_private = folder is None
        self._caches: dict[str, Cache] = {}
        try:
            self._root = _open_root(folder or Path(tempfile.mkdtemp(prefix="album-git-")))
            self._lock = _lock(self._root)
            self._take_over()
            self.work = self._root / "work"
            self.work.mkdir()
        except OSError as error:
            raise CacheError(
                f"{folder}: {error.strerror}. Name a folder of the operator's own"
            ) from error

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)
        if self._is_private:
            shutil.rmtree(self._root.parent, ignore_errors=True)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[Cache]:
        """Give the cache of a name for some work, during which it is not removed."""
        cache = self._find(name)
        cache.users += 1
        try:
            yield cache
        finally:
            await asyncio.to_thread(cache.measure)
            cache.users -= 1
            cache.used = time.monotonic()
            if cache.is_grown:
                self.drop(cache)
            doomed = self._take_out()
            if cache.users == 0 and cache not in self._caches.values():
                doomed.append(cache)
            await asyncio.to_thread(_remove, doomed)

    def drop(self, cache: Cache) -> None:
        """Let nobody begin to use a cache again; it is removed when the last user is done."""
        self._caches = {name: one for name, one in self._caches.items() if one is not cache}

    async def free(self) -> None:
        """Remove all caches that nobody uses."""
        await asyncio.to_thread(_remove, self._take_out(everything=True))

    def _find(self, name: str) -> Cache:
        key = hashlib.sha256(name.encode()).hexdigest()[:24]
        cache = self._caches.get(key)
        if cache is not None and cache.users == 0 and (fault := cache.find_fault()):
            LOG.warning("The cache of %s is made again: %s.", name, fault)
            self.drop(cache)
            _remove([cache])
            cache = None
        if cache is None:
            cache = Cache(_make(self._root, f"{key}-{secrets.token_hex(4)}"))
            self._caches[key] = cache
        os.utime(cache.folder)
        return cache

    def _take_over(self) -> None:
        """Take the caches of an earlier process, and remove all else it left."""
        for path in sorted(self._root.iterdir(), key=lambda path: path.lstat().st_mtime):
            if path.name == "lock":
                continue
            if not FOLDER_NAME.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)
                continue
            cache = Cache(path, used=time.monotonic() - _unused(path))
            cache.measure()
            key = path.name.partition("-")[0]
            if key in self._caches:
                _remove([self._caches[key]])
            self._caches[key] = cache
        _remove(self._take_out())

    def _take_out(self, *, everything: bool = False) -> list[Cache]:
        """Take out the caches that nobody uses and that are too old or too many."""
        idle = sorted(
            ((name, cache) for name, cache in self._caches.items() if cache.users == 0),
            key=lambda item: item[1].used,
        )
        oldest = time.monotonic() - KEPT_UNUSED.total_seconds()
        total = sum(cache.size for cache in self._caches.values())
        allocated = sum(cache.allocated for cache in self._caches.values())
        taken = []
        for name, cache in idle:
            is_full = total > self._limit or allocated > ALLOCATED * self._limit
            if everything or cache.used < oldest or is_full:
                total -= cache.size
                allocated -= cache.allocated
                taken.append(self._caches.pop(name))
        return taken


def _unused(path: Path) -> float:
    """Give for how many seconds nobody used the cache of an earlier process.

    There the node's clock is all there is. A stamp it has not reached yet is one of just now.
    """
    return max(0.0, time.time() - path.lstat().st_mtime)


def _open_root(folder: Path) -> Path:
    """Make the folder in the given one, or see that the one there is ours alone."""
    root = folder / "git"
    folder.mkdir(parents=True, exist_ok=True)
    root.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    about = root.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        raise PermissionError(0, f"{root} belongs to somebody else")
    # Whoever could write there could tell git what to run.
    root.chmod(stat.S_IRWXU)
    return root


def _lock(root: Path) -> int:
    """Have the folder for this process; the kernel gives it back when the process ends."""
    lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise BlockingIOError(0, "another operator uses it") from error
    return lock


def _make(root: Path, name: str) -> Path:
    """Make an empty bare repository, whole or not at all."""
    new = root / f"new-{name}"
    (new / "objects").mkdir(parents=True)
    (new / "refs").mkdir()
    (new / "HEAD").write_bytes(HEAD)
    (new / "config").write_bytes(CONFIG)
    return new.rename(root / name)


def _remove(caches: Collection[Cache]) -> None:
    for cache in caches:
        shutil.rmtree(cache.folder, ignore_errors=True)
