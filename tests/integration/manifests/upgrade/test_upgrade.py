"""Releases that one version has begun, one at each step, are ended by another version."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.commands import wait_until
from testbed.github.server import GitHubServer, running_github
from tests.contract.plain_git import git
from tests.integration.manifests.conftest import Installed, installing
from tests.integration.manifests.operator_process import OURS, running_operator
from tests.integration.manifests.upgrade.releases import NAMESPACE, PLACES, Raw, Releases
from tests.integration.manifests.upgrade.versions import check_out_before

READY_SECONDS = 60
UNWANTED = ("Traceback", "ERROR", "CRITICAL", "is skipped", "StatusInvalid")
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"


@contextmanager
def _serving(
    installed: Installed, forge: GitHubServer, folder: Path, version: Path
) -> Iterator[None]:
    """Install a version and let it serve until it is killed at the end of the block."""
    installed.server.run_kubectl("apply", "-k", str(version / "manifests/overlays/default"))
    settings = {"ALBUM_INSECURE_HOSTS": forge.host, "ALBUM_MERGE_POLL_SECONDS": "0.3"}
    folder.mkdir()
    with running_operator(installed, folder, NAMESPACE, checkout=version, **settings) as operator:
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=READY_SECONDS)
        yield
    said = operator.log.read_text()
    assert [word for word in UNWANTED if word in said] == []


def _resolved(releases: Mapping[str, Raw]) -> Raw:
    """Give what the releases that have begun do, by app."""
    statuses = {app: raw.get("status", {}) for app, raw in releases.items()}
    return {app: status["resolved"] for app, status in statuses.items() if "resolved" in status}


def _check_that_nothing_is_done_twice(installed: Installed, releases: Releases) -> None:
    jobs = installed.server.request("GET", JOBS).body["items"]
    built = [job["metadata"]["labels"]["album.dev/app"] for job in jobs]
    assert sorted(built) == sorted(PLACES)
    found = releases.namespace.releases().values()
    assert {raw["status"]["attempt"] for raw in found} == {1}
    pages = [raw["status"]["pullRequest"] for raw in found if "pullRequest" in raw["status"]]
    assert sorted(page["number"] for page in pages) == [*range(1, len(PLACES))]
    for app in PLACES:
        changes = git(releases.config, "log", "--format=%s", "--no-merges", "main", "--", app)
        assert len(changes.splitlines()) == 2, changes
    assert releases.controllers.syncs.count("album-app-asked") == 1


@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_releases_that_stand_at_each_step_are_ended_by_the_other_version(
    tmp_path: Path, direction: str
) -> None:
    before = check_out_before(tmp_path / "before")
    first, second = (before, OURS) if direction == "upgrade" else (OURS, before)
    (tmp_path / "server").mkdir()
    with (
        running_github(tmp_path / "forge") as forge,
        installing(tmp_path / "server", first / "manifests") as installed,
    ):
        releases = Releases(installed.server, forge)
        with releases.controllers.running():
            with _serving(installed, forge, tmp_path / "first", first):
                releases.begin()
            begun = releases.namespace.releases()
            with _serving(installed, forge, tmp_path / "second", second):
                releases.end()
            ended = releases.namespace.releases()
        assert _resolved(begun).items() <= _resolved(ended).items()
        assert ended["released"] == begun["released"]
        _check_that_nothing_is_done_twice(installed, releases)
