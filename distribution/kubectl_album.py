"""Where the archive's program begins.

In it `sys.executable` is the program itself, so the process that edits large files (`editor`) is
started as `kubectl-album -P -m …`.
"""

import runpy
import sys

# Named here for PyInstaller, which packs what it finds imported.
from album_cli.__main__ import main
from album_operator.adapters import edit_worker

if sys.argv[1:4] == ["-P", "-m", edit_worker.__name__]:
    del sys.argv[1:4]
    runpy.run_module(edit_worker.__name__, run_name="__main__")
else:
    main()
