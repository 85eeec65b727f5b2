"""Git without anything of the machine: no configuration, identity, hook or credential store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.commands import capture

_PART = "sample repositories"

# Git asks this program for user name and password and gives it the question. So the token is in
# no URL, argument list or file.
_ASKPASS = """\
#!/bin/sh
case $1 in
Username*) printf '%s\\n' "$SAMPLES_USER" ;;
*) printf '%s\\n' "$SAMPLES_TOKEN" ;;
esac
"""

_CONFIGURATION = {
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    # Whether the checkout keeps executable bits must not change the hashes.
    "core.fileMode": "false",
    "core.hooksPath": os.devnull,
    "credential.helper": "",
    "gc.auto": "0",
    "init.defaultBranch": "main",
}


@dataclass(frozen=True)
class Git:
    """A repository with a work tree.

    Attributes:
        folder: The work tree; the repository is its `.git`.
    """

    folder: Path

    @classmethod
    def init(cls, folder: Path) -> Git:
        """Make an empty repository in a folder.

        Raises:
            PartError: git refused or is not installed.
        """
        git = cls(folder)
        git.run("init", "--quiet", "--template=")
        return git

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run one git command in the work tree.

        Args:
            arguments: What follows `git`.
            env: Variables added, for example identity and dates.

        Returns:
            Its standard output without trailing whitespace.

        Raises:
            PartError: git refused or is not installed; the message has its last words.
        """
        return capture(
            ["git", *arguments],
            part=_PART,
            cwd=self.folder,
            env={**_environment(self.folder), **(env or {})},
            timeout=120,
        )

    def run_as(self, user: str, token: str, *arguments: str) -> str:
        """Run one git command that speaks to a server as a user.

        Args:
            user: Name at the server.
            token: Its access token.
            arguments: What follows `git`.

        Returns:
            Its standard output without trailing whitespace.

        Raises:
            PartError: git or the server refused.
        """
        askpass = self.folder / ".git" / "askpass.sh"
        askpass.write_text(_ASKPASS)
        askpass.chmod(0o700)
        credentials = {
            "GIT_ASKPASS": str(askpass),
            "SAMPLES_USER": user,
            "SAMPLES_TOKEN": token,
        }
        return self.run(*arguments, env=credentials)


def _environment(folder: Path) -> dict[str, str]:
    variables = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_CONFIG_COUNT": str(len(_CONFIGURATION)),
        "GIT_DEFAULT_HASH": "sha1",
        # Set in a git hook, where they name another repository.
        "GIT_DIR": str(folder / ".git"),
        "GIT_WORK_TREE": str(folder),
        "GIT_INDEX_FILE": str(folder / ".git" / "index"),
        "GIT_TERMINAL_PROMPT": "0",
    }
    for number, (key, value) in enumerate(_CONFIGURATION.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
