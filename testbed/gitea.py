"""Gitea, the git forge: repositories over HTTP, pull requests, webhooks."""

from __future__ import annotations

import configparser
import io
import json
import re
import secrets
import urllib.error
import urllib.request

from testbed import containers, network, progress
from testbed.commands import PartError
from testbed.engine import Engine
from testbed.offline.recipes import GITEA
from testbed.settings import Settings
from testbed.state import FORGE_PORT, State, save

# Owner of the repositories and of the token the operator gets.
OWNER = "album"
# Merges pull requests; another person than the operator.
REVIEWER = "reviewer"
_ADMIN = "testbed-admin"

WEBHOOK_SECRET = "webhook secret"  # noqa: S105 - its name
"""What its webhooks are signed with, among the testbed's secrets."""

_CONFIGURATION = "/data/app.ini"


def ensure(engine: Engine, settings: Settings, state: State) -> None:
    """Make sure that Gitea runs, with its users and their tokens.

    Args:
        engine: Where it runs.
        settings: The testbed.
        state: Gives the address and receives passwords and tokens.

    Raises:
        PartError: Gitea did not start or refused a user.
    """
    folder = settings.state / "gitea"
    folder.mkdir(parents=True, exist_ok=True)
    state.secret(WEBHOOK_SECRET)
    text = _configuration(state)
    save(state, settings)
    (folder / "app.ini").write_text(text)
    (folder / "app.ini").chmod(0o600)
    name = containers.ensure(
        "gitea",
        [
            f"--network={network.name(settings)}",
            f"--ip={state.forge_ip}",
            f"--volume={folder}:/data",
            # The published image starts several services; one is enough, and as the owner of
            # the mounted folder.
            "--user=0",
            # Elsewhere a forge has a machine of its own, which a build does not slow down.
            "--cpu-shares=8192",
            # Git's hooks start this program three times for each push: without a collection
            # while it starts, in a quarter less time. Of memory it takes what it took before.
            "--env=GOGC=off",
            "--env=GOMEMLIMIT=300MiB",
            "--entrypoint=/usr/local/bin/gitea",
            GITEA,
            f"--config={_CONFIGURATION}",
            "web",
        ],
        f"{state.forge_url}/api/healthz",
        engine=engine,
        settings=settings,
        configuration=text,
    )
    for user in (_ADMIN, OWNER, REVIEWER):
        _ensure_user(user, name, engine, state)
        save(state, settings)


def token(user: str, state: State) -> str:
    """Return the access token of a user.

    Raises:
        KeyError: The testbed has not come so far.
    """
    return state.secrets[f"{user} token"]


def _ensure_user(user: str, container: str, engine: Engine, state: State) -> None:
    known = state.secrets.get(f"{user} token")
    if known and _is_valid(known, state):
        return
    gitea = ["exec", container, "/usr/local/bin/gitea", f"--config={_CONFIGURATION}"]
    create = [*gitea, "admin", "user"]
    try:
        engine.docker(
            *create,
            "create",
            f"--username={user}",
            f"--password={state.secret(f'{user} password')}",
            f"--email={user}@testbed.invalid",
            "--must-change-password=false",
            *(["--admin"] if user == _ADMIN else []),
            part="gitea",
        )
    except PartError as error:
        if "already exists" not in error.reason:
            raise
    # A token of the same name may be left from a command that was broken off.
    name = f"testbed-{secrets.token_hex(4)}"
    output = engine.docker(
        *create,
        "generate-access-token",
        f"--username={user}",
        f"--token-name={name}",
        "--scopes=all",
        "--raw",
        part="gitea",
    )
    # Its log goes to standard output too, before the token or after it.
    found = re.search(r"^[0-9a-f]{40}$", output, re.MULTILINE)
    if found is None:
        raise PartError("gitea", f"it made no token for {user}: {output[-300:]}")
    state.secrets[f"{user} token"] = found.group()
    progress.note(f"gitea user {user}")


def _is_valid(access_token: str, state: State) -> bool:
    request = urllib.request.Request(  # noqa: S310 - an address of the testbed
        f"{state.forge_url}/api/v1/user", headers={"Authorization": f"token {access_token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return "login" in json.load(answer)
    except urllib.error.HTTPError:
        return False


def _configuration(state: State) -> str:
    """Return the text of app.ini (docs.gitea.com, Configuration Cheat Sheet)."""
    sections: dict[str, dict[str, str]] = {
        "DEFAULT": {
            "RUN_MODE": "prod",
            "RUN_USER": "root",
            "WORK_PATH": "/data",
            "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true",
        },
        "server": {
            "PROTOCOL": "http",
            "HTTP_PORT": str(FORGE_PORT),
            "ROOT_URL": f"{state.forge_url}/",
            "STATIC_ROOT_PATH": "/usr/share/gitea",
            "DISABLE_SSH": "true",
            "OFFLINE_MODE": "true",
            "LFS_START_SERVER": "false",
        },
        "database": {"DB_TYPE": "sqlite3", "PATH": "/data/gitea.db", "SQLITE_JOURNAL_MODE": "WAL"},
        "security": {
            "INSTALL_LOCK": "true",
            "SECRET_KEY": state.secret("gitea secret key"),
            "INTERNAL_TOKEN": state.secret("gitea internal token"),
        },
        "oauth2": {"ENABLED": "false"},
        "service": {"DISABLE_REGISTRATION": "true"},
        "repository": {"DEFAULT_BRANCH": "main", "DEFAULT_PRIVATE": "public"},
        # Webhooks must reach Pods (by the node's address) and processes of the host.
        "webhook": {"ALLOWED_HOST_LIST": "*", "DELIVER_TIMEOUT": "10"},
        "actions": {"ENABLED": "false"},
        "packages": {"ENABLED": "false"},
        "indexer": {"ISSUE_INDEXER_TYPE": "db"},
        "log": {"LEVEL": "Info", "MODE": "console"},
        "cron.update_checker": {"ENABLED": "false"},
    }
    parser = configparser.RawConfigParser(default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys are upper case
    lines = io.StringIO()
    defaults = sections.pop("DEFAULT")
    lines.writelines(f"{key} = {value}\n" for key, value in defaults.items())
    parser.read_dict(sections)
    parser.write(lines)
    return lines.getvalue()
