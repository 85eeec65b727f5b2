"""What a delivery is about, from bodies as GitHub and Gitea send them, less what is not read.

GitHub: examples of github.com/octokit/webhooks; Gitea: `modules/structs/hook.go` of 1.26.
"""

from typing import Any

import pytest

from album_operator.codec.notices import parse_image_notices, parse_notices
from album_operator.domain.forges import ForgeType
from album_operator.domain.notice import CommitNotice, ImageNotice, Notice

GITHUB, GITEA = "https://github.com/Codertocat/Hello-World", "https://git.example.org/album/config"
BRANCH = "release/backend_v1.1.0"
QUEUED = "gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64"
SHA = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"

HELLO: dict[str, Any] = {
    "repository": {"name": "Hello-World", "full_name": "Codertocat/Hello-World", "html_url": GITHUB}
}
CONFIG: dict[str, Any] = {
    "repository": {"name": "config", "full_name": "album/config", "html_url": GITEA}
}
PULL = {"number": 2, "state": "closed", "merged": True, "head": {"ref": BRANCH, "sha": "ec26c3e5"}}
NAMED = {"number": 2, "head": {"ref": BRANCH}, "base": {"ref": "main"}}


def _github(event: str, **payload: object) -> set[tuple[int | None, str | None]]:
    return _places(ForgeType.GITHUB, event, {**HELLO, **payload})


def _gitea(event: str, **payload: object) -> set[tuple[int | None, str | None]]:
    return _places(ForgeType.GITEA, event, {**CONFIG, **payload})


def _places(
    forge: ForgeType, event: str, payload: dict[str, Any]
) -> set[tuple[int | None, str | None]]:
    notices = [
        notice for notice in parse_notices(forge, event, payload) if isinstance(notice, Notice)
    ]
    assert {notice.repository for notice in notices} <= {payload["repository"]["html_url"]}
    assert len(set(notices)) == len(notices)
    return {(notice.number, notice.branch) for notice in notices}


@pytest.mark.parametrize("action", ["opened", "synchronize", "edited", "closed", "enqueued"])
def test_pull_requests_of_github(action: str) -> None:
    assert _github("pull_request", action=action, number=2, pull_request=PULL) == {(2, BRANCH)}


def test_reviews_of_github() -> None:
    review = {"action": "submitted", "review": {"state": "approved"}, "pull_request": PULL}
    assert _github("pull_request_review", **review) == {(2, BRANCH)}


@pytest.mark.parametrize(
    "event",
    ["pull_request", "pull_request_sync", "pull_request_approved", "pull_request_rejected"],
)
def test_pull_requests_of_gitea(event: str) -> None:
    assert _gitea(event, action="closed", number=2, pull_request=PULL) == {(2, BRANCH)}


def test_a_pull_request_of_gitea_whose_branch_is_gone_has_its_number() -> None:
    pull = {**PULL, "head": {"label": BRANCH, "ref": "refs/pull/2/head"}}
    assert _gitea("pull_request", action="closed", number=2, pull_request=pull) == {(2, None)}


@pytest.mark.parametrize(
    ("ref", "places"),
    [(f"refs/heads/{BRANCH}", {(None, BRANCH)}), ("refs/tags/backend-v1.1.0", set())],
)
def test_pushes_are_about_branches(ref: str, places: set[tuple[int | None, str | None]]) -> None:
    push = {"ref": ref, "before": "6113728f", "after": "0" * 40, "deleted": True}
    assert _github("push", **push) == places
    assert _gitea("push", **push) == places


def test_branches_that_are_deleted() -> None:
    for ask in (_github, _gitea):
        assert ask("delete", ref=BRANCH, ref_type="branch") == {(None, BRANCH)}
        assert ask("delete", ref="backend-v1.1.0", ref_type="tag") == set()


