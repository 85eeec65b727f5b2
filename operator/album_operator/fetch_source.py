"""`python -m album_operator.fetch_source`: the build Job's init container.

It puts exactly one commit's files into a folder, so that the builder beside it gets a directory and
never sees the git credential. It runs without root on a read-only root file system: all it writes
is below that folder, and the last sentence into the container's termination message.
"""

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from album_operator.adapters.forge_failures import SHARES as FORGE_SHARES
from album_operator.adapters.git.checkout import check_size, container_limits
from album_operator.adapters.git.failures import TokenRefusedError, translate
from album_operator.adapters.git.git import SHARES, Git
from album_operator.adapters.git.limits import MIB
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.names import check_commit, check_ref_name
from album_operator.adapters.servers.authorities import AuthoritiesError, trusting
from album_operator.adapters.servers.gateway import REFUSED_PAUSE, Gateway
from album_operator.codec.docker_config import for_builders
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import (
    APP_KEYS,
    INSTALLATION,
    USERNAME,
    Credential,
    GitHubApp,
    GitPlace,
)
from album_operator.domain.proxies import (
    DIRECTLY,
    HTTPS_PROXY,
    Proxies,
    ProxyVariablesError,
    parse_proxy,
    read_proxies,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import Redactor, head
from album_operator.domain.remedy import SET_RETRY, THEN_RETRY, in_words
from album_operator.domain.secret_words import words_of
from album_operator.render.network import CA_KEY

CREDENTIAL = "/var/run/secrets/album/git"
"""Where the Secret's keys are mounted, one file each."""

PUSH_SECRET = "/var/run/secrets/album/push"  # noqa: S105
"""Where the push credential is mounted, where the builder cannot read it as it is."""

TERMINATION_LOG = Path("/dev/termination-log")
MESSAGE_LENGTH = 2048

TIME_LIMIT = timedelta(minutes=15)
"""Longest a single git command may take; a stalled transfer ends long before."""

MOST = 20 * 1024 * MIB
"""Bytes of files and objects where the Job says nothing else."""

WAITS = (timedelta(seconds=2), timedelta(seconds=8))
"""Between tries: a server's hiccup shall not fail a build."""

# git 2.30 to 2.47 and servers that serve no commit by its id alone.
NOT_SERVED = re.compile(r"not our ref|unadvertised object|couldn't find remote ref", re.IGNORECASE)


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


def fetch(task: Task, say: Callable[[str], None]) -> None:
    """Put the commit's files into the target folder.

    Raises:
        OutsideError: the server did not give them.
    """
    task.target.mkdir(parents=True, exist_ok=True)
    # A container that was started again finds what its predecessor left.
    for path in task.target.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    limits = container_limits(task.most, TIME_LIMIT)
    git = Git(
        task.insecure_hosts,
        allowed_hosts=task.allowed_hosts,
        gateway=Gateway(SHARES, Reason.GIT_UNAVAILABLE, proxies=task.proxies),
        time_limit=TIME_LIMIT,
        folder=task.target,
        limits=limits,
    )
    try:
        with git.open(_with_token(task)) as repository:
            say(f"fetching {task.commit} from {task.place.url}")
            _fetch_commit(repository, task)
            check_size(repository, task.commit)
            say("writing its files")
            repository.local(
                "read-tree",
                "-u",
                "--reset",
                task.commit,
                variables={"GIT_WORK_TREE": str(task.target)},
            )
    finally:
        git.close()
    check_context(task)
    if (task.target / ".gitmodules").exists():
        say("note: submodules are not fetched, their folders are empty")


def check_context(task: Task) -> None:
    """Refuse what a builder would be led out of the source by: `..`, and links on the way.

    Beside the source, the builder's container has the credential to push with.

    Raises:
        TaskError: the context or the Dockerfile is not in the source.
    """
    context = task.target / task.context_dir
    for field, path in {"contextDir": context, "dockerfile": context / task.dockerfile}.items():
        if not _is_inside(path, task.target):
            said = (
                f"{field} leads out of the source at {task.commit[:12]}, by a symbolic link or by "
                "`..`."
            )
            remedy = "Name a path inside of it in the pipeline"
            raise TaskError(in_words(said, remedy, f", then {SET_RETRY}"))


def hand_over_registry(environment: Mapping[str, str]) -> None:
    """Write the push credential for the builder, where the Job asks for that.

    Raises:
        TaskError: it is no Docker configuration.
    """
    target = environment.get("ALBUM_BUILDERS_CONFIG", "")
    if not target:
        return
    secret = Path(environment.get("ALBUM_PUSH_CREDENTIAL") or PUSH_SECRET)
    try:
        text = for_builders((secret / "config.json").read_text("utf-8"))
    except ValueError:
        # `from None`: the text of a JSON error quotes what it could not read.
        raise TaskError("the push Secret has no `auths` in its key .dockerconfigjson") from None
    (Path(target) / "config.json").write_text(text, "utf-8")


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False


def _with_token(task: Task) -> GitPlace:
    """Let a GitHub App make the token that git shows."""
    source = task.place.token_source
    if source is None:
        return task.place
    # Only then: PyGithub takes as long to import as a fetch takes.
    from album_operator.adapters.github.pull_requests import GitHubPullRequests

    async def make() -> str:
        gateway = Gateway(FORGE_SHARES, Reason.FORGE_UNAVAILABLE, proxies=task.proxies)
        forge = GitHubPullRequests(
            task.insecure_hosts, allowed_hosts=task.allowed_hosts, gateway=gateway
        )
        try:
            return await forge.git_token(source)
        finally:
            await forge.close()

    return task.place.with_token(asyncio.run(make()))


def _fetch_commit(repository: Repository, task: Task) -> None:
    answer = repository.try_fetch([task.commit], "--depth=1")
    if answer.status == 0:
        return
    if not NOT_SERVED.search(answer.err):
        raise translate(repository.place, "read", answer.err)
    name = f"refs/tags/{task.tag}"
    repository.fetch([f"{name}:{name}"], "--depth=1")
    found = repository.local("rev-parse", "--verify", f"{name}^{{commit}}").text
    if found != task.commit:
        raise TerminalError(
            Reason.TAG_NOT_FOUND,
            f"{task.place.url} serves no commit by its id, and tag {task.tag} moved from "
            f"{task.commit[:12]} to {found[:12]} meanwhile.",
            "Check who moved it",
        )


def fetch_with_patience(
    task: Task,
    say: Callable[[str], None],
    waits: tuple[timedelta, ...] = WAITS,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch, and try again after troubles that may pass; a refused token once."""
    is_refused = False
    for pause in waits:
        try:
            fetch(task, say)
        except TokenRefusedError as error:
            if is_refused:
                raise
            is_refused = True
            say(f"{error.sentence} Trying once more, for a server that shuts down refuses any.")
            wait(REFUSED_PAUSE.total_seconds())
        except TransientError as error:
            say(f"{error.sentence} Trying again in {pause.total_seconds():.0f} s.")
            wait(pause.total_seconds())
        else:
            return
    fetch(task, say)


def main() -> int:
    """Fetch what the environment says; the exit code is 0 only if all files are there."""
    clean = _redactor(Path(os.environ.get("ALBUM_CREDENTIAL") or CREDENTIAL)).clean

    def say(line: str) -> None:
        sys.stdout.write(f"fetch-source: {clean(line)}\n")
        sys.stdout.flush()

    try:
        with trusting(Path(file) if (file := os.environ.get("ALBUM_CA_FILE")) else None):
            task = read_task(os.environ)
            hand_over_registry(os.environ)
            fetch_with_patience(task, say)
    except (OutsideError, TaskError) as error:
        message = str(error)
    except AuthoritiesError as error:
        message = _no_authorities(os.environ.get("ALBUM_BUILD_CA_CONFIGMAP", ""), error)
    except OSError as error:
        message = f"The source cannot be written: {error}."
    else:
        say("done")
        return 0
    message = clean(message)
    sys.stderr.write(f"{message}\n")
    # The kubelet makes the file; elsewhere there is none and none is made.
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(head(message, MESSAGE_LENGTH))
    return 1


def _no_authorities(config_map: str, error: AuthoritiesError) -> str:
    """Say what lacks: the kubelet starts a container also where such a ConfigMap is not there."""
    said = f"ConfigMap {config_map} of the release's namespace gives no authorities: {error}."
    remedy = (
        f"Put them into its key `{CA_KEY}` as PEM, or have the operator's ALBUM_BUILD_CA_CONFIGMAP "
        "corrected"
    )
    return in_words(said, remedy, THEN_RETRY)


def _redactor(folder: Path) -> Redactor:
    """Take all keys of the mounted Secret, and a proxy's password, out of what is said."""
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    urls = [os.environ.get(name, "") for name in (HTTPS_PROXY, HTTPS_PROXY.lower())]
    proxies = filter(None, map(parse_proxy, urls))
    return Redactor(
        [
            words_of({path.name: path.read_bytes() for path in files}),
            *(proxy.words for proxy in proxies),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
