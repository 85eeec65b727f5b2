"""Releases that one version has begun, one at each step, are ended by another version."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.commands import wait_until
from testbed.github.server import GitHubServer, running_github
from tests.contract.plain_git import git
from tests.integration.manifests.conftest import Installed, installing
from tests.integration.manifests.operator_process import OURS, running_operator
from tests.integration.manifests.operator_stage import (
    NOBODY,
    Stage,
    fill,
    grant,
    make_release,
    releases_of,
)
from tests.integration.manifests.upgrade.releases import PLACES, Raw, Releases
from tests.integration.manifests.upgrade.versions import check_out_before

READY_SECONDS = 60
UNWANTED = ("Traceback", "ERROR", "CRITICAL", "is skipped", "StatusInvalid")

NEWER = [
    {
        "op": "add",
        "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/build"
        "/properties/sbom",
        "value": {"type": "boolean"},
    }
]
"""What a newer version might know of a pipeline, as a change of its CRD."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return check_out_before(tmp_path_factory.mktemp("version") / "before")


@pytest.fixture(scope="module")
def server(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Give an API server of its own, with the version before installed."""
    with installing(tmp_path_factory.mktemp("server"), before / "manifests") as result:
        yield result


@contextmanager
def _serving(
    installed: Installed, namespace: str, forge: GitHubServer, folder: Path, version: Path
) -> Iterator[None]:
    """Install a version and let it serve until it is killed at the end of the block."""
    installed.server.run_kubectl("apply", "-k", str(version / "manifests/overlays/default"))
    folder.mkdir()
    with running_operator(
        installed,
        folder,
        namespace,
        checkout=version,
        ALBUM_INSECURE_HOSTS=forge.host,
        ALBUM_MERGE_POLL_SECONDS="0.3",
    ) as operator:
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=READY_SECONDS)
        yield
    # An API server puts watches off while it takes in other CRDs, and Kopf then tries again.
    lines = operator.log.read_text().splitlines()
    said = "\n".join(line for line in lines if "; will retry: " not in line)
    assert [word for word in UNWANTED if word in said] == []


def _resolved(releases: Mapping[str, Raw]) -> Raw:
    """Give what the releases that have begun do, by app."""
    statuses = {app: raw.get("status", {}) for app, raw in releases.items()}
    return {app: status["resolved"] for app, status in statuses.items() if "resolved" in status}


def _check_that_nothing_is_done_twice(installed: Installed, releases: Releases) -> None:
    path = f"/apis/batch/v1/namespaces/{releases.namespace.name}/jobs"
    jobs = installed.server.request("GET", path).body["items"]
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
    server: Installed, before: Path, tmp_path: Path, direction: str
) -> None:
    first, second = (before, OURS) if direction == "upgrade" else (OURS, before)
    with running_github(tmp_path / "forge") as forge:
        releases = Releases(server.server, direction, forge)
        with releases.controllers.running():
            with _serving(server, direction, forge, tmp_path / "first", first):
                releases.begin()
            begun = releases.namespace.releases()
            with _serving(server, direction, forge, tmp_path / "second", second):
                releases.end()
            ended = releases.namespace.releases()
        releases.remove()
        kept = _resolved(begun)
        if direction == "downgrade":
            for resolved in kept.values():
                # The CRDs of the version before have no such field, and it is for figures alone.
                resolved["source"].pop("committedAt")
        assert kept.items() <= _resolved(ended).items()
        assert ended["released"] == begun["released"]
        _check_that_nothing_is_done_twice(server, releases)


def test_an_operator_beside_the_crds_of_a_newer_version_leaves_nothing_out_in_silence(
    server: Installed, tmp_path: Path
) -> None:
    # As after `helm rollback`, which leaves the CRDs where they are.
    crd = "crd/albumpipelines.album.dev"
    server.server.run_kubectl("apply", "-k", str(OURS / "manifests/overlays/default"))
    server.server.run_kubectl("patch", crd, "--type=json", f"--patch={json.dumps(NEWER)}")
    fill(server.server, "rolled-back")
    grant(server.server, "rolled-back")
    pipeline = f"{releases_of('rolled-back').replace('releases', 'pipelines')}/app"

    def is_taken() -> bool:
        asked = server.server.request("PATCH", pipeline, {"spec": {"build": {"sbom": True}}})
        return "sbom" in asked.body["spec"]["build"]

    wait_until(is_taken, part="CRD", what="have a newer field", seconds=30)
    nobody = NOBODY.removeprefix("http://")
    with running_operator(server, tmp_path, "rolled-back", ALBUM_INSECURE_HOSTS=nobody) as operator:
        stage = Stage(server.server, operator)
        path = make_release(server.server, "rolled-back", "backend-v1.1.0")
        stage.until_ready_is(path, "OperatorTooOld")
        stage.until_ready_is(pipeline, "OperatorTooOld")
        server.server.request("PATCH", pipeline, {"spec": {"build": {"sbom": None}}})
        stage.until_in_flight(path)
