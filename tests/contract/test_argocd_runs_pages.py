"""What Argo CD itself makes of our scripts for its pages: run by its own program, as admins do."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from album_operator.codec import render_pipeline_status, render_status
from album_operator.domain.pipeline_record import AppRecord, HeldApp, PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName
from testbed.commands import capture
from testbed.offline import gotools
from tests.fakes.builders import NOW, PIPELINE, RELEASE, raw_pipeline, raw_release, record_before

PAGES = Path(__file__).parents[2] / "manifests" / "argocd" / "pages"

CHANGED = "Following fields have been changed:"

Raw = dict[str, Any]


class Pages:
    """Argo CD's program with the ConfigMap that our manifests give it."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._argocd = programs / "argocd"
        self._config_map, self._object = folder / "argocd-cm.yaml", folder / "object.yaml"
        self._home = folder
        made = capture([programs / "kubectl", "kustomize", PAGES], part="pages")
        self._config_map.write_text(made)

    def ask(self, raw: Raw, command: str, *arguments: str) -> str:
        """Run one of `argocd admin settings resource-overrides` on an object; give what it says."""
        self._object.write_text(json.dumps(raw))
        words = ["admin", "settings", "resource-overrides", command, str(self._object), *arguments]
        done = subprocess.run(
            [self._argocd, *words, "--argocd-cm-path", str(self._config_map)],
            # It calls diff(1).
            env={"HOME": str(self._home), "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def offered(self, raw: Raw) -> set[str]:
        """Give the actions that are offered and not disabled."""
        _, *lines = self.ask(raw, "list-actions").splitlines()
        return {name for name, disabled in map(str.split, lines) if disabled == "false"}

    def changes(self, raw: Raw, action: str) -> list[str]:
        """Give the lines that an action adds; it must change and take away none."""
        said, _, diff = self.ask(raw, "run-action", action).partition(CHANGED)
        assert said == ""
        lines = [line for line in diff.splitlines() if line[:1] in {"<", ">"}]
        assert [line for line in lines if line.startswith("<")] == []
        return [line.removeprefix(">").strip() for line in lines]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(gotools.ensure(["argocd", "kubectl"]), tmp_path_factory.mktemp("pages"))


def _release(record: Record, **spec: object) -> Raw:
    raw = raw_release()
    raw["spec"].update(spec)
    return {**raw, "status": render_status(RELEASE, record, NOW)}


BUILDING, MERGED = record_before(StepName.MERGED), record_before(StepName.DEPLOYED)


def test_cancel_sets_the_spec_and_is_offered_until_the_merge(pages: Pages) -> None:
    raw = _release(BUILDING)
    assert pages.offered(raw) == {"cancel", "refresh", "retry"}
    assert pages.changes(raw, "cancel") == ["cancel: true"]
    for too_late in (_release(MERGED), _release(BUILDING, cancel=True)):
        assert pages.offered(too_late) == {"refresh", "retry"}


@pytest.mark.parametrize("action", ["refresh", "retry"])
def test_the_other_actions_of_a_release_set_an_annotation(pages: Pages, action: str) -> None:
    (line,) = pages.changes(_release(BUILDING), action)[-1:]
    assert line.startswith(f'album.dev/{action}: "20')


def test_a_release_has_its_health(pages: Pages) -> None:
    said = pages.ask(_release(BUILDING), "health")
    assert said.splitlines()[0].split() == ["STATUS:", "Progressing"]
    assert "Pending" in said


def test_the_actions_of_a_pipeline_set_annotations_and_what_is_held_is_told(pages: Pages) -> None:
    held = (AppRecord("backend", held=HeldApp("backend is held.")),)
    record = PipelineRecord(held, Reason.CHECKED, "It is so.", is_ready=True, observed_generation=2)
    raw = raw_pipeline() | {"status": render_pipeline_status(PIPELINE, record, NOW)}
    assert pages.offered(raw) == {"refresh", "lift-holds"}
    assert "album.dev/refresh" in str(pages.changes(raw, "refresh"))
    assert "lift-hold.album.dev/backend" in str(pages.changes(raw, "lift-holds"))
    status, message = pages.ask(raw, "health").splitlines()
    assert (status.split(), message) == (["STATUS:", "Suspended"], "MESSAGE: backend is held.")
