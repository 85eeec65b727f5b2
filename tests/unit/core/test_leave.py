"""How the operator's process ends."""

import subprocess
import sys

STUCK = """
import threading
from concurrent.futures import ThreadPoolExecutor
from album_operator import __main__
ThreadPoolExecutor(1).submit(threading.Event().wait)
print("said")
__main__.leave(3)
"""


def test_a_thread_that_waits_for_a_server_does_not_keep_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (3, b"said\n")
