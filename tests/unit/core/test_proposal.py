"""The change a release proposes, over one file and over many."""

from dataclasses import replace

import pytest

from album_operator.domain.release import Edit
from album_operator.domain.seen import BranchSeen
from album_operator.render import proposal
from album_operator.render.values import NotEditableError
from tests.fakes.builders import BRANCH_SEEN, EDIT, NEW_VALUES, OLD_VALUES, RESOLVED, VALUES

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
