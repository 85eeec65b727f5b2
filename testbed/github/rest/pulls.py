"""Pull requests: found, opened, changed, reviewed, merged."""

from __future__ import annotations

from testbed.github import following, lifecycle, merging
from testbed.github.access import Need
from testbed.github.errors import ApiError, RefusedError, invalid, not_found
from testbed.github.model import PullRequest, Repository
from testbed.github.render.pulls import render_pull, render_pull_summary, render_review
from testbed.github.rest.call import Answer, Call, Endpoint


def list_pulls(call: Call) -> Answer:
    """Answer the pull requests that fit, in the order that is asked for."""
    query = call.query
    state = query.get("state", "open")
    found = [
        pull
        for pull in call.repository.pulls.values()
        if state in ("all", pull.state)
        and query.get("base", pull.base_ref) == pull.base_ref
        and _has_head(pull, query.get("head"))
    ]
    is_by_update = query.get("sort") == "updated"
    found.sort(key=lambda pull: (pull.updated_at if is_by_update else pull.created_at, pull.id))
    # Newest first, unless another order than the one by creation is asked for.
    if query.get("direction", "asc" if is_by_update else "desc") == "desc":
        found.reverse()
    return call.paginate(found, lambda pull: render_pull_summary(call.world, pull, call.viewer))


def _has_head(pull: PullRequest, wanted: str | None) -> bool:
    # GitHub ignores a head that is not `owner:branch`.
    if wanted is None or ":" not in wanted:
        return True
    return f"{pull.head_owner.login}:{pull.head_ref}".lower() == wanted.lower()


def get_pull(call: Call) -> Answer:
    """Answer a pull request; whether it can be merged is found out after the first answer."""
    pull = call.get_pull("pull_number")
    body = render_pull(call.world, pull, call.viewer)
    if pull.state == "open":
        merging.try_merge(call.world, pull)
    return Answer(body=body)


def create_pull(call: Call) -> Answer:
    """Open a pull request."""
    head, branch = _find_head(call)
    base = call.body["base"]
    repository = call.repository
    if not call.body.get("title"):
        raise invalid("PullRequest", "", "title", "missing_field")
    if base not in repository.git.find_heads():
        raise invalid("PullRequest", "", "base", "invalid")
    for pull in repository.pulls.values():
        same = (pull.head_repository, pull.head_ref, pull.base_ref) == (head, branch, base)
        if same and pull.state == "open":
            label = f"{head.owner.login}:{branch}"
            raise invalid("PullRequest", f"A pull request already exists for {label}.")
    try:
        pull = lifecycle.open_pull(
            call.world,
            repository,
            head,
            branch,
            base,
            call.user,
            title=call.body["title"],
            body=call.body.get("body"),
            is_draft=call.body.get("draft", False),
            maintainer_can_modify=call.body.get("maintainer_can_modify", False),
        )
    except RefusedError as error:
        raise invalid("PullRequest", str(error)) from error
    return Answer(201, render_pull(call.world, pull, call.viewer))


def _find_head(call: Call) -> tuple[Repository, str]:
    """Find the branch that is to be merged; `owner:branch` is one of a fork."""
    owner, colon, branch = call.body["head"].rpartition(":")
    head: Repository | None = call.repository
    if colon and owner.lower() != call.repository.owner.login.lower():
        family = call.world.repositories.values()
        forks = [each for each in family if each.parent is call.repository]
        head = next((each for each in forks if each.owner.login.lower() == owner.lower()), None)
    if head is None or branch not in head.git.find_heads():
        raise invalid("PullRequest", "", "head", "invalid")
    return head, branch


