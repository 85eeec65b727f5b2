"""Auto-merge and the merge queue."""

import pytest
from github import GithubException
from github.PullRequest import PullRequest

from testbed.github.model import Protection
from tests.github.conftest import HEAD, NAME, Desk, said

ENQUEUE = """mutation($id: ID!) {
  enqueuePullRequest(input: {pullRequestId: $id}) { mergeQueueEntry { position state } }
}"""
LOOK = """query($id: ID!) { node(id: $id) { ... on PullRequest {
  state isInMergeQueue mergeQueueEntry { position state enqueuer { login } }
  autoMergeRequest { enabledBy { login } mergeMethod } mergedBy { login }
} } }"""


@pytest.fixture
def pull(desk: Desk) -> PullRequest:
    desk.server.configure(NAME, allow_auto_merge=True)
    desk.open_pull()
    return desk.repository().get_pull(1)


def refusal(pull: PullRequest, method: str = "MERGE") -> str:
    with pytest.raises(GithubException) as error:
        pull.enable_automerge(merge_method=method)
    (only,) = error.value.data["errors"]
    assert (only["type"], only["path"]) == ("UNPROCESSABLE", ["enablePullRequestAutoMerge"])
    return str(only["message"])


def test_one_that_can_be_merged_now_is_refused(pull: PullRequest) -> None:
    assert refusal(pull) == "Pull request is in clean status"


def test_a_repository_must_allow_it(desk: Desk, pull: PullRequest) -> None:
    desk.server.configure(NAME, allow_auto_merge=False)
    assert refusal(pull) == "Auto merge is not allowed for this repository"


def test_a_repository_must_allow_the_method(desk: Desk, pull: PullRequest) -> None:
    desk.server.configure(NAME, allow_rebase_merge=False)
    expected = "Merge method rebase merging is not allowed on this repository"
    assert refusal(pull, "REBASE") == expected


def test_a_conflict_is_refused(desk: Desk, pull: PullRequest) -> None:
    desk.commit("main", {"values.yaml": b"tag: v9\n"})
    assert refusal(pull) == "Pull request is in dirty status"


def test_it_merges_once_all_that_is_required_is_there(desk: Desk, pull: PullRequest) -> None:
    desk.server.protect_branch(NAME, "main", Protection(approvals=1, checks=("ci",)))
    pull.enable_automerge(merge_method="SQUASH")
    assert desk.repository().get_pull(1).raw_data["auto_merge"]["merge_method"] == "squash"
    desk.server.review(NAME, 1, "mate")
    desk.server.set_check(NAME, desk.tip(HEAD), "ci", None)
    seen = desk.query(LOOK, id=pull.node_id)["data"]["node"]
    assert seen["autoMergeRequest"] == {"enabledBy": {"login": "octo"}, "mergeMethod": "SQUASH"}
    assert seen["state"] == "OPEN"
    desk.server.set_check(NAME, desk.tip(HEAD), "ci", "success")
    merged = desk.repository().get_pull(1)
    assert merged.merged
    assert merged.merged_by.login == "octo"
    assert len(desk.repository().get_commit(desk.tip("main")).parents) == 1


def test_it_can_be_taken_back(desk: Desk, pull: PullRequest) -> None:
    desk.server.protect_branch(NAME, "main", Protection(approvals=1))
    pull.enable_automerge()
    pull.disable_automerge()
    desk.server.review(NAME, 1, "mate")
    assert not desk.repository().get_pull(1).merged
    with pytest.raises(GithubException) as error:
        pull.disable_automerge()
    assert said(error)[1] == "Can't disable auto-merge for this pull request."


def test_it_ends_where_the_merge_does_not_work(desk: Desk, pull: PullRequest) -> None:
    # The commits one by one conflict, their sum does not.
    desk.commit(HEAD, {"values.yaml": b"tag: v3\n"})
    desk.server.protect_branch(NAME, "main", Protection(checks=("ci",)))
    pull.enable_automerge(merge_method="REBASE")
    desk.commit("main", {"values.yaml": b"tag: v3\n"})
    desk.server.set_check(NAME, desk.tip(HEAD), "ci", "success")
    seen = desk.query(LOOK, id=pull.node_id)["data"]["node"]
    assert (seen["state"], seen["autoMergeRequest"]) == ("OPEN", None)


def test_a_branch_with_a_queue_takes_no_direct_merge(desk: Desk, pull: PullRequest) -> None:
    desk.server.protect_branch(NAME, "main", Protection(has_queue=True))
    with pytest.raises(GithubException) as error:
        pull.merge()
    assert said(error) == (405, "Changes must be made through the merge queue")


