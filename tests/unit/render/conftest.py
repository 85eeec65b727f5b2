"""A release and what it resolved to, of the sample's shape."""

from datetime import UTC, datetime, timedelta

import pytest

from album_operator.domain.argocd import ResolvedArgoCD, SyncPolicyWish
from album_operator.domain.forges import ForgeType
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


@pytest.fixture
def release() -> Release:
    return Release(
        ref=Ref("album", "backend-v1.1.0"),
        uid="6f1c7a52-1111-4222-8333-444455556666",
        generation=1,
        resource_version="7",
        created_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        pipeline="album-app",
        tag="backend-v1.1.0",
    )


@pytest.fixture
def resolved() -> Resolved:
    return Resolved(
        app="backend",
        version="v1.1.0",
        pipeline=ResolvedPipeline("album-app", "0a", 1),
        source=ResolvedSource(
            repository="https://git.example.org/owner/album-app",
            tag="backend-v1.1.0",
            commit="c0ffee" + "0" * 34,
            secret_name="album-git",
        ),
        build=ResolvedBuild(
            type=BuildType.KANIKO,
            image="registry.example.org/owner/album-app-backend:v1.1.0",
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
            repository="https://git.example.org/owner/album-app-config.git",
            base_branch="main",
            branch="release/backend_v1.1.0",
            secret_name="album-git",
            forge_type=ForgeType.GITEA,
            forge_url="https://git.example.org/api/v1",
            forge_secret_name="album-git",
            author_name="Album Release Operator",
            author_email="album@example.org",
            edits=(Edit("backend/values.yaml", "image.tag"),),
        ),
        argocd=ResolvedArgoCD(
            applications=(Ref("argocd", "album-app-backend"),),
            sync_policy=SyncPolicyWish(),
            settle=timedelta(seconds=60),
            timeout=timedelta(minutes=15),
        ),
    )
