"""Events of webhooks: GitHub's own examples with our values, checked by its schema."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

import jsonschema_rs

from testbed.github import npm
from testbed.github.accounts import User, node_id
from testbed.github.model import PullRequest, Repository, Review, Status
from testbed.github.render.commits import render_commit, render_status
from testbed.github.render.people import render_time, render_user
from testbed.github.render.pulls import render_pull, render_pull_summary, render_review
from testbed.github.render.repositories import html_url, render_repository, repository_url
from testbed.github.world import Event, World

NOTHING = "0" * 40

_REASONS = {
    "auto_merge_disabled": "Auto-merge was disabled",
    "auto_merge_enabled": "Auto-merge was enabled",
    "dequeued": "CI_FAILURE",
}

# Sent only where a hook is an organization's or an app's.
_OF_OTHER_HOOKS = ("organization", "installation", "enterprise")


def record_pull(world: World, pull: PullRequest, action: str, by: User, **more: object) -> None:
    """Record that something happened to a pull request; `more` belongs to the action."""
    ours = {
        "action": action,
        "number": pull.number,
        "pull_request": render_pull(world, pull, by),
        **more,
    }
    if action in _REASONS:
        ours["reason"] = _REASONS[action]
    _record(world, "pull_request", pull.repository, by, ours)


def record_review(world: World, pull: PullRequest, review: Review) -> None:
    """Record that a review was submitted."""
    rendered = render_review(world, pull, review)
    ours = {
        "action": "submitted",
        # In events the state is written small.
        "review": {**rendered, "state": review.state.lower()},
        "pull_request": render_pull_summary(world, pull, review.user),
    }
    _record(world, "pull_request_review", pull.repository, review.user, ours)


def record_push(
    world: World, repository: Repository, ref: str, old: str | None, new: str | None, by: User
) -> None:
    """Record that a branch or tag was made, moved or taken away."""
    git, page = repository.git, html_url(world, repository)
    commits: list[dict[str, Any]] = []
    if old is not None and new is not None:
        commits = [_render_pushed(world, repository, sha) for sha in git.list_commits(old, new)]
    # An annotated tag is an object of its own, which stands for the commit.
    at = None if new is None else git.find_commit(new)
    head = None if at is None else _render_pushed(world, repository, at)
    ours = {
        "ref": ref,
        "before": old or NOTHING,
        "after": new or NOTHING,
        "created": old is None,
        "deleted": new is None,
        "forced": old is not None and new is not None and not git.is_ancestor(old, new),
        "base_ref": None,
        "compare": f"{page}/compare/{(old or NOTHING)[:12]}...{(new or NOTHING)[:12]}",
        "commits": commits[-20:],
        "head_commit": head,
        "pusher": {"name": by.login, "email": by.email},
    }
    _record(world, "push", repository, by, ours)


def record_check_suite(
    world: World, repository: Repository, sha: str, conclusion: str, by: User
) -> None:
    """Record that all check runs of a commit have ended."""
    number = world.new_id()
    url = f"{repository_url(world, repository)}/check-suites/{number}"
    branch = next((name for name, at in repository.heads.items() if at == sha), None)
    suite = {
        "id": number,
        "node_id": node_id("CS", number),
        "head_branch": branch,
        "head_sha": sha,
        "status": "completed",
        "conclusion": conclusion,
        "url": url,
        "check_runs_url": f"{url}/check-runs",
        "before": sha,
        "after": sha,
        "pull_requests": [],
        "created_at": render_time(world.clock.now()),
        "updated_at": render_time(world.clock.now()),
    }
    _record(world, "check_suite", repository, by, {"action": "completed", "check_suite": suite})


def record_status(world: World, repository: Repository, sha: str, status: Status) -> None:
    """Record that a commit was given a status."""
    rendered = render_status(world, repository, sha, status)
    commit = render_commit(world, repository, repository.git.read_commit(sha))
    # Newer than the events.
    del commit["commit"]["verification"]["verified_at"]
    ours = {
        **{key: value for key, value in rendered.items() if key not in ("url", "node_id")},
        "sha": sha,
        "name": repository.full_name,
        "commit": commit,
        "branches": [],
    }
    _record(world, "status", repository, status.creator, ours)


def _record(
    world: World, name: str, repository: Repository, by: User, ours: dict[str, Any]
) -> None:
    ours["repository"] = render_repository(world, repository, None)
    ours["sender"] = render_user(world, by)
    example = _find_example(name, ours.get("action"))
    payload = _fill(example, ours)
    kind = f"{name}${ours.get('action', 'event')}"
    for error in _validator(kind).iter_errors(payload):
        place = "/".join(map(str, error.instance_path))
        world.violations.append(f"webhook {kind}: {place}: {error.message[:300]}")
    world.add_event(Event(name, repository, payload))


def _fill(example: Any, ours: Any) -> Any:  # noqa: ANN401 - any JSON
    """Put our values into the example; what we have not is left as it is there."""
    if isinstance(example, dict) and isinstance(ours, dict):
        filled = {key: _fill(example.get(key), value) for key, value in ours.items()}
        return {**example, **filled}
    if isinstance(example, list) and isinstance(ours, list) and example:
        return [_fill(example[0], each) for each in ours]
    return ours


def _find_example(name: str, action: str | None) -> dict[str, Any]:
    found = _examples()[name]
    fitting = [each for each in found if each.get("action") == action]
    return copy.deepcopy(min(fitting or found, key=_count_others))


def _count_others(example: dict[str, Any]) -> int:
    return sum(key in example for key in _OF_OTHER_HOOKS)


def _render_pushed(world: World, repository: Repository, sha: str) -> dict[str, Any]:
    git = repository.git
    commit = git.read_commit(sha)
    changes = git.list_changes(commit.parents[0], sha) if commit.parents else []
    paths = {
        kind: [each.path for each in changes if each.status == letter]
        for kind, letter in (("added", "A"), ("removed", "D"), ("modified", "M"))
    }
    return {
        "id": sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": render_time(commit.committer.date),
        "url": f"{html_url(world, repository)}/commit/{sha}",
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
        **paths,
    }


@functools.cache
def _examples() -> dict[str, list[dict[str, Any]]]:
    listed = json.loads(npm.ensure(npm.WEBHOOK_EXAMPLES).read_bytes())
    examples = {each["name"]: each["examples"] for each in listed}
    for each in (example for found in examples.values() for example in found):
        for key in _OF_OTHER_HOOKS:
            each.pop(key, None)
    return examples


@functools.cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(npm.ensure(npm.WEBHOOK_SCHEMA).read_bytes())
    return schema


@functools.cache
def _validator(kind: str) -> jsonschema_rs.Draft7Validator:
    definitions = _schema()["definitions"]
    return jsonschema_rs.Draft7Validator(
        {"$ref": f"#/definitions/{kind}", "definitions": definitions}, validate_formats=True
    )
