"""What the port `ConfigRepository` promises about looking."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import ConfigSeen
from tests.contract.stages import Stage
from tests.fakes.git_history import EPOCH, Commit, File
from tests.fakes.git_server import with_token

VALUES = "backend/values.yaml"
BEFORE = b'image:\n  tag: "v1.0.0"  \n'
AFTER = b'image:\n  tag: "v1.1.0"  \n'
OURS = "release/backend_v1.1.0"
FILES = {VALUES: File(BEFORE), "frontend/values.yaml": File(b"a: 1\r\n\xef\xbb\xbf\xff\x00")}


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    return stage.make_repository(name)


def add(stage: Stage, place: GitPlace, branch: str, commit: Commit) -> str:
    sha = stage.store(place, commit)
    stage.set_branch(place, branch, sha)
    return sha


async def test_the_default_branch_is_the_base_where_none_is_named(
    stage: Stage, place: GitPlace
) -> None:
    sha = add(stage, place, "main", Commit((), FILES))
    assert await stage.config.look(place, None, [VALUES], None) == ConfigSeen(
        "main", sha, {VALUES: BEFORE}, {}, default_branch="main"
    )


async def test_a_named_base_is_read_instead(stage: Stage, place: GitPlace) -> None:
    add(stage, place, "main", Commit((), FILES))
    sha = add(stage, place, "env/prod", Commit((), {VALUES: File(AFTER)}))
    assert await stage.config.look(place, "env/prod", [VALUES], None) == ConfigSeen(
        "env/prod", sha, {VALUES: AFTER}, {}, default_branch="main"
    )


async def test_an_absent_base_has_no_commit(stage: Stage, place: GitPlace) -> None:
    add(stage, place, "main", Commit((), FILES))
    assert await stage.config.look(place, "nope", [VALUES], None) == ConfigSeen(
        "nope", None, {}, {}, default_branch="main"
    )


async def test_an_empty_repository_has_no_base(stage: Stage, place: GitPlace) -> None:
    assert await stage.config.look(place, None, [VALUES], None) == ConfigSeen("", None, {}, {})


async def test_files_come_byte_by_byte(stage: Stage, place: GitPlace) -> None:
    files = {**FILES, "empty": File(b""), "run.sh": File(b"#!/bin/sh\n", "100755")}
    add(stage, place, "main", Commit((), files))
    seen = await stage.config.look(place, None, [*files], None)
    assert seen.files == {path: file.data for path, file in files.items()}


async def test_a_missing_file_is_left_out(stage: Stage, place: GitPlace) -> None:
    add(stage, place, "main", Commit((), FILES))
    seen = await stage.config.look(place, None, [VALUES, "backend/nope.yaml", "no/such"], None)
    assert (seen.files, seen.not_files) == ({VALUES: BEFORE}, {})


async def test_what_is_no_regular_file_is_named(stage: Stage, place: GitPlace) -> None:
    odd = {
        "link.yaml": File(b"backend/values.yaml", "120000"),
        "linked": File(b"backend", "120000"),
        "module": File(b"1" * 40, "160000"),
    }
    add(stage, place, "main", Commit((), FILES | odd))
    asked = ["link.yaml", "module", "backend", "linked/values.yaml", "module/values.yaml"]
    seen = await stage.config.look(place, None, asked, None)
    assert seen.files == {}
    assert seen.not_files == {
        "link.yaml": "symlink",
        "module": "submodule",
        "backend": "directory",
        "linked/values.yaml": "symlink",
        "module/values.yaml": "submodule",
    }


async def test_an_absent_release_branch_is_none(stage: Stage, place: GitPlace) -> None:
    add(stage, place, "main", Commit((), FILES))
    assert (await stage.config.look(place, None, [VALUES], OURS)).branch is None


async def test_a_release_branch_is_told_with_its_one_commit(stage: Stage, place: GitPlace) -> None:
    base = add(stage, place, "main", Commit((), FILES))
    ours = Commit((base,), FILES | {VALUES: File(AFTER)}, "release: é\n\nbody", "Ann", "a@b.c")
    sha = add(stage, place, OURS, ours)
    add(stage, place, "main", Commit((base,), FILES | {"new": File(b"1")}))
    branch = (await stage.config.look(place, "main", [VALUES, "no"], OURS)).branch
    assert branch is not None
    assert (branch.commit, branch.message) == (sha, "release: é\n\nbody")
    assert (branch.author_name, branch.author_email) == ("Ann", "a@b.c")
    assert branch.files == {VALUES: AFTER}
    assert branch.parent_files == {VALUES: BEFORE}
    assert branch.changed_paths == {VALUES}
    assert branch.diff == (
        "diff --git a/backend/values.yaml b/backend/values.yaml\n"
        "index 06b0591..531c8e3 100644\n"
        "--- a/backend/values.yaml\n"
        "+++ b/backend/values.yaml\n"
        "@@ -1,2 +1,2 @@\n"
        " image:\n"
        '-  tag: "v1.0.0"  \n'
        '+  tag: "v1.1.0"  \n'
    )


async def test_a_foreign_branch_shows_all_its_last_commit_changed(
    stage: Stage, place: GitPlace
) -> None:
    base = add(stage, place, "main", Commit((), FILES))
    middle = stage.store(place, Commit((base,), {**FILES, "x": File(b"1")}, "one"))
    files = {VALUES: File(BEFORE, "100755"), "x": File(b"2")}
    add(stage, place, OURS, Commit((middle,), files, "two"))
    branch = (await stage.config.look(place, None, [VALUES], OURS)).branch
    assert branch is not None
    assert branch.changed_paths == {VALUES, "x", "frontend/values.yaml"}


@pytest.mark.parametrize("parents", [0, 2])
async def test_a_branch_without_exactly_one_parent_has_no_parent_files(
    stage: Stage, place: GitPlace, parents: int
) -> None:
    base = add(stage, place, "main", Commit((), FILES))
    other = stage.store(place, Commit((base,), FILES, "other"))
    add(stage, place, OURS, Commit((base, other)[:parents], FILES, "odd"))
    branch = (await stage.config.look(place, None, [VALUES], OURS)).branch
    assert branch is not None
    assert branch.parent_files is None
    assert branch.files == {VALUES: BEFORE}


async def test_a_branch_at_the_base_itself_is_told_as_it_is(stage: Stage, place: GitPlace) -> None:
    base = add(stage, place, "main", Commit((), FILES))
    stage.set_branch(place, OURS, base)
    branch = (await stage.config.look(place, None, [VALUES], OURS)).branch
    assert branch is not None
    assert branch.commit == base


async def test_each_look_sees_the_world_as_it_is_now(stage: Stage, place: GitPlace) -> None:
    first = add(stage, place, "main", Commit((), FILES))
    assert (await stage.config.look(place, None, [VALUES], OURS)).base_commit == first
    second = add(stage, place, "main", Commit((first,), FILES | {VALUES: File(AFTER)}))
    stage.set_branch(place, OURS, first)
    seen = await stage.config.look(place, None, [VALUES], OURS)
    assert (seen.base_commit, seen.files) == (second, {VALUES: AFTER})
    stage.set_branch(place, OURS, None)
    stage.set_branch(place, "main", first)
    seen = await stage.config.look(place, None, [VALUES], OURS)
    assert (seen.base_commit, seen.files, seen.branch) == (first, {VALUES: BEFORE}, None)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", ".git/config", "-x", "a//b", "a\nb", ""])
async def test_a_path_out_of_the_repository_goes_nowhere(stage: Stage, path: str) -> None:
    with pytest.raises(TerminalError):
        await stage.config.look(stage.dead_place(), None, [path], None)


@pytest.mark.parametrize("branch", ["--output=x", "a..b", "a/.b", "x.lock", "a/", "@{-1}"])
async def test_a_branch_that_git_could_misread_goes_nowhere(stage: Stage, branch: str) -> None:
    with pytest.raises(TerminalError):
        await stage.config.look(stage.dead_place(), branch, [VALUES], None)


async def test_a_wrong_token_is_refused(stage: Stage, place: GitPlace) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.config.look(with_token(place, "wrong"), None, [VALUES], None)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED


async def test_an_unknown_repository_is_not_found(stage: Stage, place: GitPlace) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.config.look(replace(place, url=f"{place.url}-other"), None, [VALUES], None)
    assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND


async def test_a_dead_server_is_a_passing_trouble(stage: Stage) -> None:
    with pytest.raises(TransientError) as caught:
        await stage.config.look(stage.dead_place(), None, [VALUES], None)
    assert caught.value.reason is Reason.GIT_UNAVAILABLE


async def test_a_commit_descends_from_itself_without_asking_anybody(stage: Stage) -> None:
    assert await stage.config.is_descendant(stage.dead_place(), "a" * 40, "a" * 40, "main", EPOCH)


async def test_a_later_commit_of_the_base_descends_from_an_earlier_one(
    stage: Stage, place: GitPlace
) -> None:
    first = stage.store(place, Commit((), FILES, "0"))
    side = stage.store(place, Commit((first,), FILES, "side"))
    second = stage.store(place, Commit((first,), FILES, "1"))
    merge = stage.store(place, Commit((second, side), FILES, "merge"))
    last = add(stage, place, "main", Commit((merge,), FILES, "2"))
    look = stage.config.is_descendant
    assert await look(place, last, first, "main", EPOCH)
    assert await look(place, last, side, "main", EPOCH)
    assert await look(place, merge, second, "main", EPOCH)
    assert not await look(place, first, last, "main", EPOCH)
    assert not await look(place, second, side, "main", EPOCH)


async def test_a_commit_beyond_the_base_branch_is_no_descendant_yet(
    stage: Stage, place: GitPlace
) -> None:
    first = add(stage, place, "main", Commit((), FILES, "0"))
    ahead = add(stage, place, OURS, Commit((first,), FILES, "1"))
    assert not await stage.config.is_descendant(place, ahead, first, "main", EPOCH)
    stage.set_branch(place, "main", ahead)
    assert await stage.config.is_descendant(place, ahead, first, "main", EPOCH)


@pytest.mark.parametrize("revision", ["0" * 40, "main", "", "v1.0.0", "-x"])
async def test_an_unknown_revision_descends_from_nothing(
    stage: Stage, place: GitPlace, revision: str
) -> None:
    base = add(stage, place, "main", Commit((), FILES))
    assert not await stage.config.is_descendant(place, revision, base, "main", EPOCH)


@pytest.mark.parametrize("since", [EPOCH, EPOCH + timedelta(days=365)], ids=["known", "wrong"])
async def test_a_long_history_is_searched_to_its_root(
    stage: Stage, place: GitPlace, since: datetime
) -> None:
    shas = [stage.store(place, Commit((), FILES, "root"))]
    for number in range(80):
        shas.append(stage.store(place, Commit((shas[-1],), FILES, str(number))))
    side = stage.store(place, Commit((shas[0],), FILES, "side"))
    last = add(stage, place, "main", Commit((shas[-1], side), FILES, "last"))
    assert await stage.config.is_descendant(place, last, shas[1], "main", since)
    assert not await stage.config.is_descendant(place, shas[-1], side, "main", since)
    assert not await stage.config.is_descendant(place, shas[1], shas[70], "main", since)


async def test_a_deleted_base_branch_is_named(stage: Stage, place: GitPlace) -> None:
    first = add(stage, place, "main", Commit((), FILES, "0"))
    second = stage.store(place, Commit((first,), FILES, "1"))
    with pytest.raises(TerminalError) as caught:
        await stage.config.is_descendant(place, second, first, "gone", EPOCH)
    assert caught.value.reason is Reason.BASE_BRANCH_NOT_FOUND


@pytest.mark.parametrize(
    "there", ["release", f"{OURS}/notes"], ids=["called like our folder", "below our name"]
)
async def test_a_branch_beside_which_ours_cannot_be_made_is_told(
    stage: Stage, place: GitPlace, there: str
) -> None:
    base = add(stage, place, "main", Commit((), FILES))
    stage.set_branches(place, {there: base, "release-notes": base, "rel": base})

    seen = await stage.config.look(place, "main", [VALUES], OURS)

    assert (seen.branch, seen.obstacle) == (None, there)
    assert (await stage.config.look(place, "main", [VALUES], "album/x_v1")).obstacle is None
    assert (await stage.config.look(place, "main", [VALUES], None)).obstacle is None


async def test_neighbours_and_the_branch_itself_are_in_nobodys_way(
    stage: Stage, place: GitPlace
) -> None:
    base = add(stage, place, "main", Commit((), FILES))
    ours = add(stage, place, OURS, Commit((base,), FILES | {VALUES: File(AFTER)}))
    stage.set_branches(place, {"release/backend_v1.0.0": base, f"{OURS}0": base, "releases": base})

    seen = await stage.config.look(place, "main", [VALUES], OURS)

    assert seen.obstacle is None
    assert seen.branch is not None
    assert seen.branch.commit == ours


async def test_files_are_read_at_any_commit_of_a_branch(stage: Stage, place: GitPlace) -> None:
    links = {"backend/link.yaml": File(b"values.yaml", "120000")}
    first = stage.store(place, Commit((), FILES | links))
    add(stage, place, "main", Commit((first,), FILES | {VALUES: File(AFTER)}))
    asked = [VALUES, "backend/link.yaml", "gone.yaml"]

    assert await stage.config.read(place, first, asked) == {VALUES: BEFORE}
    seen = await stage.config.look_at(place, first, asked)
    assert (seen.base_commit, seen.files) == (first, {VALUES: BEFORE})
    assert seen.not_files == {"backend/link.yaml": "symlink"}


async def test_a_commit_that_is_nowhere_cannot_be_read(stage: Stage, place: GitPlace) -> None:
    add(stage, place, "main", Commit((), FILES))
    with pytest.raises(OutsideError):
        await stage.config.read(place, "0" * 40, [VALUES])


async def test_the_commits_between_two_are_told_as_they_came_to_the_branch(
    stage: Stage, place: GitPlace
) -> None:
    first = stage.store(place, Commit((), FILES, "0"))
    direct = stage.store(place, Commit((first,), FILES, "by hand\x1e\x1f\n\nwhy", "Ann \u00c4rm"))
    ours = stage.store(place, Commit((first,), FILES, "release\n\nAlbumRelease: album/x\n"))
    merge = stage.store(place, Commit((direct, ours), FILES, "Merge #6", "Reviewer"))
    last = add(stage, place, "main", Commit((merge,), FILES, "more"))
    assert await stage.config.is_descendant(place, last, first, "main", EPOCH)

    found = await stage.config.list_commits(place, first, last)

    assert [(one.sha, one.author) for one in found] == [
        (last, "Somebody"),
        (merge, "Reviewer"),
        (direct, "Ann \u00c4rm"),
    ]
    assert "Merge #6" in found[1].message
    assert "\nAlbumRelease: album/x\n" in found[1].message
    assert await stage.config.list_commits(place, last, last) == ()


async def test_the_commits_after_one_that_is_not_known_are_not_told(
    stage: Stage, place: GitPlace
) -> None:
    last = add(stage, place, "main", Commit((), FILES))

    assert await stage.config.list_commits(place, "0" * 40, last) == ()
    assert await stage.config.list_commits(place, last, "0" * 40) == ()


async def test_the_last_commits_of_a_branch_are_told_as_they_came_to_it(
    stage: Stage, place: GitPlace
) -> None:
    first = stage.store(place, Commit((), FILES, "0", "Ann"))
    side = stage.store(place, Commit((first,), FILES, "side"))
    merge = stage.store(place, Commit((first, side), FILES, "Merge #6", "Reviewer"))
    add(stage, place, "main", Commit((merge,), FILES, "more"))

    found = await stage.config.list_latest(place, "main", merge)

    assert [(one.sha, one.author) for one in found] == [(merge, "Reviewer"), (first, "Ann")]
    assert await stage.config.list_latest(place, "main", "0" * 40) == ()
    with pytest.raises(TerminalError):
        await stage.config.list_latest(place, "nope", merge)


async def test_branches_are_listed_by_how_they_begin(stage: Stage, place: GitPlace) -> None:
    main = add(stage, place, "main", Commit((), FILES))
    ours = add(stage, place, OURS, Commit((main,), {VALUES: File(AFTER)}))
    others = {"release/frontend_v1.0.0": main, "releases": main, "x/release": ours}
    stage.set_branches(place, others)
    listed = await stage.config.list_branches(place, "release/")

    assert listed == {OURS: ours, "release/frontend_v1.0.0": main}
    assert await stage.config.list_branches(place, "release/back") == {OURS: ours}
    assert set(await stage.config.list_branches(place, "")) == {"main", OURS, *others}
    assert await stage.config.list_branches(place, "nothing/") == {}
