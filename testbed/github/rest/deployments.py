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
    """Make a deployment of a ref."""
    sha = call.repository.git.find_commit(call.body["ref"])
    if sha is None:
        raise ApiError(422, f"No ref found for: {call.body['ref']}", errors=[])
    if "required_contexts" not in call.body and not _is_green(call.repository, sha):
        raise ApiError(409, f"Conflict: Commit status checks failed for {call.body['ref']}.")
    environment = call.body.get("environment", "production")
    deployment = Deployment(
        call.world.new_id(),
        sha,
        call.body["ref"],
        call.body.get("task", "deploy"),
        environment,
        call.body.get("description"),
        call.body.get("payload") or {},
        call.user,
        call.world.clock.now(),
        call.body.get("production_environment", environment == "production"),
    )
    call.repository.deployments.append(deployment)
    return Answer(201, render_deployment(call.world, call.repository, deployment))


def _is_green(repository: Repository, sha: str) -> bool:
    return rules.roll_up(repository, sha) in (None, "SUCCESS")


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
    status = DeploymentStatus(
        call.world.new_id(),
        call.body["state"],
        call.user,
        call.world.clock.now(),
        description,
        call.body.get("environment", deployment.environment),
        call.body.get("log_url") or call.body.get("target_url", ""),
    )
    deployment.statuses.append(status)
    body = render_deployment_status(call.world, call.repository, deployment, status)
    return Answer(201, body)


_WRITE = Need({"deployments": "write"}, scope="repo_deployment", role="write", is_write=True)

ENDPOINTS = {
    "repos/list-deployments": Endpoint(list_deployments, Need({"deployments": "read"})),
    "repos/create-deployment": Endpoint(make_deployment, _WRITE),
    "repos/create-deployment-status": Endpoint(make_deployment_status, _WRITE),
}