def test_a_status_of_github_names_branches_and_one_of_gitea_none() -> None:
    branches = [{"name": "main"}, {"name": BRANCH, "protected": False}]
    status = {"sha": "ec26c3e5", "state": "success", "context": "ci"}
    assert _github("status", **status, branches=branches) == {(None, "main"), (None, BRANCH)}
    assert _github("status", **status, branches=[]) == set()
    assert _gitea("status", **status) == {(None, None)}


def test_checks_name_a_branch_and_its_pull_requests() -> None:
    suite = {"head_branch": BRANCH, "status": "completed", "pull_requests": [NAMED]}
    run = {"name": "ci", "check_suite": suite, "pull_requests": [NAMED, {**NAMED, "number": 3}]}
    assert _github("check_run", check_run=run) == {(2, BRANCH), (3, BRANCH)}
    assert _github("check_suite", check_suite=suite) == {(2, BRANCH)}
    assert _github("workflow_run", workflow_run=suite) == {(2, BRANCH)}
    assert _github("workflow_run", workflow_run={**suite, "pull_requests": []}) == {(None, BRANCH)}
    assert _github("check_suite", check_suite={"head_branch": None, "pull_requests": []}) == set()


def test_checks_and_statuses_name_their_commit_also_one_that_is_on_no_branch() -> None:
    suite: dict[str, Any] = {"head_branch": None, "head_sha": SHA, "pull_requests": []}
    run = {"name": "ci", "head_sha": SHA, "check_suite": suite, "pull_requests": []}
    told = (CommitNotice(SHA),)
    payloads: list[tuple[str, dict[str, Any]]] = [
        ("check_run", {"check_run": run}),
        ("check_suite", {"check_suite": suite}),
        ("workflow_run", {"workflow_run": suite}),
        ("status", {"sha": SHA, "state": "success", "context": "ci", "branches": []}),
    ]
    for event, payload in payloads:
        assert parse_notices(ForgeType.GITHUB, event, {**HELLO, **payload}) == told
    status = {"sha": SHA, "commit": {"id": SHA}, "state": "success", "context": "ci"}
    assert parse_notices(ForgeType.GITEA, "status", {**CONFIG, **status})[1:] == told
    push = {"ref": f"refs/heads/{BRANCH}", "sha": SHA, "head_sha": SHA}
    assert CommitNotice(SHA) not in parse_notices(ForgeType.GITHUB, "push", {**HELLO, **push})


def test_the_merge_queue_names_a_pull_request_by_a_branch_of_its_own() -> None:
    group = {"head_ref": f"refs/heads/{QUEUED}", "base_ref": "refs/heads/main"}
    assert _github("merge_group", action="checks_requested", merge_group=group) == {(104, QUEUED)}
    suite = {"head_branch": QUEUED, "pull_requests": []}
    assert _github("check_suite", check_suite=suite) == {(104, QUEUED)}


@pytest.mark.parametrize("action", ["archived", "unarchived", "deleted", "privatized"])
def test_what_happens_to_a_repository_is_about_everything_in_it(action: str) -> None:
    assert _github("repository", action=action) == {(None, None)}
    assert _gitea("repository", action=action) == {(None, None)}


def test_a_renamed_repository_is_known_by_its_former_name_too() -> None:
    changes = {"repository": {"name": {"from": "Hello"}}}
    assert parse_notices(
        ForgeType.GITHUB, "repository", {**HELLO, "action": "renamed", "changes": changes}
    ) == (
        Notice(GITHUB, None, None),
        Notice("https://github.com/Codertocat/Hello", None, None),
    )


@pytest.mark.parametrize(
    "event", ["ping", "create", "issue_comment", "pull_request_comment", "pull_request_label"]
)
def test_what_no_release_waits_for_is_about_nothing(event: str) -> None:
    assert _github(event, action="created", pull_request=PULL, ref=BRANCH) == set()


