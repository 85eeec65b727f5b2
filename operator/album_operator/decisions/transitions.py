"""Which Events a change of the record is worth: transitions only, never a repetition."""

from album_operator.domain.reasons import TRANSIENT
from album_operator.domain.record import Outcome, Record, StepName, StepState

Event = tuple[str, str, str]
"""Kind (`Normal` or `Warning`), reason, message."""


def transitions(before: Record, after: Record) -> list[Event]:
    """Give the Events between two records, in the order of the steps."""
    events: list[Event] = []
    if after.requested_by is not None and before.requested_by != after.requested_by:
        events.append(("Normal", "Requested", f"Requested by {after.requested_by}."))
    for name in StepName:
        known, step = before.step(name), after.step(name)
        if step.state is StepState.SUCCEEDED and known.state is not StepState.SUCCEEDED:
            events.append(("Normal", name, step.message))
    same = (before.outcome, before.reason) == (after.outcome, after.reason)
    if after.outcome is Outcome.STALLED and not same:
        events.append(("Warning", after.reason, after.message))
    elif not same and after.reason and after.message:
        is_bad = after.reason in TRANSIENT or after.rollback is not None
        kind = "Warning" if is_bad else "Normal"
        events.append((kind, after.reason, after.message))
    return events
