"""Whatever is sent: no answer is a fault of ours, and what is not signed wakes nobody."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from album_operator.domain.notice import Notice
from tests.unit.core.deliveries import BODY, MERGED, Stand, signed

NAMES = [
    *signed("github"),
    *signed("gitea"),
    "X-Forgejo-Signature",
    "Content-Length",
    "Content-Encoding",
    "Content-Type",
    "Transfer-Encoding",
    "Expect",
    "Connection",
    "Upgrade",
]
VALUES = [
    "pull_request", "push", "sha256=", f"sha256={'a' * 64}", "a" * 64, "gzip", "chunked", "0",
    "99999999", "-1", "100-continue", "close", "websocket",
]  # fmt: skip
EVENTS = [
    "pull_request", "push", "delete", "status", "check_run", "check_suite", "workflow_run",
    "merge_group", "repository", "pull_request_approved", "create", "release",
]  # fmt: skip
KEYS = [
    "repository", "html_url", "pull_request", "number", "head", "ref", "ref_type", "branches",
    "name", "check_run", "check_suite", "workflow_run", "pull_requests", "head_branch",
    "merge_group", "head_ref", "changes", "from", "release", "tag_name", "action", "sender",
    "login", "deleted",
]  # fmt: skip

quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["https://[", "https://a:b/c", "https://a/b", "branch", "refs/heads/x"]),
    st.sampled_from(["refs/tags/x", "tag", "published", "backend-v1.0.0"]),
    st.integers(0, 9**30).map(lambda number: f"gh-readonly-queue/main/pr-{number}-abc"),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=20,
)


class Line:
    """A receiver and the loop it is served by, for tests that are no coroutines."""

    def __init__(self, runner: asyncio.Runner, stand: Stand) -> None:
        self.runner = runner
        self.stand = stand

    def send(self, sent: bytes) -> bytes:
        """Send bytes on a connection of their own, give the line of the first answer."""
        return self.runner.run(self._send(sent))

    async def _send(self, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.stand.port)
        writer.write(sent)
        writer.write_eof()
        try:
            async with asyncio.timeout(20):
                answer = await reader.readline()
                while answer.startswith(b"HTTP/1.1 100"):
                    await reader.readline()
                    answer = await reader.readline()
                return answer
        finally:
            writer.close()


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder: Path = tmp_path_factory.mktemp("webhooks")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        stand = runner.run(stack.enter_async_context(Stand.up(folder)))
        yield Line(runner, stand)
        runner.run(stack.aclose())


def _is_fault(answer: bytes) -> bool:
    """Tell whether an answer's first line has a status of 5xx; a closed connection has none."""
    return re.match(rb"HTTP/1\.[01] 5", answer) is not None


@quick
@given(sent=st.binary(max_size=300))
def test_random_bytes(line: Line, sent: bytes) -> None:
    assert not _is_fault(line.send(sent))
    assert line.stand.noticed == []


@quick
@given(
    forge=st.sampled_from(["github", "gitea"]),
    headers=st.dictionaries(
        st.sampled_from(NAMES),
        st.sampled_from(VALUES) | st.text(st.characters(codec="latin-1"), max_size=90),
        max_size=8,
    ),
    body=st.binary(max_size=100) | st.just(BODY),
)
@example(forge="github", headers={"Expect": "\x80"}, body=BODY)
@example(forge="github", headers={"Expect": "100-continue"}, body=BODY)
def test_random_headers(line: Line, forge: str, headers: dict[str, str], body: bytes) -> None:
    lines = [f"POST /webhooks/{forge} HTTP/1.1", "Host: album"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    sent = "".join(f"{one}\r\n" for one in [*lines, ""]).encode("latin-1") + body

    assert not _is_fault(line.send(sent))
    assert line.stand.noticed == []


@quick
@given(
    forge=st.sampled_from(["github", "gitea"]),
    event=st.sampled_from(EVENTS),
    body=st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(KEYS), values, max_size=8).map(
        lambda fields: json.dumps({**MERGED, **fields}).encode()
    ),
)
def test_random_bodies_that_are_signed(line: Line, forge: str, event: str, body: bytes) -> None:
    line.stand.clock.now += 10
    status = line.runner.run(line.stand.deliver(forge, body, event=event))

    assert status in (204, 400)
    told = [notice for notice in line.stand.noticed if isinstance(notice, Notice)]
    assert all(notice.repository.startswith("http") for notice in told)
    for notice in told:
        notice.concerns("https://git.example.org/album/config", 7, "release/backend_v1.1.0")
    line.stand.noticed.clear()
