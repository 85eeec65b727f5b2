"""What the chart has from the manifests is generated, and a difference is found."""

import shutil
from pathlib import Path

import pytest

from distribution import chart
from distribution.chart import PLACE, ROOT, Setting, find_drift, main, read_settings


def test_the_chart_is_as_the_manifests_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of all that the chart is made of, and let it be the checkout."""
    for name in ("charts", "crds", "manifests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.setattr(chart, "ROOT", tmp_path)
    return tmp_path


def test_what_differs_is_named_and_mended(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = copy / "manifests/base/settings.env"
    settings.write_text(settings.read_text() + "\n# Another.\nALBUM_ANOTHER=true\n")
    guard = copy / "manifests/base/job-guard.yaml"
    guard.write_text(guard.read_text() + "# mine\n")
    old = copy / PLACE / "files/operator/old.yaml"
    old.write_text("{}")

    assert main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "files/operator/job-guard.yaml, files/operator/old.yaml, values.schema.json" in said
    assert "run `make manifests`" in said
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert not old.exists()
    assert (
        (copy / PLACE / "values.yaml")
        .read_text()
        .endswith('  # Another.\n  ALBUM_ANOTHER: "true"\n')
    )


def test_a_new_file_of_the_manifests_comes_into_the_chart(copy: Path) -> None:
    base = copy / "manifests/base"
    (base / "new.yaml").write_text("kind: ConfigMap\n")
    listed = base / "kustomization.yaml"
    listed.write_text(listed.read_text().replace("resources:\n", "resources:\n- new.yaml\n"))
    assert find_drift(copy) == ["files/operator/new.yaml"]


def test_settings_are_read_with_their_comments() -> None:
    text = "# All of them.\n\n# One\n# and two.\nA=1\nB=x=y\n\n# Derived.\nALBUM_NAMESPACES=album\n"
    assert read_settings(text) == [
        Setting("A", "1", ("One", "and two.")),
        Setting("B", "x=y", ()),
    ]
