"""A real API server on loopback: etcd and kube-apiserver as two processes, RBAC on.

No controller manager and no scheduler run beside it: Jobs make no Pods, and a deleted namespace
stays Terminating, so tests use namespaces of their own names.
"""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from testbed.commands import PartError, capture, wait_until
from testbed.offline import gotools

MINOR = os.environ.get("TEST_KUBERNETES", "")
"""Another Kubernetes than the testbed's, such as 1.31; empty for that: `make test-kubernetes`."""

ADMIN_TOKEN = "admin-of-a-test-server"
AUDIT_LOGS = "TEST_AUDIT_LOGS"
"""Variable: a folder for audit logs, which `python -m testbed rights` reads."""

READY_SECONDS = 60
STOP_SECONDS = 10

_MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What the API server answered.

    Attributes:
        status: HTTP status.
        body: the JSON document, or the text where it is none.
    """

    status: int
    body: Any

    @property
    def message(self) -> str:
        """Give the message of a `Status` object, empty where there is none."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else ""

    @property
    def fields(self) -> frozenset[str]:
        """Give the paths of the fields a refused object was refused for."""
        details = self.body.get("details") or {}
        return frozenset(cause.get("field", "") for cause in details.get("causes") or [])


@dataclass(frozen=True)
class ApiServer:
    """A running API server and what is needed to speak to it.

    Attributes:
        url: such as `https://127.0.0.1:43210`.
        token: bearer token of a user in the group `system:masters`.
        ca: file with the server's certificate authority.
        kubeconfig: file for kubectl and clients, with that token.
        kubectl: the program of the same version.
    """

    url: str
    token: str
    ca: Path
    kubeconfig: Path
    kubectl: Path

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        """Send one request, again where the server puts it off, as Kubernetes' own client does.

        A server answers 429 for a kind whose changed CRD it takes in.

        Args:
            method: HTTP method; a PATCH is a JSON merge patch unless a header says otherwise.
            path: path and query below the server's URL.
            body: value sent as JSON, None for no body.
            headers: headers beside or instead of the usual ones.
            token: bearer token of another user than the admin.
        """
        usual = {
            "Authorization": f"Bearer {token or self.token}",
            "Content-Type": _MERGE_PATCH if method == "PATCH" else _JSON,
            "Accept": _JSON,
        }
        request = urllib.request.Request(  # noqa: S310 - our own https:// URL
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**usual, **(headers or {})},
        )
        answers: list[Answer] = []

        def is_taken() -> bool:
            answers.append(self._send(request))
            return answers[-1].status != HTTPStatus.TOO_MANY_REQUESTS

        wait_until(is_taken, part="API server", what="take a request", seconds=30)
        return answers[-1]

    def _send(self, request: urllib.request.Request) -> Answer:
        context = ssl.create_default_context(cafile=str(self.ca))
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as response:  # noqa: S310
                return _answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.read())

    def run_kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the admin and give its output.

        Raises:
            PartError: kubectl failed.
        """
        argv = [str(self.kubectl), f"--kubeconfig={self.kubeconfig}", *arguments]
        return capture(argv, part="kubectl", stdin=stdin, timeout=60)

    def create_namespace(self, name: str) -> str:
        """Create a namespace and give its name."""
        self.request(
            "POST",
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        )
        return name

    def issue_token(self, namespace: str, service_account: str) -> str:
        """Give a token of a ServiceAccount that exists."""
        answer = self.request(
            "POST",
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        )
        return str(answer.body["status"]["token"])


def _answer(status: int, content: bytes) -> Answer:
    try:
        return Answer(status, json.loads(content))
    except ValueError:
        return Answer(status, content.decode(errors="replace"))


API_SERVER = f"kube-apiserver-{MINOR}" if MINOR else "kube-apiserver"
"""The one program of another Kubernetes: those beside it are the testbed's, and judge nothing."""


def ensure_programs() -> Path:
    """Give a folder with `etcd`, `kubectl`, the API server to test with, and controllers."""
    return gotools.ensure(["etcd", "kubectl", "kube-controller-manager", API_SERVER])


