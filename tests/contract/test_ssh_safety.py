"""Git over SSH on a real server: the key shows nowhere, and nothing but it is used."""

import asyncio
import logging
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.ssh import OPTIONS
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.names import repository_path
from album_operator.domain.places import Change, Credential, GitPlace
from album_operator.domain.reasons import Reason
from tests.contract.gitea_server import known_host, make_key
from tests.contract.gitea_stage import GiteaStage
from tests.contract.test_git_safety import commands_with, do_everything
from tests.fakes.git_history import EPOCH, Commit, File
from tests.listening import listening

VALUES = "values.yaml"
OURS = "release/backend_v1.1.0"
TAG = "backend-v1.1.0"


@dataclass
class Started:
    """What was handed to git processes while listening.

    Attributes:
        words: arguments and environments.
        commands: ssh's words, of those that were given a key.
        modes: permissions of its files and their folders, as they were then.
    """

    is_listening: bool = False
    words: list[str] = field(default_factory=list)
    commands: list[list[str]] = field(default_factory=list)
    modes: set[int] = field(default_factory=set)


STARTED = Started()


def _audit(event: str, details: tuple[Any, ...]) -> None:
    if event != "subprocess.Popen" or not STARTED.is_listening:
        return
    _, arguments, _, environment = details
    STARTED.words += [str(word) for word in arguments]
    STARTED.words += [f"{name}={value}" for name, value in (environment or {}).items()]
    command = shlex.split((environment or {}).get("GIT_SSH_COMMAND", ""))
    if command:
        STARTED.commands.append(command)
        for word in command:
            if word.startswith(("-oIdentityFile=", "-oUserKnownHostsFile=")):
                path = Path(word.split("=", 1)[1].strip('"'))
                STARTED.modes |= {path.stat().st_mode, path.parent.stat().st_mode}


# Python's own record of started processes (PEP 578); a hook stays until the process ends.
sys.addaudithook(_audit)


@pytest.fixture
def started() -> Iterator[Started]:
    STARTED.words.clear()
    STARTED.commands.clear()
    STARTED.modes.clear()
    STARTED.is_listening = True
    yield STARTED
    STARTED.is_listening = False


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the only folder the adapters can make temporary files in; ssh splits at blanks."""
    made = tmp_path / "a folder"
    made.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(made))
    return made


@pytest.fixture
def place(gitea_stage: GiteaStage, name: str) -> GitPlace:
    made = gitea_stage.make_repository(name)
    base = gitea_stage.store(made, Commit((), {VALUES: File(b"tag: 1\n")}))
    gitea_stage.set_branch(made, "main", base)
    gitea_stage.set_tag(made, TAG, base)
    return made


@pytest.fixture
def there(gitea_stage: GiteaStage, place: GitPlace) -> GitPlace:
    return gitea_stage.over_ssh(place)


def with_key(place: GitPlace, **keys: Any) -> GitPlace:  # noqa: ANN401 - fields of any type
    return replace(place, credential=replace(place.credential, **keys))


def secret_lines(identity: str) -> list[str]:
    return [line for line in identity.splitlines() if line and not line.startswith("---")]


async def push(place: GitPlace) -> str:
    """Push the release's branch with adapters of its own."""
    config = GitConfigRepository([], allowed_hosts={"127.0.0.1"})
    try:
        base = (await config.look(place, "main", [VALUES], None)).base_commit or ""
        change = Change(base, OURS, {VALUES: b"tag: 2\n"}, "ours", "Ann", "a@example.org", EPOCH)
        return await config.push(place, change)
    finally:
        config.close()


async def test_a_key_shows_nowhere_and_lies_on_disk_only_while_it_is_used(
    gitea_stage: GiteaStage,
    there: GitPlace,
    folder: Path,
    started: Started,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    unknown, imposter = make_key(tmp_path / "unknown"), tmp_path / "imposter"
    make_key(imposter)
    known_hosts = known_host(gitea_stage.server.ssh_port, imposter)
    wrong = (with_key(there, identity=unknown), with_key(there, known_hosts=known_hosts))
    messages = "".join([await do_everything(gitea_stage, bad) for bad in (there, *wrong)])
    assert "SHA256:" in messages
    assert "Permission denied" in messages
    assert len(started.commands) > 3
    assert {mode & 0o077 for mode in started.modes} == {0}
    for line in secret_lines(unknown) + secret_lines(there.credential.identity):
        assert line not in messages + caplog.text + "\n".join(started.words)
    assert list(folder.iterdir()) == []


async def test_ssh_reads_no_configuration_and_offers_no_other_key(
    there: GitPlace, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent")
    monkeypatch.setenv("SSH_ASKPASS", "/nonexistent")
    monkeypatch.setenv("GIT_SSH", "/nonexistent")
    await push(there)
    for command in started.commands:
        assert command[:3] == ["ssh", "-F", "/dev/null"]
        assert {f"-o{name}={value}" for name, value in OPTIONS.items()} < set(command)
    assert {"env", "SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_SSH"} < set(started.words)
    assert not any("ALBUM_GIT_TOKEN" in word for word in started.words)


async def test_a_key_the_server_does_not_know_is_refused(there: GitPlace, tmp_path: Path) -> None:
    with pytest.raises(TerminalError) as caught:
        await push(with_key(there, identity=make_key(tmp_path / "key")))
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "Permission denied (publickey)" in caught.value.sentence


@pytest.mark.parametrize("options", [("-N", "a passphrase"), ("-N", "a passphrase", "-m", "PEM")])
async def test_a_key_with_a_passphrase_is_refused_without_a_question(
    there: GitPlace, tmp_path: Path, options: tuple[str, ...]
) -> None:
    kind = ("-t", "rsa") if "PEM" in options else ()
    with pytest.raises(TerminalError) as caught:
        await push(with_key(there, identity=make_key(tmp_path / "key", *options, *kind)))
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "passphrase" in caught.value.sentence


async def test_half_a_key_is_called_so(there: GitPlace) -> None:
    with pytest.raises(TerminalError) as caught:
        await push(with_key(there, identity=there.credential.identity[:200]))
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "no private key ssh can use" in caught.value.sentence


async def test_a_key_as_a_browser_pastes_it_is_taken(there: GitPlace) -> None:
    pasted = there.credential.identity.strip().replace("\n", "\r\n")
    assert len(await push(with_key(there, identity=pasted))) == 40


async def test_a_key_that_may_only_read_pushes_nothing(
    gitea_stage: GiteaStage, place: GitPlace, there: GitPlace
) -> None:
    path = repository_path(place.url)
    reader = gitea_stage.server.make_identity(f"reader-{path.split('/')[1]}", reads=path)
    with pytest.raises(TerminalError) as caught:
        await push(with_key(there, identity=reader))
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "not authorized to write" in caught.value.sentence
    assert gitea_stage.head(place, OURS) is None


async def test_a_server_that_is_silent_is_given_up_and_no_process_stays(
    there: GitPlace, folder: Path
) -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    config = GitConfigRepository([], allowed_hosts={"127.0.0.1"}, time_limit=timedelta(seconds=1))
    async with listening(hang) as host:
        url = f"ssh://git@{host}"
        credential = Credential("album-git", url, "x", "", there.credential.identity, "a b c")
        with pytest.raises(TransientError) as caught:
            await config.look(GitPlace(f"{url}/owner/name", credential), None, [VALUES], None)
    config.close()
    assert caught.value.reason is Reason.GIT_UNAVAILABLE
    assert commands_with(str(folder)) == []
    assert list(folder.iterdir()) == []
