"""Whether servers take connections, and that names nobody answers for hold nobody up."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import pytest

from album_operator.adapters.servers.dialer import LOOKUPS, REMEMBERED, Address, Dialer, look_up
from album_operator.adapters.servers.resolver import Resolver
from album_operator.domain.errors import NoConnectionError
from album_operator.domain.reasons import Reason
from tests.listening import listening

GIT = Reason.GIT_UNAVAILABLE

SHORT, EVER = timedelta(seconds=0.05), timedelta(seconds=60)


class Names:
    """A name server that answers for some names, and for others when it is told to.

    Attributes:
        asked: names, in order.
        goes_on: to be set for the others to be answered.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.goes_on = threading.Event()

    def find(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host.startswith("hanging"):
            self.goes_on.wait(60)
        if host.startswith("unknown"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up("127.0.0.1", port)


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    yield made
    made.goes_on.set()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def listen(*_: object) -> None:
        return

    async with listening(listen) as host:
        yield int(host.rpartition(":")[2])


async def _refusal(dialer: Dialer, server: str, namespace: str = "a") -> str:
    with pytest.raises(NoConnectionError) as caught:
        await dialer.reach(namespace, server, GIT)
    assert caught.value.reason is GIT
    assert caught.value.said in caught.value.sentence
    return caught.value.sentence


async def test_a_server_that_takes_connections_is_reached_and_not_tried_again_at_once(
    port: int, names: Names
) -> None:
    now = 0.0
    dialer = Dialer(EVER, lambda: now, names.find)
    server = f"git.example.org:{port}"

    await dialer.reach("a", server, GIT)
    await dialer.reach("b", server, GIT)
    assert names.asked == ["git.example.org"]

    now += REMEMBERED.total_seconds()
    await dialer.reach("a", server, GIT)
    assert len(names.asked) == 2
    dialer.forget(server)
    await dialer.reach("a", server, GIT)
    assert len(names.asked) == 3


async def test_a_server_that_refuses_connections_is_told(names: Names) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"git.example.org:{unused.getsockname()[1]}"

        said = await _refusal(Dialer(EVER, find=names.find), server)

    assert said.startswith(f"{server} cannot be reached: it takes no connection: ")


async def test_a_host_that_drops_packets_is_told_in_time(names: Names) -> None:
    # A full queue of connections is what the kernel answers with silence.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())

        said = await _refusal(
            Dialer(SHORT, find=names.find), f"git.example.org:{full.getsockname()[1]}"
        )

    assert said.endswith("it took no connection within 0.05 seconds.")


async def test_a_name_that_does_not_exist_is_told(names: Names) -> None:
    said = await _refusal(Dialer(EVER, find=names.find), "unknown.example.org:443")

    assert said.endswith("it takes no connection: Name or service not known.")


async def test_a_name_that_nobody_answers_for_is_given_up_in_time(names: Names) -> None:
    said = await _refusal(Dialer(SHORT, find=names.find), "hanging.example.org:443")

    assert said.endswith("its name was not found within 0.05 seconds.")


async def test_names_that_nobody_answers_for_keep_no_other_namespace_from_its_own(
    port: int, names: Names
) -> None:
    dialer = Dialer(SHORT, find=names.find)
    for number in range(LOOKUPS.namespace):
        await _refusal(dialer, f"hanging-{number}.example.org:443")
    theirs = asyncio.ensure_future(dialer.reach("a", f"git.example.org:{port}", GIT))
    await asyncio.sleep(0)

    await dialer.reach("b", f"other.example.org:{port}", GIT)

    # And whose own turns are taken waits, and is not told that a server is at fault.
    assert not theirs.done()
    assert len(names.asked) == LOOKUPS.namespace + 1
    names.goes_on.set()
    await asyncio.wait_for(theirs, 10)


async def test_a_client_is_given_the_addresses_of_the_server_that_was_reached(
    port: int, names: Names
) -> None:
    dialer = Dialer(EVER, find=names.find)
    await dialer.reach("a", f"git.example.org:{port}", GIT)
    resolver = Resolver(dialer)

    found = await resolver.resolve("git.example.org", port)

    assert [(one["host"], one["port"]) for one in found] == [("127.0.0.1", port)]
    assert await resolver.resolve("git.example.org", port, socket.AF_INET6) == []
    assert names.asked == ["git.example.org"]
    await resolver.close()
    dialer.close()
