"""What a test's API server has not beside it: builds that end, and Argo CD that compares and syncs.

Both only as far as a release can tell. Everything is done as the admin, by polling: a few requests
in a tenth of a second.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any

import yaml

from tests.contract.plain_git import git
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.applications import APPLICATIONS, REFRESH

PAUSE_SECONDS = 0.1
DIGEST = f"sha256:{'5' * 64}"

Raw = dict[str, Any]


class Stop(Enum):
    """What the controllers leave undone for an app, and with it what comes after."""

    BUILD = auto()
    COMPARISON = auto()
    SYNC = auto()
    HEALTH = auto()


class Controllers:
    """The controllers of one API server.

    Applications of other tests on the same API server, which read elsewhere, are left alone.

    Args:
        server: the API server.
        namespaces: whose build Jobs are run.
        config: bare repository that Applications read, at its branch `main`.
        last_words: what the builder of a Job says before it fails, by namespace; all other builds
            succeed.

    Attributes:
        stops: where apps stand still, by their names; it may be changed.
        syncs: the Applications that were synced because `operation` asked for it, in their order.
    """

    def __init__(
        self,
        server: ApiServer,
        namespaces: Sequence[str],
        config: Path,
        last_words: Mapping[str, str],
    ) -> None:
        self._server = server
        self._namespaces = namespaces
        self._config = config
        self._last_words = last_words
        self._ending = threading.Event()
        self._ended: set[str] = set()
        self._live: dict[str, str] = {}
        self._unhealthy: set[str] = set()
        self.failure: BaseException | None = None
        self.stops: dict[str, Stop] = {}
        self.syncs: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run them until the block ends."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            while not self._ending.wait(PAUSE_SECONDS):
                for namespace in self._namespaces:
                    self._end_builds(namespace)
                self._compare_applications()
        except Exception as error:  # noqa: BLE001 - raised again where the block ends
            self.failure = error

    def _end_builds(self, namespace: str) -> None:
        jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        for job in self._server.request("GET", jobs).body["items"]:
            uid, labels = job["metadata"]["uid"], job["metadata"]["labels"]
            is_stopped = self.stops.get(labels["album.dev/app"]) is Stop.BUILD
            if uid in self._ended or is_stopped:
                continue
            self._ended.add(uid)
            said = self._last_words.get(namespace)
            self._make_pod(job, 0 if said is None else 1, DIGEST if said is None else said)
            path = f"{jobs}/{job['metadata']['name']}/status"
            self._must("PATCH", path, {"status": _ended_job(is_good=said is None)})

    def _make_pod(self, job: Raw, exit_code: int, said: str) -> None:
        metadata, template = job["metadata"], job["spec"]["template"]
        pods = f"/api/v1/namespaces/{metadata['namespace']}/pods"
        name = f"{metadata['name'][:50]}-x7x7x"
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "labels": template["metadata"]["labels"],
                "ownerReferences": [owner],
            },
            "spec": template["spec"],
        }
        self._must("POST", pods, pod)
        status = ended_builder(exit_code, said)
        self._must("PATCH", f"{pods}/{name}/status", {"status": status})

    def _compare_applications(self) -> None:
        for raw in self._server.request("GET", APPLICATIONS).body["items"]:
            name, stop = raw["metadata"]["name"], self._stop_of(raw)
            is_asked = REFRESH in (raw["metadata"].get("annotations") or {})
            recovers = name in self._unhealthy and stop is not Stop.HEALTH
            is_due = (is_asked or recovers) and stop is not Stop.COMPARISON
            is_to_sync = "operation" in raw and stop is not Stop.SYNC
            if not (is_due or is_to_sync) or not self._is_ours(raw):
                continue
            if is_due:
                self._compare(raw)
            if is_to_sync:
                self._sync(raw)

    def _is_ours(self, raw: Raw) -> bool:
        """Tell whether the values of an Application are in the config repository."""
        path = raw["spec"].get("source", {}).get("path", "")
        return git(self._config, "ls-tree", "main", f"./{path}/values.yaml") != ""

    def _stop_of(self, raw: Raw) -> Stop | None:
        return self.stops.get(raw["metadata"]["name"].removeprefix("album-app-"))

    def _compare(self, raw: Raw) -> None:
        name = raw["metadata"]["name"]
        revision, wanted = self._wanted_of(raw)
        is_automated = "automated" in (raw["spec"].get("syncPolicy") or {})
        if name not in self._live or is_automated:
            self._live[name] = wanted
        synced = _synced(revision) if is_automated else {}
        self._show(raw, revision, wanted, synced)

    def _sync(self, raw: Raw) -> None:
        """Do what is asked for by `operation`, as Argo CD's controller does."""
        revision, wanted = self._wanted_of(raw)
        self._live[raw["metadata"]["name"]] = wanted
        self.syncs.append(raw["metadata"]["name"])
        synced = _synced(revision)
        synced["operationState"]["operation"] = raw["operation"]
        self._show(raw, revision, wanted, synced, operation=None)

    def _wanted_of(self, raw: Raw) -> tuple[str, str]:
        """Give the present revision of the config repository, and the image it has there."""
        path = raw["spec"]["source"]["path"]
        revision = git(self._config, "rev-parse", "refs/heads/main")
        values = yaml.safe_load(git(self._config, "show", f"{revision}:{path}/values.yaml"))
        return revision, f"{values['image']['repository']}:{values['image']['tag']}"

    def _show(self, raw: Raw, revision: str, wanted: str, synced: Raw, **fields: object) -> None:
        name = raw["metadata"]["name"]
        is_healthy = self._stop_of(raw) is not Stop.HEALTH
        (self._unhealthy.discard if is_healthy else self._unhealthy.add)(name)
        is_synced, now = self._live[name] == wanted, _now()
        status: Raw = {
            "sync": {"status": "Synced" if is_synced else "OutOfSync", "revision": revision},
            "reconciledAt": now,
            "health": {
                "status": "Healthy" if is_healthy else "Progressing",
                "lastTransitionTime": now,
            },
            "summary": {"images": [self._live[name]]},
            **synced,
        }
        patch = {"metadata": {"annotations": {REFRESH: None}}, "status": status, **fields}
        self._must("PATCH", f"{APPLICATIONS}/{name}", patch)

    def _must(self, method: str, path: str, body: Raw) -> None:
        answer = self._server.request(method, path, body)
        # What is deleted meanwhile needs no more.
        assert answer.status in {200, 201, 404, 409}, answer.message


