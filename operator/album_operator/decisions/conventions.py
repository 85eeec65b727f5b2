"""The conventions: what a release will do, from the release and its pipeline alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from album_operator.domain.argocd import (
    NO_WISH,
    ArgoCDWish,
    ResolvedApplicationSelector,
    ResolvedArgoCD,
    Sync,
)
from album_operator.domain.build_cache import resolve_cache
from album_operator.domain.build_source import OWN_FILES
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.forges import ForgeType, forge_of, guess_type
from album_operator.domain.images import DOCKER_HUB, in_full
from album_operator.domain.names import (
    AppVersion,
    TagForm,
    join_words,
    normal_url,
    parse_tag,
    repository_name,
    repository_path,
    split_tag,
)
from album_operator.domain.pipeline import (
    App,
    BuildWish,
    ConfigWish,
    FeedbackWish,
    Pipeline,
    PolicyWish,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.release import (
    BuildArg,
    BuildType,
    Delivery,
    Edit,
    Mode,
    ProofBy,
    PullRequestWish,
    Ref,
    Release,
)
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import (
    Resolved,
    ResolvedBuild,
    ResolvedConfig,
    ResolvedFeedback,
    ResolvedPipeline,
    ResolvedPolicy,
    ResolvedSource,
)
from album_operator.domain.templates import (
    BRANCH,
    BRANCH_FIELD,
    BRANCH_LENGTH,
    TITLE_LENGTH,
    branch_of,
    is_branch,
    title_of,
    uses,
)
from album_operator.domain.verdict import Halt
from album_operator.domain.versions import (
    EXAMPLES,
    FORMS,
    IMAGE_TAG_LENGTH,
    Versioning,
    forms_of,
    is_version,
)


@dataclass(frozen=True)
class Chosen:
    """The app a release is of, as its pipeline has it."""

    app: App
    version: str
    tag: str
    versioning: Versioning


def tag_prefix(app: App) -> str:
    """Give the prefix of an app's tags: its own, else `<name>-`."""
    return app.tag_prefix if app.tag_prefix is not None else f"{app.name}-"


def choose_app(release: Release, pipeline: Pipeline) -> Chosen | Halt:
    """Find which app of the pipeline a release is of, and at which version."""
    apps = {app.name: app for app in pipeline.apps}
    if release.tag is not None:
        forms = {
            name: TagForm(tag_prefix(app), app.versioning or pipeline.versioning)
            for name, app in apps.items()
        }
        found = parse_tag(release.tag, forms)
        if found is None:
            return _no_tag_of_an_app(release.tag, forms, pipeline)
    else:
        found = AppVersion(release.app or "", release.version or "")
    app = apps.get(found.app)
    if app is None:
        return Halt(
            Reason.TAG_INVALID,
            f"spec.app: AlbumPipeline {pipeline.ref.name} has no app `{found.app}`, only "
            f"{join_words(apps)}.",
            "Create a release of one of these, or add the app to the pipeline",
            ending=f" and {SET_RETRY}.",
        )
    versioning = app.versioning or pipeline.versioning
    if not is_version(found.version, versioning):
        return _not_of_the_form("spec.version", found, versioning, pipeline)
    tag = release.tag or f"{tag_prefix(app)}{found.version}"
    return Chosen(app, found.version, tag, versioning)


def _no_tag_of_an_app(tag: str, forms: Mapping[str, TagForm], pipeline: Pipeline) -> Halt:
    """Refuse a tag, and say what is wrong with its version where the prefix is an app's."""
    for found in split_tag(tag, forms):
        if any(form.fullmatch(found.version) for form in FORMS.values()):
            return _not_of_the_form("spec.tag", found, forms[found.app].versioning, pipeline)
    known = join_words(f"`{form.prefix}`" for form in forms.values())
    examples = [EXAMPLES[versioning] for versioning in Versioning]
    used = {EXAMPLES[form.versioning] for form in forms.values()}
    return Halt(
        Reason.TAG_INVALID,
        f"spec.tag: `{tag}` belongs to no app of AlbumPipeline {pipeline.ref.name}, whose tags "
        f"begin with {known}, followed by a version such as "
        f"{' or '.join(example for example in examples if example in used)}.",
        "Create a release with another tag, or add the app to the pipeline",
        ending=f" and {SET_RETRY}.",
    )


def _not_of_the_form(
    field: str, found: AppVersion, versioning: Versioning, pipeline: Pipeline
) -> Halt:
    """Refuse a version that is too long, or of another form than its app's."""
    if len(found.version) > IMAGE_TAG_LENGTH:
        return Halt(
            Reason.TAG_INVALID,
            f"{field}: the version has {len(found.version)} characters, and it becomes an image "
            f"tag, which holds {IMAGE_TAG_LENGTH}.",
            "Create a release with a shorter version",
            ending=".",
        )
    others = [f"set versioning: {form} for the app there" for form in forms_of(found.version)]
    return Halt(
        Reason.TAG_INVALID,
        f"{field}: {found.version} is no version such as {EXAMPLES[versioning]}, and versioning: "
        f"{versioning} of app {found.app} in AlbumPipeline {pipeline.ref.name} wants these.",
        ", or ".join(["Create a release with another version", *others[:1]]),
        ending=f" and {SET_RETRY}." if others else ".",
    )


