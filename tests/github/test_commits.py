"""Refs, commits, comparisons, statuses and deployments."""

import pytest
from github import GithubException

from tests.contract.plain_git import git
from tests.github.conftest import HEAD, NAME, Desk, said


def test_a_branch_is_found_and_taken_away(desk: Desk) -> None:
    ref = desk.repository().get_git_ref(f"heads/{HEAD}")
    assert ref.object.sha == desk.tip(HEAD)
    ref.delete()
    assert git(desk.folder, "for-each-ref", f"refs/heads/{HEAD}") == ""
    with pytest.raises(GithubException) as error:
        desk.repository().get_git_ref(f"heads/{HEAD}")
    assert said(error) == (404, "Not Found")
    again = desk.call("DELETE", f"/repos/{NAME}/git/refs/heads/{HEAD}")
    assert (again.status, again.message) == (422, "Reference does not exist")


def test_taking_its_branch_away_closes_a_pull_request(desk: Desk) -> None:
    desk.open_pull()
    desk.repository(desk.mate_token).get_git_ref(f"heads/{HEAD}").delete()
    pull = desk.repository().get_pull(1)
    assert (pull.state, pull.merged) == ("closed", False)
    assert desk.closer(1) == "mate"


def test_the_default_branch_cannot_be_taken_away(desk: Desk) -> None:
    answer = desk.call("DELETE", f"/repos/{NAME}/git/refs/heads/main")
    assert (answer.status, answer.message) == (422, "Cannot delete this protected branch")


def test_commits_are_compared(desk: Desk) -> None:
    desk.commit("main", {"other.yaml": b"a: 2\n"})
    repository = desk.repository()
    assert repository.compare("main", "main").status == "identical"
    compared = repository.compare("main", HEAD)
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("diverged", 1, 1)
    assert [(each.filename, each.status) for each in compared.files] == [
        ("values.yaml", "modified")
    ]
    assert repository.compare(compared.merge_base_commit.sha, HEAD).status == "ahead"
    with pytest.raises(GithubException) as error:
        repository.compare("main", "gone")
    assert said(error) == (404, "Not Found")


def test_a_commit_is_read(desk: Desk) -> None:
    commit = desk.repository().get_commit(desk.tip(HEAD))
    assert commit.commit.message == "change"
    assert [each.sha for each in commit.parents] == [desk.tip("main")]
    assert commit.stats.total == 2
    with pytest.raises(GithubException) as error:
        desk.repository().get_commit("0" * 40)
    assert said(error) == (422, f"No commit found for SHA: {'0' * 40}")


def test_the_newest_status_of_each_context_counts(desk: Desk) -> None:
    commit = desk.repository().get_commit(desk.tip(HEAD))
    assert commit.get_combined_status().state == "pending"
    commit.create_status("failure", "http://127.0.0.1/1", "no", "album")
    assert commit.get_combined_status().state == "failure"
    commit.create_status("success", "http://127.0.0.1/2", "yes", "album")
    combined = commit.get_combined_status()
    assert (combined.state, combined.total_count) == ("success", 1)
    assert combined.statuses[0].target_url == "http://127.0.0.1/2"


def test_a_deployment_goes_through_states(desk: Desk) -> None:
    repository = desk.repository()
    deployment = repository.create_deployment(
        "main", auto_merge=False, required_contexts=[], environment="prod", payload={"app": "x"}
    )
    assert (deployment.sha, deployment.environment) == (desk.tip("main"), "prod")
    for state in ("in_progress", "success"):
        deployment.create_status(state, target_url="http://127.0.0.1/", description=state)
    assert [each.id for each in repository.get_deployments(environment="prod")] == [deployment.id]
    assert list(repository.get_deployments(environment="other")) == []


def test_a_deployment_waits_for_checks_unless_told_otherwise(desk: Desk) -> None:
    desk.server.set_status(NAME, desk.tip("main"), "ci", "pending")
    with pytest.raises(GithubException) as error:
        desk.repository().create_deployment("main")
    assert said(error) == (409, "Conflict: Commit status checks failed for main.")


def test_a_deployment_can_require_checks_of_its_own_or_none(desk: Desk) -> None:
    repository = desk.repository()
    desk.server.set_status(NAME, desk.tip("main"), "ci", "failure")
    desk.server.set_status(NAME, desk.tip("main"), "lint", "success")
    for required in ([], ["lint"]):
        repository.create_deployment("main", required_contexts=required)
    with pytest.raises(GithubException) as error:
        repository.create_deployment("main", required_contexts=["ci"])
    assert said(error)[0] == 409


def test_a_commit_behind_the_default_branch_is_merged_first_unless_told_otherwise(
    desk: Desk,
) -> None:
    repository, behind = desk.repository(), desk.tip("main")
    desk.open_pull()
    desk.server.merge_pull(NAME, 1, "mate")
    with pytest.raises(GithubException) as error:
        repository.create_deployment(behind)
    assert said(error) == (409, f"Conflict merging main into {behind}.")
    assert repository.create_deployment(behind, auto_merge=False).sha == behind


def test_a_success_makes_the_others_of_its_environment_inactive(desk: Desk) -> None:
    def deploy(environment: str, *, is_alone: bool = True) -> None:
        made = desk.repository().create_deployment("main", environment=environment)
        made.create_status("success", auto_inactive=is_alone)

    for environment in ("qa", "production", "other", "production", "qa"):
        deploy(environment)
    deploy("qa", is_alone=False)
    states = [item.state for item in desk.server.deployments(NAME)]
    assert states == ["inactive", *["success"] * 5]


def test_a_description_of_a_deployment_has_an_end(desk: Desk) -> None:
    deployment = desk.repository().create_deployment("main")
    with pytest.raises(GithubException) as error:
        deployment.create_status("success", description="x" * 141)
    assert said(error) == (422, "description is too long (maximum is 140 characters)")
