"""What a test's API server has not beside it: builds that end, and Argo CD that compares and syncs.

Both only as far as a release can tell. Everything is done as the admin, by polling: a few requests
in a tenth of a second.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.contract.plain_git import git
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.applications import APPLICATIONS, REFRESH

PAUSE_SECONDS = 0.1
DIGEST = f"sha256:{'5' * 64}"

Raw = dict[str, Any]


class Controllers:
    """The controllers of one API server.

    Args:
        server: the API server.
        namespaces: whose build Jobs are run.
        config: bare repository that all Applications read, at its branch `main`.
        last_words: what the builder of a Job says before it fails, by namespace; all other builds
            succeed.
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
        self.failure: BaseException | None = None

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
            uid = job["metadata"]["uid"]
            if uid in self._ended:
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
        status = {"phase": phase, "containerStatuses": [container]}
        self._must("PATCH", f"{pods}/{name}/status", {"status": status})

    def _compare_applications(self) -> None:
        for raw in self._server.request("GET", APPLICATIONS).body["items"]:
            if REFRESH in (raw["metadata"].get("annotations") or {}):
                self._compare(raw)

    def _compare(self, raw: Raw) -> None:
        name, path = raw["metadata"]["name"], raw["spec"]["source"]["path"]
        revision = git(self._config, "rev-parse", "refs/heads/main")
        values = yaml.safe_load(git(self._config, "show", f"{revision}:{path}/values.yaml"))
        wanted = f"{values['image']['repository']}:{values['image']['tag']}"
        is_automated = "automated" in (raw["spec"].get("syncPolicy") or {})
        if name not in self._live or is_automated:
            self._live[name] = wanted
        is_synced = self._live[name] == wanted
        now = _now()
        status: Raw = {
            "sync": {"status": "Synced" if is_synced else "OutOfSync", "revision": revision},
            "reconciledAt": now,
            "health": {"status": "Healthy", "lastTransitionTime": now},
            "summary": {"images": [self._live[name]]},
        }
        if is_automated:
            status["operationState"] = {
                "phase": "Succeeded",
                "message": "successfully synced",
                "finishedAt": now,
                "syncResult": {"revision": revision},
            }
        patch = {"metadata": {"annotations": {REFRESH: None}}, "status": status}
        self._must("PATCH", f"{APPLICATIONS}/{name}", patch)

    def _must(self, method: str, path: str, body: Raw) -> None:
        answer = self._server.request(method, path, body)
        # What is deleted meanwhile needs no more.
        assert answer.status in {200, 201, 404, 409}, answer.message


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


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
