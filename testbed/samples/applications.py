"""The samples under Argo CD: the app of apps and the two Applications it makes."""

from __future__ import annotations

import json
import time
from typing import Any

from testbed.access import Testbed
from testbed.argocd import NAMESPACE
from testbed.commands import PartError, wait_until
from testbed.gitea import OWNER
from testbed.samples.history import ALBUM_APP, ALBUM_APP_CONFIG, APPS, FIRST_VERSION

ROOT = "album-apps"
"""Name of the root Application."""

WORKLOADS = "album-app"
"""Namespace the apps run in."""

SYNC_SECONDS = 180.0

_FAILED = ("Failed", "Error")


def application_name(app: str) -> str:
    """Return the name of an app's Application, which is that of its Service too."""
    return f"{ALBUM_APP.name}-{app}"


def root_application(forge_url: str) -> dict[str, Any]:
    """Return the manifest of the Application that makes those of the apps.

    Args:
        forge_url: URL of the forge, without a slash at its end.
    """
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": ROOT, "namespace": NAMESPACE},
        "spec": {
            "project": "default",
            "source": {
                "repoURL": f"{forge_url}/{OWNER}/{ALBUM_APP_CONFIG.name}",
                "targetRevision": "HEAD",
                "path": "apps",
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": {"automated": {"prune": True}},
        },
    }


def ensure_applications(testbed: Testbed) -> None:
    """Make sure that the apps run under Argo CD; an app that was synced before is not again.

    Args:
        testbed: A testbed with the sample repositories and images.

    Raises:
        PartError: Argo CD could not sync, or an app did not become healthy.
    """
    _ensure_default_project(testbed)
    testbed.kubectl("apply", "--filename=-", stdin=json.dumps(root_application(testbed.forge_url)))
    for app in APPS:
        _wait_exists(testbed, application_name(app))
    fresh = [app for app in APPS if not _was_synced(testbed, application_name(app))]
    for app in fresh:
        sync_once(testbed, application_name(app))
    for app in APPS:
        wait_healthy(testbed, application_name(app), is_synced=app in fresh)


def restore_applications(testbed: Testbed, revision: str) -> None:
    """Take the Applications back to their first state: no sync policy, synced at a revision.

    Args:
        testbed: A testbed whose config repository was made anew.
        revision: Hash of the last commit of its branch.

    Raises:
        PartError: Argo CD could not sync, or an app did not become healthy.
    """
    sync_once(testbed, ROOT)
    wait_healthy(testbed, ROOT, revision=revision)
    mine = {"album.dev/previous-sync-policy": None}
    for app in APPS:
        name = application_name(app)
        _patch(testbed, name, {"metadata": {"annotations": mine}, "spec": {"syncPolicy": None}})
        sync_once(testbed, name)
    for app in APPS:
        wait_healthy(testbed, application_name(app), revision=revision)
        _wait_old_pods_gone(testbed, application_name(app))


def sync_once(testbed: Testbed, name: str) -> None:
    """Start one sync to the head of the branch, as a person who presses Sync would.

    Args:
        testbed: A testbed with Argo CD.
        name: Name of the Application.

    Raises:
        PartError: There is no such Application, or another operation does not end.
    """
    wait_until(
        lambda: "operation" not in _get(testbed, name),
        part=f"Application {name}",
        what="end its present operation",
        seconds=SYNC_SECONDS,
    )
    operation = {
        "initiatedBy": {"username": "testbed"},
        "sync": {"prune": True},
        "retry": {"limit": 3, "backoff": {"duration": "2s", "factor": 2}},
    }
    refresh = {"argocd.argoproj.io/refresh": "hard"}
    _patch(testbed, name, {"metadata": {"annotations": refresh}, "operation": operation})


