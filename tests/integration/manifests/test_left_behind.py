"""What releases leave behind while no operator runs, on a real API server and a real Gitea."""

import base64
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from album_operator.domain.places import GitPlace
from testbed.commands import wait_until
from tests.contract.gitea_server import ADMIN, running_gitea
from tests.contract.gitea_stage import GiteaStage
from tests.fakes.git_history import Commit, File
from tests.integration.manifests.applications import APPLICATIONS, CONSENT
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.neighbours.controllers import Controllers
from tests.integration.manifests.neighbours.teams import REGISTRY, Namespace, Raw, ready
from tests.integration.manifests.operator_process import running_operator

NAMESPACE = "left-behind"
MERGED, DELETED, TOUCHED, IN_FLIGHT = APPS = ("merged", "deleted", "touched", "in-flight")
SECONDS = 120

SWEEPING = """
from album_operator import __main__
from album_operator.pipelines import sweep
sweep.FIRST_SECONDS = sweep.MORE_SECONDS = 1
__main__.leave(__main__.main())
"""
"""The operator, looking for what was left behind at once and not two minutes after its start."""

VALUES = "image:\n  repository: {registry}/{owner}/app-{app}\n  tag: v1.0.0\n"


@dataclass(frozen=True)
class Team:
    """Apps whose pull requests wait for a person.

    Attributes:
        source: the repository of all apps.
        config: where their values are.
        path: of that at the forge's API.
    """

    installed: Installed
    namespace: Namespace
    forge: GiteaStage
    folder: Path
    source: GitPlace
    config: GitPlace
    path: str = f"/repos/{ADMIN}/app-config"

    @contextmanager
    def operator(self) -> Iterator[None]:
        """Run an operator until the block ends, which kills it."""
        gitea = self.forge.server
        with running_operator(
            self.installed,
            self.folder,
            self.namespace.name,
            program=SWEEPING,
            ALBUM_INSECURE_HOSTS=gitea.host,
            ALBUM_ALLOWED_HOSTS=gitea.host,
            ALBUM_MERGE_POLL_SECONDS="0.3",
        ) as operator:
            wait_until(operator.is_ready, part="operator", what="be ready", seconds=SECONDS)
            yield

    def fill(self) -> None:
        """Make what releases need."""
        for place, files in (
            (self.source, {f"{app}/Dockerfile": "FROM scratch\n" for app in APPS}),
            (
                self.config,
                {
                    f"{app}/values.yaml": VALUES.format(registry=REGISTRY, owner=ADMIN, app=app)
                    for app in APPS
                },
            ),
        ):
            contents = {path: File(text.encode()) for path, text in files.items()}
            sha = self.forge.store(place, Commit((), contents, "all"))
            self.forge.set_branch(place, "main", sha)
            if place is self.source:
                for app in APPS:
                    self.forge.set_tag(place, f"{app}-v1.1.0", sha)
        for app in APPS:
            self._application(app)
        self.namespace.registry_secret()
        self.namespace.secret("album-git", url=self.forge.server.url, token=self.forge.server.token)
        self.namespace.pipeline(
            "app",
            {
                "source": {"repository": self.source.url},
                "build": {"image": {"registry": REGISTRY}, "proof": "Builder"},
                "config": {"forge": {"type": "Gitea"}},
                "argocd": {"settle": "1s"},
                "apps": [{"name": app} for app in APPS],
            },
        )

    def _application(self, app: str) -> None:
        source = {"repoURL": self.config.url, "path": app, "targetRevision": "main"}
        application = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": f"app-{app}",
                "annotations": {
                    CONSENT: f"{self.namespace.name}/app",
                    "argocd.argoproj.io/refresh": "normal",
                },
            },
            "spec": {"source": source},
        }
        assert self.namespace.server.request("POST", APPLICATIONS, application).status == 201

    def clear(self) -> None:
        """Delete what tests share the server with."""
        for app in APPS:
            self.namespace.server.request("DELETE", f"{APPLICATIONS}/app-{app}")

    def reason(self, app: str) -> str:
        """Give the reason of Ready of an app's release."""
        return str(ready(self.namespace.releases()[f"{app}-v1.1.0"]).get("reason", ""))

    def change(self, method: str, app: str, body: Raw | None = None) -> None:
        """Change or delete an app's release."""
        releases = f"/apis/album.dev/v1alpha1/namespaces/{self.namespace.name}/albumreleases"
        path = f"{releases}/{app}-v1.1.0"
        assert self.namespace.server.request(method, path, body).status == 200

    def pulls(self) -> dict[str, Raw]:
        """Give the pull request of each app."""
        found = self.forge.server.do("GET", f"{self.path}/pulls?state=all")
        heads = {branch_of(app): app for app in APPS}
        return {heads[pull["head"]["label"]]: pull for pull in found}

    def branches(self) -> set[str]:
        """Give the branches of the config repository."""
        return {each["name"] for each in self.forge.server.do("GET", f"{self.path}/branches")}

    def until_awaiting(self) -> None:
        """Wait until each release awaits its merge."""
        wait_until(
            lambda: all(self.reason(app) == "AwaitingMerge" for app in APPS),
            part="releases",
            what="await their merge",
            seconds=SECONDS,
        )