def resolve(release: Release, pipeline: Pipeline | None) -> Resolved | Halt:
    """Apply the conventions.

    Args:
        release: the release.
        pipeline: the AlbumPipeline it names; None where it does not exist.

    Returns:
        What the release will do; `source.commit` and, where the pipeline names no branch,
        `config.base_branch` (with delivery `Commit` also `config.branch`) are empty: only a look
        at the repositories can fill them.
    """
    if pipeline is None:
        ref = Ref(release.ref.namespace, release.pipeline)
        return Halt(
            Reason.PIPELINE_NOT_FOUND,
            f"AlbumPipeline {ref} does not exist.",
            "Apply it",
        )
    chosen = choose_app(release, pipeline)
    if isinstance(chosen, Halt):
        return chosen
    if release.mode is Mode.FOLLOW:
        pipeline = _without_writes(pipeline)
    app, version = chosen.app, chosen.version
    source = normal_url(pipeline.source.repository)
    resolved = Resolved(
        app=app.name,
        version=version,
        pipeline=ResolvedPipeline(
            pipeline.ref.name, pipeline.uid, pipeline.generation, pipeline.environment
        ),
        source=ResolvedSource(
            repository=source,
            tag=chosen.tag,
            commit="",
            secret_name=pipeline.source.secret_ref.name,
            versioning=chosen.versioning,
        ),
        build=_build(pipeline.build, app, version, source),
        config=_config(pipeline.config, app, source),
        argocd=_argocd(pipeline.argocd, app, source),
        feedback=_feedback(pipeline, source),
        policy=_policy(pipeline, source),
    )
    refused = _check_image(pipeline, app, resolved) or _check_templates(pipeline, resolved)
    return refused or _with_branch(resolved)


def _without_writes(pipeline: Pipeline) -> Pipeline:
    """Leave to others all that a release writes, and what it asks for that: they have decided."""
    return replace(
        pipeline,
        build=replace(pipeline.build, type=BuildType.EXTERNAL, proof=ProofBy.REGISTRY, tags=()),
        config=replace(pipeline.config, delivery=Delivery.COMMIT),
        argocd=replace(pipeline.argocd, sync=Sync.OBSERVE, notice=False),
        policy=PolicyWish(),
        feedback=FeedbackWish(),
    )


def _with_branch(resolved: Resolved) -> Resolved:
    """Name the branch that is pushed: the pull request's, or the base branch itself."""
    config = resolved.config
    is_commit = config.delivery is Delivery.COMMIT
    branch = config.base_branch if is_commit else branch_of(resolved)
    return replace(resolved, config=replace(config, branch=branch))


def _check_image(pipeline: Pipeline, app: App, resolved: Resolved) -> Halt | None:
    """Refuse an image of Docker Hub without an owner: Docker alone pushes to `library/`."""
    image = resolved.build.image
    if not in_full(image).startswith(f"{DOCKER_HUB}/library/") or "/library/" in image:
        return None
    field = "build.image.repository" if app.image is None else f"apps[name={app.name}].image"
    return Halt(
        Reason.NAME_NOT_ALLOWED,
        f"spec.{field}: {image} has no owner, and such names of Docker Hub are Docker's own "
        "(library/).",
        f"Put an owner before the name in AlbumPipeline {pipeline.ref.name}",
        ending=f" and {SET_RETRY}.",
    )


def _check_templates(pipeline: Pipeline, resolved: Resolved) -> Halt | None:
    """Refuse templates that do not fit the pipeline, or give what no branch or title can be."""
    return next(
        (
            Halt(
                Reason.NAME_NOT_ALLOWED,
                f"{field}: {fault}",
                f"Correct it in AlbumPipeline {pipeline.ref.name}",
                ending=f" and {SET_RETRY}.",
            )
            for field, fault in _faults(pipeline, resolved)
        ),
        None,
    )


