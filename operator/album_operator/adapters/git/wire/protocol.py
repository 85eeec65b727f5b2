"""Git's wire protocol, version 2, as far as refs and single objects are asked for with it.

Sources: gitprotocol-common(5) for packets, gitprotocol-v2(5) for commands and answers.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from album_operator.adapters.git.streams import Readable, TooLongError, read_exactly
from album_operator.adapters.names import beginnings

FLUSH, DELIMITER, RESPONSE_END = b"0000", b"0001", b"0002"

LENGTH = 4
"""Bytes of a packet's length, which counts them too."""

PACK, FATAL = b"\x01", b"\x03"
"""First bytes of packets in the section `packfile`; progress has another."""

FETCH = "fetch"
"""The command, and the capability that names what it can do."""


class WireError(Exception):
    """What came is not of the protocol; the message says what."""


class ServerError(Exception):
    """The server refused; the message is its own."""


@dataclass(frozen=True)
class Fetched:
    """Objects as they came.

    Attributes:
        pack: as of gitformat-pack(5).
        shallow: the commits in it whose parents were left out.
    """

    pack: bytes | bytearray
    shallow: Sequence[str]


def packet(text: str) -> bytes:
    """Give a line as one packet."""
    data = f"{text}\n".encode(errors="surrogateescape")
    return b"%04x%b" % (len(data) + LENGTH, data)


def read_packets(stream: Readable, end: bytes) -> Iterator[bytes | None]:
    """Read packets up to a special one.

    Returns:
        What is in each, without its length; None for other special ones.

    Raises:
        EOFError: the stream ended before.
        ServerError: a packet tells of an error.
        WireError: no packet.
    """
    while (length := read_exactly(stream, LENGTH)) != end:
        if length in (FLUSH, DELIMITER, RESPONSE_END):
            yield None
            continue
        try:
            size = int(length, 16) - LENGTH
        except ValueError:
            size = -1
        if size < 0:
            raise WireError(f"{length!r} is not the length of a packet")
        data = read_exactly(stream, size)
        if data.startswith(b"ERR "):
            raise ServerError(_text(data[LENGTH:]))
        yield data


def read_capabilities(stream: Readable) -> Mapping[str, str]:
    """Read what a server can do: the value of each word, such as `shallow filter` of `fetch`."""
    lines = [_text(line) for line in read_packets(stream, FLUSH) if line is not None]
    if not lines or lines[0] != "version 2":
        raise WireError(f"it greets with {lines[:1]}")
    return {key: value for key, _, value in (line.partition("=") for line in lines[1:])}


def refs_request(prefixes: Collection[str]) -> bytes:
    """Ask for the refs whose names begin so, and for what tags and symbolic refs stand for."""
    return b"".join(
        [
            packet("command=ls-refs"),
            DELIMITER,
            packet("peel"),
            packet("symrefs"),
            *(packet(f"ref-prefix {prefix.rstrip('*')}") for prefix in sorted(prefixes)),
            FLUSH,
        ]
    )


def read_refs(stream: Readable, names: Collection[str] | None = None) -> dict[str, str]:
    """Read refs.

    Args:
        stream: to read from.
        names: full names of those that are wanted, with `/` at its end for all below it and `*`
            for all that begin so; None for all that come.

    Returns:
        Object id by name; for a symbolic one also what it stands for, by `ref:` and its name; for
        a tag that is an object also the object id of what it stands for, by its name and `^{}`.

    Raises:
        EOFError, ServerError, WireError: as of `read_packets`.
    """
    found = {}
    below = beginnings(names or ())
    is_whole = False
    for line in read_packets(stream, RESPONSE_END):
        is_whole = line is None
        if line is None:
            continue
        oid, _, about = _text(line).partition(" ")
        name, *attributes = about.split(" ")
        if names is not None and name not in names and not name.startswith(below):
            continue
        found[name] = oid
        for key, _, value in (attribute.partition(":") for attribute in attributes):
            if key == "symref-target":
                found[f"ref:{name}"] = value
            elif key == "peeled":
                found[f"{name}^{{}}"] = value
    if not is_whole:
        # Without this a server that says nothing would be one with nothing in it.
        raise WireError("its list of refs has no end")
    return found


def fetch_request(oids: Collection[str], objects: str) -> bytes:
    """Ask for objects by id.

    Args:
        oids: of commits, which come without their parents, of trees and of files.
        objects: the filter of what comes beside them (git-rev-list, `--filter`).
    """
    return b"".join(
        [
            packet(f"command={FETCH}"),
            DELIMITER,
            packet("no-progress"),
            packet("ofs-delta"),
            packet("deepen 1"),
            packet(f"filter {objects}"),
            *(packet(f"want {oid}") for oid in sorted(oids)),
            # Nothing is told of what is here: the server would take a part of a commit for all.
            packet("done"),
            FLUSH,
        ]
    )


def read_fetched(stream: Readable, limit: int, weigh: Callable[[bytes], object] = len) -> Fetched:
    """Read the answer to a fetch.

    Args:
        stream: to read from.
        limit: most bytes the pack may have.
        weigh: is given the pack, piece by piece.

    Raises:
        TooLongError: it has more; they were not read.
        EOFError, ServerError, WireError: as of `read_packets`.
    """
    pack, shallow = bytearray(), []
    is_pack = is_whole = False
    for data in read_packets(stream, RESPONSE_END):
        is_whole = data is None
        if data is None:
            continue
        if not is_pack:
            word, _, rest = _text(data).partition(" ")
            is_pack = word == "packfile"
            if word == "shallow":
                shallow.append(rest)
        elif data.startswith(PACK):
            pack += data[1:]
            if len(pack) > limit:
                raise TooLongError
            weigh(data[1:])
        elif data.startswith(FATAL):
            raise ServerError(_text(data[1:]))
    if not (is_pack and is_whole):
        raise WireError("its pack has no end")
    return Fetched(pack, shallow)


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape").rstrip("\n")
