"""What the port `SourceRepository` promises."""

from dataclasses import replace

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import SourceSeen
from tests.contract.stages import Stage
from tests.fakes.git_history import Commit, File
from tests.fakes.git_server import with_token

TAG = "backend-v1.1.0"
DOCKERFILE = "backend/Dockerfile"
FILES = {DOCKERFILE: File(b"FROM scratch\n"), "README.md": File(b"albums\n")}


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    return stage.make_repository(name)


def add(stage: Stage, place: GitPlace, files: dict[str, File], message: str = "change") -> str:
    sha = stage.store(place, Commit((), files, message))
    stage.set_branch(place, "main", sha)
    return sha


async def test_a_lightweight_tag_stands_for_its_commit(stage: Stage, place: GitPlace) -> None:
    sha = add(stage, place, FILES)
    stage.set_tag(place, TAG, sha)
    seen = await stage.source.look(place, TAG, DOCKERFILE)
    assert seen == SourceSeen(sha, has_dockerfile=True)
    assert seen.committed_at is not None


@pytest.mark.parametrize("tag", ["backend/v1.1.0", "backend@1.1.0", "@acme/backend@1.1.0"])
async def test_a_tag_with_folders_or_a_scope_is_found(
    stage: Stage, place: GitPlace, tag: str
) -> None:
    sha = add(stage, place, FILES)
    stage.set_tag(place, tag, sha)

    assert (await stage.source.look(place, tag, DOCKERFILE)).commit == sha


async def test_an_annotated_tag_stands_for_the_commit_it_names(
    stage: Stage, place: GitPlace
) -> None:
    sha = add(stage, place, FILES)
    stage.set_tag(place, TAG, sha, annotated=True)
    assert await stage.source.look(place, TAG, DOCKERFILE) == SourceSeen(sha, has_dockerfile=True)


async def test_an_absent_tag_stands_for_nothing(stage: Stage, place: GitPlace) -> None:
    stage.set_tag(place, TAG, add(stage, place, FILES))
    assert await stage.source.look(place, "backend-v9.9.9", DOCKERFILE) == SourceSeen(None)


async def test_a_branch_named_like_the_tag_is_no_tag(stage: Stage, place: GitPlace) -> None:
    stage.set_branch(place, TAG, add(stage, place, FILES))
    assert await stage.source.look(place, TAG, DOCKERFILE) == SourceSeen(None)


async def test_an_empty_repository_has_no_tag(stage: Stage, place: GitPlace) -> None:
    assert await stage.source.look(place, TAG, DOCKERFILE) == SourceSeen(None)


@pytest.mark.parametrize(
    "path", ["frontend/Dockerfile", "backend", "link", "link/Dockerfile", "module/Dockerfile"]
)
async def test_only_a_regular_file_is_a_dockerfile(
    stage: Stage, place: GitPlace, path: str
) -> None:
    sha = add(
        stage,
        place,
        FILES | {"link": File(b"backend", "120000"), "module": File(b"1" * 40, "160000")},
    )
    stage.set_tag(place, TAG, sha)
    is_in = path.startswith("module")
    assert await stage.source.look(place, TAG, path) == SourceSeen(sha, is_in_submodule=is_in)


async def test_a_dockerfile_at_the_root_is_found(stage: Stage, place: GitPlace) -> None:
    sha = add(stage, place, {"Dockerfile": File(b"FROM scratch\n", "100755")})
    stage.set_tag(place, TAG, sha)
    assert (await stage.source.look(place, TAG, "./Dockerfile")).has_dockerfile


async def test_a_moved_tag_is_seen_at_its_new_commit(stage: Stage, place: GitPlace) -> None:
    stage.set_tag(place, TAG, add(stage, place, FILES))
    await stage.source.look(place, TAG, DOCKERFILE)
    sha = add(stage, place, {"README.md": File(b"no Dockerfile\n")}, "moved")
    stage.set_tag(place, TAG, sha)
    assert await stage.source.look(place, TAG, DOCKERFILE) == SourceSeen(sha, has_dockerfile=False)


