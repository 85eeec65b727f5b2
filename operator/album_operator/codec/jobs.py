"""How a Job stands, by its conditions."""

from collections.abc import Collection, Mapping
from typing import Any

from album_operator.codec.owners import release_of
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.marks import IMAGE_LABEL, PIPELINE_LABEL

COMPLETE, FAILED = "Complete", "Failed"


def end_of(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the condition by which a Job has ended, `Complete` or `Failed`; None while it runs.

    A Job that is about to fail or succeed (`FailureTarget`, `SuccessCriteriaMet`) still has Pods.
    """
    return _true_of(job, {COMPLETE, FAILED})


def is_ending(job: Mapping[str, Any]) -> bool:
    """Tell whether a Job is about to fail: its Pods go, and the condition `Failed` follows."""
    return end_of(job) is None and _true_of(job, {"FailureTarget"}) is not None


def _true_of(job: Mapping[str, Any], types: Collection[str]) -> Mapping[str, Any] | None:
    conditions = (job.get("status") or {}).get("conditions") or ()
    for condition in conditions:
        if condition["type"] in types and condition.get("status") == "True":
            found: Mapping[str, Any] = condition
            return found
    return None


def running_build(job: Mapping[str, Any]) -> BuildRunning | None:
    """Read a build Job that has not ended; None for any other."""
    owner = release_of(job["metadata"])
    if owner is None or end_of(job) is not None:
        return None
    labels = job["metadata"].get("labels") or {}
    pipeline, image = labels.get(PIPELINE_LABEL, ""), labels.get(IMAGE_LABEL, "")
    return BuildRunning(job["metadata"]["name"], owner.name, pipeline, image)
