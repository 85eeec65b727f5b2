"""Releases that are taken back while a forge is about to merge them, on a real API server.

The forge is the stand-in for GitHub: a merge queue takes in what the operator puts there, and lets
it go, or merges it in the moment in which a person cancels it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from album_operator.domain.pull_requests import TAKEN_BACK
from testbed.commands import wait_until
from testbed.github.model import Protection, PullRequest
from testbed.github.server import GitHubServer
from tests.contract.plain_git import git
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.neighbours.teams import (
    APPS,
    OWNER,
    Namespace,
    Raw,
    ready,
    working_team,
)
from tests.integration.manifests.operator_process import running_operator

CONFIG = f"{OWNER}/album-app-config"
SECONDS = 120
CANCELLED = 4
LATENCY = 0.1
"""Seconds before each answer of the forge, so that what is taken back is so for a while."""


@dataclass(frozen=True)
class Team:
    """A team with ten apps, whose pull requests go through a merge queue."""

    namespace: Namespace
    forge: GitHubServer

    def release(self, *tags: str) -> None:
        """Apply releases of tags, and wait until each is in the queue."""
        for tag in tags:
            self.namespace.release(tag, "album-app", tag)
        self.until(lambda: all(self.pull(tag) in self.queued() for tag in tags), "be queued")

    def status(self, name: str) -> Raw:
        """Give the status of a release."""
        found: Raw = self.namespace.releases()[name].get("status", {})
        return found

    def reason(self, name: str) -> str:
        """Give the reason of a release's Ready."""
        return str(ready({"status": self.status(name)}).get("reason", ""))

    def cancel(self, name: str) -> None:
        """Cancel a release; refused once its status tells of the merge."""
        path = f"/apis/album.dev/v1alpha1/namespaces/{self.namespace.name}/albumreleases/{name}"
        self.namespace.server.request("PATCH", path, {"spec": {"cancel": True}})

    def pull(self, name: str) -> PullRequest | None:
        """Give the pull request of a release; None before there is one."""
        number = self.status(name).get("pullRequest", {}).get("number")
        return self.forge.find_pull(CONFIG, number) if number is not None else None

    def queued(self) -> list[PullRequest]:
        """Give the pull requests in the merge queue."""
        return self.forge.queue(CONFIG, "main")

    def version(self, app: str) -> str:
        """Give the version of an app on the base branch."""
        config = self.forge.git_dir(CONFIG)
        values = yaml.safe_load(git(config, "show", f"main:{app}/values.yaml"))
        return str(values["image"]["tag"])

    def branches(self) -> set[str]:
        """Give the branches of the config repository."""
        config = self.forge.git_dir(CONFIG)
        return set(git(config, "for-each-ref", "--format=%(refname:short)", "refs/heads").split())

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait for a condition, named in words after "did not"."""
        wait_until(is_so, part="releases", what=what, seconds=SECONDS)


@contextmanager
def _team(installed: Installed, namespace: str, folder: Path) -> Iterator[Team]:
    with ExitStack() as stack:
        team = Team(*stack.enter_context(working_team(installed.server, namespace, folder)))
        forge = team.forge
        forge.protect_branch(CONFIG, "main", Protection(has_queue=True))
        operator = running_operator(
            installed,
            folder,
            namespace,
            ALBUM_INSECURE_HOSTS=forge.host,
            ALBUM_MERGE_POLL_SECONDS="0.3",
        )
        is_ready = stack.enter_context(operator).is_ready
        wait_until(is_ready, part="operator", what="be ready", seconds=SECONDS)
        yield team


@pytest.fixture(scope="module")
def team(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with _team(installed, "merge-queue", tmp_path_factory.mktemp("queue")) as made:
        yield made


def test_a_newer_version_takes_the_place_of_one_in_a_merge_queue(team: Team) -> None:
    app, older, newer = APPS[0], f"{APPS[0]}-v1.1.0", f"{APPS[0]}-v1.2.0"
    team.release(older)
    team.release(newer)
    team.until(lambda: team.reason(older) == "Superseded", f"let {older} give way")
    given_way, goes_on = team.pull(older), team.pull(newer)
    assert given_way is not None
    assert (given_way.state, given_way.merged_at) == ("closed", None)
    assert team.queued() == [goes_on]
    assert team.status(older)["supersededBy"]["release"] == f"merge-queue/{newer}"
    assert f"release/{app}_v1.1.0" not in team.branches()

    team.forge.drain_queue(CONFIG, "main")
    team.until(lambda: team.reason(newer) == "Released", f"release {newer}")
    assert team.version(app) == "v1.2.0"


def test_what_is_cancelled_while_the_queue_merges_is_either_taken_back_or_released(
    team: Team,
) -> None:
    apps = APPS[1:6]
    names = [f"{app}-v1.1.0" for app in apps]
    team.release(*names)
    team.forge.latency = LATENCY
    for name in names[:CANCELLED]:
        team.cancel(name)
    # One that has left the queue is not merged by it; where the others are by then nobody knows.
    team.until(lambda: len(team.queued()) < len(names), "give up a place in the queue")
    team.forge.drain_queue(CONFIG, "main")
    team.forge.latency = 0.0
    ends = {"Cancelled", "Released"}
    team.until(lambda: {team.reason(name) for name in names} == ends, "end")
    for app, name in zip(apps, names, strict=True):
        pull = team.pull(name)
        assert pull is not None
        is_merged = team.version(app) == "v1.1.0"
        assert (pull.merged_at is not None, team.reason(name)) == (
            (True, "Released") if is_merged else (False, "Cancelled")
        )
        assert pull.state == "closed"
        assert pull.title.startswith(TAKEN_BACK) is not is_merged
        told = "before it could be taken back" in str(team.status(name)["steps"])
        assert told is (is_merged and name in names[:CANCELLED])
    assert team.queued() == []
    team.until(lambda: team.branches() == {"main"}, "delete the branches")
