"""The testbed's own Docker network: its containers have fixed addresses in it.

A container's address on a bridge is valid on the host, in every container of the network and,
through the node's address translation, in every Pod. It needs no published port, so testbeds
cannot fight over ports.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Sequence
from pathlib import Path

from testbed import progress
from testbed.commands import PartError
from testbed.engine import Engine
from testbed.settings import Settings
from testbed.state import State, save

_PREFIX = "172.30"  # of the private block Docker takes its own networks from, and seldom reaches


def name(settings: Settings) -> str:
    """Return the name of the testbed's network."""
    return f"{settings.name}-testbed"


def ensure(engine: Engine, settings: Settings, state: State) -> None:
    """Create the network if it is not there, with the subnet of the state or a free one.

    Raises:
        PartError: No subnet is free, or the engine refused.
    """
    if engine.succeeds("network", "inspect", name(settings)):
        found = engine.docker(
            "network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", name(settings)
        )
        if state.subnet and found == f"{state.subnet}.0/24":
            return
        # Of a testbed whose state is gone; its containers cannot be ours either.
        remove(engine, settings)
    error: PartError | None = None
    for subnet in [state.subnet] if state.subnet else free_subnets(settings.name, _routes()):
        try:
            _create(engine, settings, subnet)
        except PartError as refusal:  # an engine knows networks that have no route now
            error = refusal
            continue
        state.subnet = subnet
        save(state, settings)
        progress.note(f"network {name(settings)}: {subnet}.0/24")
        return
    raise error or PartError("network", f"no free subnet below {_PREFIX}")


def remove(engine: Engine, settings: Settings) -> None:
    """Remove the network with all containers in it."""
    if not engine.succeeds("network", "inspect", name(settings)):
        return
    containers = engine.docker(
        "ps", "--all", "--quiet", "--filter", f"network={name(settings)}"
    ).split()
    if containers:
        engine.docker("rm", "--force", "--volumes", *containers)
    engine.docker("network", "rm", name(settings))


def _create(engine: Engine, settings: Settings, subnet: str) -> None:
    options = ["--driver=bridge", f"--subnet={subnet}.0/24", f"--gateway={subnet}.1"]
    # kind and the node take low addresses; the fixed ones are at the end.
    options.append(f"--ip-range={subnet}.0/25")
    engine.docker("network", "create", *options, name(settings), part="network")


def free_subnets(testbed: str, taken: Sequence[ipaddress.IPv4Network]) -> list[str]:
    """Return the /24 networks a testbed may try, in order, by their first three numbers.

    Args:
        testbed: Its name decides where the search begins: testbeds started at the same time do
            not ask for the same network.
        taken: Networks that are in use.
    """
    first = zlib.crc32(testbed.encode())
    candidates = [f"{_PREFIX}.{(first + step) % 256}" for step in range(256)]
    return [
        subnet
        for subnet in candidates
        if not any(ipaddress.IPv4Network(f"{subnet}.0/24").overlaps(other) for other in taken)
    ]


def _routes() -> list[ipaddress.IPv4Network]:
    """Return the machine's IPv4 routes but the default one (/proc/net/route is little-endian)."""
    routes = []
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        columns = line.split()
        address, mask = (bytes.fromhex(columns[index])[::-1] for index in (1, 7))
        if any(mask):
            prefix = bin(int.from_bytes(mask)).count("1")
            routes.append(ipaddress.IPv4Network((address, prefix), strict=False))
    return routes
