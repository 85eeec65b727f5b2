from __future__ import annotations

from pathlib import Path

import pytest

from testbed import lifecycle
from testbed.commands import PartError
from testbed.settings import Settings, SettingsError, from_environment


def test_without_variables_the_testbed_lives_in_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("TESTBED_NAME", "TESTBED_CACHE", "TESTBED_STATE", "TESTBED_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert from_environment() == Settings(
        "album", tmp_path / ".cache/album-testbed", tmp_path / ".local/state/album-testbed"
    )


@pytest.mark.parametrize("name", ["a", "Album", "-album", "album-", "al bum", "a" * 33, "1album"])
def test_a_name_that_cannot_name_containers_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TESTBED_NAME", name)

    with pytest.raises(SettingsError, match="TESTBED_NAME"):
        from_environment()


def test_too_little_free_disk_stops_the_testbed_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lifecycle, "FREE_GIGABYTES", 10**9)

    with pytest.raises(PartError, match=r"GB are free at .*TESTBED_CACHE"):
        lifecycle.up(Settings("full", tmp_path / "cache", tmp_path / "state"))
