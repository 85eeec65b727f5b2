"""A real Gitea on loopback, as one process: API, git over HTTP, pull requests, webhooks."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed import gotools
from testbed.commands import PartError, wait_until

ADMIN = "album-admin"
READY_SECONDS = 60
STOP_SECONDS = 15


@dataclass(frozen=True)
class GiteaServer:
    """A running Gitea.

    Attributes:
        url: such as `http://127.0.0.1:43210`.
        token: of a user with all rights.
        folder: its configuration, database and repositories.
        program: `gitea`.
    """

    url: str
    token: str
    folder: Path
    program: Path

    @property
    def host(self) -> str:
        """Host and port, as in the operator's list of insecure hosts."""
        return self.url.removeprefix("http://")

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

    def do(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Send one request that must succeed and give its JSON."""
        status, answer = self.call(method, path, body)
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
def running_gitea(folder: Path) -> Iterator[GiteaServer]:
    """Start a Gitea with its data in a folder, and stop it at the end."""
    binaries = gotools.ensure(["gitea"])
    program, port = binaries / "gitea", _free_port()
    url = f"http://127.0.0.1:{port}"
    _write_configuration(folder, url, port, binaries / "share" / "gitea")
    _run(program, folder, "migrate")
    server = GiteaServer(url, "", folder, program)
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
            server = GiteaServer(url, token, folder, program)
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


def _answers(server: GiteaServer, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise PartError("gitea", "ended", log)
    try:
        return server.call("GET", "/version")[0] == 200
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(folder), "USER": "root", "GITEA_WORK_DIR": str(folder)}


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


def _write_configuration(folder: Path, url: str, port: int, static: Path) -> None:
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
                "DISABLE_SSH": "true",
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
            "packages": {"ENABLED": "false"},
            "indexer": {"ISSUE_INDEXER_TYPE": "db"},
            "log": {"LEVEL": "Info", "MODE": "console"},
        }
    )
    with (folder / "app.ini").open("w") as file:
        file.write("RUN_MODE = prod\nI_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\n")
        file.write(f"WORK_PATH = {folder}\n")
        parser.write(file)
