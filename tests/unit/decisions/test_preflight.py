"""What is checked before anything is written anywhere."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from album_operator.decisions import conventions, preflight
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.build_source import SourceParts
from album_operator.domain.claims import BranchClaim
from album_operator.domain.image_labels import REVISION
from album_operator.domain.pull_requests import PullRequestState, RepositorySeen, SigningRule
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName, StepState
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, Mode, ProofBy, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen, SourceSeen
from album_operator.domain.verdict import Halt, Wait
from tests.fakes.builders import (
    APPLICATION,
    APPLICATION_SEEN,
    BRANCH,
    BRANCH_SEEN,
    COMMIT,
    CONFIG_SEEN,
    DIGEST,
    EDIT,
    PIPELINE,
    PULL_REQUEST,
    RECORD,
    RELEASE,
    RESOLVED,
    SOURCE_SEEN,
    VALUES,
    record_before,
)

SECRET = Ref("album", "album-git")


def _wish() -> Resolved:
    wish = conventions.resolve(RELEASE, PIPELINE)
    assert isinstance(wish, Resolved)
    return wish


def _fix(record: Record = RECORD, wish: Resolved | None = None) -> Resolved:
    done = preflight.decide(record, wish or _wish(), SOURCE_SEEN, CONFIG_SEEN)
    assert done.record.resolved is not None
    return done.record.resolved


def _source(seen: SourceSeen) -> Halt:
    halt = preflight.check_source(RESOLVED, seen)
    assert halt is not None
    return halt


def _config(seen: ConfigSeen, resolved: Resolved = RESOLVED) -> Halt:
    halt = preflight.check_config(resolved, seen)
    assert halt is not None
    return halt


def test_all_being_there_fixes_what_the_release_will_do() -> None:
    done = preflight.decide(RECORD, _wish(), SOURCE_SEEN, CONFIG_SEEN)

    assert done.record.resolved == RESOLVED
    assert done.record.next_step is StepName.IMAGE_READY
    assert preflight.check_source(RESOLVED, SOURCE_SEEN) is None
    assert preflight.check_config(RESOLVED, CONFIG_SEEN) is None
    assert _applications({APPLICATION: APPLICATION_SEEN}) == {}


@pytest.mark.parametrize(("wished", "branch"), [(BRANCH, BRANCH), ("prod", "prod"), ("", "main")])
def test_a_branch_that_nobody_named_is_the_base_branch(wished: str, branch: str) -> None:
    wish = replace(RESOLVED, config=replace(RESOLVED.config, branch=wished, base_branch=""))
    resolved = _fix(wish=wish)

    assert resolved.config.branch == branch
    assert resolved.config.base_branch == "main"


def test_a_missing_tag_is_named() -> None:
    halt = _source(SourceSeen(None, is_no_commit=True))
    assert halt.reason is Reason.TAG_NOT_FOUND
    assert "stands for a tree or a file, and not for a commit" in halt.message
    halt = _source(SourceSeen(None))

    assert halt.reason is Reason.TAG_NOT_FOUND
    assert "backend-v1.1.0" in halt.sentence


def test_a_missing_dockerfile_is_named_with_its_path_and_commit() -> None:
    halt = _source(replace(SOURCE_SEEN, has_dockerfile=False))

    assert halt.reason is Reason.DOCKERFILE_NOT_FOUND
    assert "backend/Dockerfile" in halt.sentence
    assert "aaaaaaaaaaaa" in halt.sentence


@pytest.mark.parametrize("parts", [None, SourceParts(), SourceParts(submodules=False)])
def test_a_dockerfile_of_a_submodule_that_is_not_fetched_is_told_as_that(
    parts: SourceParts | None,
) -> None:
    seen = replace(SOURCE_SEEN, has_dockerfile=False, is_in_submodule=True)
    resolved = replace(RESOLVED, build=replace(RESOLVED.build, source=parts))
    halt = preflight.check_source(resolved, seen)
    assert halt is not None
    assert halt.reason is Reason.DOCKERFILE_NOT_FOUND
    assert "backend/Dockerfile is in a submodule of tag" in halt.message
    assert "spec.build.source.submodules: true" in halt.remedy


def test_a_dockerfile_of_a_submodule_that_is_fetched_is_looked_for_there() -> None:
    seen = replace(SOURCE_SEEN, has_dockerfile=False, is_in_submodule=True)
    fetched = replace(RESOLVED.build, source=SourceParts(submodules=True))
    assert preflight.check_source(replace(RESOLVED, build=fetched), seen) is None


@pytest.mark.parametrize("branch", ["main", ""])
def test_a_missing_base_branch_is_named(branch: str) -> None:
    halt = _config(replace(CONFIG_SEEN, base_branch=branch, base_commit=None))

    assert halt.reason is Reason.BASE_BRANCH_NOT_FOUND
    assert (branch or "(default)") in halt.sentence


def test_a_missing_values_file_is_named() -> None:
    halt = _config(replace(CONFIG_SEEN, files={}))

    assert halt.reason is Reason.VALUES_FILE_NOT_FOUND
    assert VALUES in halt.sentence


def test_a_values_file_that_is_a_symlink_is_not_edited() -> None:
    halt = _config(replace(CONFIG_SEEN, files={}, not_files={VALUES: "symlink"}))

    assert halt.reason is Reason.VALUES_NOT_EDITABLE
    assert f"{VALUES} on branch main" in halt.sentence
    assert "symlink" in halt.sentence


def test_all_files_that_are_missing_are_named_each_once() -> None:
    edits = tuple(
        replace(EDIT, path=path, key=key)
        for path, key in [("a.yaml", "x"), ("a.yaml", "y"), ("b.yaml", "x")]
    )
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, edits=edits))
    halt = _config(replace(CONFIG_SEEN, files={}, not_files={"b.yaml": "symlink"}), resolved)

    assert [(miss.reason, miss.message[:6]) for miss in halt.misses] == [
        (Reason.VALUES_FILE_NOT_FOUND, "a.yaml"),
        (Reason.VALUES_NOT_EDITABLE, "b.yaml"),
    ]
    assert halt.reason is Reason.VALUES_FILE_NOT_FOUND


def _applications(
    seen: Mapping[Ref, ApplicationSeen | None],
    unreached: Mapping[Ref, Halt] = MappingProxyType({}),
    *,
    has_place: bool = True,
) -> Mapping[Ref, list[Reason]]:
    refused = preflight.check_applications(
        RELEASE, RESOLVED, seen, consent=True, has_place=has_place, unreached=unreached
    )
    return {ref: [one.reason for one in halt.misses or (halt,)] for ref, halt in refused.items()}


def test_each_application_that_lacks_something_is_told() -> None:
    others = {name: Ref("argocd", name) for name in ("gone", "mute", "good")}
    seen = {
        others["gone"]: None,
        others["mute"]: replace(APPLICATION_SEEN, consents=frozenset(), sources=()),
        others["good"]: APPLICATION_SEEN,
    }

    assert _applications(seen) == {
        others["gone"]: [Reason.APPLICATION_NOT_FOUND],
        others["mute"]: [Reason.APPLICATION_MISMATCH, Reason.NOT_AUTHORIZED],
    }


def test_what_is_wrong_beside_is_told_of_an_application_that_takes_nothing_of_the_edits() -> None:
    invalid = {"InvalidSpecError": "application repo is not permitted"}
    seen = {
        APPLICATION: replace(APPLICATION_SEEN, consents=frozenset(), conditions=invalid),
    }
    unreached = {APPLICATION: Halt(Reason.APPLICATION_MISMATCH, "It takes other files.")}

    assert _applications(seen, unreached) == {
        APPLICATION: [Reason.APPLICATION_INVALID, Reason.APPLICATION_MISMATCH]
    }


def test_what_an_application_renders_is_not_judged_by_a_branch_or_file_that_is_not_there() -> None:
    elsewhere = replace(APPLICATION_SEEN, sources=())
    seen = {APPLICATION: elsewhere, Ref("argocd", "gone"): None}

    assert _applications(seen, has_place=False) == {
        Ref("argocd", "gone"): [Reason.APPLICATION_NOT_FOUND]
    }


def test_a_retry_at_the_same_commit_keeps_the_image() -> None:
    before = record_before(StepName.PROPOSED)
    there = ImageSeen(DIGEST, {REVISION: COMMIT})
    verdict = preflight.decide(before, _wish(), SOURCE_SEEN, CONFIG_SEEN, there)

    assert verdict.record.image == before.image
    assert verdict.record.next_step is StepName.PROPOSED


@pytest.mark.parametrize("digest", [None, f"sha256:{'e' * 64}"])
def test_a_retry_whose_image_is_not_there_any_more_begins_anew(digest: str | None) -> None:
    there = ImageSeen(digest, {REVISION: COMMIT}) if digest is not None else None
    before = record_before(StepName.PROPOSED)
    verdict = preflight.decide(before, _wish(), SOURCE_SEEN, CONFIG_SEEN, there)

    assert verdict.record.image is None
    assert verdict.record.next_step is StepName.IMAGE_READY


def test_a_retry_believes_what_the_builder_said_where_no_registry_is_asked() -> None:
    wish = replace(_wish(), build=replace(_wish().build, proof=ProofBy.BUILDER))
    before = record_before(StepName.PROPOSED)
    verdict = preflight.decide(before, wish, SOURCE_SEEN, CONFIG_SEEN)

    assert verdict.record.image == before.image


def test_an_image_of_another_commit_is_told_before_the_build() -> None:
    there = ImageSeen(DIGEST, {REVISION: "9" * 40})
    halt = preflight.check_image(_wish(), SOURCE_SEEN, there)

    assert halt is not None
    assert halt.reason is Reason.IMAGE_EXISTS_FROM_OTHER_COMMIT
    ours = ImageSeen(DIGEST, {REVISION: COMMIT})
    assert preflight.check_image(_wish(), SOURCE_SEEN, ours) is None
    assert preflight.check_image(_wish(), SourceSeen(commit=None), there) is None


def test_what_is_built_elsewhere_needs_no_dockerfile() -> None:
    external = replace(RESOLVED, build=replace(RESOLVED.build, type=BuildType.EXTERNAL))
    without = SourceSeen(COMMIT, has_dockerfile=False)
    assert preflight.check_source(external, without) is None
    assert preflight.check_source(RESOLVED, without) is not None


@pytest.mark.parametrize("moved", ["commit", "image"])
def test_a_retry_of_something_else_builds_anew(moved: str) -> None:
    before = record_before(StepName.PROPOSED)
    assert before.image is not None
    image = (
        replace(before.image, revision="0" * 40)
        if moved == "commit"
        else replace(before.image, reference="ghcr.io/owner/other:v1.1.0")
    )
    verdict = preflight.decide(replace(before, image=image), _wish(), SOURCE_SEEN, CONFIG_SEEN)

    assert verdict.record.image is None
    assert verdict.record.build is None
    assert verdict.record.next_step is StepName.IMAGE_READY
    step = verdict.record.step(StepName.IMAGE_READY)
    assert step.state is StepState.PENDING
    assert step.started_at is None
    assert step.finished_at is None


@pytest.mark.parametrize(
    ("seen", "mode", "secret", "reason"),
    [
        (RepositorySeen(is_archived=True, may_push=True), Mode.APPLY, None, "RepositoryArchived"),
        (RepositorySeen(is_archived=False, may_push=False), Mode.APPLY, None, "CredentialsRefused"),
        # A plan pushes nothing; and git may push with another Secret than the API's.
        (RepositorySeen(is_archived=False, may_push=False), Mode.PLAN, None, None),
        (RepositorySeen(is_archived=False, may_push=False), Mode.APPLY, "other", None),
        (RepositorySeen(is_archived=False, may_push=True), Mode.APPLY, None, None),
    ],
)
def test_what_the_forge_says_of_the_repository_is_heard(
    seen: RepositorySeen, mode: Mode, secret: str | None, reason: str | None
) -> None:
    config = replace(RESOLVED.config, forge_secret_name=secret or RESOLVED.config.secret_name)
    resolved = replace(RESOLVED, config=config)
    refused = preflight.check_forge(replace(RELEASE, mode=mode), resolved, seen)

    assert (refused.reason if refused is not None else None) == reason


@pytest.mark.parametrize(
    ("secret", "mode", "is_told"),
    [
        (None, Mode.APPLY, True),
        (None, Mode.PLAN, True),
        # Git pushes as another user, whom other rules may bind.
        ("other", Mode.APPLY, False),
    ],
)
def test_a_rule_that_wants_signed_commits_is_told_with_its_way_out(
    secret: str | None, mode: Mode, *, is_told: bool
) -> None:
    config = replace(RESOLVED.config, forge_secret_name=secret or RESOLVED.config.secret_name)
    seen = RepositorySeen(
        is_archived=False, may_push=True, signing_rule=SigningRule("rule **", "Narrow it")
    )
    release, resolved = replace(RELEASE, mode=mode), replace(RESOLVED, config=config)
    halt = preflight.check_forge(release, resolved, seen)

    assert (halt is not None) is is_told
    if halt is not None:
        assert halt.reason is Reason.PUSH_REFUSED
        assert f"branch {BRANCH}: rule ** wants signed commits" in halt.message
        assert halt.remedy == "Narrow it"


def _check_branch(claim: BranchClaim, reason: Reason = Reason.PENDING) -> Wait | None:
    return preflight.check_branch(RELEASE, replace(RECORD, reason=reason), RESOLVED, claim)


def test_a_branch_of_another_release_is_waited_for_and_its_release_named() -> None:
    wait = _check_branch(BranchClaim(Ref("album", "backend-again")))
    assert wait is not None
    assert wait.reason is Reason.BRANCH_TAKEN
    assert BRANCH in wait.message
    assert RESOLVED.config.repository in wait.message
    assert "AlbumRelease album/backend-again" in wait.message


def test_a_release_of_another_namespace_is_not_named() -> None:
    wait = _check_branch(BranchClaim(Ref("team-b", "secret-plans")))
    assert wait is not None
    assert "of another namespace" in wait.message
    assert "team-b" not in wait.message
    assert "secret-plans" not in wait.message


def test_a_branch_that_is_ours_is_not_waited_for() -> None:
    assert _check_branch(BranchClaim(None)) is None
    assert _check_branch(BranchClaim(None), Reason.BRANCH_TAKEN) is None
    assert _check_branch(BranchClaim(None, is_certain=False)) is None


def test_who_waited_before_a_start_goes_on_only_once_all_releases_are_known() -> None:
    wait = _check_branch(BranchClaim(None, is_certain=False), Reason.BRANCH_TAKEN)
    assert wait is not None
    assert wait.reason is Reason.BRANCH_TAKEN
    assert "finds out" in wait.message


def test_a_branch_beside_which_ours_cannot_be_made_is_named_with_the_way_out() -> None:
    seen = replace(CONFIG_SEEN, obstacle="release")

    halt = preflight.check_free(RESOLVED, seen, is_ours=False)

    assert halt is not None
    assert halt.reason is Reason.BRANCH_TAKEN
    assert "release is there" in halt.message
    assert "set spec.config.pullRequest.branch of the pipeline" in halt.sentence


def test_a_branch_is_taken_if_it_cannot_be_ours() -> None:
    seen = replace(CONFIG_SEEN, branch=BRANCH_SEEN)

    assert preflight.check_free(RESOLVED, CONFIG_SEEN, is_ours=False) is None
    assert preflight.check_free(RESOLVED, seen, is_ours=True) is None
    halt = preflight.check_free(RESOLVED, seen, is_ours=False)
    assert halt is not None
    assert "not this release's (cccccccccccc by Album Release Operator)" in halt.message
    assert halt.remedy.startswith("Delete or rename the branch, or set spec.config")


@pytest.mark.parametrize(
    ("state", "is_told"), [(PullRequestState.OPEN, True), (PullRequestState.MERGED, False)]
)
def test_a_branch_with_an_open_pull_request_is_not_to_be_deleted_before_its_merge(
    state: PullRequestState, *, is_told: bool
) -> None:
    seen = replace(CONFIG_SEEN, branch=BRANCH_SEEN)
    halt = preflight.check_free(RESOLVED, seen, replace(PULL_REQUEST, state=state), is_ours=False)

    assert halt is not None
    assert ("has the open pull request #6" in halt.message) is is_told
    assert halt.remedy.startswith("Merge that and delete") is is_told


def test_whose_a_taken_branch_is_is_waited_for_while_releases_are_listed() -> None:
    claim = BranchClaim(None, is_certain=False)

    wait = preflight.check_branch(RELEASE, RECORD, RESOLVED, claim, is_taken=True)

    assert wait is not None
    assert wait.retry_after == preflight.UNTIL_CERTAIN
