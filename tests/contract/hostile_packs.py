"""Packs that are small on the line and large when they are unpacked (gitformat-pack(5))."""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator

COMMIT, TREE, BLOB, TAG, REFERENCE_DELTA = 1, 2, 3, 4, 7

PIECE = 1024 * 1024

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
WHO = "A <a@example.org> 1700000000 +0000"


def pack(*objects: bytes, count: int | None = None) -> bytes:
    """Put objects into a pack that says it has `count` of them."""
    body = b"PACK" + struct.pack(">II", 2, len(objects) if count is None else count)
    body += b"".join(objects)
    return body + hashlib.sha1(body).digest()  # noqa: S324 - git's own


def entry(kind: int, data: bytes, size: int | None = None, head: bytes = b"") -> bytes:
    """Give an object as it is in a pack; `size` where it lies about it."""
    return _heading(kind, len(data) if size is None else size) + head + zlib.compress(data, 9)


def stretched(kind: int, first: bytes, filler: bytes, size: int) -> bytes:
    """Give an object of so many bytes, all but the first alike."""
    squeeze = zlib.compressobj(1)
    body = [squeeze.compress(first)]
    body += (squeeze.compress(piece) for piece in _pieces(filler, size - len(first)))
    return _heading(kind, size) + b"".join([*body, squeeze.flush()])


def commit_object(tree: str, message: bytes, parent: str | None = None) -> bytes:
    """Give the bytes of a commit."""
    above = f"parent {parent}\n" if parent is not None else ""
    return f"tree {tree}\n{above}author {WHO}\ncommitter {WHO}\n\n".encode() + message


def tag_object(name: str, commit: str, message: bytes) -> bytes:
    """Give the bytes of an annotated tag."""
    return f"object {commit}\ntype commit\ntag {name}\ntagger {WHO}\n\n".encode() + message


def long_commit(size: int) -> bytes:
    """Give a commit of so many bytes."""
    return stretched(COMMIT, commit_object(EMPTY_TREE, b""), b"a", size)


def delta_bomb(size: int) -> list[bytes]:
    """Give a file of 64 KiB and 200 bytes that make a file of `size` bytes of it."""
    base = b"a" * 65536
    copies = size // 0xFFFF
    # Copy 65,535 bytes from offset 0, so many times.
    delta = _size(len(base)) + _size(copies * 0xFFFF) + b"\xb0\xff\xff" * copies
    oid = hashlib.sha1(b"blob %d\0%b" % (len(base), base)).digest()  # noqa: S324 - git's own
    return [entry(BLOB, base), entry(REFERENCE_DELTA, delta, head=oid)]


def wide_tree(entries: int) -> bytes:
    """Give the bytes of a tree with so many files."""
    oids = hashlib.shake_256(b"oids").digest(20 * entries)
    return b"".join(
        b"100644 %08d.yaml\0%b" % (nth, oids[20 * nth : 20 * nth + 20]) for nth in range(entries)
    )


def _pieces(filler: bytes, size: int) -> Iterator[bytes]:
    while size > 0:
        yield filler * min(size, PIECE)
        size -= PIECE


def _heading(kind: int, size: int) -> bytes:
    first = kind << 4 | size & 15
    rest = _size(size >> 4) if size >> 4 else b""
    return bytes([first | (0x80 if rest else 0)]) + rest


def _size(size: int) -> bytes:
    found = bytearray()
    while size > 0x7F:
        found.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*found, size])


def replace_pack(answer: bytes, sent: bytes) -> bytes:
    """Put another pack in place of the one in an answer of `git upload-pack`."""
    parts, is_done = [], False
    for packet in _packets(answer):
        if packet[4:5] != b"\x01":
            parts.append(packet)
        elif not is_done:
            is_done = True
            parts += _band(sent)
    return b"".join(parts)


def _packets(answer: bytes) -> Iterable[bytes]:
    at = 0
    while at < len(answer):
        length = max(int(answer[at : at + 4], 16), 4)
        yield answer[at : at + length]
        at += length


def _band(sent: bytes) -> Iterator[bytes]:
    step = 65000
    for at in range(0, len(sent), step):
        piece = sent[at : at + step]
        yield b"%04x\x01%b" % (len(piece) + 5, piece)
