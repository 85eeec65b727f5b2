"""Whether what a status says can be true."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions.trust import find_contradiction, refuse
from album_operator.domain.argocd import (
    ApplicationSelector,
    ResolvedApplicationSelector,
    SyncPolicyWish,
)
from album_operator.domain.forges import ForgeType
from album_operator.domain.pipeline import App, MaybeSecretRef, Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ApplicationRecord, ImageOrigin, Record, StepName
from album_operator.domain.release import (
    BuildArg,
    BuildType,
    Delivery,
    Edit,
    ExistingImage,
    MergeMode,
    PullRequestWish,
    Ref,
    Resources,
)
from album_operator.domain.resolved import Resolved, ResolvedFeedback, ResolvedPolicy
from tests.fakes.builders import PIPELINE, RELEASE, RESOLVED, record_before

RECORD = record_before(StepName.DEPLOYED)
EDITED = replace(PIPELINE, build=replace(PIPELINE.build, push_secret_ref=MaybeSecretRef("new")))


def _find(
    resolved: Resolved = RESOLVED, pipeline: Pipeline | None = PIPELINE, record: Record = RECORD
) -> str | None:
    return find_contradiction(RELEASE, record, resolved, pipeline)


def test_what_the_operator_wrote_contradicts_nothing() -> None:
    assert _find() is None


@pytest.mark.parametrize(
    ("field", "resolved"),
    [
        ("source.repository", replace(RESOLVED.source, repository="https://git.example.org/a/b")),
        ("source.secretName", replace(RESOLVED.source, secret_name="other")),
        ("build.type", replace(RESOLVED.build, type=BuildType.BUILDKIT)),
        ("build.image", replace(RESOLVED.build, image="ghcr.io/owner/other:v1.1.0")),
        ("build.insecure", replace(RESOLVED.build, insecure=True)),
        ("build.contextDir", replace(RESOLVED.build, context_dir="frontend")),
        ("build.dockerfile", replace(RESOLVED.build, dockerfile="Dockerfile.other")),
        ("build.args", replace(RESOLVED.build, args=(BuildArg("VERSION", "v9"),))),
        ("build.target", replace(RESOLVED.build, target="debug")),
        ("build.resources.limits", replace(RESOLVED.build, resources=Resources({}, {"cpu": "64"}))),
        ("build.timeout", replace(RESOLVED.build, timeout=timedelta(hours=24))),
        ("build.pushSecretName", replace(RESOLVED.build, push_secret_name="album-git")),
        ("config.repository", replace(RESOLVED.config, repository="https://git.example.org/a/b")),
        ("config.secretName", replace(RESOLVED.config, secret_name="other")),
        ("config.forgeType", replace(RESOLVED.config, forge_type=ForgeType.GITHUB)),
        ("config.forgeURL", replace(RESOLVED.config, forge_url="https://git.example.org/evil")),
        ("config.forgeSecretName", replace(RESOLVED.config, forge_secret_name="other")),
        ("config.authorName", replace(RESOLVED.config, author_name="Somebody Else")),
        ("config.authorEmail", replace(RESOLVED.config, author_email="else@example.org")),
        ("config.edits", replace(RESOLVED.config, edits=(Edit("backend/values.yaml", "x"),))),
        (
            "config.pullRequest",
            replace(RESOLVED.config, pull_request=PullRequestWish(merge=MergeMode.AUTO)),
        ),
        ("config.commitMessage", replace(RESOLVED.config, commit_message="other")),
        ("pipeline.environment", replace(RESOLVED.pipeline, environment="prod")),
        (
            "config.delivery",
            replace(RESOLVED.config, delivery=Delivery.COMMIT, branch="main"),
        ),
        (
            "argocd.applications",
            replace(
                RESOLVED.argocd, applications=(*RESOLVED.argocd.applications, Ref("argocd", "x"))
            ),
        ),
        ("argocd.prune", replace(RESOLVED.argocd, sync_policy=SyncPolicyWish(prune=True))),
        ("argocd.selfHeal", replace(RESOLVED.argocd, sync_policy=SyncPolicyWish(self_heal=None))),
        ("argocd.notice", replace(RESOLVED.argocd, notice=True)),
        ("argocd.settle", replace(RESOLVED.argocd, settle=timedelta())),
        ("feedback.commitStatus", ResolvedFeedback(commit_status=True)),
        ("feedback.environment", ResolvedFeedback(environment="production")),
        ("policy.requireChecks", ResolvedPolicy(("ci",))),
    ],
)
def test_another_value_than_its_pipeline_gives_is_told(field: str, resolved: object) -> None:
    section = field.partition(".")[0]
    record = replace(RECORD, image=None, proposal=None)

    said = _find(replace(RESOLVED, **{section: resolved}), record=record)  # type: ignore[arg-type]

    assert said == (
        f"status.resolved.{field} is not what AlbumPipeline album-app gives at generation 2."
    )


def test_an_app_its_pipeline_does_not_have_is_told() -> None:
    pipeline = replace(PIPELINE, apps=(App("frontend"),))

    assert _find(pipeline=pipeline) == (
        "status.app is not what AlbumPipeline album-app gives at generation 2."
    )


def test_the_base_branch_of_a_pipeline_that_names_one_is_compared() -> None:
    said = _find(pipeline=replace(PIPELINE, config=replace(PIPELINE.config, branch="prod")))

    assert said is not None
    assert "resolved.config.baseBranch" in said


@pytest.mark.parametrize(
    "pipeline",
    [
        None,
        replace(EDITED, generation=3),
        replace(EDITED, uid="another"),
    ],
    ids=["gone", "edited", "made anew"],
)
def test_a_pipeline_that_is_not_what_it_was_changes_nothing(pipeline: Pipeline | None) -> None:
    assert _find(pipeline=pipeline) is None


def test_a_generation_its_pipeline_never_had_is_told() -> None:
    said = _find(replace(RESOLVED, pipeline=replace(RESOLVED.pipeline, generation=3)))

    assert said == (
        "status.resolved.pipeline.generation is not what AlbumPipeline album-app has reached yet."
    )


@pytest.mark.parametrize(
    ("resolved", "path"),
    [
        (
            replace(RESOLVED, pipeline=replace(RESOLVED.pipeline, name="other")),
            "resolved.pipeline.name",
        ),
        (
            replace(RESOLVED, source=replace(RESOLVED.source, tag="backend-v1.0.0")),
            "resolved.source.tag",
        ),
        (
            replace(RESOLVED, config=replace(RESOLVED.config, branch="main")),
            "resolved.config.branch",
        ),
        (
            replace(
                RESOLVED,
                version="v9.0.0",
                config=replace(RESOLVED.config, branch="release/backend_v9.0.0"),
            ),
            "version",
        ),
    ],
)
def test_another_release_than_the_wished_one_is_told(resolved: Resolved, path: str) -> None:
    said = _find(resolved, None)

    assert said is not None
    assert said.startswith(f"status.{path} is not what ")


def test_a_release_by_app_and_version_is_held_to_them() -> None:
    wish = replace(RELEASE, tag=None, app="backend", version="v1.1.0")

    assert find_contradiction(wish, RECORD, RESOLVED, None) is None
    other = replace(wish, version="v1.2.0")
    assert "status.app" in str(find_contradiction(other, RECORD, RESOLVED, None))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"image": replace(RECORD.image, reference="ghcr.io/a/b:v1")}, "image.reference"),  # type: ignore[type-var]
        ({"image": replace(RECORD.image, revision="1" * 40)}, "image.revision"),  # type: ignore[type-var]
        ({"image": replace(RECORD.image, revision=None)}, "image.revision"),  # type: ignore[type-var]
        (
            {"image": replace(RECORD.image, revision=None, origin=ImageOrigin.ADOPTED)},  # type: ignore[type-var]
            "image.origin",
        ),
        ({"proposal": replace(RECORD.proposal, branch="main")}, "config.branch"),  # type: ignore[type-var]
        ({"applications": (ApplicationRecord("argocd", "other"),)}, "applications"),
    ],
)
def test_a_fact_that_does_not_fit_what_is_resolved_is_told(
    change: dict[str, object], path: str
) -> None:
    said = _find(pipeline=None, record=replace(RECORD, **change))  # type: ignore[arg-type]

    assert said is not None
    assert said.startswith(f"status.{path} is not what ")


def _with_selector(*refs: Ref) -> Resolved:
    selector = ResolvedApplicationSelector("argocd", {"app": "backend"})
    argocd = replace(RESOLVED.argocd, applications=refs, application_selector=selector)
    return replace(RESOLVED, argocd=argocd)


def test_applications_that_were_found_are_believed_where_they_are_looked_for() -> None:
    selector = ApplicationSelector({"app": "backend"})
    pipeline = replace(PIPELINE, apps=(App("backend", application_selector=selector),))
    found, elsewhere = Ref("argocd", "any"), Ref("kube-system", "any")
    record = replace(RECORD, applications=())

    assert _find(_with_selector(found), pipeline, record) is None
    for resolved in (
        _with_selector(),
        _with_selector(found, elsewhere),
        replace(RESOLVED, argocd=replace(RESOLVED.argocd, applications=())),
    ):
        said = _find(resolved, None, record)
        assert said == "status.resolved.argocd.applications is not what a pipeline can name."
    other = replace(pipeline, apps=(App("backend"),))
    assert _find(_with_selector(found), other, record) is not None


def test_a_commit_to_the_base_has_the_base_as_its_branch() -> None:
    config = replace(RESOLVED.config, delivery=Delivery.COMMIT, branch="main")
    record = replace(RECORD, proposal=None)

    assert _find(replace(RESOLVED, config=config), None, record) is None


def test_the_refusal_names_the_field_and_the_way_out() -> None:
    halt = refuse(RELEASE, "status.app: it is wrong.")

    assert halt.reason is Reason.STATUS_INVALID
    assert halt.sentence.startswith("status.app: it is wrong. ")
    assert "albumreleases/status in namespace album" in halt.sentence
    assert "annotation album.dev/retry" in halt.sentence


def test_the_branch_is_what_the_remembered_template_gives_whatever_the_pipeline_says_now() -> None:
    config = replace(
        RESOLVED.config,
        branch="prod/backend-v1.1.0",
        pull_request=PullRequestWish(branch="${environment}/${tag}"),
    )
    named = replace(
        RESOLVED, config=config, pipeline=replace(RESOLVED.pipeline, environment="prod")
    )
    record = replace(RECORD, proposal=None)

    assert _find(named, replace(EDITED, generation=3), record) is None
    other = replace(named, pipeline=replace(named.pipeline, environment="staging"))
    assert "resolved.config.branch" in str(_find(other, None, record))


def test_an_adopted_image_has_no_revision_where_the_pipeline_adopts() -> None:
    assert RECORD.image is not None
    adopted = replace(RECORD.image, revision=None, origin=ImageOrigin.ADOPTED)
    build = replace(RESOLVED.build, existing_image=ExistingImage.ADOPT)
    resolved = replace(RESOLVED, build=build)
    record = replace(RECORD, image=adopted, resolved=resolved)

    assert find_contradiction(RELEASE, record, resolved, None) is None
