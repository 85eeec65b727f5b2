"""Deployments and the states they go through."""

from __future__ import annotations

from testbed.github import rules
from testbed.github.access import Need
from testbed.github.errors import ApiError, not_found
from testbed.github.model import Deployment, DeploymentStatus, Repository
from testbed.github.render.commits import render_deployment, render_deployment_status
from testbed.github.rest.call import Answer, Call, Endpoint

_FILTERS = ("sha", "ref", "task", "environment")


def list_deployments(call: Call) -> Answer:
    """Answer the deployments that fit, newest first."""
    wanted = {name: call.query[name] for name in _FILTERS if call.query.get(name, "none") != "none"}
    found = [
        each
        for each in reversed(call.repository.deployments)
        if all(getattr(each, name) == value for name, value in wanted.items())
    ]
    return call.paginate(found, lambda each: render_deployment(call.world, call.repository, each))


def make_deployment(call: Call) -> Answer:
    """Make a deployment of a ref, once it has what is new and what is required of it."""
    repository, ref = call.repository, call.body["ref"]
    sha = repository.git.find_commit(ref)
    if sha is None:
        raise ApiError(422, f"No ref found for: {ref}", errors=[])
    if call.body.get("auto_merge", True) and not _has_default(repository, sha):
        base = repository.default_branch
        if ref not in repository.heads:
            raise ApiError(409, f"Conflict merging {base} into {ref}.")
        raise ApiError(501, f"the stand-in does not merge {base} into {ref} by itself")
    if not _is_green(repository, sha, call.body.get("required_contexts")):
        error = {"resource": "Deployment", "field": "required_contexts", "code": "invalid"}
        message = f"Conflict: Commit status checks failed for {ref}."
        raise ApiError(409, message, errors=[error])
    environment = call.body.get("environment", "production")
    deployment = Deployment(
        call.world.new_id(),
        sha,
        ref,
        call.body.get("task", "deploy"),
        environment,
        call.body.get("description"),
        call.body.get("payload") or {},
        call.user,
        call.world.clock.now(),
        call.body.get("production_environment", environment == "production"),
        call.body.get("transient_environment", False),
    )
    repository.deployments.append(deployment)
    return Answer(201, render_deployment(call.world, repository, deployment))


def _has_default(repository: Repository, sha: str) -> bool:
    head = repository.heads.get(repository.default_branch)
    return head is None or repository.git.is_ancestor(head, sha)


def _is_green(repository: Repository, sha: str, required: list[str] | None) -> bool:
    if required is None:
        return rules.roll_up(repository, sha) in (None, "SUCCESS")
    states = rules.find_states(repository, sha)
    return all(states.get(name) == "SUCCESS" for name in required)


def make_deployment_status(call: Call) -> Answer:
    """Say which state a deployment is in."""
    number = int(call.parameters["deployment_id"])
    found = [each for each in call.repository.deployments if each.id == number]
    if not found:
        raise not_found()
    (deployment,) = found
    description = call.body.get("description", "")
    if len(description) > 140:
        error = {
            "resource": "DeploymentStatus",
            "code": "custom",
            "field": "description",
            "message": "description is too long (maximum is 140 characters)",
        }
        raise ApiError(422, "Validation Failed", errors=[error])
    environment = call.body.get("environment", deployment.environment)
    url = call.body.get("log_url") or call.body.get("target_url", "")
    status = _note(call, deployment, call.body["state"], description, environment, url)
    if status.state == "success" and call.body.get("auto_inactive", True):
        for each in _replaced(call.repository, deployment):
            _note(call, each, "inactive", "", each.environment, "")
    body = render_deployment_status(call.world, call.repository, deployment, status)
    return Answer(201, body)


def _note(
    call: Call, deployment: Deployment, state: str, description: str, environment: str, url: str
) -> DeploymentStatus:
    now = call.world.clock.now()
    status = DeploymentStatus(
        call.world.new_id(), state, call.user, now, description, environment, url
    )
    deployment.statuses.append(status)
    return status


def _replaced(repository: Repository, by: Deployment) -> list[Deployment]:
    """Give what becomes inactive by itself (docs.github.com, "Inactive deployments")."""
    return [
        each
        for each in repository.deployments
        if each is not by
        and each.environment == by.environment
        and each.state == "success"
        and not (each.is_transient or each.is_production)
    ]


_WRITE = Need({"deployments": "write"}, scope="repo_deployment", role="write", is_write=True)

ENDPOINTS = {
    "repos/list-deployments": Endpoint(list_deployments, Need({"deployments": "read"})),
    "repos/create-deployment": Endpoint(make_deployment, _WRITE),
    "repos/create-deployment-status": Endpoint(make_deployment_status, _WRITE),
}
