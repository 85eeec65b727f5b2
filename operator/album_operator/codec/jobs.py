"""How a Job stands, by its conditions."""

from collections.abc import Mapping
from typing import Any

from album_operator.codec.owners import release_of
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.marks import IMAGE_LABEL, PIPELINE_LABEL

COMPLETE, FAILED = "Complete", "Failed"


def end_of(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the condition by which a Job has ended, `Complete` or `Failed`; None while it runs.

    A Job that is about to fail or succeed (`FailureTarget`, `SuccessCriteriaMet`) still has Pods.
    """
    conditions = (job.get("status") or {}).get("conditions") or ()
    for condition in conditions:
        if condition["type"] in {COMPLETE, FAILED} and condition.get("status") == "True":
            ended: Mapping[str, Any] = condition
            return ended
    return None


def running_build(job: Mapping[str, Any]) -> BuildRunning | None:
    """Read a build Job that has not ended; None for any other."""
    owner = release_of(job["metadata"])
    if owner is None or end_of(job) is not None:
        return None
    labels = job["metadata"].get("labels") or {}
    pipeline, image = labels.get(PIPELINE_LABEL, ""), labels.get(IMAGE_LABEL, "")
    return BuildRunning(job["metadata"]["name"], owner.name, pipeline, image)
