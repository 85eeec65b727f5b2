"""Progress on standard error: one line per event, each with the time since the command began."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 30.0

_began = time.monotonic()
_lock = threading.Lock()


def note(text: str) -> None:
    """Print one line with the time since the command began."""
    with _lock:
        print(f"[{_clock(time.monotonic() - _began)}] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(name: str, *, beats: bool = True) -> Iterator[None]:
    """Print when `name` begins, that it still runs every half a minute, and how long it took.

    Args:
        name: What is done, in a few words.
        beats: Whether it says that it still runs; off where its own steps do.
    """
    began = time.monotonic()
    done = threading.Event()
    note(f"▸ {name}")

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            note(f"… {name} ({_clock(time.monotonic() - began)} so far)")

    if beats:
        threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    except BaseException:
        note(f"✖ {name} after {time.monotonic() - began:.1f} s")
        raise
    finally:
        done.set()
    note(f"✔ {name} ({time.monotonic() - began:.1f} s)")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
