"""The change a release proposes, over one file and over many."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from ruamel.yaml import YAML

from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.record import ImageRecord, Record
from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen
from album_operator.render import proposal
from album_operator.render.values import NotEditableError
from album_operator.steps import editing
from album_operator.steps.access import Access
from album_operator.steps.case import Case
from tests.fakes.builders import (
    BRANCH_SEEN,
    DIGEST,
    EDIT,
    IMAGE,
    NEW_VALUES,
    OLD_VALUES,
    RELEASE,
    RESOLVED,
    VALUES,
)
from tests.fakes.cluster import FakeCluster
from tests.fakes.editor import FakeEditor
from tests.fakes.forge import FakeForge
from tests.fakes.git_server import FakeGitServer
from tests.unit.core.stage import Clock

SECOND = Edit("frontend/values.yaml", "image.tag")
TWICE = Edit(VALUES, "sidecar.tag")


def test_several_edits_of_one_file_are_one_change_of_it() -> None:
    resolved = _with_edits(EDIT, TWICE, SECOND)
    old = OLD_VALUES + b"sidecar:\n  tag: v0\n"
    files = {VALUES: old, SECOND.path: NEW_VALUES}

    assert proposal.edited_paths(resolved.config.edits) == [VALUES, SECOND.path]
    assert current_values((EDIT, TWICE), files) == {EDIT: "v1.0.0", TWICE: "v0"}
    assert edited_files(resolved, files, DIGEST) == {
        VALUES: NEW_VALUES + b'sidecar:\n  tag: "v1.1.0"\n'
    }


def test_an_edit_that_is_not_possible_is_told() -> None:
    with pytest.raises(NotEditableError):
        edited_files(RESOLVED, {VALUES: b"image: {}\n"}, DIGEST)


@pytest.mark.parametrize(
    "branch",
    [
        replace(BRANCH_SEEN, parent_files=None),
        replace(BRANCH_SEEN, parent_files={}),
        replace(BRANCH_SEEN, parent_files={VALUES: b"image: {}\n"}),
    ],
    ids=["no single parent", "no file", "no key"],
)
async def test_on_a_parent_that_cannot_be_edited_nothing_is_expected(branch: BranchSeen) -> None:
    assert await edit_parent(branch) is None


async def test_what_we_would_make_of_the_branchs_parent_is_what_is_on_our_branch() -> None:
    assert await edit_parent(BRANCH_SEEN) == BRANCH_SEEN.files


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (EditValue.TAG, "v1.1.0"),
        (EditValue.DIGEST, DIGEST),
        (EditValue.REPOSITORY, IMAGE),
        (EditValue.REFERENCE, f"{IMAGE}:v1.1.0"),
    ],
)
def test_each_kind_of_edit_writes_its_part_of_the_image(value: EditValue, written: str) -> None:
    resolved = _with_edits(replace(EDIT, value=value))
    wanted = {VALUES: f'image:\n  tag: "{written}"\n'.encode()}

    assert edited_files(resolved, {VALUES: OLD_VALUES}, DIGEST) == wanted
    assert edited_files(resolved, wanted, DIGEST) == {}
    assert current_values(resolved.config.edits, wanted) == {resolved.config.edits[0]: written}


def test_edits_of_all_formats_are_one_change() -> None:
    kustomization = "prod/kustomization.yaml"
    resolved = _with_edits(
        EDIT,
        Edit(VALUES, "image.digest", EditValue.DIGEST, create=True),
        Edit("backend/Chart.yaml", "appVersion"),
        Edit(kustomization, IMAGE, EditValue.TAG, EditFormat.KUSTOMIZE),
        Edit(kustomization, IMAGE, EditValue.DIGEST, EditFormat.KUSTOMIZE, create=True),
        Edit(kustomization, IMAGE, EditValue.REPOSITORY, EditFormat.KUSTOMIZE, create=True),
    )
    files = {
        VALUES: OLD_VALUES,
        "backend/Chart.yaml": b"apiVersion: v2\nversion: 0.1.0\nappVersion: v1.0.0 # the app\n",
        kustomization: f"images:\n- name: {IMAGE}\n  newTag: v1.0.0\n".encode(),
    }

    edited = edited_files(resolved, files, DIGEST)

    assert edited == {
        VALUES: NEW_VALUES + f'  digest: "{DIGEST}"\n'.encode(),
        "backend/Chart.yaml": (b'apiVersion: v2\nversion: 0.1.0\nappVersion: "v1.1.0" # the app\n'),
        kustomization: (
            f'images:\n- name: {IMAGE}\n  newTag: "v1.1.0"\n'
            f'  digest: "{DIGEST}"\n  newName: "{IMAGE}"\n'
        ).encode(),
    }
    assert edited_files(resolved, edited, DIGEST) == {}


def test_one_edit_that_is_refused_keeps_all_others_from_being_made() -> None:
    resolved = _with_edits(EDIT, SECOND)

    with pytest.raises(NotEditableError, match=SECOND.path):
        edited_files(resolved, {VALUES: OLD_VALUES, SECOND.path: b"image: *x\n"}, DIGEST)


def test_a_digest_not_known_yet_finds_out_whether_an_edit_is_possible() -> None:
    resolved = _with_edits(replace(EDIT, value=EditValue.DIGEST))

    assert edited_files(resolved, {VALUES: OLD_VALUES}, UNKNOWN_DIGEST)
    with pytest.raises(NotEditableError):
        edited_files(resolved, {VALUES: b"image: {}\n"}, UNKNOWN_DIGEST)


def test_a_file_is_parsed_once_for_all_edits_and_the_values_before_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[object] = []
    parse = YAML.parse

    def counting(self: YAML, stream: object) -> object:
        parsed.append(stream)
        return parse(self, stream)

    monkeypatch.setattr(YAML, "parse", counting)
    resolved = _with_edits(EDIT, TWICE, Edit(VALUES, "new.key", create=True))
    files = {VALUES: OLD_VALUES + b"sidecar:\n  tag: v0\n"}

    assert edited_files(resolved, files, DIGEST)

    assert len(parsed) == 1


def edited_files(
    resolved: Resolved, files: Mapping[str, bytes], digest: str
) -> Mapping[str, bytes]:
    return proposal.edit(proposal.wanted_values(resolved, digest), files).files


def current_values(edits: Iterable[Edit], files: Mapping[str, bytes]) -> Mapping[Edit, str]:
    return proposal.edit(dict.fromkeys(edits, "v9"), files).current


async def edit_parent(branch: BranchSeen) -> Mapping[str, bytes] | None:
    image = ImageRecord(IMAGE, DIGEST, RESOLVED.source.commit)
    access = Access(ClusterSecrets(FakeCluster()), FakeForge(FakeGitServer(), Clock()), "album")
    case = Case(RELEASE, Record(image=image), RESOLVED, access)
    return await editing.edit_parent(FakeEditor(), case, branch)


def _with_edits(*edits: Edit) -> Resolved:
    return replace(RESOLVED, config=replace(RESOLVED.config, edits=edits))
