"""What people do in the forge, through its API: read pull requests, merge and close them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from testbed.access import Testbed
from testbed.commands import PartError, wait_until

MERGE_SECONDS = 60


@dataclass(frozen=True)
class Forge:
    """Gitea's API as one user.

    Attributes:
        url: of the forge.
        token: of the user.
    """

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
        """Send one request below `/api/v1` and give the answer's JSON, or its text.

        Raises:
            PartError: the forge refused or could not be reached.
        """
        request = urllib.request.Request(  # noqa: S310 - the testbed's own plain HTTP address
            f"{self.url}/api/v1{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            raise PartError("gitea", f"{method} {path}: {error.code} {said}") from error
        except OSError as error:
            raise PartError("gitea", f"{method} {path}: {error}") from error
        try:
            return json.loads(text)
        except ValueError:
            return text

    def find(self, path: str) -> Any:  # noqa: ANN401
        """Read what is at a path, None where the forge has nothing there."""
        try:
            return self.call("GET", path)
        except PartError as error:
            if isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 404:
                return None
            raise

    def pull_requests(self, repository: str, state: str = "all") -> list[dict[str, Any]]:
        """List the pull requests of `owner/name`."""
        answer: list[dict[str, Any]] = self.call(
            "GET", f"/repos/{repository}/pulls?state={state}&limit=50"
        )
        return answer

    def diff(self, repository: str, number: int) -> str:
        """Give a pull request's diff."""
        return str(self.call("GET", f"/repos/{repository}/pulls/{number}.diff"))

    def merge(self, repository: str, number: int) -> None:
        """Merge a pull request by a merge commit, once Gitea knows that it can be merged."""
        wait_until(
            lambda: self._is_merged(repository, number),
            part="gitea",
            what=f"merge pull request #{number} of {repository}",
            seconds=MERGE_SECONDS,
        )

    def _is_merged(self, repository: str, number: int) -> bool:
        try:
            self.call("POST", f"/repos/{repository}/pulls/{number}/merge", {"Do": "merge"})
        except PartError as error:
            # "Please try again later": it checks for conflicts after each change of the base.
            if isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 405:
                return False
            raise
        return True
