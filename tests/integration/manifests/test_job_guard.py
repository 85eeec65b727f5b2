"""Which Jobs the operator may delete: the builds of AlbumReleases."""

import itertools
from typing import Any

import pytest

from tests.integration.manifests.conftest import Installed

JOBS = "/apis/batch/v1/namespaces/album/jobs"

NUMBERS = itertools.count(1)
"""Of the Jobs: each has its own name."""

RELEASE = {
    "apiVersion": "album.dev/v1alpha1",
    "kind": "AlbumRelease",
    "name": "backend-v1.1.0",
    "uid": "0f7a1c52-5f0b-4d35-9d0c-8d0d5a6f2c11",
    "controller": True,
}


def _create(installed: Installed, *owners: dict[str, Any]) -> str:
    """Give the path of a Job that is there."""
    name = f"job-{next(NUMBERS)}"
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "build", "image": "none", "securityContext": security}
    pod = {"restartPolicy": "Never", "containers": [container]}
    raw = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "ownerReferences": list(owners)},
        "spec": {"template": {"spec": pod}},
    }
    answer = installed.server.request("POST", JOBS, raw)
    assert answer.status == 201, answer.message
    return f"{JOBS}/{name}?propagationPolicy=Background"


def test_the_operator_deletes_the_build_of_a_release(installed: Installed) -> None:
    answer = installed.as_operator("DELETE", _create(installed, RELEASE))

    assert answer.status == 200, answer.message


@pytest.mark.parametrize(
    "owners",
    [
        [],
        [{**RELEASE, "controller": False}],
        [{**RELEASE, "apiVersion": "batch/v1", "kind": "CronJob"}],
        [{**RELEASE, "apiVersion": "other.dev/v1"}],
    ],
    ids=["nobody's", "not controlled", "of a CronJob", "of another AlbumRelease"],
)
def test_the_operator_deletes_no_other_job(
    installed: Installed, owners: list[dict[str, Any]]
) -> None:
    answer = installed.as_operator("DELETE", _create(installed, *owners))

    assert answer.status == 403
    assert "deletes no Job but the builds of AlbumReleases" in answer.message


def test_people_delete_any(installed: Installed) -> None:
    assert installed.server.request("DELETE", _create(installed)).status == 200