def branch_of(app: str) -> str:
    """Give the branch of an app's release."""
    return f"release/{app}_v1.1.0"


@pytest.fixture
async def team(installed: Installed, tmp_path: Path) -> AsyncIterator[Team]:
    with ExitStack() as stack:
        (data := tmp_path / "gitea").mkdir()
        gitea = stack.enter_context(running_gitea(data))
        forge = GiteaStage(gitea, tmp_path / "store")
        source, config = map(forge.make_repository, ("app", "app-config"))
        namespace = Namespace(installed.server, NAMESPACE)
        made = Team(installed, namespace, forge, tmp_path, source, config)
        made.namespace.serve()
        stack.callback(made.clear)
        made.fill()
        served = data / "repositories" / ADMIN / "app-config.git"
        controllers = Controllers(installed.server, [NAMESPACE], served, {})
        stack.enter_context(controllers.running())
        yield made
        await forge.close()


async def test_what_was_left_behind_while_no_operator_ran_goes_and_nothing_else(team: Team) -> None:
    with team.operator():
        for app in APPS:
            team.namespace.release(f"{app}-v1.1.0", "app", f"{app}-v1.1.0")
        team.until_awaiting()
    pulls = team.pulls()
    team.forge.merge(team.config, pulls[MERGED]["number"], "merge")
    content = base64.b64encode(b"of a person\n").decode()
    body = {"branch": branch_of(TOUCHED), "content": content, "message": "A word of mine"}
    team.forge.server.do("POST", f"{team.path}/contents/more.txt", body)
    for app in (MERGED, DELETED, TOUCHED):
        team.change("DELETE", app)
    assert team.branches() == {"main", *map(branch_of, APPS)}

    with team.operator():
        stays = {"main", branch_of(TOUCHED), branch_of(IN_FLIGHT)}
        wait_until(
            lambda: team.branches() == stays, part="sweep", what="delete two", seconds=SECONDS
        )
        states = {app: pull["state"] for app, pull in team.pulls().items()}
        assert states == {
            MERGED: "closed",
            DELETED: "closed",
            TOUCHED: "open",
            IN_FLIGHT: "open",
        }
        (said,) = team.forge.comments(team.config, pulls[DELETED]["number"])
        assert "was deleted" in said
        _cancel_while_a_person_merges(team, pulls[IN_FLIGHT]["number"])


def _cancel_while_a_person_merges(team: Team, number: int) -> None:
    merge = (f"{team.path}/pulls/{number}/merge", {"Do": "merge"})
    person = threading.Thread(target=team.forge.server.call, args=("POST", *merge))
    person.start()
    team.change("PATCH", IN_FLIGHT, {"spec": {"cancel": True}})
    person.join()
    ends = {"Cancelled", "Released"}
    wait_until(lambda: team.reason(IN_FLIGHT) in ends, part="release", what="end", seconds=SECONDS)
    is_merged = team.pulls()[IN_FLIGHT]["merged"]
    assert team.reason(IN_FLIGHT) == ("Released" if is_merged else "Cancelled")
    gone = {"main", branch_of(TOUCHED)}
    wait_until(lambda: team.branches() == gone, part="branch", what="go", seconds=SECONDS)
