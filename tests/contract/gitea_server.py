"""A real Gitea on loopback, as one process: API, git over HTTP and SSH, pull requests."""

import configparser
import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from testbed.commands import PartError, wait_until
from testbed.offline import gotools, packages
from testbed.settings import from_environment

ADMIN = "album-admin"
READY_SECONDS = 60
STOP_SECONDS = 15

HOST_KEY = "host_key"


@dataclass(frozen=True)
class GiteaServer:
    """A running Gitea.

    Attributes:
        url: such as `http://127.0.0.1:43210`.
        token: of a user with all rights.
        folder: its configuration, database and repositories.
        program: `gitea`.
        ssh_port: where it serves git over SSH.
        tokens: of users that tests share, by name.
    """

    url: str
    token: str
    folder: Path
    program: Path
    ssh_port: int
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Host and port, as in the operator's list of insecure hosts."""
        return self.url.removeprefix("http://")

    @property
    def ssh_url(self) -> str:
        """The same server over SSH."""
        return f"ssh://git@127.0.0.1:{self.ssh_port}"

    @property
    def known_hosts(self) -> str:
        """The line of its host key, as it lies on the server's own disk."""
        return known_host(self.ssh_port, self.folder / HOST_KEY)

    @property
    def api_url(self) -> str:
        """Base of the API."""
        return f"{self.url}/api/v1"

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = ""
    ) -> tuple[int, Any]:
        """Send one request below the API and give status and JSON (None where it is none)."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.api_url}{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"token {token or self.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                status, data = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, data = error.code, error.read()
        try:
            return status, json.loads(data)
        except ValueError:
            return status, None

    def do(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = ""
    ) -> Any:  # noqa: ANN401
        """Send one request that must succeed and give its JSON."""
        status, answer = self.call(method, path, body, token=token)
        if status >= 300:
            raise PartError("gitea", f"{method} {path}: {status} {answer}")
        return answer

    def make_user(self, name: str) -> None:
        """Make a user without any right of its own."""
        password, email = f"password-of-{name}", f"{name}@example.org"
        self._admin(
            "create", "--username", name, "--password", password, "--email", email,
            "--must-change-password=false",
        )  # fmt: skip

    def make_identity(self, name: str, *, reads: str | None = None) -> str:
        """Make a key pair the server knows, and give its private half.

        Args:
            name: of the key.
            reads: `owner/name` of the only repository it may read; None for all the admin may do.
        """
        private = make_key(self.folder / name)
        wish = {"title": name, "key": (self.folder / f"{name}.pub").read_text()}
        if reads is None:
            self.do("POST", "/user/keys", wish)
        else:
            self.do("POST", f"/repos/{reads}/keys", {**wish, "read_only": True})
        return private

    def make_token(self, name: str, scopes: str, user: str = ADMIN) -> str:
        """Make a token of a user with scopes such as `read:repository,write:issue`."""
        said = self._admin(
            "generate-access-token", "--username", user, "--token-name", name,
            "--scopes", scopes, "--raw",
        )  # fmt: skip
        # A warning about running as root may stand before it.
        found = re.search(r"\b[0-9a-f]{40}\b", said)
        if found is None:
            raise PartError("gitea", "it made no token")
        return found.group()

    def _admin(self, *arguments: str) -> str:
        return _run(self.program, self.folder, "admin", "user", *arguments)


@contextmanager
def running_gitea(folder: Path, root_url: str = "") -> Iterator[GiteaServer]:
    """Start a Gitea with its data in a folder, and stop it at the end.

    Args:
        folder: for its data.
        root_url: where it is told that a proxy serves it; empty for none.
    """
    binaries = gotools.ensure(["gitea"])
    packages.ensure(["openssh-client"], from_environment())
    program, port, ssh_port = binaries / "gitea", free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    make_key(folder / HOST_KEY)
    _write_configuration(folder, root_url or url, port, ssh_port, binaries / "share" / "gitea")
    _run(program, folder, "migrate")
    server = GiteaServer(url, "", folder, program, ssh_port)
    server.make_user(ADMIN)
    log = folder / "gitea.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, f"--config={folder / 'app.ini'}", "web"],
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            token = server.make_token("tests", "all")
            server = replace(server, token=token)
            wait_until(
                lambda: _answers(server, process, log),
                part="gitea",
                what="answer",
                seconds=READY_SECONDS,
            )
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_key(path: Path, *options: str) -> str:
    """Make a private key without a passphrase, unless options say else, and give it."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path), *options]
    subprocess.run(words, check=True, timeout=30)
    return path.read_text()


def known_host(port: int, key: Path) -> str:
    """Give the line of `known_hosts` for a server on loopback with this host key."""
    return f"[127.0.0.1]:{port} {key.with_suffix('.pub').read_text()}"


def _answers(server: GiteaServer, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise PartError("gitea", "ended", log)
    try:
        with socket.create_connection(("127.0.0.1", server.ssh_port), timeout=1):
            return server.call("GET", "/version")[0] == 200
    except OSError:
        return False


def free_port() -> int:
    """Give a port on loopback that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "USER": "root",
        "GITEA_WORK_DIR": str(folder),
        # Each push starts it three times more, for its hooks: to collect what a start leaves
        # takes a third of that.
        "GOGC": "off",
        "GOMEMLIMIT": "1GiB",
    }


def _run(program: Path, folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [program, f"--config={folder / 'app.ini'}", *arguments],
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if ended.returncode != 0:
        raise PartError("gitea", f"{arguments[:3]}: {ended.stdout}{ended.stderr}"[-2000:])
    return ended.stdout


def _write_configuration(folder: Path, url: str, port: int, ssh_port: int, static: Path) -> None:
    """Write app.ini (docs.gitea.com, Configuration Cheat Sheet)."""
    parser = configparser.RawConfigParser(default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys are upper case
    parser.read_dict(
        {
            "server": {
                "PROTOCOL": "http",
                "HTTP_ADDR": "127.0.0.1",
                "HTTP_PORT": str(port),
                "ROOT_URL": f"{url}/",
                "STATIC_ROOT_PATH": str(static),
                "START_SSH_SERVER": "true",
                "SSH_LISTEN_HOST": "127.0.0.1",
                "SSH_PORT": str(ssh_port),
                "BUILTIN_SSH_SERVER_USER": "git",
                "SSH_SERVER_HOST_KEYS": str(folder / HOST_KEY),
                "OFFLINE_MODE": "true",
            },
            "database": {
                "DB_TYPE": "sqlite3",
                "PATH": str(folder / "gitea.db"),
                "SQLITE_JOURNAL_MODE": "WAL",
            },
            "security": {"INSTALL_LOCK": "true"},
            "service": {"DISABLE_REGISTRATION": "true"},
            "repository": {"ROOT": str(folder / "repositories"), "DEFAULT_BRANCH": "main"},
            "webhook": {"ALLOWED_HOST_LIST": "*"},
            "actions": {"ENABLED": "false"},
            "packages": {"ENABLED": "true"},
            "indexer": {"ISSUE_INDEXER_TYPE": "db"},
            "log": {"LEVEL": "Info", "MODE": "console"},
        }
    )
    with (folder / "app.ini").open("w") as file:
        file.write("RUN_MODE = prod\nI_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\n")
        file.write(f"WORK_PATH = {folder}\n")
        parser.write(file)
