"""Specs: what users write, as the operator reads it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from album_operator.codec import parse_pipeline, parse_release, pipeline_ready_of, pipeline_wish_of
from album_operator.decisions import conventions
from album_operator.domain.argocd import OlderImages, RewrittenRegistry, SyncPolicyWish
from album_operator.domain.build_cache import CacheWish
from album_operator.domain.build_source import SourceParts
from album_operator.domain.forges import ForgeType
from album_operator.domain.notifications import ReleaseEvent, SinkFormat
from album_operator.domain.pipeline import (
    App,
    Author,
    DeploymentWish,
    FeedbackWish,
    ForgeWish,
    ImageWish,
    MaybeSecretRef,
    NotificationSink,
    PolicyWish,
    SecretRef,
    SourceWish,
)
from album_operator.domain.places import MergeMethod
from album_operator.domain.release import (
    Anchors,
    BuildArg,
    BuildType,
    Delivery,
    Document,
    Edit,
    EditFormat,
    EditValue,
    MergeMode,
    PullRequestWish,
    Ref,
    Resources,
    Rollback,
)
from album_operator.domain.resolved import Resolved
from tests.fakes.builders import (
    CREATED,
    PIPELINE,
    RELEASE,
    SOURCE,
    raw_pipeline,
    raw_release,
)
from tests.fakes.crd_schema import faults_of_spec


def test_a_release_is_read_as_it_stands() -> None:
    release = parse_release(raw_release())

    assert release == replace(
        RELEASE, uid="uid-of-backend-v1.1.0", resource_version="1", observed_generation=-1
    )
    assert release.created_at == CREATED


def test_app_and_version_are_read_in_place_of_a_tag() -> None:
    raw = raw_release(app="backend", version="v1.1.0", suspend=True, allowDowngrade=True)
    release = parse_release(raw)

    assert (release.tag, release.app, release.version) == (None, "backend", "v1.1.0")
    assert release.suspend
    assert release.allow_downgrade
    assert faults_of_spec("albumreleases", raw["spec"]) == []


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("ada", "ada"),
        (" ada\n\x1b[31m  of the team ", "ada [31m of the team"),
        ("a" * 101, f"{'a' * 66} … {'a' * 31}"),
        ("\n\t", None),
        ("", None),
    ],
)
def test_who_asked_is_read_on_one_line(said: str, read: str | None) -> None:
    raw = raw_release()
    raw["metadata"]["annotations"] = {"album.dev/requested-by": said}

    assert parse_release(raw).requested_by == read


def test_requests_and_marks_are_read_from_the_metadata() -> None:
    raw = raw_release()
    raw["metadata"]["annotations"] = {
        "album.dev/retry": "2026-11-20T12:00:00Z",
        "album.dev/refresh": "",
        "link.argocd.argoproj.io/pull-request": "https://git.example.org/6",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    raw["metadata"]["labels"] = {"album.dev/app": "backend", "team": "albums"}
    raw["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"
    release = parse_release(raw)

    assert release.retry == "2026-11-20T12:00:00Z"
    assert release.refresh == ""
    assert release.deleting
    assert release.marks == {
        "album.dev/app": "backend",
        "link.argocd.argoproj.io/pull-request": "https://git.example.org/6",
    }


def test_a_request_of_any_length_fits_into_the_status() -> None:
    raw = raw_release()
    raw["metadata"]["annotations"] = {"album.dev/retry": "x" * 9000}
    one = parse_release(raw).retry
    raw["metadata"]["annotations"] = {"album.dev/retry": "x" * 9001}

    assert one is not None
    assert len(one) <= 253
    assert parse_release(raw).retry != one


def test_a_pipeline_of_two_lines_has_the_schemas_defaults() -> None:
    raw = raw_pipeline()

    assert faults_of_spec("albumpipelines", raw["spec"]) == []
    assert parse_pipeline(raw) == PIPELINE


def test_everything_a_pipeline_can_say_is_read() -> None:
    raw = raw_pipeline(
        source={
            "repository": SOURCE,
            "forge": {
                "type": "GitHub",
                "apiURL": "https://ghe.example.org/api/v3",
                "secretRef": {"name": "source-forge"},
            },
        },
        build={
            "type": "BuildKit",
            "image": {"registry": "r.example.org:5000", "repository": "team/x", "insecure": True},
            "args": [{"name": "GO", "value": "1.26"}],
            "target": "release",
            "versionArg": "APP_VERSION",
            "resources": {
                "requests": {"cpu": 1, "ephemeral-storage": "4Gi"},
                "limits": {"memory": "512Mi"},
            },
            "timeout": "1h",
            "cache": {"repository": "team/caches", "ttl": "12h"},
            "source": {"submodules": True, "lfs": False, "history": True},
            "pushSecretRef": {"name": "push"},
        },
        config={
            "repository": "https://git.example.org/owner/gitops",
            "branch": "prod",
            "secretRef": {"name": "config"},
            "forge": {
                "type": "Gitea",
                "apiURL": "https://forge.example.org/api/v1",
                "secretRef": {"name": "forge"},
            },
            "author": {"name": "Bot", "email": "bot@example.org"},
            "pullRequest": {"merge": "Auto", "method": "Squash", "labels": ["a"], "milestone": "m"},
        },
        feedback={
            "commitStatus": True,
            "comment": True,
            "deployment": {"environment": "production"},
        },
        notifications=[
            {
                "name": "team",
                "secretRef": {"name": "team-chat"},
                "format": "Slack",
                "events": ["Failed"],
            }
        ],
        policy={"requireChecks": ["ci/test", "unit tests (3.11)"]},
        argocd={
            "namespace": "cd",
            "syncPolicy": {"prune": False},
            "settle": "0s",
            "timeout": "90s",
            "olderImages": "Ignore",
            "notice": True,
            "rewrittenRegistries": [{"from": "ghcr.io", "to": "mirror.example.org/ghcr"}],
        },
        apps=[
            {
                "name": "backend",
                "tagPrefix": "be-",
                "contextDir": "services/api",
                "dockerfile": "docker/Dockerfile",
                "image": "r.example.org/team/api",
                "versionArg": "",
                "edits": [
                    {"path": "prod/values.yaml", "key": "api.tag", "value": "Tag"},
                    {
                        "path": "prod/kustomization.yaml",
                        "key": "ghcr.io/owner/api",
                        "value": "Digest",
                        "format": "Kustomize",
                        "create": True,
                    },
                ],
                "applications": [{"namespace": "team", "name": "api"}],
            }
        ],
    )
    assert faults_of_spec("albumpipelines", raw["spec"]) == []
    pipeline = parse_pipeline(raw)

    build, config, argocd = pipeline.build, pipeline.config, pipeline.argocd

    assert pipeline.source == SourceWish(
        SOURCE,
        SecretRef("album-git"),
        ForgeWish(ForgeType.GITHUB, "https://ghe.example.org/api/v3", SecretRef("source-forge")),
    )
    assert build.type is BuildType.BUILDKIT
    assert build.image == ImageWish("r.example.org:5000", "team/x", insecure=True)
    assert (build.args, build.target) == ((BuildArg("GO", "1.26"),), "release")
    assert build.version_arg == "APP_VERSION"
    assert build.cache == CacheWish(timedelta(hours=12), "team/caches")
    assert build.source == SourceParts(submodules=True, lfs=False, history=True)
    assert build.resources == Resources(
        {"cpu": "1", "ephemeral-storage": "4Gi"}, {"memory": "512Mi"}
    )
    assert (build.timeout, build.push_secret_ref) == (timedelta(hours=1), MaybeSecretRef("push"))
    assert (config.repository, config.branch, config.secret_ref) == (
        "https://git.example.org/owner/gitops",
        "prod",
        SecretRef("config"),
    )
    assert config.forge == ForgeWish(
        ForgeType.GITEA, "https://forge.example.org/api/v1", SecretRef("forge")
    )
    assert config.author == Author("Bot", "bot@example.org")
    assert config.pull_request == PullRequestWish(
        merge=MergeMode.AUTO, method=MergeMethod.SQUASH, labels=("a",), milestone="m"
    )
    assert pipeline.feedback == FeedbackWish(
        commit_status=True, comment=True, deployment=DeploymentWish("production")
    )
    team = NotificationSink(
        "team", SecretRef("team-chat"), SinkFormat.SLACK, (ReleaseEvent.FAILED,)
    )
    assert pipeline.notifications == (team,)
    assert pipeline.policy == PolicyWish(("ci/test", "unit tests (3.11)"))
    assert argocd.namespace == "cd"
    assert argocd.sync_policy == SyncPolicyWish(None, None, prune=False)
    assert argocd.older_images is OlderImages.IGNORE
    assert argocd.notice
    assert argocd.rewritten_registries == (RewrittenRegistry("ghcr.io", "mirror.example.org/ghcr"),)
    assert (argocd.settle, argocd.timeout) == (timedelta(), timedelta(seconds=90))
    assert pipeline.apps == (
        App(
            "backend",
            "be-",
            "services/api",
            "docker/Dockerfile",
            "r.example.org/team/api",
            (
                Edit("prod/values.yaml", "api.tag"),
                Edit(
                    "prod/kustomization.yaml",
                    "ghcr.io/owner/api",
                    EditValue.DIGEST,
                    EditFormat.KUSTOMIZE,
                    create=True,
                ),
            ),
            (Ref("team", "api"),),
            "",
        ),
    )
    assert isinstance(conventions.resolve(replace(RELEASE, tag="be-v1.1.0"), pipeline), Resolved)


@pytest.mark.parametrize(
    ("given", "document"),
    [
        ({"index": 1}, Document(1)),
        ({"kind": "HelmRelease", "name": "shop"}, Document(kind="HelmRelease", name="shop")),
    ],
)
def test_an_edit_may_name_a_document_and_what_becomes_of_anchors(
    given: dict[str, object], document: Document
) -> None:
    edit = {"path": "v.yaml", "key": "a[0]", "document": given, "anchors": "Edit"}
    raw = raw_pipeline(apps=[{"name": "backend", "edits": [edit]}])

    assert faults_of_spec("albumpipelines", raw["spec"]) == []
    [app] = parse_pipeline(raw).apps
    assert app.edits == (Edit("v.yaml", "a[0]", document=document, anchors=Anchors.EDIT),)


def test_a_pipeline_may_commit_to_the_base_branch() -> None:
    raw = raw_pipeline(config={"delivery": "Commit"})

    assert faults_of_spec("albumpipelines", raw["spec"]) == []
    assert parse_pipeline(raw) == replace(
        PIPELINE, config=replace(PIPELINE.config, delivery=Delivery.COMMIT)
    )


def test_resources_may_name_only_one_side() -> None:
    pipeline = parse_pipeline(raw_pipeline(build={"resources": {}}))

    assert pipeline.build.resources == Resources({}, {})


def test_a_forge_of_the_source_may_say_nothing() -> None:
    raw = raw_pipeline(source={"repository": SOURCE, "forge": {}})

    assert parse_pipeline(raw) == PIPELINE


def test_a_spec_that_is_not_of_the_schemas_shape_is_refused() -> None:
    raw = raw_pipeline()
    del raw["spec"]["source"]

    with pytest.raises(ValidationError):
        parse_pipeline(raw)


def test_a_rollback_may_release_an_older_version() -> None:
    raw = raw_release(tag="backend-v1.1.0", rollbackOf={"name": "backend-v1.2.0"})
    release = parse_release(raw)

    assert release.rollback_of == "backend-v1.2.0"
    assert release.allow_downgrade
    assert faults_of_spec("albumreleases", raw["spec"]) == []


def test_a_pipeline_says_until_when_the_holds_of_which_apps_are_lifted() -> None:
    raw = raw_pipeline(policy={"rollback": "Revert"})
    raw["metadata"]["annotations"] = {"lift-hold.album.dev/backend": "now", "team": "albums"}
    pipeline = parse_pipeline(raw)

    assert pipeline.lifts == {"backend": "now"}
    assert pipeline.policy.rollback is Rollback.REVERT
    assert faults_of_spec("albumpipelines", raw["spec"]) == []


@pytest.mark.parametrize(
    ("metadata", "is_new"),
    [
        ({"resourceVersion": "2", "labels": {"a": "b"}}, False),
        ({"annotations": {"team": "music"}}, False),
        ({"generation": 3}, True),
        ({"uid": "another"}, True),
        ({"annotations": {"album.dev/refresh": "now"}}, True),
        ({"annotations": {"lift-hold.album.dev/backend": "now"}}, True),
    ],
)
def test_a_pipeline_asks_for_something_new_where_a_person_changed_what_is_read_of_it(
    metadata: dict[str, object], is_new: bool
) -> None:
    raw = raw_pipeline()
    changed = {**raw, "metadata": {**raw["metadata"], **metadata}, "status": {"checkedAt": "x"}}

    assert (pipeline_wish_of(changed) != pipeline_wish_of(raw)) is is_new


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (None, "Unknown"),
        ({"conditions": []}, "Unknown"),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, "False"),
    ],
)
def test_a_pipeline_says_whether_it_is_ready(status: dict[str, object] | None, ready: str) -> None:
    assert pipeline_ready_of({**raw_pipeline(), "status": status}) == ready
