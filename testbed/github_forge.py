"""What people do in GitHub's stand-in: through GitHub's REST API, as far as the stand-in has that.

The rest (repositories, roles, webhooks) goes through the stand-in's own control.
"""

from __future__ import annotations

from typing import Any, ClassVar

from testbed.access import Testbed
from testbed.forge import Forge
from testbed.state import ForgeKind


class GitHubForge(Forge):
    """The stand-in as one user."""

    kind: ClassVar[ForgeKind] = ForgeKind.GITHUB_STANDIN

    def control(self, method: str, **arguments: object) -> Any:  # noqa: ANN401
        """Do something by the stand-in's own control (`testbed.github.control`)."""
        return self.send("POST", f"/_standin/{method}", arguments)

    def make_repository(self, repository: str) -> None:
        """Make an empty repository, which anybody may read."""
        self.control("make_repository", name=repository)

    def delete_repository(self, repository: str) -> None:
        """Delete a repository with all that is in it."""
        self.control("delete_repository", name=repository)

    def allow_writing(self, repository: str, user: str) -> None:
        """Let another user push and merge."""
        self.control("set_role", name=repository, login=user, role="write")

    def is_pushed(self, repository: str, tags: int) -> bool:
        """Say whether the API knows branch `main`; the stand-in answers a push only then."""
        del tags
        return bool(self.head(repository))

    def head(self, repository: str) -> str:
        """Give the last commit of branch `main`."""
        return str(self.call("GET", f"/repos/{repository}/git/ref/heads/main")["object"]["sha"])

    def ensure_webhook(self, repository: str, url: str, secret: str) -> None:
        """Let a URL be told of what happens in a repository."""
        self.control("make_hook", name=repository, url=url, secret=secret)

    def pull_requests(self, repository: str, state: str = "all") -> list[dict[str, Any]]:
        """List the pull requests."""
        path = f"/repos/{repository}/pulls?state={state}&per_page=100"
        answer: list[dict[str, Any]] = self.call("GET", path)
        return answer

    def counted_requests(self, login: str) -> list[str]:
        """Give all requests of a user that counted against the rate limit, oldest first."""
        answer: list[str] = self.control("counted_requests", login=login)
        return answer

    def violations(self) -> list[str]:
        """Give what did not keep to GitHub's own descriptions of its interfaces."""
        answer: list[str] = self.control("list_violations")
        return answer

    def _merge(self, path: str) -> None:
        self.call("PUT", path, {"merge_method": "merge"})


def forge_of(testbed: Testbed) -> type[Forge]:
    """Give the class for the forge a testbed has."""
    return GitHubForge if testbed.forge is ForgeKind.GITHUB_STANDIN else Forge