def _synced(revision: str) -> Raw:
    """Give what the status says of a sync that has just succeeded."""
    state = {
        "phase": "Succeeded",
        "message": "successfully synced",
        "finishedAt": _now(),
        "syncResult": {"revision": revision},
    }
    return {"operationState": state}


def _ended_job(*, is_good: bool) -> Raw:
    """Give the status the Job controller of Kubernetes 1.31 and newer writes at the end."""
    now = _now()
    kinds = ("SuccessCriteriaMet", "Complete") if is_good else ("FailureTarget", "Failed")
    reason = "CompletionsReached" if is_good else "BackoffLimitExceeded"
    status: Raw = {
        "startTime": now,
        "conditions": [
            {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": now}
            for kind in kinds
        ],
    }
    if is_good:
        return {**status, "completionTime": now, "succeeded": 1}
    return {**status, "failed": 1}


def ended_builder(exit_code: int, said: str) -> Raw:
    """Give the status of a build's Pod that ended, as a kubelet writes it.

    Args:
        exit_code: of the builder.
        said: its termination message.
    """
    ended = {
        "exitCode": exit_code,
        "reason": "Completed" if exit_code == 0 else "Error",
        "message": said,
        "startedAt": _now(),
        "finishedAt": _now(),
    }
    container = {
        "name": "build",
        "image": "builder",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": ended},
    }
    phase = "Succeeded" if exit_code == 0 else "Failed"
    return {"phase": phase, "containerStatuses": [container]}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
