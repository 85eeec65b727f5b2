"""What people do in the forge, through its API: repositories, pull requests, merges."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, ClassVar

from testbed.access import Testbed
from testbed.commands import PartError, wait_until
from testbed.state import ForgeKind

MERGE_SECONDS = 60

_PULL_REQUESTS = ("pull_request", "pull_request_review", "pull_request_sync")
_WEBHOOK_EVENTS = [*_PULL_REQUESTS, "push", "create", "release", "status"]


@dataclass(frozen=True)
class Forge:
    """Gitea's API as one user.

    Attributes:
        url: of the forge.
        token: of the user.
    """

    kind: ClassVar[ForgeKind] = ForgeKind.GITEA

    url: str
    token: str

    @classmethod
    def of_reviewer(cls, testbed: Testbed) -> Forge:
        """Act as the person who reviews."""
        return cls(testbed.forge_url, testbed.reviewer_token)

    @classmethod
    def of_owner(cls, testbed: Testbed) -> Forge:
        """Act as the owner of the repositories, whose token the operator has too."""
        return cls(testbed.forge_url, testbed.forge_token)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Send one request below the API's path and give the answer's JSON, or its text.

        Raises:
            PartError: the forge refused or could not be reached.
        """
        return self.send(method, f"{self.kind.api_path}{path}", body)

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Send one request below the forge's URL, as `call` does."""
        request = urllib.request.Request(  # noqa: S310 - the testbed's own plain HTTP address
            f"{self.url}{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            raise PartError(self.kind, f"{method} {path}: {error.code} {said}") from error
        except OSError as error:
            raise PartError(self.kind, f"{method} {path}: {error}") from error
        try:
            return json.loads(text)
        except ValueError:
            return text

    def find(self, path: str) -> Any:  # noqa: ANN401
        """Read what is at a path, None where the forge has nothing there."""
        try:
            return self.call("GET", path)
        except PartError as error:
            if _has_status(error, 404):
                return None
            raise

    # Repositories, named `owner/name`

    def make_repository(self, repository: str) -> None:
        """Make an empty repository of the user, which anybody may read."""
        name = repository.partition("/")[2]
        self.call("POST", "/user/repos", {"name": name, "default_branch": "main"})

    def delete_repository(self, repository: str) -> None:
        """Delete a repository with all that is in it."""
        self.call("DELETE", f"/repos/{repository}")

    def allow_writing(self, repository: str, user: str) -> None:
        """Let another user push and merge."""
        path = f"/repos/{repository}/collaborators/{user}"
        self.call("PUT", path, {"permission": "write"})

    def is_pushed(self, repository: str, tags: int) -> bool:
        """Say whether the API knows branch `main`, no other, and that many tags."""
        # Gitea answers null for no branch.
        branches = self.call("GET", f"/repos/{repository}/branches") or []
        known_tags = self.call("GET", f"/repos/{repository}/tags?limit=50") or []
        return [item["name"] for item in branches] == ["main"] and len(known_tags) == tags

    def head(self, repository: str) -> str:
        """Give the last commit of branch `main`."""
        return str(self.call("GET", f"/repos/{repository}/branches/main")["commit"]["id"])

    def ensure_webhook(self, repository: str, url: str, secret: str) -> None:
        """Let a URL be told of what happens in a repository."""
        path = f"/repos/{repository}/hooks"
        if any(hook["config"]["url"] == url for hook in self.call("GET", path)):
            return
        config = {"url": url, "content_type": "json", "secret": secret}
        wish = {"type": "gitea", "config": config, "events": _WEBHOOK_EVENTS, "active": True}
        self.call("POST", path, wish)

    # Pull requests

    def pull_requests(self, repository: str, state: str = "all") -> list[dict[str, Any]]:
        """List the pull requests."""
        path = f"/repos/{repository}/pulls?state={state}&limit=50"
        answer: list[dict[str, Any]] = self.call("GET", path)
        return answer

    def merge(self, repository: str, number: int) -> None:
        """Merge a pull request by a merge commit, once the forge knows that it can be merged."""
        wait_until(
            lambda: self._is_merged(repository, number),
            part=self.kind,
            what=f"merge pull request #{number} of {repository}",
            seconds=MERGE_SECONDS,
        )

    def _is_merged(self, repository: str, number: int) -> bool:
        try:
            self._merge(f"/repos/{repository}/pulls/{number}/merge")
        except PartError as error:
            # "Please try again later": it checks for conflicts after each change of the base.
            if _has_status(error, 405):
                return False
            raise
        return True

    def _merge(self, path: str) -> None:
        self.call("POST", path, {"Do": "merge"})


def _has_status(error: PartError, status: int) -> bool:
    return isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == status