def wait_healthy(
    testbed: Testbed,
    name: str,
    *,
    revision: str | None = None,
    is_synced: bool = True,
    seconds: float = SYNC_SECONDS,
) -> None:
    """Wait until an Application has no operation, is Healthy and, by default, Synced.

    Args:
        testbed: A testbed with Argo CD.
        name: Name of the Application.
        revision: Full hash it must be compared to and, if it was synced, last synced to; None
            for any.
        is_synced: Whether it must be Synced too.
        seconds: Deadline from now.

    Raises:
        PartError: The last operation failed, or the deadline passed; the message has the state.
    """
    deadline = time.monotonic() + seconds
    while True:
        application = _get(testbed, name)
        if _is_healthy(application, revision, is_synced=is_synced):
            return
        operation = application.get("status", {}).get("operationState", {})
        failed = "operation" not in application and operation.get("phase") in _FAILED
        if is_synced and failed:
            raise PartError(f"Application {name}", f"its sync failed: {operation.get('message')}")
        if time.monotonic() > deadline:
            raise PartError(
                f"Application {name}",
                f"is not healthy after {seconds:.0f} s: {_describe(application)}",
            )
        time.sleep(0.25)


def running_version(testbed: Testbed, app: str) -> str:
    """Ask an app itself, through the API server's proxy to its Service, which version it is.

    Args:
        testbed: A testbed with the samples.
        app: `backend` or `frontend`.

    Returns:
        The version, such as `v1.0.0`.

    Raises:
        PartError: The app does not answer.
    """
    service = f"/api/v1/namespaces/{WORKLOADS}/services/{application_name(app)}:http"
    answer: dict[str, str] = json.loads(testbed.kubectl("get", "--raw", f"{service}/proxy/version"))
    return answer["version"]


def _is_healthy(application: dict[str, Any], revision: str | None, *, is_synced: bool) -> bool:
    status = application.get("status", {})
    sync = status.get("sync", {})
    if "operation" in application or status.get("health", {}).get("status") != "Healthy":
        return False
    if is_synced and sync.get("status") != "Synced":
        return False
    result = status.get("operationState", {}).get("syncResult", {})
    return revision is None or (sync.get("revision"), result.get("revision")) == (revision,) * 2


def _describe(application: dict[str, Any]) -> str:
    status = application.get("status", {})
    operation = status.get("operationState", {})
    parts = [
        f"sync {status.get('sync', {}).get('status')}",
        f"health {status.get('health', {}).get('status')}",
        f"operation {operation.get('phase')} {operation.get('message', '')}".rstrip(),
        *(item.get("message", "") for item in status.get("conditions", [])),
    ]
    return ", ".join(parts)


def _wait_old_pods_gone(testbed: Testbed, name: str) -> None:
    # Argo CD lists the images of Pods that are ending too.
    wait_until(
        lambda: all(
            image.endswith(f":{FIRST_VERSION}")
            for image in _get(testbed, name)["status"]["summary"].get("images", [])
        ),
        part=f"Application {name}",
        what="lose the Pods of other versions",
        seconds=SYNC_SECONDS,
    )


def _was_synced(testbed: Testbed, name: str) -> bool:
    status = _get(testbed, name).get("status", {})
    return bool(status.get("operationState", {}).get("phase") == "Succeeded")


def _wait_exists(testbed: Testbed, name: str) -> None:
    wait_until(
        lambda: bool(
            testbed.kubectl(
                *("--namespace", NAMESPACE, "get", "application", name),
                *("--ignore-not-found", "--output=name"),
            )
        ),
        part=f"Application {ROOT}",
        what=f"make the Application {name}",
        seconds=SYNC_SECONDS,
    )


def _get(testbed: Testbed, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        testbed.kubectl("--namespace", NAMESPACE, "get", "application", name, "--output=json")
    )
    return found


def _patch(testbed: Testbed, name: str, patch: dict[str, Any]) -> None:
    testbed.kubectl(
        *("--namespace", NAMESPACE, "patch", "application", name),
        *("--type=merge", f"--patch={json.dumps(patch)}"),
    )


def _ensure_default_project(testbed: Testbed) -> None:
    # Argo CD's API server makes this project when it starts, and the core installation has none.
    found = testbed.kubectl(
        *("--namespace", NAMESPACE, "get", "appproject", "default"),
        *("--ignore-not-found", "--output=name"),
    )
    if found:
        return
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }
    testbed.kubectl("apply", "--filename=-", stdin=json.dumps(project))
