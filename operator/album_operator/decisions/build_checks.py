"""Checks of the source commit that are required before its image is built or used."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from album_operator.domain.names import join_words
from album_operator.domain.pull_requests import Checks
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt, Wait

FIRST_LOOK, LAST_LOOK = timedelta(seconds=60), timedelta(minutes=5)
"""How often the forge is asked for checks that have not passed, at first and at last."""

NAMES = 6
"""Most checks a message names."""

WORDS = {Checks.FAILING: "fails", Checks.RUNNING: "runs", Checks.NONE: "is not there"}

FIELD = "spec.policy.requireChecks"

RUN_AGAIN = "run what fails again on this commit"


def find_unpassed(resolved: Resolved, seen: Mapping[str, Checks] | None) -> dict[str, Checks]:
    """Give those of the required checks that have not passed; `NONE` stands for one not there.

    Args:
        resolved: what the release does.
        seen: state of each check of the commit, by name; None where the forge was not asked, since
            none is required or they have been asked for before.
    """
    wanted = resolved.policy.require_checks if seen is not None else ()
    states = {name: (seen or {}).get(name, Checks.NONE) for name in wanted}
    return {name: state for name, state in states.items() if state is not Checks.PASSING}


def wait(
    record: Record, resolved: Resolved, seen: Mapping[str, Checks] | None, now: datetime
) -> Wait | None:
    """Wait for checks; a failing one may be run again on the same commit, so it ends nothing.

    Args:
        record: what the release achieved.
        resolved: what it does.
        seen: as of `find_unpassed`.
        now: the time.
    """
    unpassed = find_unpassed(resolved, seen)
    if not unpassed:
        return None
    waited = now - (record.step(StepName.IMAGE_READY).started_at or now)
    return Wait(
        Reason.AWAITING_CHECKS,
        f"Commit {resolved.source.commit[:12]} is released once {_tell(unpassed, seen)} "
        f"{_way_out(unpassed)}",
        min(max(FIRST_LOOK, waited / 4), LAST_LOOK),
        is_poll=True,
    )


def refuse(resolved: Resolved, seen: Mapping[str, Checks] | None) -> Halt | None:
    """Say of a release that was not begun that a check fails, which would hold it up."""
    unpassed = find_unpassed(resolved, seen)
    if Checks.FAILING not in unpassed.values():
        return None
    return Halt(
        Reason.AWAITING_CHECKS,
        f"Applied, the release would wait until {_tell(unpassed, seen)}",
        f"{RUN_AGAIN.capitalize()}, or take it out of {FIELD} of the pipeline",
    )


def foretell(resolved: Resolved, seen: Mapping[str, Checks] | None) -> list[str]:
    """Say of a release that was not begun what it would wait for, as sentences."""
    unpassed = find_unpassed(resolved, seen)
    return [f"It would wait until {_tell(unpassed, seen)}"] if unpassed else []


def _tell(unpassed: Mapping[str, Checks], seen: Mapping[str, Checks] | None) -> str:
    """Say which have not passed, and which others the commit has where a name may be misspelt."""
    said = [
        f"{name} {word}"
        for kind, word in WORDS.items()
        for name, state in unpassed.items()
        if state is kind
    ]
    told = f"its required checks ({FIELD}) have passed: {_few(said, 'more have not passed')}."
    if Checks.NONE in unpassed.values():
        others = sorted(name for name in seen or () if name not in unpassed)
        has = f"the checks {_few(others, 'more')}" if others else "no other check"
        told += f" The commit has {has}."
    return told


def _few(words: list[str], more: str) -> str:
    rest = len(words) - NAMES
    return join_words([*words[:NAMES], *([f"{rest} {more}"] if rest > 0 else [])])


def _way_out(unpassed: Mapping[str, Checks]) -> str:
    """Say what a person can do; of checks that only run there is nothing to say."""
    states = set(unpassed.values())
    if states == {Checks.RUNNING}:
        return "The release goes on by itself."
    ways = []
    if Checks.FAILING in states:
        ways.append(RUN_AGAIN)
    if Checks.NONE in states:
        ways.append("let the CI run what is not there (names count letter by letter)")
    ways.append(f"take it out of the pipeline and {SET_RETRY}")
    said = ", or ".join(ways)
    return f"{said[0].upper()}{said[1:]}."
