"""An Application is known by what it takes of the config repository, and refused before the build.

Each layout is released by a fake Argo CD that renders it, or stops the release with nothing done.
"""

from typing import Any

import pytest

from tests.fakes.builders import CONFIG, IMAGE, raw_application
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import Stage

CHART = f"image:\n  repository: {IMAGE}\n  tag: none\n"
TAG = 'image:\n  tag: "v1.0.0"\n'
IMAGES = f"images:\n- name: {IMAGE}\n  newTag: v1.0.0\n"
BASE, OVERLAY = "base/kustomization.yaml", "overlays/prod/kustomization.yaml"
PROD = "envs/prod/backend.yaml"

VALUES = {"path": PROD, "key": "image.tag"}
NEW_TAG = {"path": BASE, "key": IMAGE, "format": "Kustomize"}

CHARTS = {"charts/backend/values.yaml": CHART, PROD: TAG}


def _chart(*names: str) -> dict[str, Any]:
    return {"path": "charts/backend", "helm": {"valueFiles": list(names)}}


def _home(files: dict[str, str], edit: dict[str, Any], *sources: dict[str, Any]) -> Stage:
    """Give a stage with one Application, whose sources are of the config repository's branch."""
    stage = Stage()
    stage.config.write("main", files)
    (pipeline,) = stage.cluster.all_of("AlbumPipeline")
    pipeline["spec"]["apps"] = [{"name": "backend", "edits": [edit]}]
    common = {"repoURL": f"{CONFIG}.git", "targetRevision": "HEAD"}
    filled = [{**common, **source} for source in sources]
    spec = {"source": filled[0]} if len(filled) == 1 else {"sources": filled}
    application = raw_application("backend", **spec)
    if len(filled) > 1:
        # What Argo CD lets be beside several sources, and takes no notice of.
        application["spec"]["source"]["path"] = "elsewhere"
    stage.cluster.apply(application)
    stage.argocd.sync("album-app-backend")
    return stage


async def _refused(stage: Stage) -> str:
    stage.apply()
    assert (await stage.settle()).after is None
    assert stage.jobs == []
    assert stage.config.pushes == []
    assert stage.ready() == ("False", "ApplicationMismatch"), stage.message()
    return stage.message()


@pytest.mark.parametrize(
    ("files", "edit", "sources"),
    [
        (CHARTS, VALUES, [_chart("../../envs/prod/backend.yaml")]),
        (CHARTS, VALUES, [_chart("/envs/prod/backend.yaml")]),
        (CHARTS, VALUES, [_chart("$values/envs/prod/backend.yaml"), {"ref": "values"}]),
        ({BASE: IMAGES, OVERLAY: "resources: [../../base]"}, NEW_TAG, [{"path": "overlays/prod"}]),
        (
            {
                BASE: IMAGES,
                "mid/kustomization.yaml": "resources: [../base]",
                OVERLAY: "resources: [../../mid]",
            },
            NEW_TAG,
            [{"path": "overlays/prod"}],
        ),
    ],
    ids=["beside the path", "from the root", "by ref", "a base", "a base of a base"],
)
async def test_a_layout_whose_values_are_elsewhere_is_released(
    files: dict[str, str], edit: dict[str, Any], sources: list[dict[str, Any]]
) -> None:
    stage = _home(files, edit, *sources)
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.application()["status"]["summary"]["images"] == [f"{IMAGE}:v1.1.0"]
    (told,) = stage.status()["applications"]
    assert told["acceptedBecause"] == "Equal"


