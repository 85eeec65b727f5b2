"""The sync that is started: the Application's own wishes, and our mark."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.render.operation import attempt_of, start_patch
from tests.fakes.builders import APPLICATION_SEEN, RELEASE


def _start(policy: dict[str, Any] | None) -> dict[str, Any]:
    patch = start_patch(replace(APPLICATION_SEEN, sync_policy=policy), RELEASE, 2)
    assert patch["status"] == {"operationState": None}
    operation: dict[str, Any] = patch["operation"]
    return operation


@pytest.mark.parametrize("policy", [None, {}, {"automated": None}, {"automated": {}}])
def test_an_application_that_wishes_nothing_is_synced_as_argo_cd_would(policy: Any) -> None:  # noqa: ANN401
    operation = _start(policy)

    assert operation["sync"] == {}
    assert operation["retry"] == {"limit": 5}
    assert operation["initiatedBy"] == {"username": "album-operator", "automated": True}


def test_options_pruning_and_retries_are_its_own() -> None:
    options, retry = ["CreateNamespace=true", "PruneLast=true"], {"limit": 1, "refresh": True}
    policy = {"automated": {"prune": True}, "syncOptions": options, "retry": retry}
    operation = _start(policy)

    assert operation["sync"] == {"syncOptions": options, "prune": True}
    assert operation["retry"] == retry


def test_it_is_known_by_release_and_attempt() -> None:
    assert _start(None)["info"] == [
        {"name": "album.dev/release", "value": str(RELEASE.ref)},
        {"name": "album.dev/attempt", "value": attempt_of(RELEASE, 2)},
    ]
    assert attempt_of(RELEASE, 2) != attempt_of(RELEASE, 1)
    assert attempt_of(RELEASE, 2) != attempt_of(replace(RELEASE, uid="another"), 2)
