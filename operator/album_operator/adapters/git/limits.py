"""What a git process may use of the machine.

A repository is made by others and small while it travels: half a MiB can be a file of 500 MiB, and
the answer to a question can go on for ever. So the kernel bounds each process (setrlimit(2)), and
what it refuses ends as `RepositoryTooLarge`, which is not tried again until a person acts.
"""

import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from signal import SIGXCPU

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason

MIB = 1024 * 1024

MEMORY_BYTES = 48 * MIB
FETCH_BYTES = 256 * MIB

MAPPED_BYTES = 512 * MIB
"""Addresses a process may have beside its memory: mapped files, and what is only set aside."""

THEIRS = re.compile(r"^.*\bremote(?: error)?:.*$", re.MULTILINE)
"""Lines with a server's own words: what it lacks is not what we lack."""

# xmalloc of git (wrapper.c), zlib's inflateInit, strerror(ENOMEM); and start_async (run-command.c),
# as a thread needs memory for its stack.
MEMORY = re.compile(
    r"out of memory|cannot allocate memory|cannot create async thread", re.IGNORECASE
)
FILE = re.compile("File too large")
"""EFBIG; SIGXFSZ is ignored."""

MORE_SECONDS = 5
"""What the kernel gives beyond what is looked at: it kills without a word."""

SMALLER = "Use a smaller one, or one whose server sends single objects (uploadpack.allowFilter)"


@dataclass(frozen=True)
class Limits:
    """Bounds of one git process, and what a person does to raise them.

    Attributes:
        memory: bytes of memory it may ask for.
        fetch: most bytes that a fetch may leave on disk.
        processor: seconds of CPU time; None for any.
        more_memory: the way to more memory, such as `Raise SETTING`.
        more_room: the way to larger fetches.
    """

    memory: int = MEMORY_BYTES
    fetch: int = FETCH_BYTES
    processor: int | None = 30
    more_memory: str = "Raise ALBUM_GIT_MEMORY_BYTES and the memory limit of the operator's Pod"
    more_room: str = "Raise ALBUM_FETCH_BYTES and the size of the operator's volumes"

    def for_fetch(self, most: int | None) -> "Limits":
        """Give those of a fetch that may leave no more than `most` bytes, if any are named."""
        return self if most is None else replace(self, fetch=min(self.fetch, most))


LIMITS = Limits()


class TooLargeError(TerminalError):
    """A repository is larger than the operator takes."""

    def __init__(self, place: GitPlace, what: str, remedy: str) -> None:
        super().__init__(Reason.REPOSITORY_TOO_LARGE, f"{place.url} is too large: {what}.", remedy)


@cache
def _resources(limits: Limits) -> dict[int, int]:
    """Give the bounds by their numbers, none above what binds our own process."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        # Since Linux 4.7 all private memory that can be written counts, and no file's pages; where
        # it counts less (gVisor), the second bound is the one that holds.
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_AS: limits.memory + MAPPED_BYTES,
        resource.RLIMIT_FSIZE: limits.fetch,
    }
    if limits.processor is not None:
        wanted[resource.RLIMIT_CPU] = limits.processor + MORE_SECONDS
    ours = {number: resource.getrlimit(number)[1] for number in wanted}
    return {
        number: most if ours[number] == resource.RLIM_INFINITY else min(most, ours[number])
        for number, most in wanted.items()
    }


def limit(process: int, limits: Limits) -> None:
    """Bind a process that has just started, and all it has started and will start.

    What it starts from now on inherits its limits, what it had started before is found after that:
    so none is left out.
    """
    bounds = _resources(limits)
    for one in family(process):
        try:
            for number, most in bounds.items():
                resource.prlimit(one, number, (most, most))
        except ProcessLookupError:
            continue


def family(process: int) -> Iterator[int]:
    """Give a process, and then what it and those it started have started (proc(5))."""
    yield process
    try:
        # Git starts others from its first thread.
        children = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:  # It has ended.
        return
    for child in children.split():
        yield from family(int(child))


def check_excess(place: GitPlace, limits: Limits, status: int, said: str) -> None:
    """See to it that a command did not end because it met a limit.

    Args:
        place: the repository it worked for.
        limits: it ran under.
        status: its exit code, or a signal as negative number.
        said: its standard error.

    Raises:
        TooLargeError: it did.
    """
    if status == 0:
        return
    ours = THEIRS.sub("", said)
    if MEMORY.search(ours):
        raise no_memory(place, limits, limits.memory)
    if FILE.search(ours):
        raise no_room(place, limits)
    if status == -SIGXCPU:
        raise too_slow(place, limits)


def too_slow(place: GitPlace, limits: Limits) -> TooLargeError:
    """Say that git has more to compute than it may."""
    what = f"git computes more than {limits.processor} seconds for it"
    return TooLargeError(place, what, SMALLER)


def too_talkative(place: GitPlace, command: str, most: int) -> TooLargeError:
    """Say that a command's answer is longer than is read."""
    return TooLargeError(place, f"git {command} tells more than {most} bytes of it", SMALLER)


def no_memory(place: GitPlace, limits: Limits, most: int) -> TooLargeError:
    """Say that git needs more memory than it may have."""
    what = f"git needs more than {most} bytes of memory for it"
    return TooLargeError(place, what, limits.more_memory)


def no_room(place: GitPlace, limits: Limits) -> TooLargeError:
    """Say that a fetch would leave more on disk than it may."""
    what = f"a fetch from it brings more than {limits.fetch} bytes"
    return TooLargeError(place, what, limits.more_room)


def room_is_taken(place: GitPlace) -> TransientError:
    """Say that others fetch so much at the moment that nothing more fits on disk."""
    return TransientError(
        Reason.GIT_UNAVAILABLE,
        f"{place.url} is not fetched now: other large repositories are, and the operator's volume "
        "has no room for more at once.",
    )


def memory_is_taken(place: GitPlace) -> TransientError:
    """Say that others need so much memory at the moment that nothing more fits."""
    return TransientError(
        Reason.GIT_UNAVAILABLE,
        f"Git cannot work on {place.url} now: it works on other large repositories, and has no "
        "memory for more at once.",
    )
