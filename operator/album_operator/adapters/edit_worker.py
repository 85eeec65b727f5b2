"""`python -m album_operator.adapters.edit_worker`: edits and reads values files, order by order.

A process of its own, because Python runs one thread of a process at a time and neither a parse nor
a regular expression can be interrupted: here it stops nobody, and its limits are the kernel's.
Orders are pickles of the operator's own making; answers are JSON, so that who takes this process
over by what it parses gets no further by them.
"""

import base64
import json
import os
import pickle
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Iterable
from typing import Any, BinaryIO

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit
from album_operator.domain.seen import Edited
from album_operator.render import proposal
from album_operator.render.values import NotEditableError
from album_operator.render.yaml_plain import read_plain

LENGTH = struct.Struct("!Q")
"""Of the order or answer that follows, in bytes."""

OUT_OF_MEMORY = 12
"""Exit status: the order needs more memory than there may be."""


def main(cpu_seconds: float, memory_bytes: int) -> int:
    """Take orders until there are no more.

    Args:
        cpu_seconds: that one order may take; with more the kernel ends the process by SIGPROF.
        memory_bytes: of address space the process may have.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    while order := _read(orders):
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        try:
            answer = json.dumps(_work(order)).encode()
        except MemoryError:
            return OUT_OF_MEMORY
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()
    return 0


def _read(orders: BinaryIO) -> bytes:
    """Read an order; none is left where the operator is gone."""
    head = orders.read(LENGTH.size)
    return orders.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def _work(order: bytes) -> dict[str, object]:
    asked = pickle.loads(order)  # noqa: S301 - from the operator alone
    try:
        if isinstance(asked, bytes):
            return {"read": read_plain(asked)}
        wanted, files = asked
        edited = proposal.edit(wanted, files)
    except NotEditableError as error:
        return {"refused": [error.reason, error.message, error.remedy]}
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - told to the operator, which shows and logs it
        return {"bug": traceback.format_exc()}
    return {
        "current": [edited.current[edit] for edit in wanted],
        "files": {path: base64.b64encode(data).decode() for path, data in edited.files.items()},
        "notes": edited.notes,
    }


def parse_answer(answer: bytes, edits: Iterable[Edit]) -> Edited:
    """Read an answer.

    Args:
        answer: the answer.
        edits: those of the order.

    Raises:
        NotEditableError: the order was refused.
        RuntimeError: it met a bug; with its traceback.
    """
    told = _parse(answer)
    files = {path: base64.b64decode(data) for path, data in told["files"].items()}
    current = dict(zip(edits, told["current"], strict=True))
    return Edited(current, files, tuple(told["notes"]))


def parse_reading(answer: bytes) -> object:
    """Read the answer to a text that was only to be read.

    Raises:
        RuntimeError: it met a bug; with its traceback.
    """
    return _parse(answer)["read"]


def _parse(answer: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(answer)
    if "refused" in told:
        reason, *words = told["refused"]
        raise NotEditableError(Reason(reason), *words)
    if "bug" in told:
        raise RuntimeError(f"an edit failed by a bug:\n{told['bug']}")
    return told


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2])))
