"""How a Job stands, by its conditions."""

from collections.abc import Mapping
from typing import Any

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
