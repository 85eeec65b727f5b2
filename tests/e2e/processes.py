"""Words that must be in no process of the testbed's node, and a watch that finds them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.world import World

_WORDS = "/run/album-words"

_WATCH = f"""
cat >{_WORDS}
sh -c 'sleep 1; true' sh "$(head -n 1 {_WORDS})" &
while [ -e {_WORDS} ]; do
  grep -aoHF -f {_WORDS} /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | sort -u
done
"""
"""grep has the words in a file, and the first is in the arguments of a process as a proof of it."""


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
    docker = ["docker", f"--host={world.testbed.docker_host}", "exec", "-i"]
    node = f"{world.testbed.settings.name}-control-plane"
    found, shell = Found(), [*docker, node, "bash", "-c", _WATCH]
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdin is not None
        watch.stdin.write("\n".join([proof, *words]) + "\n")
        watch.stdin.close()
        watch.stdin = None
        try:
            yield found
        finally:
            subprocess.run([*docker, node, "rm", "-f", _WORDS], check=True)
            said, _ = watch.communicate(timeout=30)
            for line in said.splitlines():
                file, _, word = line.partition(":")
                _, _, process, kind = file.split("/")
                found.places.add((process, kind, word))
