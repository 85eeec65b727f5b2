"""Large files are edited in a process of its own, with limits; nothing else waits for it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from album_operator.adapters.editor import ProcessEditor
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.domain.seen import Edited
from album_operator.render import proposal
from album_operator.render.values import NotEditableError
from album_operator.render.yaml_budget import are_small

PATH = "values.yaml"
TAG = Edit(PATH, "image.tag")
SMALL = b"image:\n  tag: v1\n"
LARGE = SMALL + b"# a comment\n" * 2000
SLOW = SMALL + b"x: {" + b"a," * 100_000 + b"}\n"


@asynccontextmanager
async def editing(
    cpu_time: timedelta = timedelta(seconds=60),
    memory_bytes: int = 256 << 20,
    idle: timedelta = timedelta(seconds=60),
) -> AsyncIterator[ProcessEditor]:
    editor = ProcessEditor(cpu_time=cpu_time, memory_bytes=memory_bytes, idle=idle)
    try:
        yield editor
    finally:
        await editor.close()


async def edit(editor: ProcessEditor, data: bytes, namespace: str = "album") -> Edited:
    return await editor.edit(namespace, {TAG: "v2"}, {PATH: data})


async def refused(editor: ProcessEditor, data: bytes) -> NotEditableError:
    """Give why a file is refused, however little of a processor its editor gets meanwhile."""
    deadline = time.monotonic() + 60
    while True:
        try:
            await edit(editor, data)
        except NotEditableError as error:
            return error
        except TransientError:
            if time.monotonic() > deadline:
                raise
        else:
            raise AssertionError("it was edited")


def children() -> set[int]:
    pids = set[int]()
    for task in Path("/proc/self/task").iterdir():
        # A thread may end between its listing and its reading.
        with suppress(FileNotFoundError):
            pids |= {int(pid) for pid in (task / "children").read_text().split()}
    return pids


async def until_ended(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in _status(pid):
        assert time.monotonic() < deadline, "the process did not end"
        await asyncio.sleep(0.01)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "\nState:\tZ"


async def test_a_small_file_is_edited_without_a_process() -> None:
    async with editing() as editor:
        before = children()
        assert await edit(editor, SMALL) == proposal.edit({TAG: "v2"}, {PATH: SMALL})
        assert children() == before


async def test_a_large_file_comes_out_of_the_process_as_it_would_here() -> None:
    entry = Edit("kustomization.yaml", "ghcr.io/a", EditValue.DIGEST, EditFormat.KUSTOMIZE, True)
    files = {
        PATH: LARGE.replace(b"v1", b'"\\U0001F3B5\\x85"'),
        "kustomization.yaml": b"images:\n- name: ghcr.io/a\n",
    }
    wanted = {TAG: "v2", entry: "sha256:" + "0" * 64}
    assert not are_small(files.values())
    async with editing() as editor:
        assert await editor.edit("album", wanted, files) == proposal.edit(wanted, files)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_a_refusal_comes_whole_with_reason_place_and_way_out(data: bytes) -> None:
    wanted = {Edit(PATH, "image.none"): "v2"}
    with pytest.raises(NotEditableError) as here:
        proposal.edit(wanted, {PATH: data})
    async with editing() as editor:
        with pytest.raises(NotEditableError) as caught:
            await editor.edit("album", wanted, {PATH: data})
    assert (caught.value.reason, caught.value.sentence) == (here.value.reason, here.value.sentence)


async def test_a_bug_comes_with_its_traceback_and_the_process_goes_on() -> None:
    async with editing() as editor:
        with pytest.raises(RuntimeError, match="AttributeError"):
            await editor.edit(
                "album",
                {TAG: None},  # type: ignore[dict-item]
                {PATH: LARGE.replace(b"v1", b"'v1'")},
            )
        pids = children()
        assert (await edit(editor, LARGE)).files
        assert children() == pids


async def test_a_file_that_takes_too_much_cpu_is_refused_and_the_next_is_edited() -> None:
    async with editing(cpu_time=timedelta(seconds=0.5)) as editor:
        error = await refused(editor, SLOW)
        assert error.reason is Reason.VALUES_NOT_EDITABLE
        assert error.sentence == (
            "values.yaml cannot be edited: parsing takes more than 0.5 s of CPU. Split the file, "
            "then set the annotation album.dev/retry."
        )
        assert (await edit(editor, LARGE)).current == {TAG: "v1"}


async def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_is_edited() -> None:
    async with editing(memory_bytes=56 << 20) as editor:
        assert "more than 56 MiB of memory" in (await refused(editor, SLOW)).sentence
        assert (await edit(editor, LARGE)).files


async def test_a_process_that_somebody_ends_is_a_passing_trouble() -> None:
    async with editing() as editor:
        before = children()
        order = asyncio.create_task(edit(editor, SLOW))
        while not (ours := children() - before):
            await asyncio.sleep(0.01)
        os.kill(ours.pop(), signal.SIGKILL)
        with pytest.raises(TransientError, match="exit status -9") as caught:
            await order
        assert caught.value.reason is Reason.INTERNAL_ERROR
        assert (await edit(editor, LARGE)).files


async def test_a_process_that_does_not_answer_is_given_up_and_replaced() -> None:
    async with editing(cpu_time=timedelta(seconds=0.4)) as editor:
        before = children()
        order = asyncio.create_task(edit(editor, SLOW))
        while not (ours := children() - before):
            await asyncio.sleep(0.01)
        pid = ours.pop()
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(TransientError, match="too little of a processor"):
            await order
        await until_ended(pid)
        assert (await edit(editor, LARGE)).files


async def test_one_who_waits_no_more_leaves_nothing_behind() -> None:
    async with editing() as editor:
        before = children()
        order = asyncio.create_task(edit(editor, SLOW))
        while not (ours := children() - before):
            await asyncio.sleep(0.01)
        order.cancel()
        with pytest.raises(asyncio.CancelledError):
            await order
        await until_ended(ours.pop())
        assert (await edit(editor, LARGE)).files


async def test_the_process_ends_when_it_was_idle_and_when_the_editor_is_closed() -> None:
    before = children()
    async with editing(idle=timedelta(seconds=0.01)) as editor:
        await edit(editor, LARGE)
        for pid in children() - before:
            await until_ended(pid)
        assert (await edit(editor, LARGE)).files
    async with editing() as editor:
        await edit(editor, LARGE)
        (pid,) = children() - before
    assert not Path(f"/proc/{pid}").exists()


async def test_no_process_outlives_an_operator_that_is_killed() -> None:
    code = (
        "import asyncio, sys\n"
        "from tests.unit.adapters.test_editor import LARGE, children, edit, editing\n"
        "async def main():\n"
        "    async with editing() as editor:\n"
        "        await edit(editor, LARGE)\n"
        "        print(children().pop(), flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment
    ) as operator:
        assert operator.stdout is not None
        pid = int(operator.stdout.readline())
        operator.kill()
    await until_ended(pid)


async def test_namespaces_take_turns() -> None:
    ended: list[str] = []

    async def run(editor: ProcessEditor, namespace: str) -> None:
        await edit(editor, LARGE, namespace)
        ended.append(namespace)

    async with editing() as editor:
        hostile = [asyncio.create_task(run(editor, "hostile")) for _ in range(6)]
        await asyncio.sleep(0)
        await asyncio.gather(run(editor, "other"), *hostile)
    assert ended.index("other") <= 2


async def test_files_of_a_mebibyte_cost_the_operators_own_process_next_to_nothing() -> None:
    flow = SMALL + b"x: {" + b"a," * 500_000 + b"}\n"
    text = b"image:\n  tag: v1\nx: |\n" + b"  x\n" * 50_000
    async with editing() as editor:
        await edit(editor, LARGE)
        began = time.process_time()
        ended = await asyncio.gather(
            *(edit(editor, flow) for _ in range(4)),
            *(edit(editor, text) for _ in range(1)),
            return_exceptions=True,
        )
        spent = time.process_time() - began
    assert [type(one) for one in ended] == [NotEditableError] * 4 + [Edited]
    # Parsing them here takes minutes.
    assert spent < 3


@pytest.mark.parametrize("data", [SMALL, LARGE])
async def test_a_text_is_read_as_plain_data_wherever_that_is_done(data: bytes) -> None:
    async with editing() as editor:
        assert await editor.read("album", data) == {"image": {"tag": "v1"}}
        assert await editor.read("album", data + b"---\nx: y\n") is None


async def test_of_a_text_that_costs_too_much_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{ProcessEditor.__module__}.PATIENCE", 60_000)
    async with editing(cpu_time=timedelta(milliseconds=1)) as editor:
        assert await editor.read("album", SLOW) is None
