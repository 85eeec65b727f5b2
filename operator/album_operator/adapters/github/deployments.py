"""Deployments of a commit, each known again by its release's uid in its payload."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from album_operator.adapters.forge_answers import reading, require
from album_operator.adapters.forge_failures import commit_unknown, garbage
from album_operator.adapters.github.answers import credential_refused, is_right_missing
from album_operator.adapters.github.api import GitHubApi
from album_operator.domain.places import Deployment, DeploymentState, ForgePlace

QUERY = """
query($owner: String!, $name: String!, $commit: GitObjectID!, $environment: String!) {
  repository(owner: $owner, name: $name) {
    nameWithOwner
    object(oid: $commit) { ... on Commit {
      deployments(environments: [$environment], last: 100) { nodes { ...Seen } }
    } }
    deployments(
      environments: [$environment], first: 100, orderBy: {field: CREATED_AT, direction: DESC}
    ) { nodes { ...Seen } }
  }
}
fragment Seen on Deployment { databaseId task payload latestStatus { state } }
"""

WRITE = "make deployments in"

REPLACED = "Another version has taken its place."


@dataclass(frozen=True)
class _Seen:
    """A deployment that is there; its state is empty where none was told yet."""

    id: int
    task: str
    payload: str
    state: str


async def set_deployment(
    api: GitHubApi,
    place: ForgePlace,
    deployment: Deployment,
    state: DeploymentState,
    text: str,
    url: str | None,
) -> None:
    """Say how a deployment stands; it is made where it is not there yet."""
    at_commit, in_environment = await _look(api, place, deployment)
    own = next((seen for seen in at_commit if deployment.uid in seen.payload), None)
    if own is None and state is DeploymentState.INACTIVE:
        return
    number = own.id if own is not None else await _make(api, place, deployment)
    if own is None or own.state != state:
        await _set_state(api, place, number, state, text, url)
    if state is not DeploymentState.SUCCESS:
        return
    for seen in in_environment:
        # One that was begun before and has not ended is mostly of a release that is deleted; if
        # not, it says itself how it stands.
        is_left = seen.state == DeploymentState.IN_PROGRESS and seen.id < number
        if seen.id != number and (is_left or seen.state == DeploymentState.SUCCESS):
            await _set_state(api, place, seen.id, DeploymentState.INACTIVE, REPLACED, None)


async def _look(
    api: GitHubApi, place: ForgePlace, deployment: Deployment
) -> tuple[list[_Seen], list[_Seen]]:
    """Read the deployments of a task: those of the commit, and the last ones of all."""
    asked = {"commit": deployment.commit, "environment": deployment.environment}
    answer = await api.query(place, QUERY, asked)
    if is_right_missing(answer):
        raise credential_refused(place, answer, WRITE)
    if answer.errors:
        raise garbage(place, answer.said)
    with reading(place, "deployments have"):
        found = answer.body["data"]["repository"]
        if found["object"] is None:
            raise commit_unknown(place, deployment.commit)
        at_commit, last = found["object"]["deployments"], found["deployments"]
        task = deployment.task
        return list(_parse(at_commit["nodes"], task)), list(_parse(last["nodes"], task))


def _parse(nodes: list[Mapping[str, Any]], task: str) -> Iterator[_Seen]:
    for node in nodes:
        if node["task"] == task:
            state = str((node["latestStatus"] or {}).get("state") or "").lower()
            yield _Seen(int(node["databaseId"]), task, str(node["payload"]), state)


async def _make(api: GitHubApi, place: ForgePlace, deployment: Deployment) -> int:
    body = {
        "ref": deployment.commit,
        "task": deployment.task,
        "environment": deployment.environment,
        "description": deployment.description,
        "payload": {"release": deployment.release, "uid": deployment.uid},
        # By default GitHub merges the default branch into what is behind it, instead of making
        # the deployment, and refuses it where any status or check of the commit has not passed.
        "auto_merge": False,
        "required_contexts": [],
        "transient_environment": False,
    }
    answer = await api.send(place, "POST", "/deployments", body)
    require(place, answer, 201, WRITE)
    with reading(place, "a deployment has"):
        return int(answer.body["id"])


async def _set_state(
    api: GitHubApi,
    place: ForgePlace,
    number: int,
    state: DeploymentState,
    text: str,
    url: str | None,
) -> None:
    # GitHub's own way makes the deployments of all other apps in the environment inactive too, and
    # none of one it knows as production.
    body = {"state": str(state), "description": text, "auto_inactive": False}
    body |= {"log_url": url} if url is not None else {}
    answer = await api.send(place, "POST", f"/deployments/{number}/statuses", body)
    require(place, answer, 201, WRITE)
