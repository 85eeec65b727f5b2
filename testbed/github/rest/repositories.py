"""Repositories, their refs and comparisons of their commits."""

from __future__ import annotations

from testbed.github import following
from testbed.github.access import Need
from testbed.github.errors import ApiError, not_found
from testbed.github.git import Commit
from testbed.github.model import Ruleset
from testbed.github.render.commits import render_commit, render_files, render_ref
from testbed.github.render.repositories import (
    html_url,
    render_full_repository,
    repository_url,
)
from testbed.github.rest.call import Answer, Call, Endpoint

_MOST_FILES = 300


def get_repository(call: Call) -> Answer:
    """Answer a repository."""
    return Answer(body=render_full_repository(call.world, call.repository, call.viewer))


def get_ref(call: Call) -> Answer:
    """Answer where a branch is."""
    name = call.parameters["ref"]
    sha = call.repository.git.find_heads().get(name.removeprefix("heads/"))
    if sha is None or not name.startswith("heads/"):
        raise not_found()
    return Answer(body=render_ref(call.world, call.repository, f"refs/{name}", sha))


def delete_ref(call: Call) -> Answer:
    """Take a branch away; pull requests from it are closed."""
    branch = call.parameters["ref"].removeprefix("heads/")
    if branch not in call.repository.git.find_heads():
        raise ApiError(422, "Reference does not exist")
    if (
        branch == call.repository.default_branch
        or call.repository.find_protection(branch) is not None
    ):
        raise ApiError(422, "Cannot delete this protected branch")
    call.repository.git.delete_ref(f"refs/heads/{branch}")
    following.follow_git(call.world, call.repository, call.user)
    return Answer(204)


def list_rules(call: Call) -> Answer:
    """Answer the rules of a branch, be it there or not."""
    holding = [each for each in call.repository.rulesets if each.holds(call.parameters["branch"])]

    def render(ruleset: Ruleset) -> object:
        return {
            "type": "required_signatures",
            "ruleset_source_type": "Repository",
            "ruleset_source": call.repository.full_name,
            "ruleset_id": ruleset.id,
        }

    return call.paginate(holding, render)


def get_ruleset(call: Call) -> Answer:
    """Answer a ruleset, and whether it binds who asks."""
    number = int(call.parameters["ruleset_id"])
    found = next((each for each in call.repository.rulesets if each.id == number), None)
    if found is None:
        raise not_found()
    login = call.viewer.login if call.viewer is not None else ""
    return Answer(
        body={
            "id": found.id,
            "name": found.name,
            "target": "branch",
            "source_type": "Repository",
            "source": call.repository.full_name,
            "enforcement": "active",
            "current_user_can_bypass": "always" if login in found.bypass else "never",
            "conditions": {
                "ref_name": {
                    "include": [f"refs/heads/{pattern}" for pattern in found.branches],
                    "exclude": [],
                }
            },
            "rules": [{"type": "required_signatures"}],
        }
    )


def compare(call: Call) -> Answer:
    """Answer how one commit is to another."""
    world, repository, git = call.world, call.repository, call.repository.git
    base_name, dots, head_name = call.parameters["basehead"].partition("...")
    base, head = git.find_commit(base_name), git.find_commit(head_name)
    if not dots or base is None or head is None:
        raise not_found()
    fork_point = git.find_merge_base(base, head)
    if fork_point is None:
        raise ApiError(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead, behind = git.list_commits(base, head), git.list_commits(head, base)
    status = {
        (False, False): "identical",
        (True, False): "ahead",
        (False, True): "behind",
        (True, True): "diverged",
    }[(bool(ahead), bool(behind))]
    page = f"{html_url(world, repository)}/compare/{base_name}...{head_name}"

    def render(commit: Commit) -> object:
        return render_commit(world, repository, commit)

    listed = call.paginate([git.read_commit(sha) for sha in ahead], render)
    changes = git.list_changes(fork_point, head)
    body = {
        "url": f"{repository_url(world, repository)}/compare/{base_name}...{head_name}",
        "html_url": page,
        "permalink_url": f"{html_url(world, repository)}/compare/{base}...{head}",
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": render(git.read_commit(base)),
        "merge_base_commit": render(git.read_commit(fork_point)),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": listed.body,
        "files": render_files(world, repository, head, changes[:_MOST_FILES]),
    }
    return Answer(body=body, headers=listed.headers)


ENDPOINTS = {
    "repos/get": Endpoint(get_repository, Need({"metadata": "read"})),
    "repos/get-branch-rules": Endpoint(list_rules, Need({"metadata": "read"})),
    "repos/get-repo-ruleset": Endpoint(get_ruleset, Need({"metadata": "read"})),
    "git/get-ref": Endpoint(get_ref, Need({"contents": "read"})),
    "git/delete-ref": Endpoint(
        delete_ref, Need({"contents": "write"}, role="write", is_write=True)
    ),
    "repos/compare-commits-with-basehead": Endpoint(compare, Need({"contents": "read"})),
}
