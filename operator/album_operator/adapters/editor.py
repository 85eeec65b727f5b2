"""Edits of values files, in a process of its own where they could take long; the port `Editor`.

Nearly all files are small, and edited in a thread in some milliseconds. What is larger goes to one
process, which is started at the first such file and ends when there was none for a while.
"""

import asyncio
import logging
import os
import pickle
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

from album_operator.adapters import edit_worker
from album_operator.adapters.edit_worker import LENGTH, OUT_OF_MEMORY, parse_answer, parse_reading
from album_operator.domain.errors import TransientError
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit
from album_operator.domain.seen import Edited
from album_operator.render import proposal
from album_operator.render.values import NotEditableError
from album_operator.render.yaml_budget import are_small
from album_operator.render.yaml_plain import read_plain
from album_operator.slots import Shares, Slots

LOG = logging.getLogger(__name__)

CPU_TIME = timedelta(seconds=60)
"""Most CPU of one release's edits: five times what a file of 1 MiB takes on a slow core."""

MEMORY_BYTES = 256 * 1024 * 1024
"""Of address space; a file with as many events as one may have takes 165 MiB."""

PATIENCE = 5
"""The deadline, in `CPU_TIME`s: a process that gets less than a fifth of a core is given up."""

IDLE = timedelta(seconds=60)
"""How long the process is kept for the next file."""


ONE = Shares(total=1, namespace=1, host=1, pair=1)


class ProcessEditor:
    """Edits the files of one release after those of another, with turns for each namespace.

    Args:
        cpu_time: that the edits of one release may take.
        memory_bytes: of address space the process may have.
        idle: how long the process is kept when there is nothing to do.
    """

    def __init__(
        self,
        *,
        cpu_time: timedelta = CPU_TIME,
        memory_bytes: int = MEMORY_BYTES,
        idle: timedelta = IDLE,
    ) -> None:
        self._cpu_time = cpu_time
        self._memory_bytes = memory_bytes
        self._idle = idle
        self._thread = ThreadPoolExecutor(1, "edits")
        self._process: Process | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._small, self._large = Slots(ONE), Slots(ONE)

    async def close(self) -> None:
        """End what runs."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._end()

    async def edit(
        self, namespace: str, wanted: Mapping[Edit, str], files: Mapping[str, bytes]
    ) -> Edited:
        """Read the values of some edits, and make these."""
        needed = {edit.path: files[edit.path] for edit in wanted}
        if are_small(needed.values()):
            loop = asyncio.get_running_loop()
            async with self._small.hold(namespace):
                return await loop.run_in_executor(self._thread, proposal.edit, wanted, needed)
        async with self._large.hold(namespace):
            answer = await self._order((dict(wanted), needed), needed)
        return parse_answer(answer, wanted)

    async def read(self, namespace: str, data: bytes) -> object:
        """Give a text of YAML as plain data."""
        if are_small([data]):
            loop = asyncio.get_running_loop()
            async with self._small.hold(namespace):
                return await loop.run_in_executor(self._thread, read_plain, data)
        with suppress(NotEditableError):
            async with self._large.hold(namespace):
                return parse_reading(await self._order(data, ["values"]))
        return None

    async def _order(self, order: object, files: Collection[str]) -> bytes:
        """Let the process do it; whatever happens, the next order finds one that is free."""
        if self._rest is not None:
            self._rest.cancel()
        process, self._process = self._process, None
        try:
            async with asyncio.timeout(self._cpu_time.total_seconds() * PATIENCE):
                if process is None or process.returncode is not None:
                    process = await self._start()
                answer = await _ask(process, pickle.dumps(order))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._tell_end(await process.wait() if process is not None else 0, files)
        except TimeoutError:
            raise TransientError(
                Reason.INTERNAL_ERROR,
                f"Editing {join_words(files)} got too little of a processor: it was not done in "
                f"{self._cpu_time * PATIENCE}. Give the operator's Pod a larger request for CPU.",
            ) from None
        else:
            self._process = process
            self._rest = asyncio.get_running_loop().call_later(
                self._idle.total_seconds(), self._let_go
            )
            return answer
        finally:
            if process is not None and process is not self._process:
                await _kill(process)

    async def _start(self) -> Process:
        # Not by multiprocessing, whose children import the operator's main module, and with it
        # all it is made of.
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            edit_worker.__name__,
            str(self._cpu_time.total_seconds()),
            str(self._memory_bytes),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def _tell_end(self, status: int, files: Collection[str]) -> NoReturn:
        """Say why the process ended in the middle of an order."""
        names = join_words(files)
        too_much = {
            -signal.SIGPROF: f"more than {self._cpu_time.total_seconds():g} s of CPU",
            OUT_OF_MEMORY: f"more than {self._memory_bytes >> 20} MiB of memory",
        }.get(status)
        if too_much is not None:
            raise NotEditableError(
                Reason.VALUES_NOT_EDITABLE,
                f"{names} cannot be edited: parsing takes {too_much}.",
                "Split the file",
            )
        raise TransientError(
            Reason.INTERNAL_ERROR,
            f"The process that edits {names} ended before it was done (exit status {status}).",
        )

    def _let_go(self) -> None:
        """Let the process end by itself."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    async def _end(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        process, self._process = self._process, None
        if process is not None:
            await _kill(process)


async def _ask(process: Process, order: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the process was started with pipes")
    process.stdin.write(LENGTH.pack(len(order)) + order)
    await process.stdin.drain()
    head = await process.stdout.readexactly(LENGTH.size)
    return await process.stdout.readexactly(LENGTH.unpack(head)[0])


async def _kill(process: Process) -> None:
    """Kill it and wait for its end, as long as that may take."""
    if process.returncode is None:
        process.kill()
    await asyncio.shield(process.wait())
