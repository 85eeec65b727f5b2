"""What the container is told to do, by its environment and the mounted Secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from album_operator.adapters.git.limits import MIB
from album_operator.adapters.names import check_commit, check_ref_name
from album_operator.domain.build_source import OWN_FILES, SourceParts
from album_operator.domain.places import (
    APP_KEYS,
    INSTALLATION,
    USERNAME,
    Credential,
    GitHubApp,
    GitPlace,
)
from album_operator.domain.proxies import DIRECTLY, Proxies, ProxyVariablesError, read_proxies

CREDENTIAL = "/var/run/secrets/album/git"
"""Where the Secret's keys are mounted, one file each."""

MOST = 20 * 1024 * MIB
"""Bytes of files and objects where the Job says nothing else."""

SWITCHES = {"true": True, "false": False}


class TaskError(Exception):
    """A variable or file this program is started with is missing or wrong."""


@dataclass(frozen=True)
class Task:
    """What to fetch.

    Attributes:
        commit: 40 hex digits.
        tag: a tag that stood for the commit, for servers that serve no commit by its id.
        target: folder that gets the files; emptied first.
        context_dir: path below it that the builder gets, empty for all.
        dockerfile: path of the Dockerfile below that.
        parts: what is wanted beside the commit's own files.
        most: bytes that the folder may hold.
        proxies: through which its server is gone to.
    """

    place: GitPlace
    commit: str
    tag: str
    target: Path
    insecure_hosts: frozenset[str]
    context_dir: str = ""
    dockerfile: str = ""
    allowed_hosts: frozenset[str] = frozenset()
    parts: SourceParts = OWN_FILES
    most: int = MOST
    proxies: Proxies = DIRECTLY


def read_task(environment: Mapping[str, str]) -> Task:
    """Read the task from the environment and the mounted Secret.

    Raises:
        TaskError: naming what is missing.
        TerminalError: commit or tag are no names for git.
    """
    names = ("ALBUM_REPOSITORY", "ALBUM_COMMIT", "ALBUM_TAG", "ALBUM_TARGET")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise TaskError(f"{', '.join(missing)} not set")
    target = Path(environment["ALBUM_TARGET"])
    if not target.is_absolute() or target == target.parent or ".." in target.parts:
        raise TaskError("ALBUM_TARGET must be an absolute path below the root")
    try:
        proxies = read_proxies(environment)
    except ProxyVariablesError as error:
        raise TaskError(str(error)) from None
    return Task(
        place=GitPlace(
            environment["ALBUM_REPOSITORY"],
            read_credential(Path(environment.get("ALBUM_CREDENTIAL") or CREDENTIAL)),
        ),
        commit=check_commit(environment["ALBUM_COMMIT"]),
        tag=check_ref_name(environment["ALBUM_TAG"]),
        target=target,
        insecure_hosts=_hosts(environment, "ALBUM_INSECURE_HOSTS"),
        allowed_hosts=_hosts(environment, "ALBUM_ALLOWED_HOSTS"),
        parts=SourceParts(
            SWITCHES.get(environment.get("ALBUM_SUBMODULES", "")),
            SWITCHES.get(environment.get("ALBUM_LFS", "")),
            environment.get("ALBUM_HISTORY") == "true",
        ),
        most=int(environment.get("ALBUM_SOURCE_BYTES") or MOST),
        context_dir=environment.get("ALBUM_CONTEXT_DIR", ""),
        dockerfile=environment.get("ALBUM_DOCKERFILE", ""),
        proxies=proxies,
    )


def _hosts(environment: Mapping[str, str], name: str) -> frozenset[str]:
    words = environment.get(name, "").split(",")
    return frozenset(word.strip() for word in words if word.strip())


def read_credential(folder: Path) -> Credential:
    """Read a mounted git credential.

    Raises:
        TaskError: a key is missing or empty that such a credential needs.
    """

    def read(key: str) -> str:
        path = folder / key
        return path.read_text().strip() if path.is_file() else ""

    identity, token, app = read("identity"), read("token"), None
    is_app = not token and any(map(read, APP_KEYS))
    others = APP_KEYS if is_app else () if identity else ("token",)
    needed = ("url", *others)
    missing = [key for key in needed if not read(key)]
    if missing:
        raise TaskError(f"the git Secret has no key {' and '.join(missing)}")
    if is_app:
        app_id, installation, private_key = map(read, APP_KEYS)
        if not INSTALLATION.fullmatch(installation):
            raise TaskError("key installationID of the git Secret is no number")
        app = GitHubApp(app_id, int(installation), private_key)
    return Credential(
        secret="of the pipeline's source",  # noqa: S106 - a name, for messages
        url=read("url"),
        username=read("username") or USERNAME,
        token=token,
        identity=identity,
        known_hosts=read("known_hosts"),
        app=app,
    )