@contextmanager
def running_api_server(binaries: Path, folder: Path) -> Iterator[ApiServer]:
    """Run an API server until the block ends.

    Args:
        binaries: as `ensure_programs` gives it.
        folder: empty folder for data, keys and logs.

    Yields:
        The server, ready to answer.

    Raises:
        PartError: a process ended or was not ready in time; the message has its last words.
    """
    etcd_port, peer_port, port = _free_ports(3)
    with ExitStack() as stack:
        etcd = stack.enter_context(
            _process("etcd", _etcd_argv(binaries, folder, etcd_port, peer_port), folder)
        )
        _await_ready(etcd, lambda: _is_listening(etcd_port), "etcd", folder)
        server = ApiServer(
            url=f"https://127.0.0.1:{port}",
            token=ADMIN_TOKEN,
            ca=folder / "certs" / "apiserver.crt",
            kubeconfig=folder / "kubeconfig",
            kubectl=binaries / "kubectl",
        )
        argv = _apiserver_argv(binaries, folder, port, etcd_port)
        process = stack.enter_context(_process("kube-apiserver", argv, folder))
        _await_ready(process, lambda: _is_ready(server), "kube-apiserver", folder)
        server.kubeconfig.write_text(json.dumps(_kubeconfig(server)))
        yield server


@contextmanager
def running_controllers(
    server: ApiServer, binaries: Path, folder: Path, *names: str
) -> Iterator[None]:
    """Run some of Kubernetes' own controllers until the block ends.

    Args:
        server: whose objects they look after.
        binaries: as `ensure_programs` gives it.
        folder: for its log.
        names: such as `clusterrole-aggregation-controller`.
    """
    argv = [
        str(binaries / "kube-controller-manager"),
        f"--kubeconfig={server.kubeconfig}",
        f"--controllers={','.join(names)}",
        "--leader-elect=false",
        "--secure-port=0",
    ]
    with _process("kube-controller-manager", argv, folder):
        yield


def _etcd_argv(binaries: Path, folder: Path, port: int, peer_port: int) -> list[str]:
    url, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(binaries / "etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        # The data live as long as the tests.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver_argv(binaries: Path, folder: Path, port: int, etcd_port: int) -> list[str]:
    key = folder / "service-accounts.key"
    capture(["openssl", "genrsa", "-out", key, "2048"], part="service account key")
    tokens = folder / "tokens.csv"
    tokens.write_text(f"{ADMIN_TOKEN},admin,admin,system:masters\n")
    return [
        str(binaries / API_SERVER),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        # It makes a certificate for 127.0.0.1 here, and puts the authority into the same file.
        f"--cert-dir={folder / 'certs'}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        # As OpenShift has it: owners of what the operator makes are a matter of rights too.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        # No kubelet asks for its node's address, and loopback cannot be an endpoint.
        "--endpoint-reconciler-type=none",
        *_audit_options(folder),
    ]


def _audit_options(folder: Path) -> list[str]:
    """Have what ServiceAccounts ask for written down, where somebody wants to see it."""
    logs = os.environ.get(AUDIT_LOGS)
    if not logs:
        return []
    rules = [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}]
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
    (folder / "audit-policy").write_text(json.dumps({**policy, "rules": rules}))
    log = Path(logs, f"{os.getpid()}-{folder.name}.log").absolute()
    return [f"--audit-policy-file={folder / 'audit-policy'}", f"--audit-log-path={log}"]


def _kubeconfig(server: ApiServer) -> dict[str, Any]:
    cluster = {"server": server.url, "certificate-authority": str(server.ca)}
    context = {"cluster": "test", "user": "admin", "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": server.token}}],
        "contexts": [{"name": "test", "context": context}],
        "current-context": "test",
    }


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextmanager
def _process(name: str, argv: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    # util-linux: the kernel ends the child when pytest is killed and cannot clean up.
    guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*guard, *argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await_ready(
    process: subprocess.Popen[bytes], is_ready: Callable[[], bool], name: str, folder: Path
) -> None:
    log = folder / f"{name}.log"

    def is_ready_or_gone() -> bool:
        if process.poll() is not None:
            raise PartError(name, f"ended with status {process.returncode}", log)
        return is_ready()

    wait_until(is_ready_or_gone, part=name, what="answer", seconds=READY_SECONDS, log=log)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(server: ApiServer) -> bool:
    if not server.ca.exists():
        return False
    try:
        # Namespaces `default` and `kube-system` come a moment after the server is ready.
        return (
            server.request("GET", "/readyz").status == 200
            and server.request("GET", "/api/v1/namespaces/default").status == 200
        )
    except OSError:
        return False
