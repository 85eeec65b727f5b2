"""What the init container prints and leaves behind shows no key of its Secret."""

from pathlib import Path

import pytest

from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason
from album_operator.fetch_source import __main__ as fetch_source
from album_operator.fetch_source import registry, task
from tests.unit.core.canaries import CANARIES, found_in, shout


def test_no_key_of_the_secret_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, left = tmp_path / "secret", tmp_path / "termination-log"
    secret.mkdir()
    left.touch()
    for name, value in CANARIES.items():
        (secret / name).write_text(f"{value}\n")
    (secret / "url").write_text("https://git.example.org")
    monkeypatch.setenv("ALBUM_CREDENTIAL", str(secret))
    monkeypatch.setattr(fetch_source, "TERMINATION_LOG", left)

    def fail(*_: object) -> None:
        raise TerminalError(Reason.GIT_UNAVAILABLE, f"It said {shout()}")

    monkeypatch.setattr(fetch_source, "read_task", fail)

    assert fetch_source.main() == 1
    said = capsys.readouterr()
    assert "It said" in said.err
    for text in (said.err, said.out, left.read_text()):
        assert found_in(text) == []


def test_no_password_of_a_proxy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALBUM_CREDENTIAL", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://proxy:canary%2Fword@proxy.example.org:3128")

    def fail(*_: object) -> None:
        raise TerminalError(
            Reason.GIT_UNAVAILABLE, "The proxy proxy.example.org said canary/word, canary%2Fword."
        )

    monkeypatch.setattr(fetch_source, "read_task", fail)

    assert fetch_source.main() == 1
    assert capsys.readouterr().err == "The proxy proxy.example.org said ***, ***.\n"


def test_what_is_printed_on_the_way_is_freed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note").write_text(CANARIES["note"])
    monkeypatch.setenv("ALBUM_CREDENTIAL", str(tmp_path))
    monkeypatch.setattr(fetch_source, "read_task", lambda _: None)
    monkeypatch.setattr(
        fetch_source, "fetch_with_patience", lambda _, say: say(f"fetching {CANARIES['note']}")
    )

    assert fetch_source.main() == 0
    assert capsys.readouterr().out == "fetch-source: fetching ***\nfetch-source: done\n"


def test_a_push_credential_is_written_for_the_builder_where_the_job_asks_for_that(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"docker.io": {"auth": "b3Vycw=="}}}')
    target = tmp_path / "registry"
    target.mkdir()
    environment = {"ALBUM_PUSH_CREDENTIAL": str(tmp_path), "ALBUM_BUILDERS_CONFIG": str(target)}
    registry.hand_over_registry(environment)

    assert (
        '"https://index.docker.io/v1/": {"auth": "b3Vycw=="}'
        in (target / "config.json").read_text()
    )
    registry.hand_over_registry({})


def test_a_push_credential_that_nobody_can_read_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("s3cret")
    environment = {"ALBUM_PUSH_CREDENTIAL": str(tmp_path), "ALBUM_BUILDERS_CONFIG": str(tmp_path)}
    with pytest.raises(task.TaskError, match="push Secret has no `auths`") as caught:
        registry.hand_over_registry(environment)

    assert "s3cret" not in str(caught.value)
