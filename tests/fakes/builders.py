"""Values most tests start from; a test states what differs with `dataclasses.replace`.

They hang together: `RESOLVED` is what the conventions make of `RELEASE` and `PIPELINE` in the
world the other builders describe, which a test of the conventions proves.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.argocd import ArgoCDWish, ResolvedArgoCD, SyncPolicyWish
from album_operator.domain.builds import BuildSeen, BuildState, JobOwner
from album_operator.domain.forges import ForgeType
from album_operator.domain.pipeline import (
    App,
    Author,
    BuildWish,
    ConfigWish,
    ForgeWish,
    ImageWish,
    MaybeSecretRef,
    Pipeline,
    SecretRef,
    SourceWish,
)
from album_operator.domain.places import Credential
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    BuildRecord,
    ImageRecord,
    Outcome,
    PlannedPatch,
    PlanRecord,
    ProposalRecord,
    PullRequestRecord,
    Record,
    StepName,
    StepRecord,
    StepState,
)
from album_operator.domain.release import (
    BuildArg,
    BuildType,
    Edit,
    Ref,
    Release,
    Resources,
)
from album_operator.domain.resolved import (
    Resolved,
    ResolvedBuild,
    ResolvedConfig,
    ResolvedPipeline,
    ResolvedSource,
)
from album_operator.domain.seen import BranchSeen, ConfigSeen, SourceSeen

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CREATED = NOW - timedelta(minutes=1)

NAMESPACE = "album"
SOURCE = "https://git.example.org/owner/album-app"
CONFIG = "https://git.example.org/owner/album-app-config"
API = "https://git.example.org/api/v1"
IMAGE = "ghcr.io/owner/album-app-backend"
BRANCH = "release/backend_v1.1.0"
VALUES = "backend/values.yaml"
EDIT = Edit(VALUES, "image.tag")

COMMIT = "a" * 40
BASE = "b" * 40
OURS = "c" * 40
MERGED = "d" * 40
LATER = "e" * 40
DIGEST = f"sha256:{'f' * 64}"
DIFF = '--- a/backend/values.yaml\n+++ b/backend/values.yaml\n-  tag: "v1.0.0"\n+  tag: "v1.1.0"\n'

APPLICATION = Ref("argocd", "album-app-backend")

RELEASE = Release(
    ref=Ref(NAMESPACE, "backend-v1.1.0"),
    uid="0f7a1c52-5f0b-4d35-9d0c-8d0d5a6f2c11",
    generation=1,
    resource_version="100",
    created_at=CREATED,
    pipeline="album-app",
    tag="backend-v1.1.0",
)

AUTHOR = Author("Album Release Operator", "album-operator@album.invalid")

PIPELINE = Pipeline(
    ref=Ref(NAMESPACE, "album-app"),
    uid="6b7c1d2e-0f3a-4f2b-8a55-2f6a6e1d9b01",
    generation=2,
    source=SourceWish(SOURCE, SecretRef("album-git")),
    build=BuildWish(
        type=BuildType.KANIKO,
        image=ImageWish("ghcr.io"),
        args=(),
        target=None,
        resources=Resources(),
        timeout=timedelta(minutes=30),
        push_secret_ref=MaybeSecretRef("album-registry"),
    ),
    config=ConfigWish(
        repository=None,
        branch=None,
        secret_ref=SecretRef("album-git"),
        forge=ForgeWish(),
        author=AUTHOR,
    ),
    argocd=ArgoCDWish(
        namespace="argocd",
        sync_policy=SyncPolicyWish(),
        settle=timedelta(seconds=60),
        timeout=timedelta(minutes=15),
    ),
    apps=(App("backend"), App("frontend")),
)

RESOLVED = Resolved(
    app="backend",
    version="v1.1.0",
    pipeline=ResolvedPipeline("album-app", PIPELINE.uid, 2),
    source=ResolvedSource(
        repository=SOURCE, tag="backend-v1.1.0", commit=COMMIT, secret_name="album-git"
    ),
    build=ResolvedBuild(
        type=BuildType.KANIKO,
        image=f"{IMAGE}:v1.1.0",
        insecure=False,
        context_dir="backend",
        dockerfile="Dockerfile",
        args=(BuildArg("VERSION", "v1.1.0"),),
        target=None,
        resources=Resources(),
        timeout=timedelta(minutes=30),
        push_secret_name="album-registry",
    ),
    config=ResolvedConfig(
        repository=CONFIG,
        base_branch="main",
        branch=BRANCH,
        secret_name="album-git",
        forge_type=ForgeType.GITEA,
        forge_url=API,
        forge_secret_name="album-git",
        author_name=AUTHOR.name,
        author_email=AUTHOR.email,
        edits=(EDIT,),
    ),
    argocd=ResolvedArgoCD(
        applications=(APPLICATION,),
        sync_policy=SyncPolicyWish(),
        settle=timedelta(seconds=60),
        timeout=timedelta(minutes=15),
    ),
)

CREDENTIAL = Credential("album-git", "https://git.example.org", "album-bot", "s3cret-t0ken")

RECORD = Record()

PLAN = PlanRecord(
    image=f"{IMAGE}:v1.1.0",
    branch=BRANCH,
    base_commit=BASE,
    diff=DIFF,
    applications=(PlannedPatch(APPLICATION.namespace, APPLICATION.name, "{}"),),
)

IMAGE_RECORD = ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, COMMIT)

PULL_REQUEST = PullRequestSeen(
    repository=CONFIG,
    number=6,
    url="https://git.example.org/owner/album-app-config/pulls/6",
    state=PullRequestState.OPEN,
    head_sha=OURS,
    title="release: backend v1.1.0",
    head=BRANCH,
    base="main",
)

MERGED_PULL_REQUEST = replace(
    PULL_REQUEST,
    state=PullRequestState.MERGED,
    merge_commit=MERGED,
    merged_at=NOW,
    actor="reviewer",
)

SOURCE_SEEN = SourceSeen(COMMIT, has_dockerfile=True)

OLD_VALUES = b'image:\n  tag: "v1.0.0"\n'
NEW_VALUES = b'image:\n  tag: "v1.1.0"\n'

CONFIG_SEEN = ConfigSeen(
    base_branch="main", base_commit=BASE, files={VALUES: OLD_VALUES}, not_files={}
)

BRANCH_SEEN = BranchSeen(
    commit=OURS,
    message="release: backend v1.1.0\n",
    author_name=AUTHOR.name,
    author_email=AUTHOR.email,
    files={VALUES: NEW_VALUES},
    parent_files={VALUES: OLD_VALUES},
    changed_paths=frozenset({VALUES}),
    diff=DIFF,
)

BUILD_SEEN = BuildSeen(
    job="album-build-backend-v1-1-0-0a1b2c3d-1", state=BuildState.RUNNING, owner=JobOwner.RELEASE
)

APPLICATION_SEEN = ApplicationSeen(
    namespace="argocd",
    name="album-app-backend",
    resource_version="7",
    sources=(ApplicationSource(f"{CONFIG}.git", "backend", "HEAD", BASE),),
    consents=frozenset({f"{NAMESPACE}/album-app"}),
    previous_policy=None,
    sync_policy=None,
    refresh_requested=False,
    sync_status="Synced",
    health="Healthy",
    images=(f"{IMAGE}:v1.0.0",),
    health_since=None,
    reconciled_at=NOW,
    operation=None,
    operation_requested=False,
    conditions={},
)


def record_before(step: StepName) -> Record:
    """Give the record of a release whose steps before this one have all succeeded."""
    names = list(StepName)
    done = names.index(step)
    steps = tuple(
        StepRecord(name, StepState.SUCCEEDED, Reason.SUCCEEDED, "Done.", NOW, NOW)
        if index < done
        else StepRecord(name)
        for index, name in enumerate(names)
    )
    record = replace(RECORD, resolved=RESOLVED, steps=steps)
    if done > names.index(StepName.IMAGE_READY):
        build = BuildRecord(BUILD_SEEN.job, BuildType.KANIKO, NOW, NOW)
        record = replace(record, image=IMAGE_RECORD, build=build)
    if done > names.index(StepName.PROPOSED):
        record = replace(
            record,
            proposal=ProposalRecord(BRANCH, OURS, DIFF),
            pull_request=PullRequestRecord(6, PULL_REQUEST.url, "Open", OURS),
        )
    if done > names.index(StepName.MERGED):
        merged = PullRequestRecord(6, PULL_REQUEST.url, "Merged", OURS, MERGED, NOW)
        record = replace(record, pull_request=merged, merged_commit=MERGED)
    return record


def raw_release(name: str = "backend-v1.1.0", **spec: object) -> dict[str, Any]:
    """Give an AlbumRelease as the API server would hold it right after `kubectl apply`.

    Args:
        name: of the release; also its tag, unless `spec` says otherwise.
        spec: fields of the spec besides `pipelineRef`.
    """
    wish = spec or {"tag": name}
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {
            "namespace": NAMESPACE,
            "name": name,
            "uid": f"uid-of-{name}",
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": "2026-11-20T11:59:00Z",
        },
        "spec": {"pipelineRef": {"name": "album-app"}, **wish},
        "status": {"observedGeneration": -1},
    }


def raw_pipeline(**spec: object) -> dict[str, Any]:
    """Give the small AlbumPipeline a user writes, with more of its spec where asked."""
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumPipeline",
        "metadata": {
            "namespace": NAMESPACE,
            "name": "album-app",
            "uid": PIPELINE.uid,
            "generation": 2,
            "resourceVersion": "1",
        },
        "spec": {
            "source": {"repository": SOURCE},
            "apps": [{"name": "backend"}, {"name": "frontend"}],
            **spec,
        },
    }


def raw_application(app: str = "backend", **spec: object) -> dict[str, Any]:
    """Give the Application of an app as Argo CD's app of apps writes it, with our consent."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "namespace": "argocd",
            "name": f"album-app-{app}",
            "resourceVersion": "1",
            "annotations": {"album.dev/authorized-pipeline": f"{NAMESPACE}/album-app"},
        },
        "spec": {
            "project": "default",
            "source": {"repoURL": f"{CONFIG}.git", "path": app, "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "album-app"},
            **spec,
        },
    }


def raw_finished(name: str, at: datetime, outcome: Outcome = Outcome.RELEASED) -> dict[str, Any]:
    """Give an AlbumRelease that ended then, with no more of a status than others need to know.

    Args:
        name: of the release; also its tag.
        at: when it ended.
        outcome: how.
    """
    raw, time = raw_release(name), at.isoformat()
    app, _, version = name.partition("-")
    words = {Outcome.RELEASED: "Released", Outcome.PLANNED: "Planned"}
    ready = ("True", words[outcome]) if outcome in words else ("False", "BuildFailed")
    conditions = [
        {"type": "Ready", "status": ready[0], "reason": ready[1], "lastTransitionTime": time},
        {"type": "Finished", "status": "True", "reason": ready[1], "lastTransitionTime": time},
    ]
    if outcome is Outcome.STALLED:
        conditions.append({**conditions[1], "type": "Stalled"})
    raw["status"] = {
        "observedGeneration": 1,
        "app": app,
        "version": version,
        "conditions": conditions,
    }
    return raw
