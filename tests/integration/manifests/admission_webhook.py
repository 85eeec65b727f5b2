"""A webhook that admits to an API server or refuses, over HTTPS on loopback."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from testbed.commands import wait_until
from tests.contract.company_network import Authority
from tests.integration.apiserver import ApiServer

NAME = "builds.policies.example.org"
WORDS = "builds run on the nodes of their team"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
HOST = "localhost"

Raw = dict[str, Any]


class _Refuses(BaseHTTPRequestHandler):
    """Refuses whatever is asked."""

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = {"code": 403, "reason": "Forbidden", "message": WORDS}
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        body = json.dumps({**review, "request": None, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Webhook:
    """A webhook that refuses all it is asked about.

    Attributes:
        port: where it listens.
        bundle: certificate of its authority, as a configuration has it.
    """

    port: int
    bundle: str

    @contextmanager
    def asked_by(self, server: ApiServer, rule: Raw, probe: tuple[str, Raw]) -> Iterator[None]:
        """Have an API server ask it, until the block ends.

        Args:
            server: the API server.
            rule: what it is asked about.
            probe: path and object of a write that it is asked about.
        """
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": NAME},
            "webhooks": [
                {
                    "name": NAME,
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "timeoutSeconds": 5,
                    "rules": [{"operations": ["CREATE"], **rule}],
                    "clientConfig": {
                        "url": f"https://{HOST}:{self.port}/",
                        "caBundle": self.bundle,
                    },
                }
            ],
        }
        path, raw = probe

        def is_admitted() -> bool:
            return server.request("POST", f"{path}?dryRun=All", raw).status == 201

        assert is_admitted()
        made = server.request("POST", CONFIGURATIONS, configuration)
        assert made.status == 201, made.message
        part = "API server"
        wait_until(lambda: not is_admitted(), part=part, what="ask the webhook", seconds=30)
        try:
            yield
        finally:
            server.request("DELETE", f"{CONFIGURATIONS}/{NAME}")
            wait_until(is_admitted, part=part, what="let go of the webhook", seconds=30)


@contextmanager
def running_webhook(folder: Path) -> Iterator[Webhook]:
    """Run one, with a certificate of an authority of its own in a folder."""
    authority = Authority()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    server.socket = authority.context(folder, HOST).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    bundle = base64.b64encode(authority.certificate.public_bytes(Encoding.PEM)).decode()
    try:
        yield Webhook(server.server_port, bundle)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
