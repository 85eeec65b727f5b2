"""A company's network on loopback: names only its proxy knows, and an authority of its own."""

import select
import socket
import socketserver
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
CHUNK = 64 * 1024

LONGEST = 60
"""Seconds a line may be silent."""

Serve = Callable[[socket.socket], None]


@dataclass
class Company:
    """The network, and what its proxy was asked for.

    Attributes:
        ca_file: certificate of its authority.
        url: of its proxy, without user and password.
        password: the proxy wants it of user `ann`; empty: it wants none.
        answer: status the proxy answers every CONNECT with; None: it connects.
        connects: what it was asked to connect to, such as `git.company.test:443`.
        carried: all bytes that clients sent through it.
        odd: requests that were no CONNECT.
    """

    ca_file: Path
    url: str = ""
    password: str = ""
    answer: int | None = None
    connects: list[str] = field(default_factory=list)
    carried: bytearray = field(default_factory=bytearray)
    odd: list[str] = field(default_factory=list)

    @property
    def secret_url(self) -> str:
        """URL of the proxy with user and password."""
        user = f"ann:{quote(self.password, safe='')}@" if self.password else ""
        return self.url.replace("://", f"://{user}")


SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company")])
        self.certificate = self._sign(self._key.public_key(), self._name, None)

    def _sign(
        self, key: ec.EllipticCurvePublicKey, subject: x509.Name, host: str | None
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        # Since 3.13 Python wants certificates to the letter of RFC 5280.
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder(
                self._name, subject, key, x509.random_serial_number(), now - DAY, now + DAY
            )
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(issuer, critical=False)
        )
        if host is None:
            builder = builder.add_extension(SIGNS, critical=True)
        else:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def context(self, folder: Path, host: str) -> ssl.SSLContext:
        """Make a server's side of TLS."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._sign(key.public_key(), name, host).public_bytes(Encoding.PEM)
        file = folder / f"{host}.pem"
        file.write_bytes(
            made + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


class _Server(socketserver.ThreadingTCPServer):
    """A server on loopback, each of whose connections is served in a thread, over TLS or not."""

    daemon_threads = True

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._serve = serve
        self._tls = tls

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - of sockets
        """Serve a connection to its end."""
        del client_address
        with suppress(OSError):
            line = self._tls.wrap_socket(request, server_side=True) if self._tls else request
            with line:
                self._serve(line)


@contextmanager
def company_network(folder: Path, servers: Mapping[str, str]) -> Iterator[Company]:
    """Run one.

    Args:
        folder: for keys and certificates.
        servers: `host:port` of real servers in plain HTTP, by their name in the company; each is
            served there over TLS on port 443.
    """
    authority = Authority()
    ca_file = folder / "company-ca.crt"
    ca_file.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    company, ports = Company(ca_file), {}
    with ExitStack() as opened:

        def serve(serve: Serve, tls: ssl.SSLContext | None) -> int:
            server = opened.enter_context(_Server(serve, tls))
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            opened.callback(server.shutdown)
            return server.port

        for name, upstream in servers.items():
            host, _, port = upstream.rpartition(":")
            context = authority.context(folder, name)
            ports[f"{name}:443"] = serve(partial(_join, (host, int(port)), None), context)
        company.url = f"http://127.0.0.1:{serve(partial(_answer, company, ports), None)}"
        yield company


def _answer(company: Company, ports: Mapping[str, int], line: socket.socket) -> None:
    """Do what a proxy does with a connection (RFC 9110, section 9.3.6)."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (byte := line.recv(1)):
            return
        head += byte
    method, target, _ = head.decode().split(" ", 2)
    if method != "CONNECT":
        company.odd.append(head.decode())
    company.connects.append(target)
    pair = b64encode(f"ann:{company.password}".encode())
    status = company.answer or (200 if target in ports and method == "CONNECT" else 502)
    if company.password and b"Proxy-Authorization: Basic %b\r\n" % pair not in head:
        status = 407
    line.sendall(f"HTTP/1.1 {status} Said\r\n".encode())
    if status == 200:
        line.sendall(b"\r\n")
        _join(("127.0.0.1", ports[target]), company.carried, line)
        return
    challenge = b'Proxy-Authenticate: Basic realm="company"\r\n' if status == 407 else b""
    line.sendall(challenge + b"Content-Length: 0\r\nConnection: close\r\n\r\n")


def _join(where: tuple[str, int], carried: bytearray | None, line: socket.socket) -> None:
    """Hand on what comes from either end until one of them ends."""
    with socket.create_connection(where) as there:
        while True:
            # What TLS has decrypted already wakes nobody.
            waiting = isinstance(line, ssl.SSLSocket) and line.pending()
            ready = [line] if waiting else select.select([line, there], [], [], LONGEST)[0]
            if not ready:
                return
            for source in ready:
                if (data := _receive(source)) is None:
                    continue
                if source is line and carried is not None:
                    carried += data
                (there if source is line else line).sendall(data)
                if not data:
                    return


def _receive(source: socket.socket) -> bytes | None:
    """Give what is there; None where it is no whole record of TLS yet."""
    source.setblocking(False)
    try:
        return source.recv(CHUNK)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    finally:
        source.settimeout(LONGEST)
