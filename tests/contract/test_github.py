"""What only a GitHub has: limits, a merge queue, Apps, kinds of tokens, names that lead on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import Deployment, DeploymentState, GitHubApp, MergeMethod
from album_operator.domain.pull_requests import Checks, Fit, PullRequestState
from album_operator.domain.reasons import Reason
from testbed.github import faults
from testbed.github.model import Protection
from testbed.github.server import GitHubServer
from tests.contract.github_desk import OURS, PLAIN, Desk, open_desk
from tests.contract.github_stage import OWNER
from tests.fakes.git_history import Commit, File
from tests.fakes.git_server import with_token


@pytest_asyncio.fixture
async def desk(github: GitHubServer, tmp_path: Path, name: str) -> AsyncIterator[Desk]:
    async with open_desk(github, tmp_path, name) as made:
        yield made


async def test_from_proposed_to_merged_few_requests_count(desk: Desk) -> None:
    forge = desk.stage.pull_requests
    await forge.get_repository(desk.forge, OURS)
    await forge.find(desk.forge, OURS, "main")
    opened = await desk.open()
    await forge.find(desk.forge, OURS, "main")
    await forge.get(desk.forge, opened.number)
    since = (await forge.list_changed(desk.forge, None)).until
    for _ in range(20):
        changes = await forge.list_changed(desk.forge, since)
    desk.stage.merge(desk.place, opened.number, "squash")
    changes = await forge.list_changed(desk.forge, changes.until)
    assert opened.number in changes.glances
    await forge.get(desk.forge, opened.number)
    counted = desk.counted()
    assert len(counted) <= 9, counted
    assert sum(line.startswith("POST pulls/create") for line in counted) == 1


async def test_files_beside_the_values_that_are_not_there_cost_a_look_nothing(desk: Desk) -> None:
    counts = []
    beside = [".argocd-source.yaml", ".argocd-source-shop.yaml"]
    for paths in (["values.yaml"], ["values.yaml", *beside]):
        config, _ = desk.stage.connect_another()
        desk.server.requests.clear()
        seen = await config.look(desk.place, "main", paths, None)
        assert list(seen.files) == ["values.yaml"]
        counts.append(len(desk.server.requests))
    assert counts[0] == counts[1]


async def test_an_unchanged_list_counts_nothing(desk: Desk) -> None:
    forge = desk.stage.pull_requests
    await desk.open()
    changes = await forge.list_changed(desk.forge, None)
    desk.counted()
    for _ in range(5):
        changes = await forge.list_changed(desk.forge, changes.until)
    assert desk.counted() == []


async def test_a_limit_that_is_used_up_is_told_with_its_end_and_holds_up_no_other(
    desk: Desk,
) -> None:
    user = f"busy-{desk.name[-8:]}"
    desk.server.make_user(user)
    desk.server.set_role(desk.name, user, "write")
    token = desk.server.make_token(user)
    busy = desk.stage.forge_place(with_token(desk.place, token))
    forge = desk.stage.pull_requests
    assert (await forge.get_repository(busy)).may_push
    now = desk.server.find_pull(desk.name, (await desk.open()).number).created_at
    desk.server.exhaust(token, now + timedelta(minutes=30))
    for _ in range(3):
        with pytest.raises(TransientError) as caught:
            await forge.find(busy, OURS, "main")
        assert caught.value.reason is Reason.RATE_LIMITED
        assert "UTC" in caught.value.sentence
        wait = caught.value.retry_after
        assert wait is not None
        assert timedelta(minutes=28) < wait <= timedelta(minutes=31)
    refused = [item for item in desk.server.requests if item.status == 403]
    assert len(refused) == 1
    # GraphQL has a limit of its own, and the other user one, too.
    await forge.get(busy, 1)
    assert await forge.find(desk.forge, OURS, "main") is not None


@pytest.mark.parametrize(("seconds", "status"), [(60, 403), (None, 403), (17, 429)])
async def test_a_secondary_limit_stops_all_requests_of_the_token(
    desk: Desk, seconds: int | None, status: int
) -> None:
    limit = faults.secondary_limit(seconds, 403 if status == 403 else 429)
    desk.server.faults.arm("POST", f".*/{desk.name}/pulls", limit)
    with pytest.raises(TransientError) as caught:
        await desk.open()
    assert caught.value.reason is Reason.RATE_LIMITED
    desk.server.requests.clear()
    with pytest.raises(TransientError) as caught:
        await desk.stage.pull_requests.get(desk.forge, 1)
    assert caught.value.reason is Reason.RATE_LIMITED
    assert caught.value.retry_after is not None
    assert abs(caught.value.retry_after - timedelta(seconds=seconds or 60)) < timedelta(seconds=5)
    assert desk.server.requests == []


async def test_a_renamed_repository_is_named_anew_at_every_call(desk: Desk) -> None:
    opened = await desk.open()
    short = f"{desk.name.split('/')[1][:40]}-new"
    desk.server.rename_repository(desk.name, short)
    forge = desk.stage.pull_requests
    for work in (
        forge.get_repository(desk.forge),
        forge.find(desk.forge, OURS, "main"),
        forge.get(desk.forge, opened.number),
        forge.list_changed(desk.forge, None),
        forge.open(desk.forge, PLAIN),
        forge.comment(desk.forge, opened.number, "key", "text"),
        forge.withdraw(desk.forge, opened.number),
        desk.merge(opened),
        desk.merge(opened, by_forge=True),
    ):
        with pytest.raises(TerminalError) as caught:
            await work
        assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND
        assert f"was renamed to {OWNER}/{short}" in caught.value.sentence


async def test_a_fork_with_our_branch_name_is_not_ours(desk: Desk) -> None:
    owner = f"fork-{desk.name[-8:]}"
    desk.server.make_user(owner)
    desk.server.set_role(desk.name, owner, "read")
    desk.server.make_fork(desk.name, owner)
    theirs = desk.stage.forge_place(with_token(desk.place, desk.server.make_token(owner)))
    # As somebody with a fork would do it: the branch is named with its owner.
    api = desk.stage._forge._api
    answer = await api.send(
        theirs, "POST", "/pulls", {"title": "x", "head": f"{owner}:{OURS}", "base": "main"}
    )
    assert answer.status == 201, answer.said
    assert await desk.stage.pull_requests.find(desk.forge, OURS, "main") is None
    ours = await desk.open()
    assert ours.number == 2


async def test_a_github_app_does_all_a_token_does(desk: Desk) -> None:
    rights = {"contents": "write", "pull_requests": "write", "checks": "read", "statuses": "read"}
    number, key = desk.server.make_app(f"album-{desk.name[-8:]}", OWNER, rights)
    installation = desk.server.install_app(number, OWNER, [desk.name])
    credential = replace(
        desk.place.credential, token="", app=GitHubApp(str(number), installation, key)
    )
    forge = desk.stage.pull_requests
    place = replace(desk.forge, credential=credential)
    assert (await forge.get_repository(place)).may_push
    opened = await forge.open(place, PLAIN)
    await forge.comment(place, opened.number, "key", "It runs.")
    await forge.get(place, opened.number)
    token = await desk.stage._forge.git_token(place)
    seen = await desk.stage.config.look(with_token(desk.place, token), "main", [], OURS)
    assert seen.branch is not None
    await forge.merge(
        place, opened.number, opened.head_sha, "main", MergeMethod.SQUASH, by_forge=False
    )
    merged = await forge.get(place, opened.number)
    assert merged.state is PullRequestState.MERGED
    assert (merged.actor or "").startswith("album-")
    minted = [item for item in desk.server.requests if "access_tokens" in item.path]
    assert len(minted) == 1
    assert token not in repr(place)


async def test_a_token_without_a_right_is_told_which(desk: Desk) -> None:
    forge = desk.stage.pull_requests
    weak = desk.server.make_fine_grained_token(OWNER, {"contents": "write"}, [desk.name])
    with pytest.raises(TerminalError) as caught:
        await forge.open(desk.stage.forge_place(with_token(desk.place, weak)), PLAIN)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "pull_requests=write" in caught.value.sentence
    rights = {"contents": "write", "pull_requests": "write"}
    weak = desk.server.make_fine_grained_token(OWNER, rights, [desk.name])
    begun = Deployment(desk.stage.head(desk.place, OURS) or "", "prod", "deploy", "a/b", "1", "b")
    with pytest.raises(TerminalError) as caught:
        await forge.set_deployment(
            desk.stage.forge_place(with_token(desk.place, weak)),
            begun,
            DeploymentState.IN_PROGRESS,
            "v1.1.0 is being released.",
            None,
        )
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "deployments=write" in caught.value.sentence
    blind = desk.server.make_token(OWNER, ["read:user"])
    with pytest.raises(TerminalError) as caught:
        await forge.get_repository(desk.stage.forge_place(with_token(desk.place, blind)))
    assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND
    assert "needs scope repo and has read:user" in caught.value.sentence


async def test_a_revoked_token_is_refused(desk: Desk) -> None:
    token = desk.server.make_token(OWNER)
    place = desk.stage.forge_place(with_token(desk.place, token))
    assert (await desk.stage.pull_requests.get_repository(place)).may_push
    desk.server.revoke_token(token)
    with pytest.raises(TerminalError) as caught:
        await desk.stage.pull_requests.get_repository(place)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED


async def test_a_merge_queue_takes_what_is_ready(desk: Desk) -> None:
    desk.server.protect_branch(desk.name, "main", Protection(has_queue=True))
    opened = await desk.open()
    gate = (await desk.get(opened.number)).gate
    assert gate is not None
    assert (gate.fit, gate.is_blocked, gate.is_armed) == (Fit.CLEAN, True, False)
    for _ in range(2):
        await desk.merge(opened, by_forge=True)
    gate = (await desk.get(opened.number)).gate
    assert gate is not None
    assert (gate.queue_position, gate.is_armed) == (1, True)
    desk.server.drain_queue(desk.name, "main")
    merged = await desk.get(opened.number)
    assert merged.state is PullRequestState.MERGED
    assert merged.merge_commit == desk.stage.head(desk.place, "main")


async def test_a_branch_that_must_be_up_to_date_is_behind(desk: Desk) -> None:
    opened = await desk.open()
    base = desk.stage.head(desk.place, "main") or ""
    other = Commit((base,), {"values.yaml": File(b"tag: 1\n"), "other": File(b"1")}, "other")
    desk.stage.set_branch(desk.place, "main", desk.stage.store(desk.place, other))
    desk.server.protect_branch(desk.name, "main", Protection(is_strict=True))
    gate = (await desk.get(opened.number)).gate
    assert gate is not None
    assert (gate.fit, gate.is_blocked) == (Fit.BEHIND, True)


async def test_without_auto_merge_in_the_repository_a_person_must_act(desk: Desk) -> None:
    desk.stage.protect_base(desk.place, 1, [])
    desk.server.configure(desk.name, allow_auto_merge=False)
    opened = await desk.open()
    await desk.get(opened.number)
    with pytest.raises(TerminalError) as caught:
        await desk.merge(opened, by_forge=True)
    assert "Allow auto-merge" in caught.value.sentence
    assert "Manual" in caught.value.sentence


async def test_a_method_the_repository_does_not_allow_needs_a_person(desk: Desk) -> None:
    desk.server.configure(desk.name, allow_merge_commit=False)
    opened = await desk.open()
    with pytest.raises(TerminalError) as caught:
        await desk.merge(opened)
    assert "spec.config.pullRequest.method" in caught.value.sentence


@pytest.mark.parametrize(
    ("conclusion", "state"),
    [
        (None, Checks.RUNNING),
        ("success", Checks.PASSING),
        ("neutral", Checks.PASSING),
        ("skipped", Checks.PASSING),
        ("failure", Checks.FAILING),
        ("cancelled", Checks.FAILING),
        ("timed_out", Checks.FAILING),
        ("action_required", Checks.FAILING),
        ("stale", Checks.FAILING),
    ],
)
async def test_a_check_run_has_passed_or_not_by_its_conclusion(
    desk: Desk, conclusion: str | None, state: Checks
) -> None:
    sha = desk.stage.head(desk.place, "main") or ""
    desk.server.set_check(desk.name, sha, "unit tests (3.11)", conclusion)
    found = await desk.stage.pull_requests.list_checks(desk.forge, sha)
    assert found == {"unit tests (3.11)": state}


async def test_of_a_status_and_a_check_run_of_one_name_both_count(desk: Desk) -> None:
    sha = desk.stage.head(desk.place, "main") or ""
    forge = desk.stage.pull_requests
    desk.server.set_check(desk.name, sha, "ci", "success")
    for said, state in [("failure", Checks.FAILING), ("success", Checks.PASSING)]:
        desk.stage.set_status(desk.place, sha, "ci", said)
        assert await forge.list_checks(desk.forge, sha) == {"ci": state}
    desk.server.set_check(desk.name, sha, "ci", None)
    assert await forge.list_checks(desk.forge, sha) == {"ci": Checks.RUNNING}