def update_pull(call: Call) -> Answer:
    """Change title, text, base or state."""
    world, pull, body = call.world, call.get_pull("pull_number"), call.body
    if "base" in body and body["base"] not in pull.repository.git.find_heads():
        raise invalid("PullRequest", "", "base", "invalid")
    pull.title = body.get("title", pull.title)
    pull.body = body.get("body", pull.body)
    if body.get("base", pull.base_ref) != pull.base_ref:
        try:
            lifecycle.retarget_pull(world, pull, body["base"], call.user)
        except RefusedError as error:
            raise invalid("PullRequest", str(error), "base", "invalid") from error
    pull.updated_at = world.clock.now()
    wished = body.get("state", pull.state)
    if wished == "closed" and pull.state == "open":
        lifecycle.close_pull(world, pull, call.user)
    elif wished == "open" and pull.state == "closed":
        try:
            lifecycle.reopen_pull(world, pull, call.user)
        except RefusedError as error:
            raise invalid("PullRequest", str(error), "state", "invalid") from error
    following.follow_git(world, pull.repository, call.user)
    return Answer(body=render_pull(world, pull, call.viewer))


def merge_pull(call: Call) -> Answer:
    """Merge a pull request, if its head is the expected one and nothing stands in the way."""
    world, pull = call.world, call.get_pull("pull_number")
    expected = call.body.get("sha")
    if expected is not None and expected != pull.head_sha:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")
    merging.try_merge(world, pull)
    method = call.body.get("merge_method", "merge")
    refusal = lifecycle.find_refusal(pull, method)
    if refusal is not None:
        raise ApiError(405, refusal)
    try:
        sha = lifecycle.merge_pull(
            world,
            pull,
            method,
            call.user,
            title=call.body.get("commit_title"),
            message=call.body.get("commit_message"),
        )
    except RefusedError as error:
        raise ApiError(405, str(error)) from error
    following.follow_git(world, pull.repository, call.user)
    merged = {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}
    return Answer(body=merged)


def check_merged(call: Call) -> Answer:
    """Answer whether a pull request was merged, by the status alone."""
    if not call.get_pull("pull_number").is_merged:
        raise not_found()
    return Answer(204)


def request_reviewers(call: Call) -> Answer:
    """Ask people to review."""
    pull = call.get_pull("pull_number")
    for login in call.body.get("reviewers", ()):
        user = call.world.users.get(login.lower())
        if user is pull.user:
            raise ApiError(422, "Review cannot be requested from pull request author.")
        if user is None or pull.repository.find_role(user) is None or not _is_member(pull, login):
            raise ApiError(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or "
                f"teams you specified is not a collaborator of the {pull.repository.full_name} "
                "repository.",
            )
        if user not in pull.requested_reviewers:
            pull.requested_reviewers.append(user)
    pull.updated_at = call.world.clock.now()
    return Answer(201, render_pull_summary(call.world, pull, call.viewer))


def _is_member(pull: PullRequest, login: str) -> bool:
    repository = pull.repository
    return login in repository.roles or login == repository.owner.login


def list_reviews(call: Call) -> Answer:
    """Answer the reviews, oldest first."""
    pull = call.get_pull("pull_number")
    return call.paginate(pull.reviews, lambda each: render_review(call.world, pull, each))


_READ = Need({"pull_requests": "read"})
_WRITE = Need({"pull_requests": "write"}, is_write=True)
_REQUEST = Need({"pull_requests": "write"}, role="triage", is_write=True)
_MERGE = Need({"contents": "write"}, role="write", is_write=True)

ENDPOINTS = {
    "pulls/list": Endpoint(list_pulls, _READ),
    "pulls/get": Endpoint(get_pull, _READ),
    "pulls/create": Endpoint(create_pull, _WRITE),
    "pulls/update": Endpoint(update_pull, _WRITE),
    "pulls/merge": Endpoint(merge_pull, _MERGE),
    "pulls/check-if-merged": Endpoint(check_merged, _READ),
    "pulls/request-reviewers": Endpoint(request_reviewers, _REQUEST),
    "pulls/list-reviews": Endpoint(list_reviews, _READ),
}
