"""The init container hands nothing to a builder that leads out of the source."""

from pathlib import Path

import pytest

from album_operator.domain.places import GitPlace
from album_operator.fetch_source.context import Context
from album_operator.fetch_source.task import Task, TaskError
from tests.fakes.builders import COMMIT, CREDENTIAL, SOURCE


def _task(folder: Path, context_dir: str = "backend", dockerfile: str = "Dockerfile") -> Task:
    target = folder / "source"
    (target / "backend").mkdir(parents=True)
    (target / "backend" / "Dockerfile").write_text("FROM scratch")
    (folder / "registry").mkdir()
    (folder / "registry" / "config.json").write_text("{}")
    place = GitPlace(SOURCE, CREDENTIAL)
    return Task(place, COMMIT, "v1", target, frozenset(), context_dir, dockerfile)


def test_a_folder_of_the_source_is_handed_over(tmp_path: Path) -> None:
    task = _task(tmp_path)
    (task.target / "backend" / "link").symlink_to("../backend/Dockerfile")

    Context(task).check()


@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("linked", "../registry"),
        ("linked", "/etc"),
        ("linked", "backend/up"),
        ("linked", "linked"),
    ],
)
def test_a_context_behind_a_link_that_leads_out_is_refused(
    tmp_path: Path, link: str, to: str
) -> None:
    task = _task(tmp_path, context_dir=link)
    (task.target / "backend" / "up").symlink_to("../../registry")
    (task.target / link).symlink_to(to)

    with pytest.raises(TaskError, match="contextDir leads out of the source at aaaaaaaaaaaa"):
        Context(task).check()


@pytest.mark.parametrize("context_dir", ["..", "../registry", "backend/../../registry", "/etc"])
def test_a_context_outside_is_refused(tmp_path: Path, context_dir: str) -> None:
    with pytest.raises(TaskError, match="contextDir leads out"):
        Context(_task(tmp_path, context_dir=context_dir)).check()


def test_a_dockerfile_that_is_a_link_to_a_secret_is_refused(tmp_path: Path) -> None:
    task = _task(tmp_path, dockerfile="Linked")
    (task.target / "backend" / "Linked").symlink_to("../../registry/config.json")

    with pytest.raises(TaskError, match="dockerfile leads out"):
        Context(task).check()