@pytest.mark.parametrize(
    ("files", "edit", "sources", "said"),
    [
        (
            CHARTS | {"envs/staging/backend.yaml": TAG},
            VALUES,
            [_chart("../../envs/staging/backend.yaml")],
            "(its values files: envs/staging/backend.yaml)",
        ),
        (
            CHARTS | {"charts/backend/values-prod.yaml": TAG},
            {"path": "charts/backend/values-staging.yaml", "key": "image.tag"},
            [_chart("values-prod.yaml")],
            "charts/backend/values-prod.yaml",
        ),
        (
            CHARTS | {"envs/staging/backend.yaml": TAG},
            VALUES,
            [_chart("$values/envs/staging/backend.yaml"), {"ref": "values"}],
            "at path charts/backend (Helm)",
        ),
        (
            {BASE: IMAGES, "other/kustomization.yaml": IMAGES, OVERLAY: "resources: [../../other]"},
            NEW_TAG,
            [{"path": "overlays/prod"}],
            "at path overlays/prod",
        ),
        (
            {"manifests/deep/backend.yaml": TAG, "manifests/values.yaml": CHART},
            {"path": "manifests/deep/backend.yaml", "key": "image.tag"},
            [{"path": "manifests", "directory": {}}],
            "at path manifests (Directory)",
        ),
    ],
    ids=["other values", "values beside", "other ref", "no base", "no recursion"],
)
async def test_an_application_that_takes_another_file_is_refused_before_the_build(
    files: dict[str, str], edit: dict[str, Any], sources: list[dict[str, Any]], said: str
) -> None:
    stage = _home({edit["path"]: TAG} | files, edit, *sources)
    message = await _refused(stage)

    assert said in message
    assert edit["path"] in message


async def test_nobody_is_asked_to_consent_for_an_application_that_takes_another_file() -> None:
    stage = _home(CHARTS, VALUES, _chart("values.yaml"))
    del stage.application()["metadata"]["annotations"]["album.dev/authorized-pipeline"]

    message = await _refused(stage)

    assert "annotate" not in message


async def test_head_that_is_another_branch_is_refused_before_the_build() -> None:
    stage = Stage()
    (pipeline,) = stage.cluster.all_of("AlbumPipeline")
    pipeline["spec"]["config"] = {"branch": "production"}
    main = stage.config.commits[stage.config.branches["main"]].files
    stage.config.write("production", {path: file.data.decode() for path, file in main.items()})
    message = await _refused(stage)
    assert "follows HEAD (spec.source.targetRevision), which is branch main" in message

    # The ways out that are named.
    application = stage.application()
    application["spec"]["source"]["targetRevision"] = "production"
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


@pytest.mark.parametrize("revision", ["v1.0.0", "a" * 40, "1.x", "refs/tags/stable"])
async def test_a_revision_that_follows_no_branch_is_refused_before_the_build(revision: str) -> None:
    stage = Stage()
    stage.application()["spec"]["source"]["targetRevision"] = revision
    message = await _refused(stage)

    assert revision in message
    assert "Set spec.source.targetRevision of the Application to main" in message
    stage.application()["spec"]["source"]["targetRevision"] = "refs/heads/main"
    stage.annotate(retry="1")
    assert (await stage.settle()).after is not None
    assert stage.ready() == ("Unknown", "Building")


