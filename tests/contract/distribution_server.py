"""A real registry (distribution) on loopback, open, with a password, or with tokens."""

import base64
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

from testbed.commands import PartError, wait_until
from testbed.offline import gotools
from tests.contract.gitea_server import free_port

USER, PASSWORD = "acme", "canary-password"
HTPASSWD = f"{USER}:$2b$04$ezczmtgRxThGX/QB4QyQUuXvTtqhbf0AxF2K9sR0z2ecF7aFlLPKu\n"
"""Hash by bcrypt of the password, the only kind the registry takes."""

READY_SECONDS = 30
ISSUER, SERVICE = "makes tokens", "a registry"


@dataclass(frozen=True)
class DistributionServer:
    """A running registry.

    Attributes:
        host: `host:port`, in plain HTTP.
        tokens: makes them; None where it wants none.
    """

    host: str
    tokens: "TokenMaker | None"

    def authorize(self, path: str) -> str:
        """Give what lets anything be done in a repository."""
        if self.tokens is None:
            return f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        return f"Bearer {self.tokens.make(path, ['pull', 'push'])}"


class TokenMaker:
    """Makes tokens for one user (distribution, "Token Authentication Implementation")."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self.server.server_port}"

    def write_keys(self, file: Path) -> None:
        """Write by what a registry knows its tokens."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        file.write_text(json.dumps({"keys": [{**key, "kid": "tests", "alg": "RS256"}]}))

    def make(self, path: str, actions: list[str]) -> str:
        """Make a token for some actions in a repository."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": USER,
            "iat": now,
            "nbf": now - 10,
            "exp": now + 300,
            "jti": f"{path}{now}",
            "access": [{"type": "repository", "name": path, "actions": actions}],
        }
        return jwt.encode(claims, self._key, "RS256", headers={"kid": "tests"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        maker = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                scope = parse_qs(urlsplit(self.path).query).get("scope", [""])[0]
                maker.asked.append(scope)
                status, body = maker.answer(self.headers.get("Authorization", ""), scope)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def answer(self, shown: str, scope: str) -> tuple[int, dict[str, Any]]:
        """Answer who asks for a token: others than the user may do nothing with it."""
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if shown not in {"", f"Basic {pair}"}:
            return 401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong password"}]}
        _, path, actions = scope.split(":")
        # Of what is another's, Docker Hub too makes a token that is good for nothing.
        is_let = shown and path.startswith(f"{USER}/")
        return 200, {"token": self.make(path, actions.split(",") if is_let else [])}


@contextmanager
def running_distribution(
    folder: Path, auth: str, address: str = "127.0.0.1"
) -> Iterator[DistributionServer]:
    """Start a registry with its data in a folder, and stop it at the end.

    Args:
        folder: for its data.
        auth: `none`, `htpasswd` or `token`.
        address: of this machine.
    """
    program, host = gotools.ensure(["registry"]) / "registry", f"{address}:{free_port()}"
    with _making_tokens() if auth == "token" else nullcontext() as tokens:
        (folder / "config.yml").write_text(
            yaml.safe_dump(_configuration(folder, host, auth, tokens))
        )
        log = folder / "registry.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "serve", folder / "config.yml"],
                # It would send traces to a collector on loopback.
                env={"HOME": str(folder), "OTEL_TRACES_EXPORTER": "none"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                wait_until(
                    lambda: _answers(host, process, log),
                    part="registry",
                    what="answer",
                    seconds=READY_SECONDS,
                )
                yield DistributionServer(host, tokens)
            finally:
                process.kill()
                process.wait()


@contextmanager
def _making_tokens() -> Iterator[TokenMaker]:
    maker = TokenMaker()
    thread = threading.Thread(target=maker.server.serve_forever)
    thread.start()
    try:
        yield maker
    finally:
        maker.server.shutdown()
        maker.server.server_close()
        thread.join()


def _configuration(folder: Path, host: str, auth: str, tokens: TokenMaker | None) -> dict[str, Any]:
    """Give its configuration (distribution, "Configuring a registry")."""
    configuration: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host},
    }
    if auth == "htpasswd":
        (folder / "htpasswd").write_text(HTPASSWD)
        configuration["auth"] = {"htpasswd": {"realm": "r", "path": str(folder / "htpasswd")}}
    if tokens is not None:
        tokens.write_keys(folder / "keys.json")
        configuration["auth"] = {
            "token": {
                "realm": f"http://{tokens.host}/token",
                "service": SERVICE,
                "issuer": ISSUER,
                "jwks": str(folder / "keys.json"),
                "signingalgorithms": ["RS256"],
            }
        }
    return configuration


def _answers(host: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise PartError("registry", "ended", log)
    try:
        with urllib.request.urlopen(f"http://{host}/v2/", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 401
    except OSError:
        return False
