"""`python -m benchmarks` measures; `python -m benchmarks purge` removes what it keeps."""

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from benchmarks.settings import Settings, SettingsError, read_settings


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Returns:
        0, whether goals are met or missed; 1 where a result is wrong or a part failed; 2 where
        the command or a variable cannot be used; 130 where it was interrupted.
    """
    # A terminated run removes what is in use, as an interrupted one does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if list(arguments) == ["purge"]:
        _purge(settings)
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        # Imported here, for seconds in which a wrong variable would not be told, nor Ctrl-C quiet.
        from benchmarks.run import run

        return run(settings)
    except KeyboardInterrupt:
        print("\ninterrupted; what was generated stays", file=sys.stderr)
        return 130


def _purge(settings: Settings) -> None:
    """Remove the generated repositories and whatever killed runs left."""
    for folder in (settings.repositories, settings.runs):
        shutil.rmtree(folder, ignore_errors=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
