"""Commits and their statuses."""

from __future__ import annotations

from testbed.github import following, rules, webhooks
from testbed.github.access import Need
from testbed.github.errors import ApiError
from testbed.github.model import Status
from testbed.github.render.commits import render_commit, render_files, render_status
from testbed.github.render.people import render_user
from testbed.github.render.repositories import render_minimal_repository, repository_url
from testbed.github.rest.call import Answer, Call, Endpoint


def get_commit(call: Call) -> Answer:
    """Answer a commit, with how its files differ from those of its first parent."""
    world, repository = call.world, call.repository
    sha = _get_sha(call, call.parameters["ref"])
    commit = repository.git.read_commit(sha)
    changes = repository.git.list_changes(commit.parents[0], sha) if commit.parents else []
    added = sum(each.additions for each in changes)
    deleted = sum(each.deletions for each in changes)
    body = {
        **render_commit(world, repository, commit),
        "stats": {"additions": added, "deletions": deleted, "total": added + deleted},
        "files": render_files(world, repository, sha, changes),
    }
    return Answer(body=body)


def get_combined_status(call: Call) -> Answer:
    """Answer the newest statuses of a commit, and what they are together."""
    world, repository = call.world, call.repository
    sha = _get_sha(call, call.parameters["ref"])
    statuses = rules.find_latest_statuses(repository, sha)
    listed = call.paginate(statuses, lambda status: render_status(world, repository, sha, status))
    states = {each.state for each in statuses}
    if states & {"error", "failure"}:
        state = "failure"
    else:
        state = "success" if states == {"success"} else "pending"
    url = f"{repository_url(world, repository)}/commits/{sha}"
    body = {
        "state": state,
        "statuses": listed.body,
        "sha": sha,
        "total_count": len(statuses),
        "repository": render_minimal_repository(world, repository),
        "commit_url": url,
        "url": f"{url}/status",
    }
    return Answer(body=body, headers=listed.headers)


def make_status(call: Call) -> Answer:
    """Give a commit a status."""
    world, repository = call.world, call.repository
    sha = _get_sha(call, call.parameters["sha"])
    status = Status(
        world.new_id(),
        call.body.get("context", "default"),
        call.body["state"],
        call.user,
        world.clock.now(),
        call.body.get("description"),
        call.body.get("target_url"),
    )
    repository.statuses.setdefault(sha, []).append(status)
    webhooks.record_status(world, repository, sha, status)
    following.follow_git(world, repository, call.user)
    body = render_status(world, repository, sha, status)
    return Answer(201, {**body, "creator": render_user(world, call.user)})


def _get_sha(call: Call, name: str) -> str:
    sha = call.repository.git.find_commit(name)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {name}", errors=[])
    return sha


ENDPOINTS = {
    "repos/get-commit": Endpoint(get_commit, Need({"contents": "read"})),
    "repos/get-combined-status-for-ref": Endpoint(
        get_combined_status, Need({"statuses": "read"}, scope="repo:status")
    ),
    "repos/create-commit-status": Endpoint(
        make_status, Need({"statuses": "write"}, scope="repo:status", role="write", is_write=True)
    ),
}
