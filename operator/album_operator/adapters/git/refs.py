"""Asking a server for refs, without fetching anything."""

from collections.abc import Collection, Iterable

from album_operator.adapters.git.failures import translate, unavailable
from album_operator.adapters.git.limits import TooLargeError
from album_operator.adapters.git.process import EndedError
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.streams import TooLongError
from album_operator.adapters.names import beginnings
from album_operator.domain.names import is_ssh

HEADS = "refs/heads/"
TAGS = "refs/tags/"

PEELED = "^{}"

REFS_BYTES = 32 * 1024 * 1024
"""Longest list of refs that is read, some 500,000 of them."""

TAGS_BYTES = 8 * 1024 * 1024
"""Longest list of all tags that is read again and again, some 60,000 to 100,000 of them."""


def list_refs(
    repository: Repository,
    *names: str,
    limit: int = REFS_BYTES,
    remedy: str = "Delete refs that nobody needs",
) -> dict[str, str]:
    """Ask for refs by their full names.

    A name with `^{}` stands for what a tag stands for, one with `/` at its end for all below it,
    and one with `*` for all that begin so.

    Args:
        repository: whose refs.
        names: of the refs.
        limit: most bytes of the server's answer.
        remedy: what a person does where it has more.

    Returns:
        Object id by name for those that exist; for a symbolic `HEAD` also the name of the branch
        it stands for, by `ref:HEAD`.

    Raises:
        OutsideError: translated.
    """
    asked = {name.removesuffix(PEELED) for name in names}
    try:
        found = repository.list_refs(asked, limit)
    except EndedError as error:
        raise translate(repository.place, "read", str(error)) from error
    except TooLongError as error:
        what = f"its list of refs that begin like {min(asked)} has more than {limit} bytes"
        raise TooLargeError(repository.place, what, remedy) from error
    if found is None:
        found = _list_with_git(repository, *names)
    # By git's commands, names that only end so came as well.
    keys = [key for name in names for key in (name, f"ref:{name}")]
    below = beginnings(names)
    keys += [key for key in found if key.startswith(below)]
    return {key: found[key] for key in keys if key in found}


def with_neighbours(branch: str) -> tuple[str, ...]:
    """Give the names to ask for to know a branch, and what would keep it from being made."""
    parts = branch.split("/")
    folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return (HEADS + branch, f"{HEADS}{branch}/", *(HEADS + folder for folder in folders))


def find_obstacle(branch: str, refs: Iterable[str]) -> str | None:
    """Find a branch beside which git cannot make another: one's name is a folder of the other's.

    Args:
        branch: the one to make.
        refs: full names of those there are.
    """
    there = (name.removeprefix(HEADS) for name in refs if name.startswith(HEADS))
    return min(
        (name for name in there if branch.startswith(f"{name}/") or name.startswith(f"{branch}/")),
        default=None,
    )


def find_tag(repository: Repository, tag: str) -> str | None:
    """Ask for the object a tag stands for; an annotated tag is an object of its own.

    Raises:
        OutsideError: translated.
    """
    name = TAGS + tag
    refs = list_refs(repository, name, name + PEELED)
    return refs.get(name + PEELED) or refs.get(name)


def list_branches(repository: Repository, prefix: str) -> dict[str, str]:
    """Ask for the branches that begin in some way: the head of each, by its name.

    Raises:
        OutsideError: translated.
    """
    name = f"{HEADS}{prefix}"
    found = list_refs(repository, name if name.endswith("/") else f"{name}*")
    return {name.removeprefix(HEADS): oid for name, oid in found.items()}


def list_tags(repository: Repository, prefixes: Collection[str]) -> dict[str, str]:
    """Ask for the tags that begin in some ways.

    Args:
        repository: whose tags.
        prefixes: an empty one stands for all.

    Returns:
        The object that each stands for in the end, by its name without `refs/tags/`.

    Raises:
        OutsideError: translated.
    """
    names = (f"{TAGS}{prefix}" for prefix in prefixes)
    asked = (name if name.endswith("/") else f"{name}*" for name in names)
    found = list_refs(
        repository,
        *asked,
        limit=TAGS_BYTES,
        remedy="Delete tags that nobody needs, or give the apps tagPrefixes that fewer begin with",
    )
    # git-check-ref-format(1) lets no name of a ref hold `^`.
    return {
        name.removeprefix(TAGS): found.get(name + PEELED, oid)
        for name, oid in found.items()
        if not name.endswith(PEELED)
    }


def _list_with_git(repository: Repository, *names: str) -> dict[str, str]:
    # Every repository that is not empty has a HEAD, so no answer at all is suspicious.
    patterns = (f"{name}*" if name.endswith("/") else name for name in names)
    words = ("ls-remote", "--symref", "--end-of-options", "origin", "HEAD", *patterns)
    answer = repository.remote(*words)
    # Over SSH nothing but a git server ends well.
    if answer.status == 0 and not answer.out and not is_ssh(repository.place.url):
        answer = repository.remote(*words, variables={"GIT_TRACE_PACKET": "1"})
        if "git<" not in answer.err:
            # Git takes any page, such as a proxy's login, for an old server without refs.
            raise unavailable(repository.place, "what answers there is no git server")
    if answer.status != 0:
        raise translate(repository.place, "read", answer.err)
    found = {}
    for line in answer.out.decode(errors="replace").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            found[f"ref:{name}"] = value.removeprefix("ref: ").strip()
        else:
            found[name] = value
    return found