@pytest.mark.parametrize(
    "url", [None, 7, "", "album/config", "ssh://git.example.org/a/b", "https://a:b/c", "https://["]
)
def test_without_the_url_of_a_repository_it_is_about_nothing(url: object) -> None:
    for repository in ({"html_url": url}, url, {}):
        payload = {"repository": repository, "pull_request": PULL}
        for forge in ForgeType:
            assert parse_notices(forge, "pull_request", payload) == ()
            assert parse_notices(forge, "repository", payload) == ()


@pytest.mark.parametrize("odd", [None, 7, "text", True, [], [None], {"ref": 7}, {"number": "2"}])
def test_fields_of_another_shape_are_not_read(odd: object) -> None:
    for event, field in [
        ("pull_request", "pull_request"),
        ("check_run", "check_run"),
        ("check_suite", "check_suite"),
        ("merge_group", "merge_group"),
        ("status", "branches"),
    ]:
        assert _github(event, **{field: odd}) == set()
    assert _github("pull_request", pull_request={"number": True, "head": odd}) == set()


DISTRIBUTION: dict[str, Any] = {
    "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
    "timestamp": "2026-03-09T14:44:26.402973972-08:00",
    "action": "push",
    "target": {
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "digest": "sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf",
        "repository": "owner/app",
        "url": "http://192.168.100.227:5000/v2/owner/app/manifests/sha256:fea8895f4509",
        "tag": "v1.1.0",
    },
    "request": {"host": "192.168.100.227:5000", "method": "PUT"},
}
HARBOR: dict[str, Any] = {
    "type": "PUSH_ARTIFACT",
    "occur_at": 1586922308,
    "operator": "admin",
    "event_data": {
        "resources": [
            {
                "digest": "sha256:8a9e9863dbb6e10edb5adfe917c00da84e1700fa76e7ed02476aa6e6fb8ee0d8",
                "tag": "v1.1.0",
                "resource_url": "hub.harbor.com/test-webhook/debian:v1.1.0",
            }
        ],
        "repository": {"name": "debian", "repo_full_name": "test-webhook/debian"},
    },
}


def test_pushes_of_distribution() -> None:
    pull = {**DISTRIBUTION, "action": "pull"}
    layer = {**DISTRIBUTION, "target": {"repository": "owner/app", "digest": "sha256:0"}}
    events = [DISTRIBUTION, pull, DISTRIBUTION, layer]

    assert parse_image_notices({"events": events}) == (
        ImageNotice("owner/app", "v1.1.0"),
        ImageNotice("owner/app"),
    )


def test_pushes_of_harbor() -> None:
    assert parse_image_notices(HARBOR) == (ImageNotice("test-webhook/debian", "v1.1.0"),)
    assert parse_image_notices({**HARBOR, "type": "PULL_ARTIFACT"}) == ()


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"events": "push"},
        {
            "events": [
                None,
                1,
                {"action": ["push"]},
                {"action": "push", "target": {"repository": 1}},
            ]
        },
        {"type": {}, "event_data": 1},
        {"type": "PUSH_ARTIFACT", "event_data": {"resources": [{}], "repository": []}},
    ],
)
def test_what_names_no_image_is_no_notice(payload: dict[str, Any]) -> None:
    assert parse_image_notices(payload) == ()


def test_images_of_the_forges_own_registries() -> None:
    tagged = {"container_metadata": {"tag": {"name": "v1.1.0", "digest": "sha256:0"}}}
    package = {"name": "App", "namespace": "Codertocat", "package_version": tagged}
    for event in ("package", "registry_package"):
        payload = {**HELLO, "action": "published", event: package}
        notices = parse_notices(ForgeType.GITHUB, event, payload)
        assert notices == (ImageNotice("Codertocat/App", "v1.1.0"),)
    own = {"type": "container", "name": "app", "version": "v1.1.0", "owner": {"login": "album"}}
    notices = parse_notices(ForgeType.GITEA, "package", {**CONFIG, "package": own})
    assert notices == (ImageNotice("album/app", "v1.1.0"),)
