"""The stage with a real Gitea."""

from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote

from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.domain.names import repository_path
from album_operator.domain.places import Credential, ForgePlace, GitPlace
from testbed.commands import wait_until
from tests.contract.git_stage import GitStage
from tests.contract.gitea_server import ADMIN, GiteaServer
from tests.fakes.git_server import with_token

REVIEWER = "reviewer"

MERGE_SECONDS = 30
NOTICE_SECONDS = 30


class GiteaStage(GitStage):
    """A real Gitea."""

    def __init__(self, server: GiteaServer, folder: Path) -> None:
        self.server = server
        super().__init__(server.url, f"token {server.token}", folder)

    def connect_forge(self, hosts: Collection[str]) -> GiteaPullRequests:
        return GiteaPullRequests(hosts)

    def make_repository(self, name: str) -> GitPlace:
        wish = {"name": name, "private": True, "default_branch": "main"}
        self.server.do("POST", "/user/repos", wish)
        return GitPlace(f"{self.server.url}/{ADMIN}/{name}", self.credential(self.server.token))

    def forge_place(self, place: GitPlace) -> ForgePlace:
        host = "/".join(place.url.split("/")[:3])
        return ForgePlace(f"{host}/api/v1", repository_path(place.url), place.credential)

    def over_ssh(self, place: GitPlace) -> GitPlace:
        identity = self.server.make_identity(f"key-{repository_path(place.url).split('/')[1]}")
        credential = Credential(
            "album-git", self.server.ssh_url, "x", "",
            identity=identity, known_hosts=self.server.known_hosts,
        )  # fmt: skip
        return GitPlace(f"{self.server.ssh_url}/{repository_path(place.url)}", credential)

    def set_branches(self, place: GitPlace, branches: Mapping[str, str | None]) -> None:
        super().set_branches(place, branches)
        if any(branches.values()):
            # Gitea notes in the background that a repository is no longer empty, and knows no
            # pull requests in empty ones.
            wait_until(
                lambda: not self.server.do("GET", f"/repos/{repository_path(place.url)}")["empty"],
                part="gitea",
                what="notice a push",
                seconds=NOTICE_SECONDS,
            )

    def protect(self, place: GitPlace, beginning: str) -> None:
        self.server.do(
            "POST",
            f"/repos/{repository_path(place.url)}/branch_protections",
            {"rule_name": f"{beginning}**", "enable_push": False},
        )

    def want_signed(self, place: GitPlace, beginning: str | None) -> None:
        path = f"/repos/{repository_path(place.url)}/branch_protections"
        for rule in self.server.do("GET", path):
            self.server.do("DELETE", f"{path}/{quote(rule['rule_name'], safe='')}")
        if beginning is not None:
            wish = {"enable_push": True, "require_signed_commits": True}
            self.server.do("POST", path, {"rule_name": f"{beginning}**", **wish})

    def archive(self, place: GitPlace) -> None:
        self.server.do("PATCH", f"/repos/{repository_path(place.url)}", {"archived": True})

    def for_reader(self, place: GitPlace) -> ForgePlace:
        user = f"reader-{repository_path(place.url).rsplit('-', 1)[-1]}"
        self.server.make_user(user)
        path = f"/repos/{repository_path(place.url)}/collaborators/{user}"
        self.server.do("PUT", path, {"permission": "read"})
        token = self.server.make_token("tests", "all", user)
        return self.forge_place(with_token(place, token))

    def head(self, place: GitPlace, branch: str) -> str | None:
        path = f"/repos/{repository_path(place.url)}/git/refs/heads/{branch}"
        status, answer = self.server.call("GET", path)
        return str(answer[0]["object"]["sha"]) if status == 200 else None

    def merge(self, place: GitPlace, number: int, style: str) -> None:
        path = f"/repos/{repository_path(place.url)}/pulls/{number}/merge"
        # Gitea answers 405 until it has checked for conflicts in the background.
        wait_until(
            lambda: self.server.call("POST", path, {"Do": style})[0] == 200,
            part="gitea",
            what="merge",
            seconds=MERGE_SECONDS,
        )

    def set_open(self, place: GitPlace, number: int, *, is_open: bool) -> None:
        self.server.do(
            "PATCH",
            f"/repos/{repository_path(place.url)}/pulls/{number}",
            {"state": "open" if is_open else "closed"},
        )

    def retarget(self, place: GitPlace, number: int, base: str) -> None:
        path = f"/repos/{repository_path(place.url)}/pulls/{number}"
        self.server.do("PATCH", path, {"base": base})

    def protect_base(self, place: GitPlace, approvals: int, checks: list[str]) -> None:
        self.server.do(
            "POST",
            f"/repos/{repository_path(place.url)}/branch_protections",
            {
                "rule_name": "main",
                "enable_push": True,
                "required_approvals": approvals,
                "enable_status_check": bool(checks),
                "status_check_contexts": checks,
            },
        )

    def set_status(self, place: GitPlace, sha: str, context: str, state: str) -> None:
        path = f"/repos/{repository_path(place.url)}/statuses/{sha}"
        self.server.do("POST", path, {"context": context, "state": state})

    def statuses(self, place: GitPlace, sha: str) -> dict[str, str]:
        path = f"/repos/{repository_path(place.url)}/commits/{sha}/status"
        found = self.server.do("GET", path)["statuses"] or ()
        return {item["context"]: item["status"] for item in found}

    def deployments(self, place: GitPlace) -> list[tuple[str, str, str]]:
        del place
        return []

    def review(self, place: GitPlace, number: int, *, approves: bool) -> None:
        self.add_reviewer(place)
        token = self.server.tokens[REVIEWER]
        path = f"/repos/{repository_path(place.url)}/pulls/{number}/reviews"
        event = "APPROVED" if approves else "REQUEST_CHANGES"
        self.server.do("POST", path, {"event": event, "body": "A word."}, token=token)

    def add_reviewer(self, place: GitPlace) -> None:
        if REVIEWER not in self.server.tokens:
            self.server.make_user(REVIEWER)
            self.server.tokens[REVIEWER] = self.server.make_token("tests", "all", REVIEWER)
        path = f"/repos/{repository_path(place.url)}/collaborators/{REVIEWER}"
        self.server.do("PUT", path, {"permission": "write"})

    def make_milestone(self, place: GitPlace, title: str) -> None:
        self.server.do("POST", f"/repos/{repository_path(place.url)}/milestones", {"title": title})

    def comments(self, place: GitPlace, number: int) -> list[str]:
        path = f"/repos/{repository_path(place.url)}/issues/{number}/comments"
        return [item["body"] for item in self.server.do("GET", path)]

    def count_pull_requests(self, place: GitPlace) -> int:
        path = f"/repos/{repository_path(place.url)}/pulls?state=all"
        return len(self.server.do("GET", path))
