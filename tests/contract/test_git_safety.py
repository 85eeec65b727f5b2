"""Git on a real server is told nothing it need not know, and shows nobody what it was told."""

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import Change, Credential, Draft, ForgePlace, GitPlace
from album_operator.domain.reasons import Reason
from tests.contract.gitea_stage import GiteaStage
from tests.fakes.git_history import EPOCH, Commit, File

VALUES = "values.yaml"
OURS = "release/backend_v1.1.0"
TAG = "backend-v1.1.0"


@dataclass
class Processes:
    """Arguments and environments of all processes started while listening."""

    is_listening: bool = False
    seen: list[tuple[list[str], dict[str, str]]] = field(default_factory=list)


PROCESSES = Processes()


def _audit(event: str, details: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and PROCESSES.is_listening:
        _, arguments, _, environment = details
        PROCESSES.seen.append(([str(word) for word in arguments], dict(environment or {})))


# Python's own record of started processes (PEP 578); a hook stays until the process ends.
sys.addaudithook(_audit)


@pytest.fixture
def processes() -> Iterator[Processes]:
    PROCESSES.seen.clear()
    PROCESSES.is_listening = True
    yield PROCESSES
    PROCESSES.is_listening = False


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the only folder the adapters can make temporary files in."""
    made = tmp_path / "tmp"
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


async def do_everything(stage: GiteaStage, place: GitPlace) -> str:
    """Use every method of every port; give all that their errors say."""
    said = []

    async def attempt(work: Any) -> Any:  # noqa: ANN401
        try:
            return await work
        except OutsideError as error:
            said.append("".join(traceback.format_exception(error)) + repr(error))

    forge = stage.forge_place(place)
    await attempt(stage.source.look(place, TAG, "Dockerfile"))
    seen = await attempt(stage.config.look(place, None, [VALUES], OURS))
    base = seen.base_commit if seen is not None else "a" * 40
    change = Change(base, OURS, {VALUES: b"tag: 2\n"}, "ours", "Ann", "a@example.org", EPOCH)
    made = await attempt(stage.config.push(place, change))
    await attempt(stage.config.look(place, "main", [VALUES], OURS))
    await attempt(stage.config.is_descendant(place, made or "b" * 40, base, OURS, EPOCH))
    await attempt(stage.pull_requests.open(forge, Draft(OURS, "main", "title", "body")))
    await attempt(stage.pull_requests.find(forge, OURS, "main"))
    await attempt(stage.pull_requests.get(forge, 1))
    return "\n".join(said)


async def test_a_token_shows_nowhere_but_in_the_environment_of_what_needs_it(
    gitea_stage: GiteaStage,
    place: GitPlace,
    folder: Path,
    processes: Processes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    token = place.credential.token
    assert await do_everything(gitea_stage, place) == ""
    refused = gitea_stage.server.make_token(f"read-{place.url[-8:]}", "read:issue")
    wrong = "0123456789canary0123456789canary01234567"
    messages = ""
    for bad in (refused, wrong):
        credential = replace(place.credential, token=bad)
        messages += await do_everything(gitea_stage, replace(place, credential=credential))
    assert "CredentialsRefused" in messages or "refused the token" in messages
    for secret in (token, refused, wrong):
        assert secret not in messages
        assert secret not in caplog.text
        assert all(secret not in " ".join(words) for words, _ in processes.seen)
        assert all(secret.encode() not in data for data in contents(gitea_stage.cache))
    assert processes.seen
    local = [words for words, environment in processes.seen if "ALBUM_GIT_TOKEN" not in environment]
    remote = {words[1] for words, environment in processes.seen if words not in local}
    assert remote == {"remote-http", "fetch", "push"}
    assert isinstance(gitea_stage.source, GitSourceRepository)
    gitea_stage.source.close()
    assert list(folder.iterdir()) == []


async def test_every_git_process_is_isolated(
    gitea_stage: GiteaStage, place: GitPlace, folder: Path, processes: Processes
) -> None:
    await do_everything(gitea_stage, place)
    for words, environment in processes.seen:
        count = int(environment["GIT_CONFIG_COUNT"])
        settings = {
            environment[f"GIT_CONFIG_KEY_{number}"]: environment[f"GIT_CONFIG_VALUE_{number}"]
            for number in range(count)
        }
        assert environment["GIT_CONFIG_GLOBAL"] == "/dev/null"
        assert environment["GIT_CONFIG_NOSYSTEM"] == "1"
        assert environment["GIT_TERMINAL_PROMPT"] == "0"
        assert environment["HOME"].startswith((str(folder), str(gitea_stage.cache)))
        is_remote = words[1] in ("remote-http", "fetch", "push")
        assert environment["GIT_ALLOW_PROTOCOL"] == ("http" if is_remote else "none")
        assert settings["core.hooksPath"] == "/dev/null"
        assert settings["http.followRedirects"] == "false"
        assert settings["transfer.fsckObjects"] == "true"
        assert settings["http.proxy"] == ""
        assert settings["credential.helper"] == ""
        # git-remote-http takes no options, and the URL begins with its scheme.
        assert "--end-of-options" in words or words[1] == "remote-http" or not is_remote


async def test_git_variables_of_our_own_process_do_not_reach_git(
    gitea_stage: GiteaStage, place: GitPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text('[url "http://127.0.0.1:9/"]\n insteadOf = http://\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_WORK_TREE", "/nonexistent")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/nonexistent")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare'='nonsense'")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert await do_everything(gitea_stage, place) == ""


@asynccontextmanager
async def served(handle: Any) -> AsyncIterator[str]:  # noqa: ANN401
    """Run an HTTP server on loopback and give its URL."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_redirect_gets_no_token_and_names_the_repository() -> None:
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=404)

    async with served(elsewhere) as target:

        async def redirect(request: web.Request) -> web.Response:
            raise web.HTTPMovedPermanently(f"{target}{request.path_qs}")

        async with served(redirect) as url:
            credential = Credential("album-git", url, "x", "some-token")
            hosts = {url.removeprefix("http://")}
            source, forge = GitSourceRepository(hosts), GiteaPullRequests(hosts)
            with pytest.raises(TerminalError) as caught:
                await source.look(GitPlace(f"{url}/a/b", credential), TAG, "Dockerfile")
            assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND
            with pytest.raises(TerminalError) as caught:
                await forge.get(ForgePlace(f"{url}/api/v1", "a/b", credential), 1)
            assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND
            source.close()
            await forge.close()
    assert asked == []


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (403, TerminalError, Reason.CREDENTIALS_REFUSED),
        (404, TerminalError, Reason.REPOSITORY_NOT_FOUND),
        (429, TransientError, Reason.RATE_LIMITED),
        (500, TransientError, Reason.GIT_UNAVAILABLE),
        (503, TransientError, Reason.GIT_UNAVAILABLE),
        (200, TransientError, Reason.GIT_UNAVAILABLE),
    ],
)
async def test_each_status_of_a_git_server_has_its_reason(
    status: int, kind: type[OutsideError], reason: Reason
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text="some-token, says the server")

    async with served(answer) as url:
        config = GitConfigRepository({url.removeprefix("http://")})
        place = GitPlace(f"{url}/a/b", Credential("album-git", url, "x", "some-token"))
        with pytest.raises(kind) as caught:
            await config.look(place, None, [VALUES], None)
        config.close()
    assert caught.value.reason is reason
    assert "some-token" not in caught.value.sentence


