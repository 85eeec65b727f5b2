"""Pull requests as the issues that they also are: labels, assignees, milestones, comments."""

from __future__ import annotations

from testbed.github.access import Need
from testbed.github.errors import invalid
from testbed.github.model import Comment, Label, Milestone
from testbed.github.render.pulls import (
    render_comment,
    render_issue,
    render_label,
    render_milestone,
)
from testbed.github.rest.call import Answer, Call, Endpoint


def get_issue(call: Call) -> Answer:
    """Answer a pull request as an issue; only here GitHub tells who closed it."""
    return Answer(body=render_issue(call.world, call.get_pull("issue_number")))


def update_issue(call: Call) -> Answer:
    """Change the milestone, or take it away."""
    pull = call.get_pull("issue_number")
    if "milestone" in call.body:
        number = call.body["milestone"]
        milestone = None if number is None else pull.repository.milestones.get(int(number))
        if number is not None and milestone is None:
            raise invalid("Issue", "", "milestone", "invalid")
        pull.milestone = milestone
        pull.updated_at = call.world.clock.now()
    return Answer(body=render_issue(call.world, pull))


def add_labels(call: Call) -> Answer:
    """Add labels; those the repository has not are made."""
    pull = call.get_pull("issue_number")
    known = pull.repository.labels
    wished = call.body if isinstance(call.body, list) else call.body["labels"]
    for name in wished:
        label = known.get(name.lower())
        if label is None:
            label = known[name.lower()] = Label(call.world.new_id(), name)
        if label not in pull.labels:
            pull.labels.append(label)
    pull.updated_at = call.world.clock.now()
    rendered = [render_label(call.world, pull.repository, each) for each in pull.labels]
    return Answer(body=rendered)


def add_assignees(call: Call) -> Answer:
    """Add assignees; GitHub leaves those out who cannot be assigned."""
    pull = call.get_pull("issue_number")
    for login in call.body.get("assignees", ()):
        user = call.world.users.get(login.lower())
        is_known = login in pull.repository.roles or login == pull.repository.owner.login
        if user is not None and is_known and user not in pull.assignees:
            pull.assignees.append(user)
    pull.updated_at = call.world.clock.now()
    return Answer(201, render_issue(call.world, pull))


def list_comments(call: Call) -> Answer:
    """Answer the comments, oldest first."""
    pull = call.get_pull("issue_number")
    return call.paginate(pull.comments, lambda each: render_comment(call.world, pull, each))


def add_comment(call: Call) -> Answer:
    """Add a comment."""
    pull = call.get_pull("issue_number")
    now = call.world.clock.now()
    comment = Comment(call.world.new_id(), call.user, call.body["body"], now)
    pull.comments.append(comment)
    pull.updated_at = now
    return Answer(201, render_comment(call.world, pull, comment))


def list_milestones(call: Call) -> Answer:
    """Answer the milestones that are in a state."""
    state = call.query.get("state", "open")
    repository = call.repository
    found = [each for each in repository.milestones.values() if state in ("all", each.state)]

    def render(milestone: Milestone) -> object:
        return render_milestone(call.world, repository, milestone)

    return call.paginate(found, render)


_EITHER_READ = Need({"issues": "read", "pull_requests": "read"})
_EITHER_WRITE = Need({"issues": "write", "pull_requests": "write"}, role="triage", is_write=True)
_COMMENT = Need({"issues": "write", "pull_requests": "write"}, is_write=True)

ENDPOINTS = {
    "issues/get": Endpoint(get_issue, _EITHER_READ),
    "issues/update": Endpoint(update_issue, _EITHER_WRITE),
    "issues/add-labels": Endpoint(add_labels, _EITHER_WRITE),
    "issues/add-assignees": Endpoint(add_assignees, _EITHER_WRITE),
    "issues/list-comments": Endpoint(list_comments, _EITHER_READ),
    "issues/create-comment": Endpoint(add_comment, _COMMENT),
    "issues/list-milestones": Endpoint(list_milestones, _EITHER_READ),
}
