"""A company's certificate authorities, trusted beside those of the image by all that speaks TLS."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi

VARIABLES = ("SSL_CERT_FILE", "GIT_SSL_CAINFO")
"""By which Python's TLS and git are told which authorities to trust, and no others."""

MOST = 4 * 1024 * 1024
"""Bytes a file with authorities may have; that of a system has a quarter of a MiB."""


class AuthoritiesError(Exception):
    """A file with certificate authorities cannot be used; the message says why."""


@contextmanager
def trusting(file: Path | None) -> Iterator[None]:
    """Let this process and what it starts trust a file's authorities too; None: as it is.

    Args:
        file: certificates as PEM, read once.

    Raises:
        AuthoritiesError: it holds none.
    """
    if file is None:
        yield
        return
    own = _read(file)
    before = {name: os.environ.get(name) for name in VARIABLES}
    with tempfile.TemporaryDirectory(prefix="album-authorities-") as folder:
        bundle = Path(folder) / "authorities.pem"
        bundle.write_bytes(_system().read_bytes() + b"\n" + own)
        os.environ.update(dict.fromkeys(VARIABLES, str(bundle)))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST + 1)
    except OSError as error:
        raise AuthoritiesError(f"{file}: {error.strerror}") from error
    if len(data) > MOST:
        raise AuthoritiesError(f"{file} has more than {MOST} bytes")
    if b"PRIVATE KEY" in data:
        raise AuthoritiesError(f"{file} holds a private key, which belongs into no such file")
    try:
        # Comments may be in any language.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=data.decode("ascii", "ignore")
        )
    except (ssl.SSLError, ValueError) as error:
        raise AuthoritiesError(f"{file} holds no certificate as PEM, or a broken one") from error
    return data


def _system() -> Path:
    """Give the file with the authorities of the image, else that of Python's clients."""
    return Path(ssl.get_default_verify_paths().cafile or certifi.where())
