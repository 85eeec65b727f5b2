"""What a release will do by the conventions alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import conventions
from album_operator.domain.argocd import ApplicationSelector, ResolvedApplicationSelector, Sync
from album_operator.domain.pipeline import (
    App,
    DeploymentWish,
    FeedbackWish,
    ForgeWish,
    ImageWish,
    Pipeline,
    SecretRef,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.release import (
    BuildArg,
    BuildType,
    Delivery,
    Edit,
    Mode,
    PullRequestWish,
    Ref,
    Resources,
)
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from album_operator.domain.versions import Versioning
from tests.fakes.builders import COMMIT, PIPELINE, RELEASE, RESOLVED


def _resolve(release: object = RELEASE, pipeline: object = PIPELINE) -> Resolved:
    resolved = conventions.resolve(release, pipeline)  # type: ignore[arg-type]
    assert isinstance(resolved, Resolved)
    return resolved


def _halt(release: object, pipeline: object = PIPELINE) -> Halt:
    halt = conventions.resolve(release, pipeline)  # type: ignore[arg-type]
    assert isinstance(halt, Halt)
    return halt


def test_a_pipeline_of_two_lines_resolves_to_the_conventions() -> None:
    resolved = _resolve()

    # Only a look at the repositories tells these two.
    assert resolved.source.commit == ""
    assert resolved.config.base_branch == ""
    assert (
        replace(
            resolved,
            source=replace(resolved.source, commit=COMMIT),
            config=replace(resolved.config, base_branch="main"),
        )
        == RESOLVED
    )


def test_a_pipeline_that_does_not_exist_is_named() -> None:
    halt = _halt(RELEASE, None)

    assert halt.reason is Reason.PIPELINE_NOT_FOUND
    assert f"AlbumPipeline {PIPELINE.ref} does not exist. Apply it" in halt.sentence


def test_app_and_version_stand_for_the_tag_of_that_app() -> None:
    release = replace(RELEASE, tag=None, app="backend", version="v1.1.0")

    assert _resolve(release) == _resolve()


def test_a_tag_prefix_of_ones_own_is_used_both_ways() -> None:
    pipeline = replace(PIPELINE, apps=(App("backend", tag_prefix="be/"), App("all", tag_prefix="")))

    assert _resolve(replace(RELEASE, tag="be/v1.1.0"), pipeline).app == "backend"
    assert _resolve(replace(RELEASE, tag="v1.1.0"), pipeline).app == "all"
    named = replace(RELEASE, tag=None, app="backend", version="v1.1.0")
    assert _resolve(named, pipeline).source.tag == "be/v1.1.0"


@pytest.mark.parametrize("prefix", ["backend/", "backend@", "@acme/backend@"])
def test_only_the_version_of_a_tag_becomes_a_name_of_something_else(prefix: str) -> None:
    pipeline = replace(PIPELINE, apps=(App("backend", tag_prefix=prefix),))
    resolved = _resolve(replace(RELEASE, tag=f"{prefix}v1.1.0"), pipeline)

    assert resolved.source.tag == f"{prefix}v1.1.0"
    assert replace(resolved, source=_resolve().source) == _resolve()


@pytest.mark.parametrize(
    ("of_all", "of_app", "tag", "version"),
    [
        (Versioning.SEMVER, None, "backend-v1.1.0-rc.1", "v1.1.0-rc.1"),
        (Versioning.SEMVER, Versioning.NUMERIC, "backend-v737", "v737"),
        (Versioning.NUMERIC, None, "backend-2025.01.24", "2025.01.24"),
        (Versioning.NUMERIC, None, "backend-0.8.3.1", "0.8.3.1"),
        (Versioning.NUMERIC, Versioning.SEMVER, "backend-v1.1.0-rc.1", "v1.1.0-rc.1"),
    ],
)
def test_a_pipeline_or_an_app_says_the_form_of_its_versions(
    of_all: Versioning, of_app: Versioning | None, tag: str, version: str
) -> None:
    pipeline = replace(PIPELINE, versioning=of_all, apps=(App("backend", versioning=of_app),))
    resolved = _resolve(replace(RELEASE, tag=tag), pipeline)

    assert resolved.version == version
    assert resolved.source.versioning is (of_app or of_all)
    assert resolved.build.image.endswith(f":{version}")
    assert resolved.config.branch == f"release/backend_{version}"
    assert _resolve(replace(RELEASE, tag=None, app="backend", version=version), pipeline) == (
        resolved
    )


@pytest.mark.parametrize(
    ("versioning", "version", "other"),
    [
        (Versioning.SEMVER, "v737", Versioning.NUMERIC),
        (Versioning.SEMVER, "0.8.3.1", Versioning.NUMERIC),
        (Versioning.NUMERIC, "v1.1.0-rc.1", Versioning.SEMVER),
    ],
)
def test_a_version_of_another_form_is_refused_with_the_form_it_has(
    versioning: Versioning, version: str, other: Versioning
) -> None:
    pipeline = replace(PIPELINE, versioning=versioning)
    by_app = replace(RELEASE, tag=None, app="backend", version=version)
    by_tag = replace(RELEASE, tag=f"backend-{version}")

    for release, field in ((by_tag, "spec.tag"), (by_app, "spec.version")):
        halt = _halt(release, pipeline)
        assert halt.reason is Reason.TAG_INVALID
        assert f"{field}: {version} is no version such as" in halt.sentence
        assert f"set versioning: {other} for the app there and set the ann" in halt.sentence
        mended = replace(pipeline, apps=(App("backend", versioning=other),))
        assert _resolve(release, mended).version == version


def test_a_version_of_no_form_is_refused_without_one() -> None:
    halt = _halt(replace(RELEASE, tag=None, app="backend", version=None))

    assert halt.reason is Reason.TAG_INVALID
    assert halt.sentence.endswith("Create a release with another version.")


@pytest.mark.parametrize("versioning", list(Versioning))
def test_what_an_image_tag_cannot_hold_is_refused_for_the_version_and_never_for_the_prefix(
    versioning: Versioning,
) -> None:
    prefix, longest = f"{'b' * 62}/", f"1.0.{'1' * 124}"
    pipeline = replace(PIPELINE, versioning=versioning, apps=(App("backend", tag_prefix=prefix),))

    assert _resolve(replace(RELEASE, tag=f"{prefix}{longest}"), pipeline).version == longest
    halt = _halt(replace(RELEASE, tag=f"{prefix}{longest}1"), pipeline)
    assert "spec.tag: the version has 129 characters" in halt.sentence
    assert halt.reason is Reason.TAG_INVALID


def test_a_tag_of_no_app_is_told_each_form_there_is() -> None:
    apps = (App("backend"), App("frontend", versioning=Versioning.NUMERIC))
    halt = _halt(replace(RELEASE, tag="worker-v1.1.0"), replace(PIPELINE, apps=apps))

    assert "such as v1.2.3 or v1.2.3-rc.1 or 2024.11.03 or v737." in halt.sentence


@pytest.mark.parametrize("tag", ["worker-v1.1.0", "backend-latest", "v1.1.0"])
def test_a_tag_of_no_app_is_refused_with_the_prefixes_there_are(tag: str) -> None:
    halt = _halt(replace(RELEASE, tag=tag))

    assert halt.reason is Reason.TAG_INVALID
    assert f"spec.tag: `{tag}`" in halt.sentence
    assert "`backend-` and `frontend-`" in halt.sentence
    assert "album.dev/retry" in halt.sentence


def test_an_unknown_app_is_refused_with_the_apps_there_are() -> None:
    halt = _halt(replace(RELEASE, tag=None, app="worker", version="v1.1.0"))

    assert halt.reason is Reason.TAG_INVALID
    assert "spec.app" in halt.sentence
    assert "backend and frontend" in halt.sentence


def test_what_a_pipeline_says_goes_before_the_conventions() -> None:
    app = App(
        "backend",
        context_dir="services/api",
        dockerfile="docker/Dockerfile",
        image="registry.example.org:5000/team/api",
        edits=(Edit("prod/values.yaml", "api.tag"),),
        applications=(Ref("team", "api"), Ref("team", "api-eu")),
    )
    pipeline = replace(
        PIPELINE,
        apps=(app,),
        build=replace(
            PIPELINE.build,
            args=(BuildArg("VERSION", "mine"), BuildArg("GO", "1.26")),
            target="release",
            resources=Resources({"cpu": "1"}, {"memory": "1Gi"}),
        ),
        config=replace(
            PIPELINE.config,
            repository="https://Git.Example.org/owner/gitops.git",
            branch="prod",
            forge=ForgeWish(None, "https://forge.example.org/api/v1/", SecretRef("forge")),
        ),
        argocd=replace(PIPELINE.argocd, settle=timedelta()),
    )
    resolved = _resolve(RELEASE, pipeline)

    assert resolved.build.image == "registry.example.org:5000/team/api:v1.1.0"
    assert (resolved.build.context_dir, resolved.build.dockerfile) == (
        "services/api",
        "docker/Dockerfile",
    )
    assert resolved.build.args == (BuildArg("GO", "1.26"), BuildArg("VERSION", "mine"))
    assert resolved.build.target == "release"
    assert resolved.build.resources == pipeline.build.resources
    assert resolved.config.repository == "https://git.example.org/owner/gitops"
    assert resolved.config.base_branch == "prod"
    assert resolved.config.forge_url == "https://forge.example.org/api/v1"
    assert resolved.config.forge_secret_name == "forge"
    assert resolved.config.edits == app.edits
    assert resolved.argocd.applications == app.applications


@pytest.mark.parametrize(
    ("wish", "is_told"),
    [
        (FeedbackWish(comment=True), False),
        (FeedbackWish(commit_status=True), True),
        (FeedbackWish(deployment=DeploymentWish("staging")), True),
    ],
)
def test_the_sources_forge_is_named_where_its_commit_is_told_of(
    wish: FeedbackWish, is_told: bool
) -> None:
    resolved = _resolve(RELEASE, replace(PIPELINE, feedback=wish)).feedback

    assert (resolved.commit_status, resolved.comment) == (wish.commit_status, wish.comment)
    assert resolved.environment == ("staging" if wish.deployment is not None else None)
    assert bool(resolved.forge_type and resolved.forge_url and resolved.forge_secret_name) is (
        is_told
    )


@pytest.mark.parametrize(
    ("of_all", "of_app", "args"),
    [
        ("VERSION", None, (BuildArg("VERSION", "v1.1.0"),)),
        ("VERSION", "", ()),
        ("VERSION", "APP_VERSION", (BuildArg("APP_VERSION", "v1.1.0"),)),
        ("", None, ()),
        ("", "VERSION", (BuildArg("VERSION", "v1.1.0"),)),
    ],
)
def test_a_dockerfile_with_another_use_for_version_is_told_none_or_by_another_name(
    of_all: str, of_app: str | None, args: tuple[BuildArg, ...]
) -> None:
    build = replace(PIPELINE.build, version_arg=of_all)
    apps = (App("backend", version_arg=of_app),)

    assert _resolve(RELEASE, replace(PIPELINE, build=build, apps=apps)).build.args == args


def _of(repository: str) -> Pipeline:
    return replace(PIPELINE, source=replace(PIPELINE.source, repository=repository))


def test_a_source_over_ssh_has_the_same_conventions() -> None:
    source = "ssh://git.example.org:2222/Owner/album-app.git"
    resolved = _resolve(RELEASE, _of(source))

    assert resolved.source.repository == "ssh://git@git.example.org:2222/Owner/album-app"
    assert resolved.build.image == "ghcr.io/owner/album-app-backend:v1.1.0"
    assert resolved.config.repository == ("ssh://git@git.example.org:2222/Owner/album-app-config")
    assert resolved.config.forge_url == "https://git.example.org/api/v1"
    assert resolved.argocd.applications == (Ref("argocd", "album-app-backend"),)


def test_applications_are_found_by_labels_where_the_pipeline_says_so() -> None:
    labels = {"tier": "web", "app": "backend"}
    app = App("backend", application_selector=ApplicationSelector(labels))
    resolved = _resolve(RELEASE, replace(PIPELINE, apps=(app,)))

    assert resolved.argocd.applications == ()
    assert resolved.argocd.application_selector == ResolvedApplicationSelector("argocd", labels)
    assert str(resolved.argocd.application_selector) == "app=backend,tier=web"


def test_an_image_repository_is_lower_case_as_registries_want_it() -> None:
    pipeline = _of("https://git.example.org/Owner/Album-App")

    assert _resolve(RELEASE, pipeline).build.image == "ghcr.io/owner/album-app-backend:v1.1.0"


def test_an_image_repository_of_the_pipeline_is_followed_by_the_app() -> None:
    build = replace(PIPELINE.build, image=ImageWish("r.example.org", "team/x"))
    pipeline = replace(PIPELINE, build=build)

    assert _resolve(RELEASE, pipeline).build.image == "r.example.org/team/x-backend:v1.1.0"


@pytest.mark.parametrize("branch", ["prod", None])
def test_with_delivery_commit_the_base_branch_is_pushed_and_no_forge_is_asked(
    branch: str | None,
) -> None:
    pipeline = replace(
        PIPELINE, config=replace(PIPELINE.config, delivery=Delivery.COMMIT, branch=branch)
    )
    config = _resolve(RELEASE, pipeline).config

    assert (config.base_branch, config.branch) == (branch or "", branch or "")
    assert (config.forge_type, config.forge_url, config.forge_secret_name) == (None, "", "")
    assert config.secret_name == PIPELINE.config.secret_ref.name


def _named(environment: str | None = None, apps: int = 2, **templates: str) -> Pipeline:
    message = templates.pop("commit_message", None)
    wish = PullRequestWish(**templates)  # type: ignore[arg-type]
    config = replace(PIPELINE.config, pull_request=wish, commit_message=message)
    return replace(PIPELINE, config=config, environment=environment, apps=PIPELINE.apps[:apps])


def test_templates_are_remembered_and_give_the_branch() -> None:
    pipeline = _named("prod", branch="${environment}/${tag}", title="${app}", commit_message="up")

    resolved = _resolve(RELEASE, pipeline)

    assert resolved.config.branch == "prod/backend-v1.1.0"
    assert resolved.pipeline.environment == "prod"
    assert resolved.config.pull_request.title == "${app}"
    assert resolved.config.commit_message == "up"


def test_one_app_alone_needs_no_name_in_its_branches() -> None:
    assert _resolve(RELEASE, _named(apps=1, branch="r-${version}")).config.branch == "r-v1.1.0"


LONG = "x" * 190


@pytest.mark.parametrize(
    ("pipeline", "field", "said"),
    [
        (_named(branch="deploy/${app}"), "branch", "two releases the same name"),
        (_named(branch="deploy/${version}"), "branch", "two apps the same name"),
        (_named("lock", branch="x.${environment}/${tag}"), "branch", "x.lock/backend-v1.1.0"),
        (_named(branch="${tag}/${digest}"), "branch", "no git branch can be called that"),
        (_named(branch="${tag}-${nobody}"), "branch", "no git branch can be called that"),
        (_named(branch=f"{LONG}/${{tag}}"), "branch", "gives 205 characters"),
        (_named(title=f"{LONG}${{digest}}"), "title", "gives 261 characters"),
    ],
)
def test_a_template_that_gives_no_name_is_refused_before_anything_is_done(
    pipeline: Pipeline, field: str, said: str
) -> None:
    halt = _halt(RELEASE, pipeline)

    assert halt.reason is Reason.NAME_NOT_ALLOWED
    assert halt.message.startswith(f"spec.config.pullRequest.{field}: `")
    assert said in halt.message
    assert "Correct it in AlbumPipeline album-app and set the annotation" in halt.sentence


@pytest.mark.parametrize("field", ["branch", "title", "body", "commit_message"])
def test_an_environment_that_is_not_there_is_missed(field: str) -> None:
    templates = {field: "${environment}-${tag}"}

    halt = _halt(RELEASE, _named(**templates))  # type: ignore[arg-type]

    assert halt.message.startswith("spec.environment: it is not there")


def test_with_commits_to_the_base_no_branch_is_named() -> None:
    config = replace(PIPELINE.config, delivery=Delivery.COMMIT, branch="prod")

    assert _resolve(RELEASE, replace(PIPELINE, config=config)).config.branch == "prod"


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_an_image_of_docker_hub_without_an_owner_is_refused_and_with_one_taken(host: str) -> None:
    apps = (App("backend", image=f"{host}/shop"),)
    halt = _halt(RELEASE, replace(PIPELINE, apps=apps))
    assert halt.reason is Reason.NAME_NOT_ALLOWED
    assert halt.message.startswith(
        f"spec.apps[name=backend].image: {host}/shop:v1.1.0 has no owner"
    )

    build = replace(PIPELINE.build, image=ImageWish(host, "shop"))
    halt = _halt(RELEASE, replace(PIPELINE, build=build))
    assert halt.message.startswith("spec.build.image.repository: ")
    assert halt.sentence.endswith(
        "in AlbumPipeline album-app and set the annotation album.dev/retry."
    )

    for image in (f"{host}/acme/shop", f"{host}/library/shop", "ghcr.io/shop"):
        mended = replace(PIPELINE, apps=(App("backend", image=image),))
        assert _resolve(RELEASE, mended).build.image == f"{image}:v1.1.0"


def test_who_follows_others_resolves_to_nothing_that_writes() -> None:
    config = replace(PIPELINE.config, delivery=Delivery.PULL_REQUEST)
    build = replace(PIPELINE.build, type=BuildType.KANIKO, tags=("latest",))
    pipeline = replace(PIPELINE, config=config, build=build)

    followed = _resolve(replace(RELEASE, mode=Mode.FOLLOW), pipeline)

    assert followed.build.type is BuildType.EXTERNAL
    assert followed.build.tags == ()
    assert followed.config.delivery is Delivery.COMMIT
    assert followed.argocd.sync is Sync.OBSERVE
    assert followed.build.image == _resolve(RELEASE, pipeline).build.image
