"""What the git ports promise over SSH."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import Change, Credential, GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import SourceSeen
from tests.contract.stages import Stage
from tests.fakes.git_history import EPOCH, Commit, File

VALUES = "values.yaml"
OURS = "release/backend_v1.1.0"
TAG = "backend-v1.1.0"
ELSEWHERE = "elsewhere.example.org ssh-ed25519 AAAA"


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    return stage.make_repository(name)


@pytest.fixture
def base(stage: Stage, place: GitPlace) -> str:
    sha = stage.store(place, Commit((), {VALUES: File(b"tag: 1\n")}))
    stage.set_branch(place, "main", sha)
    stage.set_tag(place, TAG, sha)
    return sha


@pytest.fixture
def change(base: str) -> Change:
    return Change(base, OURS, {VALUES: b"tag: 2\n"}, "ours", "Ann", "a@example.org", EPOCH)


@pytest.fixture
def there(stage: Stage, place: GitPlace) -> GitPlace:
    return stage.over_ssh(place)


def other_key_of_the_same_host(known_hosts: str) -> str:
    """Give a line of `known_hosts` for the same host, as if its key had changed since."""
    host, kind, *_ = [*known_hosts.split(), ""]
    return f"{host} {kind} AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def with_key(place: GitPlace, **keys: Any) -> GitPlace:  # noqa: ANN401 - fields of any type
    return replace(place, credential=replace(place.credential, **keys))


async def test_a_tag_is_found(stage: Stage, there: GitPlace, base: str) -> None:
    assert await stage.source.look(there, TAG, VALUES) == SourceSeen(base, has_dockerfile=True)


async def test_a_branch_is_pushed_and_read(
    stage: Stage, place: GitPlace, there: GitPlace, change: Change
) -> None:
    sha = await stage.config.push(there, change)
    assert stage.head(place, OURS) == sha
    seen = await stage.config.look(there, None, [VALUES], OURS)
    assert (seen.base_branch, seen.base_commit) == ("main", change.base_commit)
    assert seen.branch is not None
    assert seen.branch.files == {VALUES: b"tag: 2\n"}
    assert await stage.config.is_descendant(there, sha, change.base_commit, OURS, EPOCH)


async def test_an_empty_repository_has_no_base(stage: Stage, there: GitPlace) -> None:
    assert (await stage.config.look(there, "main", [VALUES], None)).base_commit is None


async def refusal(stage: Stage, there: GitPlace, change: Change) -> OutsideError:
    """Give the error of a push that must be the same as that of a look."""
    with pytest.raises(OutsideError) as looked:
        await stage.config.look(there, None, [VALUES], None)
    with pytest.raises(OutsideError) as pushed:
        await stage.config.push(there, change)
    assert pushed.value.reason is looked.value.reason
    for secret in filter(None, [there.credential.identity, there.credential.token]):
        assert secret not in pushed.value.sentence
    return pushed.value


async def test_a_changed_host_key_stops_it_with_nothing_pushed(
    stage: Stage, place: GitPlace, there: GitPlace, change: Change
) -> None:
    known_hosts = other_key_of_the_same_host(there.credential.known_hosts)
    error = await refusal(stage, with_key(there, known_hosts=known_hosts), change)
    assert isinstance(error, TerminalError)
    assert error.reason is Reason.HOST_KEY_CHANGED
    assert stage.head(place, OURS) is None


async def test_a_host_that_is_not_known_gets_nothing(
    stage: Stage, place: GitPlace, there: GitPlace, change: Change
) -> None:
    error = await refusal(stage, with_key(there, known_hosts=ELSEWHERE), change)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert "`known_hosts`" in error.sentence
    assert stage.head(place, OURS) is None


async def test_a_key_the_server_does_not_know_is_refused(
    stage: Stage, there: GitPlace, change: Change
) -> None:
    error = await refusal(stage, with_key(there, identity="another key"), change)
    assert error.reason is Reason.CREDENTIALS_REFUSED


async def test_an_absent_repository_is_not_found(
    stage: Stage, there: GitPlace, change: Change
) -> None:
    error = await refusal(stage, replace(there, url=f"{there.url}-absent"), change)
    assert isinstance(error, TerminalError)
    assert error.reason is Reason.REPOSITORY_NOT_FOUND


@pytest.mark.parametrize("url", ["ssh://git@127.0.0.1:9/owner/name", "ssh://nowhere.invalid/o/n"])
async def test_a_server_that_does_not_answer_is_tried_again(
    stage: Stage, there: GitPlace, change: Change, url: str
) -> None:
    credential = replace(there.credential, url="/".join(url.split("/")[:3]))
    error = await refusal(stage, GitPlace(url, credential), change)
    assert isinstance(error, TransientError)
    assert error.reason is Reason.GIT_UNAVAILABLE


@pytest.mark.parametrize("key", ["identity", "known_hosts"])
async def test_a_secret_without_a_key_of_ssh_is_not_used(
    stage: Stage, there: GitPlace, change: Change, key: str
) -> None:
    error = await refusal(stage, with_key(there, **{key: ""}), change)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert f"`{key}`" in error.sentence


async def test_a_secret_with_a_key_alone_is_not_used_over_http(
    stage: Stage, place: GitPlace, there: GitPlace, change: Change
) -> None:
    credential = replace(there.credential, url=place.credential.url)
    error = await refusal(stage, replace(place, credential=credential), change)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert "`token`" in error.sentence


async def test_a_secret_for_another_host_is_not_used(
    stage: Stage, there: GitPlace, change: Change
) -> None:
    error = await refusal(stage, with_key(there, url="ssh://elsewhere.example.org"), change)
    assert error.reason is Reason.HOST_NOT_ALLOWED


async def test_one_secret_serves_both_git_over_ssh_and_the_api(
    stage: Stage, place: GitPlace, there: GitPlace, base: str
) -> None:
    both = Credential(
        "album-git", place.credential.url, "x", place.credential.token,
        identity=there.credential.identity, known_hosts=there.credential.known_hosts,
    )  # fmt: skip
    assert await stage.source.look(replace(there, credential=both), TAG, VALUES) == SourceSeen(
        base, has_dockerfile=True
    )
    forge = stage.forge_place(replace(place, credential=both))
    assert await stage.pull_requests.find(forge, OURS, "main") is None
