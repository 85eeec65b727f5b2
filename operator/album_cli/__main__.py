"""Runs the command, and gives every end its exit code: `album`, `python -m album_cli`.

kubectl finds it as its plugin `kubectl-album`, and the plugin's completion under a name of its own.
"""

import shutil
import sys
from pathlib import Path

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

REFUSED = 2

COMPLETES = "kubectl_complete-album"

COMPLETE = "__complete"
"""The word by which plugins made with cobra are asked, as scripts in place of `COMPLETES` do."""


def main() -> None:
    """Run the command with the process's arguments, and exit."""
    program, *arguments = sys.argv
    if Path(program).name == COMPLETES:
        arguments = [COMPLETE, *arguments]
    is_asked = arguments[:1] == [COMPLETE]
    sys.exit(_answer_kubectl(arguments[1:]) if is_asked else run(arguments))


def run(arguments: list[str]) -> int:
    """Run the command.

    Returns:
        The exit code; whatever went wrong is on standard error in a sentence.
    """
    if shutil.which("git") is None:
        sys.stderr.write("Error: git is not on the PATH. Install it.\n")
        return REFUSED
    try:
        # Imported here, for half a second in which Ctrl-C must be as quiet as later.
        from album_cli.commands import run_album

        return run_album(arguments, prog_name=_name())
    except KeyboardInterrupt:
        return INTERRUPTED


def _answer_kubectl(words: list[str]) -> int:
    from album_cli.commands import album
    from album_cli.completion import for_kubectl

    sys.stdout.write(for_kubectl(album, words))
    return 0


def _name() -> str:
    is_plugin = Path(sys.argv[0]).name.startswith("kubectl-")
    return "kubectl album" if is_plugin else "album"


if __name__ == "__main__":
    main()
