"""Files of a commit that Git LFS keeps elsewhere (git-lfs, docs/spec.md, "The Pointer")."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.submodules import over_http, read_config
from album_operator.domain.places import Credential

LENGTH = 1024
"""Pointers have fewer bytes."""

# The first two are older names of the same form.
POINTER = re.compile(
    rb"version (?:http://git-media\.io/v/2|https://hawser\.github\.com/spec/v1"
    rb"|https://git-lfs\.github\.com/spec/v1)\n"
    rb"(?P<more>(?:ext-[^\n]*\n)*)oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>[0-9]{1,15})\n?"
)

URLS = ("lfs.url", "remote.origin.lfsurl")
"""Keys of `.lfsconfig` that name the server, the first first (git-lfs-config(5))."""


@dataclass(frozen=True)
class Pointer:
    """A file whose content is elsewhere.

    Attributes:
        path: below the root of its repository.
        oid: SHA-256 of the content, in hex.
        size: its bytes.
        is_extended: the content is what programs made of it, which only git-lfs knows.
    """

    path: str
    oid: str
    size: int
    is_extended: bool = False


def find_pointers(repository: Repository, root: Path, folder: Path) -> list[Pointer]:
    """Find the pointers in a folder of written files that `.gitattributes` has for Git LFS.

    A pointer without that attribute is a file like any other for git-lfs too, a test's for one.

    Args:
        repository: with the index of the files.
        root: where its files are.
        folder: at or below the root.
    """
    found = {pointer.path: pointer for pointer in _walk(root, folder)}
    return [found[path] for path in _filtered(repository, found)]


def find_endpoint(repository: Repository, commit: str, credential: Credential) -> str:
    """Give the URL that a commit names for Git LFS, or the one that follows from its repository.

    The latter as git-lfs finds it (docs/api/server-discovery.md); a server over SSH offers the
    same paths over HTTPS.

    Args:
        repository: has the commit.
        commit: its id.
        credential: as of `over_http`.
    """
    told = dict(read_config(repository, commit, ".lfsconfig"))
    named = next((told[key] for key in URLS if told.get(key)), None)
    follows = f"{repository.place.url.rstrip('/').removesuffix('.git')}.git/info/lfs"
    return over_http(named or follows, credential)


def _walk(root: Path, folder: Path) -> Iterator[Pointer]:
    for above, _, names in os.walk(folder):
        for name in names:
            path = Path(above, name)
            told = path.lstat()
            if S_ISREG(told.st_mode) and told.st_size < LENGTH:
                match = POINTER.fullmatch(path.read_bytes())
                if match is not None:
                    yield Pointer(
                        str(path.relative_to(root)),
                        match["oid"].decode(),
                        int(match["size"]),
                        is_extended=bool(match["more"]),
                    )


def _filtered(repository: Repository, paths: Iterable[str]) -> Iterator[str]:
    questions = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not questions:
        return
    words = ("check-attr", "--cached", "-z", "--stdin", "filter")
    told = repository.local(*words, data=questions).out.split(b"\0")
    # Path, attribute and value, each with a NUL after it (git-check-attr, "OUTPUT").
    for path, value in zip(told[::3], told[2::3], strict=False):
        if value == b"lfs":
            yield os.fsdecode(path)
