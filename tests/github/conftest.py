"""A stand-in with one repository, two people and their tokens, for each test."""

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from github import Auth, Github, GithubException, GithubRetry
from github.Repository import Repository

from testbed.github.server import GitHubServer, running_github
from tests.contract.http_backend import commit
from tests.contract.plain_git import git

NAME = "octo/config"
HEAD = "release/app_v2"


@dataclass(frozen=True)
class Said:
    """An answer as it came; headers in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Its body."""
        return json.loads(self.data)

    @property
    def message(self) -> str:
        """GitHub's sentence."""
        return str(self.json["message"])


@dataclass(frozen=True)
class Desk:
    """What a test works with.

    Attributes:
        server: the stand-in.
        owner_token: of `octo`, who owns the repository.
        mate_token: of `mate`, who may write to it.
        folder: of the bare repository.
    """

    server: GitHubServer
    owner_token: str
    mate_token: str
    folder: Path
    clients: list[Github] = field(default_factory=list)

    def client(self, token: str | None = None, retry: GithubRetry | None = None) -> Github:
        """Give a client as the operator has one, but for the pauses between requests."""
        client = Github(
            base_url=self.server.api_url,
            auth=Auth.Token(token or self.owner_token),
            retry=retry,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )
        self.clients.append(client)
        return client

    def repository(self, token: str | None = None, name: str = NAME) -> Repository:
        """Give the repository as a client sees it."""
        return self.client(token).get_repo(name)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """Send one request, with the owner's token or another or None, and follow nothing."""
        authorization = (
            {} if token is None else {"Authorization": f"token {token or self.owner_token}"}
        )
        connection = http.client.HTTPConnection(self.server.host, timeout=30)
        try:
            connection.request(
                method,
                path if path.startswith("/api/") else f"/api/v3{path}",
                body=None if body is None else json.dumps(body),
                headers={**authorization, **(headers or {})},
            )
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Said(answer.status, names, answer.read())
        finally:
            connection.close()

    def query(self, text: str, token: str | None = "", **variables: object) -> Any:  # noqa: ANN401
        """Send a GraphQL request and give the JSON of its answer."""
        body = {"query": text, "variables": variables}
        return self.call("POST", "/api/graphql", body, token=token).json

    def commit(self, branch: str, files: dict[str, bytes], start: str | None = "main") -> str:
        """Commit files on a branch, which begins at another one where it is new."""
        if start is not None and not git(self.folder, "for-each-ref", f"refs/heads/{branch}"):
            git(self.folder, "update-ref", f"refs/heads/{branch}", f"refs/heads/{start}")
        return commit(self.folder, branch, files)

    def open_pull(self, head: str = HEAD) -> int:
        """Open a pull request of a branch into `main`, as the owner."""
        return self.server.open_pull(NAME, head, "main", "octo", "Release v2")

    def closer(self, number: int) -> str | None:
        """Give who closed a pull request."""
        by = self.repository().get_issue(number).closed_by
        return None if by is None else by.login

    def tip(self, branch: str) -> str:
        """Give the commit a branch is at."""
        return git(self.folder, "rev-parse", f"refs/heads/{branch}")

    def expect_violation(self, words: str) -> None:
        """Make sure that the only violations are of one kind, and take them away."""
        assert self.server.violations
        assert all(words in each for each in self.server.violations), self.server.violations
        self.server.violations.clear()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running_github(tmp_path / "github") as server:
        server.make_user("octo")
        server.make_user("mate")
        folder = server.make_repository(NAME)
        server.set_role(NAME, "mate", "write")
        desk = Desk(server, server.make_token("octo"), server.make_token("mate"), folder)
        desk.commit("main", {"values.yaml": b"tag: v1\n", "other.yaml": b"a: 1\n"}, start=None)
        desk.commit(HEAD, {"values.yaml": b"tag: v2\n"})
        yield desk
        for client in desk.clients:
            client.close()


def said(error: pytest.ExceptionInfo[GithubException]) -> tuple[int, str]:
    """Give status and sentence of a refusal."""
    data = error.value.data
    assert isinstance(data, dict)
    details = data.get("errors") or [{}]
    return error.value.status, details[0].get("message") or data["message"]