def _faults(pipeline: Pipeline, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Give what is wrong with templates, each with its field."""
    wish = resolved.config.pull_request
    texts = (resolved.config.commit_message, wish.branch, wish.title, wish.body)
    if pipeline.environment is None and any(uses(text, "environment") for text in texts):
        yield "spec.environment", "it is not there, and ${environment} stands for it."
    if resolved.config.delivery is Delivery.COMMIT:
        return
    template, branch = wish.branch or BRANCH, branch_of(resolved)
    field, given = BRANCH_FIELD, f"`{template}` gives"
    if not (uses(template, "version") or uses(template, "tag")):
        yield field, f"{given} two releases the same name: it needs ${{version}} or ${{tag}}."
    if len(pipeline.apps) > 1 and not (uses(template, "app") or uses(template, "tag")):
        yield field, f"{given} two apps the same name: it needs ${{app}} or ${{tag}}."
    if not is_branch(branch):
        yield field, f"{given} `{branch}`, and no git branch can be called that."
    if len(branch) > BRANCH_LENGTH:
        yield field, f"{given} {len(branch)} characters, of which a branch has {BRANCH_LENGTH}."
    title = title_of(resolved, UNKNOWN_DIGEST)
    if len(title) > TITLE_LENGTH:
        said = f"`{wish.title}` gives {len(title)} characters, of which a title has"
        yield "spec.config.pullRequest.title", f"{said} {TITLE_LENGTH}."


def _feedback(pipeline: Pipeline, source: str) -> ResolvedFeedback:
    wish = pipeline.feedback
    environment = wish.deployment.environment if wish.deployment is not None else None
    told = wish.commit_status, wish.comment, environment
    if not wish.commit_status and environment is None:
        return ResolvedFeedback(*told)
    return ResolvedFeedback(*told, *_source_forge(pipeline, source))


def _policy(pipeline: Pipeline, source: str) -> ResolvedPolicy:
    wish = pipeline.policy
    policy = ResolvedPolicy(
        rollback=wish.rollback, concurrency=wish.concurrency, on_delete=wish.on_delete
    )
    if not wish.require_checks:
        return policy
    forge, url, secret = _source_forge(pipeline, source)
    return replace(
        policy,
        require_checks=wish.require_checks,
        forge_type=forge,
        forge_url=url,
        forge_secret_name=secret,
    )


def _source_forge(pipeline: Pipeline, source: str) -> tuple[ForgeType, str, str]:
    """Give kind, base URL of the API and Secret of the source repository's forge."""
    at = pipeline.source
    forge = at.forge.type or guess_type(source)
    url = (at.forge.api_url or forge_of(forge).api_of(source)).rstrip("/")
    return forge, url, (at.forge.secret_ref or at.secret_ref).name


def _argocd(wish: ArgoCDWish, app: App, source: str) -> ResolvedArgoCD:
    resolved = ResolvedArgoCD(
        applications=app.applications,
        sync_policy=wish.sync_policy if wish.sync is Sync.AUTOMATED else NO_WISH,
        settle=wish.settle,
        timeout=wish.timeout,
        sync=wish.sync,
        older_images=wish.older_images,
        rewritten_registries=wish.rewritten_registries,
        notice=wish.notice,
    )
    if app.application_selector is not None:
        labels = app.application_selector.match_labels
        selector = ResolvedApplicationSelector(wish.namespace, labels)
        return replace(resolved, application_selector=selector)
    named = (Ref(wish.namespace, f"{repository_name(source)}-{app.name}"),)
    return replace(resolved, applications=app.applications or named)


def _build(wish: BuildWish, app: App, version: str, source: str) -> ResolvedBuild:
    repository = wish.image.repository or repository_path(source)
    image = app.image or f"{wish.image.registry}/{repository.lower()}-{app.name}"
    args = {arg.name: arg.value for arg in wish.args}
    version_arg = wish.version_arg if app.version_arg is None else app.version_arg
    if version_arg:
        args.setdefault(version_arg, version)
    return ResolvedBuild(
        type=wish.type,
        image=f"{image}:{version}",
        insecure=wish.image.insecure,
        context_dir=app.context_dir or app.name,
        dockerfile=app.dockerfile or "Dockerfile",
        args=tuple(BuildArg(name, value) for name, value in sorted(args.items())),
        target=wish.target,
        resources=wish.resources,
        timeout=wish.timeout,
        push_secret_name=wish.push_secret_ref.name or "",
        failure_log=wish.failure_log,
        fetch_resources=wish.fetch_resources,
        pod=wish.pod,
        secrets=wish.secrets,
        tags=wish.tags,
        platforms=wish.platforms,
        cache=resolve_cache(wish.cache, image, app.name),
        existing_image=wish.existing_image,
        proof=wish.proof,
        read_secret_name=wish.read_secret_ref.name if wish.read_secret_ref is not None else "",
        source=wish.source if wish.source != OWN_FILES else None,
    )


def _config(wish: ConfigWish, app: App, source: str) -> ResolvedConfig:
    repository = normal_url(wish.repository or f"{source}-config")
    forge = wish.forge.type or guess_type(repository)
    config = ResolvedConfig(
        repository=repository,
        base_branch=wish.branch or "",
        branch="",
        secret_name=wish.secret_ref.name,
        forge_type=forge,
        forge_url=(wish.forge.api_url or forge_of(forge).api_of(repository)).rstrip("/"),
        forge_secret_name=(wish.forge.secret_ref or wish.secret_ref).name,
        author_name=wish.author.name,
        author_email=wish.author.email,
        edits=app.edits or (Edit(f"{app.name}/values.yaml", "image.tag"),),
        delivery=wish.delivery,
        pull_request=wish.pull_request,
        commit_message=wish.commit_message,
    )
    if config.delivery is Delivery.COMMIT:
        return replace(
            config,
            forge_type=None,
            forge_url="",
            forge_secret_name="",
            pull_request=PullRequestWish(),
        )
    return config
