"""An API server in memory, below the real adapters of releases, Secrets, builds and Applications.

It keeps raw JSON, so that the codec and every parser are used both ways, and it answers as the real
one does: resource versions and conflicts, merge patches (RFC 7386), the status subresource,
generations, names that exist already, and the CRD's schema on every status.
"""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from album_operator.adapters.cluster.cluster import REVIEWS, Cluster, path_of
from album_operator.adapters.cluster.refusals import OBJECTS, ConflictError, NotFoundError
from album_operator.domain.errors import OutsideError, TransientError
from album_operator.domain.images import in_full
from album_operator.domain.names import image_repository, image_tag
from album_operator.domain.reasons import Reason
from tests.fakes.builders import DIGEST, NAMESPACE
from tests.fakes.crd_schema import faults_of_status
from tests.fakes.faults import Faults
from tests.fakes.plain import copied
from tests.fakes.registry import FakeRegistry

Raw = dict[str, Any]

RELEASES = "/apis/album.dev/v1alpha1/namespaces/{}/albumreleases"
APIS = {
    "AlbumRelease": ("/apis/album.dev/v1alpha1", "albumreleases"),
    "AlbumPipeline": ("/apis/album.dev/v1alpha1", "albumpipelines"),
    "Application": ("/apis/argoproj.io/v1alpha1", "applications"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Pod": ("/api/v1", "pods"),
    "Event": ("/api/v1", "events"),
    "Secret": ("/api/v1", "secrets"),
}


OURS = ("albumreleases", "albumpipelines")
"""What has the status subresource, which is written by itself."""


class FakeCluster(Cluster):
    """An API server in memory.

    Attributes:
        objects: every object by its path.
        events: reasons of the Events posted, in order, by name of the release.
        faults: what goes wrong at which write.
        trouble: raised by every request while set.
        registry: where builds push to.
        is_guarded: the guard on Applications holds the operator.
        denied: what the operator has no right to, such as `create albumreleases`.
        refused: what requests about a kind of object raise, by its plural; with `/status` where
            only that is meant.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.objects: dict[str, Raw] = {}
        self.events: dict[str, list[str]] = {}
        self.faults = faults or Faults()
        self.trouble: OutsideError | None = None
        self.denied: set[str] = set()
        self.refused: dict[str, OutsideError] = {}
        self.registry = FakeRegistry(self.faults)
        self.is_guarded = True
        self._version = 100

    def apply(self, raw: Raw) -> str:
        """Put an object there as a person would; one that exists is replaced.

        Returns:
            Its path.
        """
        api, plural = APIS[raw["kind"]]
        metadata = raw["metadata"]
        path = path_of(api, plural, metadata["namespace"], metadata["name"])
        known, now = self.objects.get(path), copied(raw)
        if known is not None and "generation" in metadata and known.get("spec") != now.get("spec"):
            now["metadata"]["generation"] = known["metadata"]["generation"] + 1
        self.objects[path] = now
        self._bump(now)
        return path

    def edit(self, path: str, patch: Mapping[str, Any]) -> Raw:
        """Change an object as a person or another controller would."""
        raw = self.objects[path]
        before = copied(raw)
        _merge(raw, patch)
        if raw != before:
            if raw.get("spec") != before.get("spec") and "generation" in raw["metadata"]:
                raw["metadata"]["generation"] += 1
            self._bump(raw)
        return raw

    def all_of(self, kind: str) -> list[Raw]:
        """Give all objects of a kind, in the order of their creation."""
        plural = APIS[kind][1]
        return [raw for path, raw in self.objects.items() if path.split("/")[-2] == plural]

    async def get(self, path: str, **query: str) -> Raw:
        """Read an object, or a list by its label selector."""
        self._answer(path)
        if path in self.objects:
            return copied(self.objects[path])
        if not path.endswith(("/pods", "/applications", "/jobs", "/events", "/albumreleases")):
            raise NotFoundError(Reason.CLUSTER_UNAVAILABLE, f"The API server has no {path}.")
        items = [copied(raw) for raw in self._list(path) if _is_selected(raw, query)]
        first = int(query.get("continue") or 0)
        after = first + int(query.get("limit") or len(items))
        more = {"continue": str(after)} if after < len(items) else {}
        return {"items": items[first:after], "metadata": {"resourceVersion": "1", **more}}

    async def list_metadata(self, path: str) -> AsyncIterator[Raw]:
        """Read the metadata of all objects of a list."""
        for raw in (await self.get(path))["items"]:
            yield {"metadata": raw["metadata"]}

    async def create(self, path: str, body: Mapping[str, Any]) -> Raw:
        """Create an object; one that exists is a conflict. A review is answered, and not kept."""
        self._answer(path)
        if path == REVIEWS:
            asked = body["spec"]["resourceAttributes"]
            is_denied = f"{asked['verb']} {asked['resource']}" in self.denied
            return {"status": {"allowed": not is_denied}}
        plural = path.split("/")[-1]
        with self.faults.write(f"create {plural}"):
            return self._create(path, plural, copied(dict(body)))

    async def merge(self, path: str, body: Mapping[str, Any]) -> Raw:
        """Apply a merge patch to an object or its status."""
        self._answer(path)
        subresource = path.endswith("/status")
        place = path.removesuffix("/status")
        plural = place.split("/")[-2]
        with self.faults.write(f"patch {plural}{'/status' if subresource else ''}"):
            if place not in self.objects:
                raise NotFoundError(Reason.CLUSTER_UNAVAILABLE, f"The API server has no {place}.")
            patch = copied(dict(body))
            version = patch.get("metadata", {}).pop("resourceVersion", None)
            if version not in {None, self.objects[place]["metadata"]["resourceVersion"]}:
                raise ConflictError(Reason.CLUSTER_UNAVAILABLE, "The object changed meanwhile.")
            if plural in OURS:
                patch = (
                    {"status": patch["status"]}
                    if subresource
                    else {key: value for key, value in patch.items() if key != "status"}
                )
            raw = self.edit(place, patch)
            is_ours = subresource and plural in OURS
            if is_ours and (faults := faults_of_status(plural, raw["status"])):
                raise AssertionError(f"the API server refuses this status: {faults}")
            return copied(raw)

    async def delete(self, path: str, preconditions: Mapping[str, str]) -> Raw:
        """Delete an object that is the one of the preconditions; Jobs it owns go later."""
        self._answer(path)
        with self.faults.write(f"delete {path.split('/')[-2]}"):
            if path not in self.objects:
                raise NotFoundError(Reason.CLUSTER_UNAVAILABLE, f"The API server has no {path}.")
            metadata = self.objects[path]["metadata"]
            if any(metadata[key] != value for key, value in preconditions.items()):
                raise ConflictError(Reason.CLUSTER_UNAVAILABLE, "The object changed meanwhile.")
            return self.objects.pop(path)

    async def try_merge(self, path: str, body: Mapping[str, Any]) -> Raw:
        """Answer as `merge` would, and keep nothing."""
        self._answer(path)
        if path not in self.objects:
            raise NotFoundError(Reason.CLUSTER_UNAVAILABLE, f"The API server has no {path}.")
        if self.is_guarded and "/applications/" in path and "labels" in body.get("metadata", {}):
            raise TransientError(
                Reason.ADMISSION_DENIED,
                "ValidatingAdmissionPolicy 'album-operator-applications' denied request: "
                "album-operator may not change metadata.labels of an Application.",
            )
        raw = copied(self.objects[path])
        _merge(raw, body)
        return raw

    def _answer(self, path: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        asked = OBJECTS.fullmatch(path)
        if asked is not None:
            sub = f"/{asked['sub']}" if asked["sub"] else ""
            error = self.refused.get(f"{asked['plural']}{sub}")
            if error is not None:
                raise error

    def _create(self, path: str, plural: str, raw: Raw) -> Raw:
        metadata = raw["metadata"]
        if "generateName" in metadata:
            metadata["name"] = f"{metadata['generateName']}{self._version}"
        place = f"{path}/{metadata['name']}"
        if place in self.objects:
            raise ConflictError(Reason.CLUSTER_UNAVAILABLE, f"{place} already exists.")
        if plural == "albumreleases":
            metadata |= {"generation": 1, "uid": f"uid-{self._version}"}
            metadata.setdefault("creationTimestamp", "2026-11-20T11:59:00Z")
            raw["status"] = {"observedGeneration": -1}
        metadata.setdefault("uid", f"uid-{self._version}")
        metadata.setdefault("creationTimestamp", "2026-11-20T12:00:00Z")
        if raw["kind"] == "Event":
            self.events.setdefault(raw["involvedObject"]["name"], []).append(raw["reason"])
        self.objects[place] = raw
        self._bump(raw)
        return copied(raw)

    def _list(self, path: str) -> Iterator[Raw]:
        for place, raw in self.objects.items():
            if place.startswith(f"{path}/"):
                yield raw

    def _bump(self, raw: Raw) -> None:
        self._version += 1
        raw["metadata"]["resourceVersion"] = str(self._version)


def _is_selected(raw: Raw, query: Mapping[str, str]) -> bool:
    """Apply a label selector of `key=value` and `key`, and a field selector."""
    labels = raw["metadata"].get("labels", {})
    words = [word.partition("=") for word in query.get("labelSelector", "").split(",") if word]
    if any(key not in labels or (equals and labels[key] != value) for key, equals, value in words):
        return False
    fields = {
        "status.successful": str(raw.get("status", {}).get("succeeded", 0)),
        "involvedObject.uid": raw.get("involvedObject", {}).get("uid"),
        "reason": raw.get("reason"),
    }
    words = [word.partition("=") for word in query.get("fieldSelector", "").split(",") if word]
    return all(fields[key] == value for key, _, value in words)


def digest_of(job: Raw) -> str:
    """Give the digest of what the builder of a Job makes: of each platform another."""
    platform = _platform_of(job) if "spec" in job else ""
    return f"sha256:{hashlib.sha256(platform.encode()).hexdigest()}" if platform else DIGEST


def _platform_of(job: Raw) -> str:
    """Give the platform kaniko is told, empty for none."""
    (builder,) = job["spec"]["template"]["spec"]["containers"]
    flag = "--custom-platform="
    return next((word.removeprefix(flag) for word in builder["args"] if word.startswith(flag)), "")


def finish_build(
    cluster: FakeCluster, job: Raw, said: str | None = None, pushed: str | None = None
) -> None:
    """Let a build succeed.

    Args:
        cluster: where its Job is, with the registry that it pushes to.
        job: the Job.
        said: the last words of its container; None for its digest.
        pushed: digest of its image, empty where it pushes none; None for `digest_of` it.
    """
    pushed = digest_of(job) if pushed is None else pushed
    said = digest_of(job) if said is None else said
    if pushed and "spec" in job:
        push_of(cluster.registry, job, pushed)
    ended = {"exitCode": 0, "reason": "Completed", "message": said}
    _end_build(cluster, job, "Complete", "CompletionsReached", ended)


def push_of(registry: FakeRegistry, job: Raw, digest: str | None = DIGEST) -> str:
    """Push what the builder of a Job would, and give its digest."""
    (builder,) = job["spec"]["template"]["spec"]["containers"]
    words = [word.removeprefix("--") for word in builder["args"]]
    said = [word.split("=", 1)[-1] for word in words if word.startswith("destination=")]
    said += re.findall(r"[,\"]name=([^,\"]+)", " ".join(words))
    labels = [word[6:] for word in words if word.startswith(("label=", "label:"))]
    found = dict(label.split("=", 1) for label in labels)
    platforms = (_platform_of(job) or "linux/amd64",)
    (pushed,) = {
        registry.push(image_repository(image), image_tag(image), found, platforms, digest)
        for image in map(in_full, said)
    }
    return pushed


def begin_build(cluster: FakeCluster, job: Raw) -> None:
    """Let the Pod of a build start."""
    metadata = job["metadata"]
    place = path_of(*APIS["Job"], metadata["namespace"], metadata["name"])
    cluster.edit(place, {"status": {"startTime": "2026-11-20T12:00:00Z", "active": 1}})


def fail_build(cluster: FakeCluster, job: Raw, exit_code: int = 1, said: str = "boom") -> None:
    """Let a build fail in its container."""
    ended = {"exitCode": exit_code, "reason": "Error", "message": said}
    _end_build(cluster, job, "Failed", "BackoffLimitExceeded", ended)


def _end_build(
    cluster: FakeCluster, job: Raw, kind: str, reason: str, terminated: Mapping[str, Any]
) -> None:
    metadata = job["metadata"]
    condition = {
        "type": kind,
        "status": "True",
        "reason": reason,
        "lastTransitionTime": "2026-11-20T12:00:30Z",
    }
    status: Raw = {"startTime": "2026-11-20T12:00:00Z", "conditions": [condition]}
    if kind == "Complete":
        status["succeeded"] = 1
    cluster.edit(path_of(*APIS["Job"], metadata["namespace"], metadata["name"]), {"status": status})
    cluster.apply(
        raw_pod(
            job,
            phase="Succeeded" if kind == "Complete" else "Failed",
            containerStatuses=[{"name": "build", "state": {"terminated": dict(terminated)}}],
        )
    )


def raw_pod(job: Raw, **status: object) -> Raw:
    """Give the Pod that the Job controller makes for a Job that is in the API server."""
    metadata = job["metadata"]
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
    return {
        "kind": "Pod",
        "metadata": {
            "namespace": metadata["namespace"],
            "name": f"{metadata['name']}-x7x7x",
            "creationTimestamp": "2026-11-20T12:00:00Z",
            "labels": {"batch.kubernetes.io/job-name": metadata["name"]},
            "ownerReferences": [owner],
        },
        "status": status,
    }


def raw_secret(name: str, **texts: str) -> Raw:
    """Give a Secret with these keys."""
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    metadata = {"namespace": NAMESPACE, "name": name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def raw_registry_secret(name: str, *hosts: str) -> Raw:
    """Give a Secret of type `kubernetes.io/dockerconfigjson` for these registries."""
    config = json.dumps({"auths": {host: {"auth": "Ym90OnB3"} for host in hosts}})
    return raw_secret(name, **{".dockerconfigjson": config})


def _merge(target: Raw, patch: Mapping[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping):
            inner = target.get(key)
            target[key] = inner if isinstance(inner, dict) else {}
            _merge(target[key], value)
        else:
            target[key] = copied(value)


def is_secret_text(text: str) -> bool:
    """Tell whether a text holds what no status, Event or message may show."""
    return re.search(r"fake-token|Ym90OnB3", text) is not None
