"""Git over SSH: one fixed command, one key, and only servers whose key is known beforehand."""

import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from album_operator.domain.places import Credential

CONNECT_SECONDS = 15

ALIVE_SECONDS = 10
"""Between questions to a silent server; it is given up after the second without an answer."""

OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "KnownHostsCommand": "none",
    "CheckHostIP": "no",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PKCS11Provider": "none",
    "PreferredAuthentications": "publickey",
    "ProxyCommand": "none",
    "ProxyJump": "none",
    "PermitLocalCommand": "no",
    "CanonicalizeHostname": "no",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ConnectTimeout": str(CONNECT_SECONDS),
    "ServerAliveInterval": str(ALIVE_SECONDS),
    "ServerAliveCountMax": "2",
    # A server's banner is no failure of git.
    "LogLevel": "ERROR",
}
"""Of ssh_config(5); `-F /dev/null` leaves the user's and the system's configuration unread."""


@contextmanager
def ssh_environment(credential: Credential) -> Iterator[dict[str, str]]:
    """Give the environment of one git command that talks over SSH.

    The key lies in files only as long as the command runs, in the system's temporary folder and
    never beside a repository: of the build Job's folders, the builder is given the source's.
    """
    with tempfile.TemporaryDirectory(prefix="album-ssh-") as folder:
        identity, known_hosts = Path(folder) / "identity", Path(folder) / "known_hosts"
        _write(identity, credential.identity)
        _write(known_hosts, credential.known_hosts)
        yield {
            "GIT_ALLOW_PROTOCOL": "ssh",
            "GIT_SSH_VARIANT": "ssh",
            "GIT_SSH_COMMAND": _command(identity, known_hosts),
        }


def _write(path: Path, text: str) -> None:
    path.touch(0o600)
    # ssh reads no key whose last line is not ended, nor one with a carriage return.
    path.write_text("\n".join(text.splitlines()) + "\n")


def _command(identity: Path, known_hosts: Path) -> str:
    """Give the command git hands to a shell, with the server and its command added."""
    # Quoted, because ssh splits the value of an option at blanks.
    files = {"IdentityFile": f'"{identity}"', "UserKnownHostsFile": f'"{known_hosts}"'}
    options = [f"-o{name}={value}" for name, value in {**OPTIONS, **files}.items()]
    return shlex.join(["ssh", "-F", "/dev/null", *options])
