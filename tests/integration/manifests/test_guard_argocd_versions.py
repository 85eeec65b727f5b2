"""The guard on Applications as the CRD of each supported Argo CD has them: it knows their fields.

The other tests of the guard use a definition that keeps whatever it is given.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from album_operator.adapters.cluster.applications import parse_application
from album_operator.domain.argocd import SyncPolicyWish
from album_operator.render.operation import start_patch
from album_operator.render.sync_policy import give_back_patch, patch_for
from tests.contract.argocd_crds import VERSIONS, application_crd
from tests.fakes.builders import NOW, RELEASE
from tests.integration.apiserver import Answer
from tests.integration.manifests.applications import APPLICATIONS, Raw, application
from tests.integration.manifests.conftest import Installed, installing

WISH = SyncPolicyWish(self_heal=True, prune=None, apply_out_of_sync_only=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Install into a server of its own: the definition of Applications is replaced in it."""
    with installing(tmp_path_factory.mktemp("argocd-versions")) as result:
        yield result


@pytest.fixture(params=VERSIONS)
def app(server: Installed, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Give an Application of an Argo CD of that version."""
    crd = application_crd(request.param, tmp_path)
    forced = ("apply", "--server-side", "--force-conflicts", "-f", str(crd))
    server.server.run_kubectl(*forced)
    raw = application(f"on-{request.param.replace('.', '-')}")
    raw["metadata"]["finalizers"] = []
    made = server.server.request("POST", f"{APPLICATIONS}?fieldValidation=Strict", raw)
    assert made.status == 201, made.message
    return f"{APPLICATIONS}/{raw['metadata']['name']}"


def _patch(server: Installed, path: str, patch: Raw) -> Answer:
    """Patch as the operator does; a field that would be dropped is refused."""
    strict = f"{path}?fieldValidation=Strict"
    return server.as_operator("PATCH", strict, patch, "application/merge-patch+json")


def test_what_a_release_writes_is_admitted_and_kept_and_nothing_else_is(
    server: Installed, app: str
) -> None:
    before = server.server.request("GET", app).body
    lent = _patch(server, app, patch_for(parse_application(before), WISH, NOW))
    assert lent.status == 200, lent.message
    policy = lent.body["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    assert policy["syncOptions"] == ["CreateNamespace=true", "ApplyOutOfSyncOnly=true"]

    for evil in (
        {"spec": {"source": {"targetRevision": "evil"}}},
        {"spec": {"destination": {"namespace": "kube-system"}}},
        {"spec": {"syncPolicy": {"retry": {"limit": 9}}}},
        {"metadata": {"labels": {"team": "evil"}}},
    ):
        assert "album-operator may not change" in _patch(server, app, evil).message

    started = _patch(server, app, start_patch(parse_application(lent.body), RELEASE, 1))
    assert started.status == 200, started.message
    assert started.body["operation"]["initiatedBy"]["automated"] is True

    returned = give_back_patch(parse_application(started.body))
    assert returned is not None
    given = _patch(server, app, returned)
    assert given.status == 200, given.message
    assert given.body["spec"]["syncPolicy"] == before["spec"]["syncPolicy"]
