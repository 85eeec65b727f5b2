"""The wishes: AlbumRelease and AlbumPipeline as values of the domain."""

from typing import Any

from album_operator.api.edits import Edit as EditModel
from album_operator.api.pipeline import App as AppModel
from album_operator.api.pipeline import PipelineSpec
from album_operator.api.pipeline import PullRequest as PullRequestModel
from album_operator.api.release import ReleaseSpec
from album_operator.api.resources import Resources as ResourcesModel
from album_operator.codec.text import REFRESH, Raw, parse_request, parse_time
from album_operator.domain.forges import ForgeType
from album_operator.domain.marks import APP_LABEL, PIPELINE_LABEL, PULL_REQUEST_LINK
from album_operator.domain.places import MergeMethod
from album_operator.domain.release import (
    App,
    BuildArg,
    BuildType,
    Delivery,
    Edit,
    EditFormat,
    EditValue,
    FeedbackWish,
    MergeMode,
    Mode,
    Pipeline,
    PullRequestWish,
    Ref,
    Release,
    Resources,
    SyncPolicyWish,
)
from album_operator.domain.remedy import RETRY

API_VERSION = "album.dev/v1alpha1"

MARKS = frozenset({APP_LABEL, PIPELINE_LABEL, PULL_REQUEST_LINK})


def parse_release(raw: Raw) -> Release:
    """Read an AlbumRelease.

    Raises:
        pydantic.ValidationError: it is not of the schema's shape.
    """
    metadata, spec = raw["metadata"], ReleaseSpec.parse(raw["spec"])
    annotations = metadata.get("annotations") or {}
    status = raw.get("status") or {}
    return Release(
        ref=Ref(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata["generation"],
        resource_version=metadata["resourceVersion"],
        created_at=parse_time(metadata["creationTimestamp"]),
        pipeline=spec.pipeline_ref.name,
        tag=spec.tag,
        app=spec.app,
        version=spec.version,
        mode=Mode(spec.mode),
        suspend=spec.suspend,
        allow_downgrade=spec.allow_downgrade,
        retry=parse_request(metadata, RETRY),
        refresh=parse_request(metadata, REFRESH),
        deleting="deletionTimestamp" in metadata,
        observed_generation=status.get("observedGeneration"),
        status=status,
        marks={
            key: value
            for key, value in {**annotations, **(metadata.get("labels") or {})}.items()
            if key in MARKS
        },
    )


def parse_pipeline(raw: Raw) -> Pipeline:
    """Read an AlbumPipeline; constant defaults are the schema's, conventions stay None.

    Raises:
        pydantic.ValidationError: it is not of the schema's shape.
    """
    metadata, spec = raw["metadata"], PipelineSpec.parse(raw["spec"])
    build, config, argocd = spec.build, spec.config, spec.argocd
    policy = argocd.sync_policy
    forge_secret = config.forge.secret_ref
    return Pipeline(
        ref=Ref(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata["generation"],
        source_repository=spec.source.repository,
        source_secret=spec.source.secret_ref.name,
        build_type=BuildType(build.type),
        image_registry=build.image.registry,
        image_repository=build.image.repository,
        image_insecure=build.image.insecure,
        build_args=tuple(BuildArg(arg.name, arg.value) for arg in build.args),
        build_target=build.target,
        build_resources=_resources(build.resources),
        build_timeout=build.timeout,
        push_secret=build.push_secret_ref.name,
        config_repository=config.repository,
        config_branch=config.branch,
        config_secret=config.secret_ref.name,
        forge_type=ForgeType(config.forge.type) if config.forge.type is not None else None,
        forge_url=config.forge.api_url,
        forge_secret=forge_secret.name if forge_secret is not None else None,
        author_name=config.author.name,
        author_email=config.author.email,
        argocd_namespace=argocd.namespace,
        sync_policy=SyncPolicyWish(policy.self_heal, policy.apply_out_of_sync_only, policy.prune),
        settle=argocd.settle,
        argocd_timeout=argocd.timeout,
        apps=tuple(_app(app) for app in spec.apps),
        delivery=Delivery(config.delivery),
        failure_log=build.failure_log,
        pull_request=_pull_request(config.pull_request),
        **_feedback(spec),
    )


def _feedback(spec: PipelineSpec) -> dict[str, Any]:
    wish, forge = spec.feedback, spec.source.forge
    given: dict[str, Any] = {}
    if wish is not None:
        given["feedback"] = FeedbackWish(wish.commit_status, wish.comment)
    if forge is not None:
        given["source_forge_type"] = ForgeType(forge.type) if forge.type is not None else None
        given["source_forge_url"] = forge.api_url
        secret = forge.secret_ref
        given["source_forge_secret"] = secret.name if secret is not None else None
    return given


def _pull_request(wish: PullRequestModel | None) -> PullRequestWish:
    if wish is None:
        return PullRequestWish()
    return PullRequestWish(
        merge=MergeMode(wish.merge),
        method=MergeMethod(wish.method),
        labels=tuple(wish.labels),
        reviewers=tuple(wish.reviewers),
        assignees=tuple(wish.assignees),
        milestone=wish.milestone,
        draft=wish.draft,
    )


def _app(app: AppModel) -> App:
    return App(
        name=app.name,
        tag_prefix=app.tag_prefix,
        context_dir=app.context_dir,
        dockerfile=app.dockerfile,
        image=app.image,
        edits=tuple(_edit(edit) for edit in app.edits),
        applications=tuple(Ref(ref.namespace, ref.name) for ref in app.applications),
    )


def _edit(edit: EditModel) -> Edit:
    return Edit(
        edit.path, edit.key, EditValue(edit.value), EditFormat(edit.format), create=edit.create
    )


def _resources(resources: ResourcesModel | None) -> Resources:
    if resources is None:
        return Resources()
    return Resources(
        resources.requests.render() if resources.requests is not None else {},
        resources.limits.render() if resources.limits is not None else {},
    )