@pytest.mark.parametrize("tag", ["--upload-pack=x", "-u", "a..b", "x.lock", "a b", "$(id)", ""])
async def test_a_tag_that_git_could_misread_goes_nowhere(stage: Stage, tag: str) -> None:
    with pytest.raises(TerminalError):
        await stage.source.look(stage.dead_place(), tag, DOCKERFILE)


async def test_a_wrong_token_is_refused(stage: Stage, place: GitPlace) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.source.look(with_token(place, "wrong"), TAG, DOCKERFILE)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "album-git" in caught.value.sentence
    assert place.url in caught.value.sentence


async def test_an_unknown_repository_is_not_found(stage: Stage, place: GitPlace) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.source.look(replace(place, url=f"{place.url}-other"), TAG, DOCKERFILE)
    assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND


async def test_a_dead_server_is_a_passing_trouble(stage: Stage) -> None:
    with pytest.raises(TransientError) as caught:
        await stage.source.look(stage.dead_place(), TAG, DOCKERFILE)
    assert caught.value.reason is Reason.GIT_UNAVAILABLE


async def test_a_token_for_another_host_is_not_sent(stage: Stage, place: GitPlace) -> None:
    elsewhere = replace(place.credential, url="https://elsewhere.example.org")
    with pytest.raises(TerminalError) as caught:
        await stage.source.look(replace(place, credential=elsewhere), TAG, DOCKERFILE)
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED


async def test_the_tags_of_some_apps_are_listed_with_the_commits_they_stand_for(
    stage: Stage, place: GitPlace
) -> None:
    old, new = (add(stage, place, FILES, message) for message in ("old", "new"))
    stage.set_tag(place, "backend-v1.0.0", old)
    stage.set_tag(place, "backend-v1.1.0", new, annotated=True)
    stage.set_tag(place, "web/v1.0.0", new)
    stage.set_tag(place, "webshop-v1.0.0", new)
    stage.set_branch(place, "backend-v9.9.9", new)

    listed = await stage.source.list_tags(place, ["backend-", "web/"])
    assert listed == {"backend-v1.0.0": old, "backend-v1.1.0": new, "web/v1.0.0": new}
    every = {*listed, "webshop-v1.0.0"}
    assert set(await stage.source.list_tags(place, [""])) == every
    assert set(await stage.source.list_tags(place, ["back", "", "web/"])) == every
    assert await stage.source.list_tags(place, ["frontend-"]) == {}


async def test_an_empty_repository_has_no_tags_to_list(stage: Stage, place: GitPlace) -> None:
    assert await stage.source.list_tags(place, [""]) == {}


@pytest.mark.parametrize("prefix", ["-u", "a..b", "a b", "$(id)-", "*", "../heads/"])
async def test_a_prefix_that_git_could_misread_goes_nowhere(stage: Stage, prefix: str) -> None:
    with pytest.raises(TerminalError):
        await stage.source.list_tags(stage.dead_place(), [prefix])


async def test_the_commits_between_two_tags_are_listed(stage: Stage, place: GitPlace) -> None:
    old = add(stage, place, FILES)
    stage.set_tag(place, "backend-v1.0.0", old, annotated=True)
    made = [old]
    for subject in ("first", "second\n\nWith a body.", "third é"):
        commit = Commit((made[-1],), FILES, subject)
        made.append(stage.store(place, commit))
    stage.set_branch(place, "main", made[-1])
    listed = await stage.source.list_commits(place, "backend-v1.0.0", made[-1], 2)
    assert listed is not None
    assert [commit.sha for commit in listed] == [made[3], made[2]]
    assert [commit.subject for commit in listed] == ["third é", "second"]
    assert listed[0].author == Commit((), FILES, "x").name
    assert await stage.source.list_commits(place, "backend-v1.0.0", old, 20) == ()


async def test_commits_since_what_is_no_ancestor_are_not_known(
    stage: Stage, place: GitPlace
) -> None:
    first = add(stage, place, FILES, "one history")
    stage.set_tag(place, "backend-v1.0.0", first)
    other = add(stage, place, FILES, "another history")
    assert await stage.source.list_commits(place, "backend-v1.0.0", other, 20) is None
    assert await stage.source.list_commits(place, "backend-v9.9.9", other, 20) is None
