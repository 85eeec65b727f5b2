"""What a test or a person does at GitHub beside the API: settings, reviews, merges."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from testbed.github import following, lifecycle, merging, webhooks
from testbed.github.account_control import AccountControl
from testbed.github.errors import RefusedError
from testbed.github.model import (
    CheckRun,
    Deployment,
    MergeMethod,
    Milestone,
    Protection,
    PullRequest,
    Repository,
    ReviewState,
    Role,
    Ruleset,
    Status,
)


class Control(AccountControl):
    """Control of one server, from any thread; repositories are named `owner/name`."""

    # Repositories

    def make_repository(self, name: str, **settings: Any) -> Path:  # noqa: ANN401
        """Make an empty repository, and give its folder.

        Args:
            name: owner and name; the owner is there.
            settings: attributes of `Repository`, such as `private` and `allow_auto_merge`.
        """
        owner, _, short = name.partition("/")
        with self._world.lock:
            account = self._world.get_user(owner)
            return self._world.make_repository(account, short, **settings).git.path

    def make_fork(self, name: str, owner: str) -> Path:
        """Make a fork with all branches, and give its folder."""
        with self._world.lock:
            parent = self._find(name)
            fork = self._world.make_repository(
                self._world.get_user(owner),
                parent.name,
                private=parent.private,
                parent=parent,
                default_branch=parent.default_branch,
            )
            fork.git.run("fetch", "--quiet", str(parent.git.path), "+refs/heads/*:refs/heads/*")
            return fork.git.path

    def git_dir(self, name: str) -> Path:
        """Give the bare repository behind a repository; plain git may do anything there."""
        with self._world.lock:
            return self._find(name).git.path

    def configure(self, name: str, **settings: Any) -> None:  # noqa: ANN401
        """Set attributes of a `Repository`, such as `archived` and `delete_branch_on_merge`."""
        with self._world.lock:
            repository = self._find(name)
            for setting, value in settings.items():
                if not hasattr(repository, setting):
                    raise AttributeError(setting)
                setattr(repository, setting, value)

    def set_role(self, name: str, login: str, role: Role | None) -> None:
        """Let an account have a role in a repository, or none."""
        with self._world.lock:
            roles = self._find(name).roles
            roles.pop(login, None)
            if role is not None:
                roles[login] = role

    def rename_repository(self, name: str, short: str) -> None:
        """Give a repository another name; the old one leads to it."""
        with self._world.lock:
            self._world.rename_repository(self._find(name), short)

    def delete_repository(self, name: str) -> None:
        """Take a repository away."""
        with self._world.lock:
            self._world.delete_repository(self._find(name))

    def protect_branch(self, name: str, branch: str, protection: Protection | None) -> None:
        """Set what branches of a name or pattern ask for before a merge; None lifts it."""
        with self._world.lock:
            repository = self._find(name)
            repository.protections.pop(branch, None)
            if protection is not None:
                repository.protections[branch] = protection
            repository.git.refuse_pushes(repository.protections)
            self._settle(repository)

    def want_signed(self, name: str, *branches: str, bypass: frozenset[str] = frozenset()) -> None:
        """Let a ruleset take signed commits alone on branches of some patterns; none lifts it."""
        with self._world.lock:
            ruleset = Ruleset(self._world.new_id(), "signed", branches, bypass)
            self._find(name).rulesets[:] = [ruleset] if branches else []

    def delete_branch(self, name: str, branch: str, login: str) -> None:
        """Take a branch away; pull requests from and into it are closed."""
        with self._world.lock:
            repository = self._find(name)
            repository.git.delete_ref(f"refs/heads/{branch}")
            following.follow_git(self._world, repository, self._world.get_user(login))

    def make_milestone(self, name: str, title: str) -> int:
        """Make a milestone, and give its number."""
        with self._world.lock:
            repository = self._find(name)
            number = len(repository.milestones) + 1
            repository.milestones[number] = Milestone(
                self._world.new_id(), number, title, repository.owner, self._world.clock.now()
            )
            return number

    # What was asked

    def counted_requests(self, login: str) -> list[str]:
        """Give the requests of a person that used up something of the hour, oldest first."""
        with self._world.lock:
            account = f"user {self._world.get_user(login).id}"
            return [
                f"{each.method} {each.path}"
                for each in self._site.requests
                if each.is_counted and each.account == account
            ]

    def list_violations(self) -> list[str]:
        """Give what did not keep to GitHub's descriptions, each once."""
        with self._world.lock:
            return list(dict.fromkeys(self._world.violations))

    # Commits

    def set_check(self, name: str, sha: str, check: str, conclusion: str | None) -> None:
        """Set a check run of a commit: running, or ended with such as `success`."""
        with self._world.lock:
            repository = self._find(name)
            now = self._world.clock.now()
            ended = None if conclusion is None else now
            run = CheckRun(self._world.new_id(), check, conclusion, now, ended)
            repository.checks.setdefault(sha, []).append(run)
            if conclusion is not None:
                # The schema of the event knows no skipped suite.
                suite = "neutral" if conclusion == "skipped" else conclusion
                webhooks.record_check_suite(self._world, repository, sha, suite, repository.owner)
            self._settle(repository)

    def set_status(
        self,
        name: str,
        sha: str,
        context: str,
        state: Literal["error", "failure", "pending", "success"],
    ) -> None:
        """Give a commit a status."""
        with self._world.lock:
            repository = self._find(name)
            status = Status(
                self._world.new_id(), context, state, repository.owner, self._world.clock.now()
            )
            repository.statuses.setdefault(sha, []).append(status)
            webhooks.record_status(self._world, repository, sha, status)
            self._settle(repository)

    def deployments(self, name: str) -> list[Deployment]:
        """Give the deployments of a repository, the oldest first; they are for reading."""
        with self._world.lock:
            return list(self._find(name).deployments)

    # Pull requests

    def find_pull(self, name: str, number: int) -> PullRequest:
        """Give a pull request, up to date with its branches; it is for reading."""
        with self._world.lock:
            self._settle(self._find(name))
            return self._find(name).pulls[number]

    def open_pull(
        self,
        name: str,
        head: str,
        base: str,
        login: str,
        title: str = "A change",
        *,
        draft: bool = False,
    ) -> int:
        """Open a pull request between two branches of a repository, and give its number."""
        with self._world.lock:
            repository = self._find(name)
            by = self._world.get_user(login)
            pull = lifecycle.open_pull(
                self._world, repository, repository, head, base, by,
                title=title, body=None, is_draft=draft,
            )  # fmt: skip
            return pull.number

    def review(self, name: str, number: int, login: str, state: ReviewState = "APPROVED") -> None:
        """Submit a review of the present head."""
        with self._world.lock:
            pull = self.find_pull(name, number)
            lifecycle.review_pull(self._world, pull, self._world.get_user(login), state)
            self._settle(pull.repository)

    def close_pull(self, name: str, number: int, login: str) -> None:
        """Close a pull request."""
        with self._world.lock:
            pull = self.find_pull(name, number)
            lifecycle.close_pull(self._world, pull, self._world.get_user(login))

    def reopen_pull(self, name: str, number: int, login: str) -> None:
        """Open a closed pull request again."""
        with self._world.lock:
            pull = self.find_pull(name, number)
            lifecycle.reopen_pull(self._world, pull, self._world.get_user(login))

    def retarget_pull(self, name: str, number: int, base: str, login: str) -> None:
        """Let a pull request go into another branch."""
        with self._world.lock:
            pull = self.find_pull(name, number)
            lifecycle.retarget_pull(self._world, pull, base, self._world.get_user(login))
            self._settle(pull.repository)

    def merge_pull(self, name: str, number: int, login: str, method: MergeMethod = "merge") -> str:
        """Press the merge button, and give the commit.

        Raises:
            RefusedError: It cannot be pressed.
        """
        with self._world.lock:
            pull = self.find_pull(name, number)
            merging.try_merge(self._world, pull)
            refusal = lifecycle.find_refusal(pull, method)
            if refusal is not None:
                raise RefusedError(refusal)
            by = self._world.get_user(login)
            commit = lifecycle.merge_pull(self._world, pull, method, by)
            self._settle(pull.repository)
            return commit

    def set_draft(self, name: str, number: int, login: str, *, draft: bool) -> None:
        """Convert a pull request to a draft, or say that it is ready for review."""
        with self._world.lock:
            pull = self.find_pull(name, number)
            pull.is_draft = draft
            pull.updated_at = self._world.clock.now()
            action = "converted_to_draft" if draft else "ready_for_review"
            webhooks.record_pull(self._world, pull, action, self._world.get_user(login))
            self._settle(pull.repository)

    def queue(self, name: str, branch: str) -> list[PullRequest]:
        """Give the pull requests in a branch's merge queue, the first to be merged first."""
        with self._world.lock:
            return [entry.pull for entry in self._find(name).queues.get(branch, ())]

    def drain_queue(self, name: str, branch: str) -> None:
        """Merge what waits in a branch's merge queue; requests are answered in between."""
        while True:
            with self._world.lock:
                if not following.merge_next(self._world, self._find(name), branch):
                    return

    def _settle(self, repository: Repository) -> None:
        following.follow_git(self._world, repository, repository.owner)
