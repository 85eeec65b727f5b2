"""Runs the command, and gives every end its exit code: `album`, `python -m album_cli`."""

import shutil
import sys
from pathlib import Path

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

REFUSED = 2


def main() -> None:
    """Run the command with the process's arguments, and exit."""
    sys.exit(run(sys.argv[1:]))


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


def _name() -> str:
    is_plugin = Path(sys.argv[0]).name.startswith("kubectl-")
    return "kubectl album" if is_plugin else "album"


if __name__ == "__main__":
    main()
