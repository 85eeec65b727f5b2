"""The GraphQL API: what is seen, and how it says no."""

from tests.github.conftest import HEAD, NAME, Desk

EVERYTHING = """
query($ids: [ID!]!) {
  rateLimit { cost remaining resetAt }
  nodes(ids: $ids) { ... on PullRequest {
    id number state merged mergedAt isDraft headRefOid headRefName baseRefName mergeable
    mergeStateStatus reviewDecision isInMergeQueue mergeCommit { oid } mergedBy { login }
    autoMergeRequest { enabledAt enabledBy { login } mergeMethod }
    mergeQueueEntry { position state } headRef { name }
    commits(last: 1) { nodes { commit { statusCheckRollup { state contexts(first: 10) { nodes {
      __typename
      ... on CheckRun { name status conclusion }
      ... on StatusContext { context state }
    } } } } } }
    timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) {
      nodes { ... on ClosedEvent { actor { login } } }
    }
    latestReviews(first: 5) { nodes { state author { login } } }
    reviews(first: 5) { totalCount nodes { state } pageInfo { hasNextPage endCursor } }
  } }
}
"""
STATE = "query($id: ID!) { node(id: $id) { ... on PullRequest { state mergeable } } }"


def test_a_pull_request_is_seen_with_all_that_hangs_on_it(desk: Desk) -> None:
    desk.open_pull()
    head = desk.tip(HEAD)
    desk.server.set_check(NAME, head, "ci", None)
    desk.server.set_status(NAME, head, "lint", "success")
    desk.server.review(NAME, 1, "mate", "CHANGES_REQUESTED")
    desk.server.review(NAME, 1, "mate")
    node = desk.repository().get_pull(1).node_id
    desk.query(EVERYTHING, ids=[node])
    answer = desk.query(EVERYTHING, ids=[node])
    assert "errors" not in answer
    assert answer["data"]["rateLimit"]["cost"] == 1
    (seen,) = answer["data"]["nodes"]
    assert (seen["id"], seen["number"], seen["state"]) == (node, 1, "OPEN")
    assert (seen["headRefOid"], seen["headRef"]) == (head, {"name": HEAD})
    assert (seen["mergeable"], seen["mergeStateStatus"]) == ("MERGEABLE", "UNSTABLE")
    assert seen["reviewDecision"] is None
    rollup = seen["commits"]["nodes"][0]["commit"]["statusCheckRollup"]
    assert rollup["state"] == "PENDING"
    assert rollup["contexts"]["nodes"] == [
        {"__typename": "CheckRun", "name": "ci", "status": "IN_PROGRESS", "conclusion": None},
        {"__typename": "StatusContext", "context": "lint", "state": "SUCCESS"},
    ]
    assert seen["latestReviews"]["nodes"] == [{"state": "APPROVED", "author": {"login": "mate"}}]
    assert seen["reviews"]["totalCount"] == 2


def test_it_is_not_known_at_first_whether_it_can_be_merged(desk: Desk) -> None:
    desk.open_pull()
    node = desk.repository().get_pulls()[0].node_id
    found = [desk.query(STATE, id=node)["data"]["node"]["mergeable"] for _ in range(2)]
    assert found == ["UNKNOWN", "MERGEABLE"]


def test_it_tells_who_closed_and_who_merged(desk: Desk) -> None:
    desk.open_pull()
    desk.commit("second", {"second": b"x\n"})
    desk.open_pull("second")
    desk.server.close_pull(NAME, 1, "mate")
    commit = desk.server.merge_pull(NAME, 2, "mate")
    ids = [desk.repository().get_pull(number).node_id for number in (1, 2)]
    closed, merged = desk.query(EVERYTHING, ids=ids)["data"]["nodes"]
    assert closed["state"] == "CLOSED"
    assert closed["timelineItems"]["nodes"] == [{"actor": {"login": "mate"}}]
    assert (merged["state"], merged["mergeCommit"]) == ("MERGED", {"oid": commit})
    assert merged["mergedBy"] == {"login": "mate"}


def test_a_repository_gives_its_pull_requests(desk: Desk) -> None:
    desk.open_pull()
    text = """query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {
      autoMergeAllowed viewerPermission
      pullRequest(number: 1) { title url }
      pullRequests(first: 10, states: [OPEN]) { nodes { number } }
    } }"""
    owner, _, name = NAME.partition("/")
    seen = desk.query(text, owner=owner, name=name)["data"]["repository"]
    assert seen["pullRequest"]["url"] == f"{desk.server.url}/{NAME}/pull/1"
    assert seen["pullRequests"]["nodes"] == [{"number": 1}]
    assert (seen["autoMergeAllowed"], seen["viewerPermission"]) == (False, "ADMIN")


def test_what_is_missing_is_an_error_and_the_rest_is_there(desk: Desk) -> None:
    desk.open_pull()
    node = desk.repository().get_pull(1).node_id
    answer = desk.query(EVERYTHING, ids=["PR_x", node])
    assert [each and each["number"] for each in answer["data"]["nodes"]] == [None, 1]
    (error,) = answer["errors"]
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["nodes", 0])
    assert error["message"] == "Could not resolve to a node with the global id of 'PR_x'"


def test_a_repository_one_cannot_see_is_not_found(desk: Desk) -> None:
    desk.server.configure(NAME, private=True)
    desk.server.make_user("guest")
    token = desk.server.make_token("guest")
    answer = desk.query('{ repository(owner: "octo", name: "config") { id } }', token)
    assert answer["data"] == {"repository": None}
    (error,) = answer["errors"]
    assert error["type"] == "NOT_FOUND"
    assert error["message"] == "Could not resolve to a Repository with the name 'octo/config'."


def test_a_permission_that_is_lacking_is_forbidden(desk: Desk) -> None:
    token = desk.server.make_fine_grained_token("octo", {"contents": "read"})
    (error,) = desk.query('{ repository(owner: "octo", name: "config") { id } }', token)["errors"]
    assert error["type"] == "FORBIDDEN"
    assert error["message"] == "Resource not accessible by personal access token"


def test_nobody_is_asked_to_log_in(desk: Desk) -> None:
    answer = desk.call("POST", "/api/graphql", {"query": "{ viewer { login } }"}, token=None)
    assert answer.status == 401


def test_a_request_without_a_query_is_bad(desk: Desk) -> None:
    answer = desk.call("POST", "/api/graphql", {})
    assert (answer.status, answer.message) == (
        400,
        "A query attribute must be specified and must be a string.",
    )


def test_requests_are_logged_and_counted(desk: Desk) -> None:
    answer = desk.call("POST", "/api/graphql", {"query": "{ viewer { login } }"})
    assert answer.json["data"]["viewer"]["login"] == "octo"
    assert answer.headers["x-ratelimit-resource"] == "graphql"
    (logged,) = desk.server.requests
    assert (logged.operation, logged.is_counted) == ("graphql", True)