def test_the_queue_merges_in_order(desk: Desk, pull: PullRequest) -> None:
    desk.commit("second", {"second": b"x\n"})
    desk.open_pull("second")
    second = desk.repository().get_pull(2)
    desk.server.protect_branch(NAME, "main", Protection(has_queue=True, queue_method="squash"))
    for place, each in enumerate((pull, second), 1):
        entry = desk.query(ENQUEUE, id=each.node_id)["data"]["enqueuePullRequest"]
        assert entry["mergeQueueEntry"] == {"position": place, "state": "QUEUED"}
    seen = desk.query(LOOK, id=second.node_id)["data"]["node"]
    assert seen["isInMergeQueue"]
    assert seen["mergeQueueEntry"]["enqueuer"] == {"login": "octo"}
    desk.server.drain_queue(NAME, "main")
    seen = desk.query(LOOK, id=second.node_id)["data"]["node"]
    assert (seen["state"], seen["isInMergeQueue"]) == ("MERGED", False)
    assert seen["mergedBy"] == {"login": "github-merge-queue"}
    assert desk.repository().get_pull(1).merged


def test_what_cannot_be_merged_leaves_the_queue(desk: Desk, pull: PullRequest) -> None:
    desk.server.protect_branch(NAME, "main", Protection(has_queue=True))
    desk.query(ENQUEUE, id=pull.node_id)
    desk.commit("main", {"values.yaml": b"tag: v9\n"})
    desk.server.drain_queue(NAME, "main")
    seen = desk.query(LOOK, id=pull.node_id)["data"]["node"]
    assert (seen["state"], seen["isInMergeQueue"]) == ("OPEN", False)
    assert desk.server.events[-1].payload["action"] == "dequeued"


def test_a_branch_without_a_queue_takes_none_in(desk: Desk, pull: PullRequest) -> None:
    (error,) = desk.query(ENQUEUE, id=pull.node_id)["errors"]
    assert error["type"] == "UNPROCESSABLE"
    assert desk.repository().get_pull(1).state == "open"


def test_auto_merge_goes_through_the_queue(desk: Desk, pull: PullRequest) -> None:
    protection = Protection(checks=("ci",), has_queue=True)
    desk.server.protect_branch(NAME, "main", protection)
    pull.enable_automerge()
    desk.server.set_status(NAME, desk.tip(HEAD), "ci", "success")
    seen = desk.query(LOOK, id=pull.node_id)["data"]["node"]
    assert (seen["state"], seen["isInMergeQueue"]) == ("OPEN", True)


def test_another_base_leaves_it_on_where_a_writer_sets_it(desk: Desk, pull: PullRequest) -> None:
    desk.commit("develop", {"new.yaml": b"a: 1\n"})
    desk.server.make_user("reader")
    desk.server.set_role(NAME, "reader", "read")
    for branch in ("main", "develop"):
        desk.server.protect_branch(NAME, branch, Protection(checks=("ci",)))
    pull.enable_automerge()
    desk.repository(desk.mate_token).get_pull(1).edit(base="develop")
    seen = desk.query(LOOK, id=pull.node_id)["data"]["node"]
    assert seen["autoMergeRequest"]["enabledBy"] == {"login": "octo"}
    assert desk.server.events[-1].payload["changes"]["base"]["ref"] == {"from": "main"}
    desk.server.retarget_pull(NAME, 1, "main", "reader")
    assert desk.query(LOOK, id=pull.node_id)["data"]["node"]["autoMergeRequest"] is None


def test_another_base_must_exist_and_the_pull_request_be_open(
    desk: Desk, pull: PullRequest
) -> None:
    with pytest.raises(GithubException) as error:
        pull.edit(base="nowhere")
    assert error.value.status == 422
    desk.server.close_pull(NAME, 1, "octo")
    with pytest.raises(GithubException) as error:
        pull.edit(base=HEAD)
    assert said(error)[1] == "Cannot change the base branch of a closed pull request."


DEQUEUE = """mutation($id: ID!) {
  dequeuePullRequest(input: {id: $id}) { mergeQueueEntry { position } }
}"""


def test_a_place_in_the_queue_can_be_given_back(desk: Desk, pull: PullRequest) -> None:
    desk.server.protect_branch(NAME, "main", Protection(has_queue=True))
    desk.query(ENQUEUE, id=pull.node_id)
    assert "errors" not in desk.query(DEQUEUE, id=pull.node_id)
    seen = desk.query(LOOK, id=pull.node_id)["data"]["node"]
    assert (seen["state"], seen["isInMergeQueue"]) == ("OPEN", False)
    (error,) = desk.query(DEQUEUE, id=pull.node_id)["errors"]
    assert error["message"] == "Pull request is not in the queue"