async def test_an_application_that_is_being_deleted_is_refused_and_its_successor_is_not() -> None:
    stage = Stage()
    application = stage.application()
    application["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("False", "ApplicationNotFound")
    assert stage.jobs == []

    del application["metadata"]["deletionTimestamp"]
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_an_application_that_argo_cd_refuses_itself_is_told_in_its_words() -> None:
    stage = Stage()
    said = "application repo https://x is not permitted in project 'strict'"
    conditions = [
        {"type": "ComparisonError", "message": "rpc error: code = Unavailable"},
        {"type": "InvalidSpecError", "message": said},
    ]
    stage.application()["status"]["conditions"] = conditions
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("False", "ApplicationInvalid")
    assert f"syncs nothing of Application argocd/album-app-backend: {said}." in stage.message()
    assert stage.jobs == []

    # What may pass by itself stops nobody.
    del conditions[1]
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


@pytest.mark.parametrize("consents", [True, False])
async def test_an_application_that_is_made_again_meanwhile_is_asked_anew(*, consents: bool) -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingMerge")
    again = raw_application("backend")
    if not consents:
        del again["metadata"]["annotations"]
    stage.cluster.apply(again)
    await stage.release()

    expected = ("True", "Released") if consents else ("False", "NotAuthorized")
    assert stage.ready() == expected
    assert ("automated" in str(stage.application()["spec"])) is consents


async def test_an_application_that_is_made_again_after_the_merge_is_released_by_a_retry() -> None:
    stage = Stage()
    await _merge(stage)
    stage.cluster.apply(raw_application("backend"))
    stage.argocd.run()
    await stage.settle()
    assert stage.ready() == ("False", "ManagedElsewhere")

    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == 1


HYDRATED = {"targetBranch": "environments/prod", "path": "backend"}


def _hydrated(**more: object) -> Stage:
    stage = Stage()
    files = {"charts/backend/values.yaml": CHART, PROD: TAG}
    stage.config.write("main", files)
    (pipeline,) = stage.cluster.all_of("AlbumPipeline")
    pipeline["spec"]["apps"] = [{"name": "backend", "edits": [VALUES]}]
    dry = {"repoURL": f"{CONFIG}.git", "targetRevision": "HEAD", **_chart(f"/{PROD}")}
    application = raw_application("backend")
    hydrator = {"drySource": dry, "syncSource": HYDRATED, **more}
    # Argo CD takes no notice of what is beside it.
    application["spec"] |= {"sourceHydrator": hydrator, "source": {"repoURL": "https://x.invalid"}}
    stage.config.write("environments/prod", {"backend/manifest.yaml": f"image: {IMAGE}:v0.9.0\n"})
    stage.cluster.apply(application)
    stage.argocd.sync("album-app-backend")
    return stage


async def _merge(stage: Stage) -> str:
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    stage.merge()
    await stage.settle()
    return stage.config.branches["main"]


async def test_manifests_that_argo_cd_hydrates_are_proved_by_the_dry_commit() -> None:
    stage = _hydrated()
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.application()["status"]["summary"]["images"] == [f"{IMAGE}:v1.1.0"]
    (told,) = stage.status()["applications"]
    assert told["revision"] == stage.config.branches["main"]
    assert told["acceptedBecause"] == "Equal"


async def test_another_commit_on_the_hydrated_branch_is_told_by_the_metadata_in_it() -> None:
    stage = _hydrated()
    merged = await _merge(stage)
    stage.argocd.run()
    stage.config.write("environments/prod", {"frontend/manifest.yaml": "image: x\n"})
    # Nothing was made for it, so the status knows another commit than the one it compares to.
    status = stage.application()["status"]["sourceHydrator"]["lastSuccessfulOperation"]
    stage.application()["status"]["sync"]["revision"] = stage.config.branches["environments/prod"]
    assert status["hydratedSHA"] != stage.config.branches["environments/prod"]
    await stage.release()

    assert stage.ready() == ("True", "Released")
    (told,) = stage.status()["applications"]
    assert told["revision"] == merged


async def test_manifests_on_a_branch_of_their_own_are_waited_for_until_somebody_merges_them() -> (
    None
):
    stage = _hydrated(hydrateTo={"targetBranch": "environments/prod-next"})
    merged = await _merge(stage)
    stage.argocd.run()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Syncing")
    assert "puts its manifests on branch environments/prod-next" in stage.message()
    assert "syncs them from environments/prod once they are merged there" in stage.message()

    files = stage.config.commits[stage.config.branches["environments/prod-next"]].files
    texts = {
        path: file.data.decode() for path, file in files.items() if path.startswith("backend/")
    }
    stage.config.write("environments/prod", texts, "Merge environments/prod-next")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    (told,) = stage.status()["applications"]
    assert told["revision"] == merged


async def test_manifests_that_cannot_be_made_are_told_in_argo_cds_words() -> None:
    stage = _hydrated()
    await _merge(stage)
    stage.argocd.fails_to_hydrate = "helm template failed"
    stage.argocd.run()
    await stage.settle()
    assert "could not make its manifests: helm template failed" in stage.message()

    stage.argocd.fails_to_hydrate = None
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_dry_source_of_another_repository_is_refused() -> None:
    stage = _hydrated()
    dry = stage.application()["spec"]["sourceHydrator"]["drySource"]
    dry["repoURL"] = "https://git.example.org/owner/other"
    message = await _refused(stage)
    assert "takes its manifests from https://git.example.org/owner/other" in message