async def test_a_server_that_hangs_is_given_up_and_no_process_stays(folder: Path) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with served(hang) as url:
        host = url.removeprefix("http://")
        config = GitConfigRepository({host}, time_limit=timedelta(seconds=1))
        place = GitPlace(f"{url}/a/b", Credential("album-git", url, "x", "some-token"))
        with pytest.raises(TransientError) as caught:
            await config.look(place, None, [VALUES], None)
        assert caught.value.reason is Reason.GIT_UNAVAILABLE
        assert "1 second" in caught.value.sentence
        assert commands_with(str(folder)) == []
        config.close()
    assert list(folder.iterdir()) == []


async def test_closing_ends_what_runs(folder: Path) -> None:
    reached = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        reached.set()
        await asyncio.Event().wait()
        return web.Response()

    async with served(hang) as url:
        config = GitConfigRepository({url.removeprefix("http://")})
        place = GitPlace(f"{url}/a/b", Credential("album-git", url, "x", "some-token"))
        look = asyncio.ensure_future(config.look(place, None, [VALUES], None))
        await asyncio.wait_for(reached.wait(), 30)
        await asyncio.to_thread(config.close)
        with pytest.raises(TransientError):
            await look
        assert commands_with(str(folder)) == []
    assert list(folder.iterdir()) == []


def contents(folder: Path) -> list[bytes]:
    """Give the bytes of all files below a folder."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def commands_with(text: str) -> list[str]:
    """Give the commands of all living processes whose environment holds a text."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            state = (process / "stat").read_text().rsplit(")", 1)[-1].split()[0]
            if state != "Z" and text.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue  # It ended while we looked.
    return found
