"""The change a release proposes, over one file and over many."""

from dataclasses import replace

import pytest

from album_operator.domain.release import Edit
from album_operator.domain.seen import BranchSeen
from album_operator.render import proposal
from album_operator.render.pull_request import DIFF_BYTES
from album_operator.render.values import NotEditableError
from tests.fakes.builders import BRANCH_SEEN, DIFF, EDIT, NEW_VALUES, OLD_VALUES, RESOLVED, VALUES

SECOND = Edit("frontend/values.yaml", "image.tag")
TWICE = Edit(VALUES, "sidecar.tag")


def test_several_edits_of_one_file_are_one_change_of_it() -> None:
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, edits=(EDIT, TWICE, SECOND)))
    old = OLD_VALUES + b"sidecar:\n  tag: v0\n"
    files = {VALUES: old, SECOND.path: NEW_VALUES}

    assert proposal.edited_paths(resolved.config.edits) == [VALUES, SECOND.path]
    assert proposal.current_values((EDIT, TWICE), files) == {EDIT: "v1.0.0", TWICE: "v0"}
    assert proposal.edited_files(resolved, files) == {
        VALUES: NEW_VALUES + b'sidecar:\n  tag: "v1.1.0"\n'
    }


def test_an_edit_that_is_not_possible_is_told() -> None:
    with pytest.raises(NotEditableError):
        proposal.edited_files(RESOLVED, {VALUES: b"image: {}\n"})


@pytest.mark.parametrize(
    "branch",
    [
        replace(BRANCH_SEEN, parent_files=None),
        replace(BRANCH_SEEN, parent_files={}),
        replace(BRANCH_SEEN, parent_files={VALUES: b"image: {}\n"}),
    ],
    ids=["no single parent", "no file", "no key"],
)
def test_on_a_parent_that_cannot_be_edited_nothing_is_expected(branch: BranchSeen) -> None:
    assert proposal.edited_on_parent(RESOLVED, branch) is None


def test_what_we_would_make_of_the_branchs_parent_is_what_is_on_our_branch() -> None:
    assert proposal.edited_on_parent(RESOLVED, BRANCH_SEEN) == BRANCH_SEEN.files


def test_the_diff_of_a_branch_is_that_of_its_files() -> None:
    diff = proposal.branch_diff(BRANCH_SEEN)

    assert [line for line in diff.splitlines() if line[0] in "+-"] == DIFF.splitlines()


def test_a_branch_without_a_single_parent_shows_its_files_as_new() -> None:
    diff = proposal.branch_diff(replace(BRANCH_SEEN, parent_files=None))

    assert '+  tag: "v1.1.0"' in diff
    assert '-  tag: "v1.0.0"' not in diff


def test_a_diff_over_many_files_is_cut_between_files_with_a_note() -> None:
    paths = [f"app{number:02}/values.yaml" for number in range(60)]
    branch = replace(
        BRANCH_SEEN,
        files=dict.fromkeys(paths, NEW_VALUES),
        parent_files=dict.fromkeys(paths, OLD_VALUES),
        changed_paths=frozenset(paths),
    )
    diff = proposal.branch_diff(branch)

    assert len(diff.encode()) <= DIFF_BYTES
    assert diff.count("--- a/") == diff.count('+  tag: "v1.1.0"\n') > 10
    assert diff.endswith("left out\n")
