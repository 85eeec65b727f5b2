"""Words that must be in no process of the testbed's node, and a watch that finds them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.world import World, wait_for

_WORDS = "/run/album-words"

_PLACES = "/run/album-places"

_WATCH = f"""
sh -c 'sleep 1; true' sh "$(head -n 1 {_WORDS})" &
while [ -e {_WORDS} ]; do
  timeout --signal=KILL 10 grep -aoHF -f {_WORDS} /proc/[0-9]*/cmdline /proc/[0-9]*/environ
done 2>/dev/null >{_PLACES}.raw
sort -u {_PLACES}.raw >{_PLACES}.sorted
mv {_PLACES}.sorted {_PLACES}
"""
"""grep has the words in a file, and the first is in the arguments of a process as a proof of it.

It runs detached and within a time. A process that reads another's memory waits for as long as that
one is amid an `execve`, and an attached `docker exec` waited for the watch more than an hour once.
"""


@dataclass
class Found:
    """Where the words were.

    Attributes:
        places: process id, `cmdline` or `environ`, and the word.
    """

    places: set[tuple[str, str, str]] = field(default_factory=set)


@contextmanager
def watching(world: World, proof: str, words: Sequence[str]) -> Iterator[Found]:
    """Look through the arguments and the environment of all processes, again and again.

    Args:
        world: whose node is looked at.
        proof: a word of the watch's own, in the arguments of a process of its own.
        words: that are looked for.
    """
    found = Found()
    _run(world, "rm", "-f", _PLACES)
    _run(world, "sh", "-c", f"cat >{_WORDS}", said="\n".join([proof, *words]) + "\n")
    _run(world, "bash", "-c", _WATCH, is_detached=True)
    try:
        yield found
    finally:
        _run(world, "rm", "-f", _WORDS)
    wait_for("the end of the watch", lambda: _run(world, "sh", "-c", f"ls {_PLACES} || true"))
    for line in _run(world, "cat", _PLACES).splitlines():
        file, _, word = line.partition(":")
        _, _, process, kind = file.split("/")
        found.places.add((process, kind, word))


def _run(world: World, *argv: str, said: str = "", is_detached: bool = False) -> str:
    """Run a command on the node, within a minute, and give what it writes."""
    node = f"{world.testbed.settings.name}-control-plane"
    how = "--detach" if is_detached else "--interactive"
    docker = ["docker", f"--host={world.testbed.docker_host}", "exec", how, node]
    done = subprocess.run(
        [*docker, *argv], input=said, check=True, stdout=subprocess.PIPE, text=True, timeout=60
    )
    return done.stdout
