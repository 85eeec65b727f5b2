"""GitHub's stand-in as a process of a testbed: kept, killed, begun anew, taken away."""

from __future__ import annotations

import os
import signal
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import demo, lifecycle, standin, state
from testbed.commands import PartError, wait_until
from testbed.gitea import OWNER, REVIEWER, token
from testbed.github_forge import GitHubForge
from testbed.settings import Settings, from_environment
from testbed.state import ForgeKind, State
from tests.testbed.processes import find_mentions


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    mine = Settings(f"standin-{os.getpid()}", from_environment().cache, tmp_path / "state")
    yield mine
    standin.stop(mine)


@pytest.fixture
def known() -> State:
    """A testbed whose network is on loopback, where no other server listens."""
    return State(f"127.31.{os.getpid() % 256}", ForgeKind.GITHUB_STANDIN)


def logins(known: State) -> list[str]:
    forges = [GitHubForge(known.forge_url, token(user, known)) for user in (OWNER, REVIEWER)]
    return [forge.call("GET", "/user")["login"] for forge in forges]


def test_it_answers_at_the_hosts_address_in_the_testbeds_network(
    settings: Settings, known: State
) -> None:
    standin.ensure(settings, known)
    assert known.forge_url == f"http://{known.gateway}:3000"
    assert logins(known) == [OWNER, REVIEWER]
    assert state.load(settings) == known
    assert not stat.S_IMODE((settings.state / "github.json").stat().st_mode) & 0o077


def test_a_second_ensure_changes_nothing(settings: Settings, known: State) -> None:
    standin.ensure(settings, known)
    before = standin.find_processes(settings)
    forge = GitHubForge(known.forge_url, token(OWNER, known))
    forge.make_repository(f"{OWNER}/config")
    standin.ensure(settings, known)
    assert standin.find_processes(settings) == before
    assert forge.find(f"/repos/{OWNER}/config") is not None


def test_one_that_was_killed_begins_anew_with_the_same_tokens(
    settings: Settings, known: State
) -> None:
    standin.ensure(settings, known)
    before = dict(known.secrets)
    GitHubForge(known.forge_url, token(OWNER, known)).make_repository(f"{OWNER}/config")
    (killed,) = standin.find_processes(settings)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not standin.find_processes(settings), part="it", what="end", seconds=30)
    standin.ensure(settings, known)
    assert known.secrets == before
    assert logins(known) == [OWNER, REVIEWER]
    forge = GitHubForge(known.forge_url, token(OWNER, known))
    assert forge.find(f"/repos/{OWNER}/config") is None


def test_one_whose_command_was_killed_is_not_lost(settings: Settings, known: State) -> None:
    standin.ensure(settings, known)
    (orphan,) = standin.find_processes(settings)
    (settings.state / "github.json").unlink()
    standin.ensure(settings, known)
    (other,) = standin.find_processes(settings)
    assert other != orphan
    assert logins(known) == [OWNER, REVIEWER]


def test_stop_leaves_nothing(settings: Settings, known: State) -> None:
    standin.ensure(settings, known)
    assert find_mentions(settings.name)
    standin.stop(settings)
    assert not find_mentions(settings.name)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(known.forge_url, timeout=5)  # noqa: S310 - loopback


def test_a_testbed_that_is_up_keeps_its_forge_and_says_how_to_have_the_other(
    settings: Settings, known: State
) -> None:
    state.save(known, settings)
    with pytest.raises(PartError, match=r"is up with github-standin.*with gitea.*make demo-down"):
        lifecycle.up(settings, ForgeKind.GITEA)


def test_the_demo_refuses_a_forge_it_has_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--forge", "bitbucket"])
    with pytest.raises(SystemExit, match="2"):
        demo.main()
    assert "'bitbucket' is none; the forge is gitea or github-standin" in capsys.readouterr().err
