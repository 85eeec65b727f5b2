"""What is told of an Application's operation, and what of it lasts."""

from dataclasses import replace

import pytest

from album_operator.domain.applications import ApplicationSeen, Hydration, OperationSeen
from album_operator.domain.release import Ref
from tests.fakes.builders import APPLICATION_SEEN, LATER, NOW

CHILD = Ref("argocd", "child")
HYDRATED = Hydration("https://git.example.org/c", "env", "app")


@pytest.mark.parametrize(
    ("message", "said"),
    [("", "."), (" ", "."), ("waiting for hook", ": waiting for hook."), ("done.", ": done.")],
)
def test_a_sync_that_says_nothing_yet_ends_the_sentence(message: str, said: str) -> None:
    assert OperationSeen("Running", (), message).said == said


@pytest.mark.parametrize(
    "seen",
    [
        replace(APPLICATION_SEEN, resource_version="9"),
        replace(APPLICATION_SEEN, sync_status="OutOfSync", health="Degraded", out_of_sync=3),
        replace(APPLICATION_SEEN, operation=OperationSeen("Running", (), ""), reconciled_at=NOW),
        replace(APPLICATION_SEEN, conditions={"ComparisonError": "It is down."}),
        replace(
            APPLICATION_SEEN,
            sources=tuple(replace(one, revision=LATER) for one in APPLICATION_SEEN.sources),
        ),
    ],
)
def test_what_argo_cd_does_all_the_time_does_not_last(seen: ApplicationSeen) -> None:
    assert seen.lasting == APPLICATION_SEEN.lasting


@pytest.mark.parametrize(
    ("before", "seen"),
    [
        (APPLICATION_SEEN, replace(APPLICATION_SEEN, consents=frozenset({"a/b"}))),
        (APPLICATION_SEEN, replace(APPLICATION_SEEN, sync_policy={"automated": {}, "x": 1})),
        (APPLICATION_SEEN, replace(APPLICATION_SEEN, is_deleted=True)),
        (APPLICATION_SEEN, replace(APPLICATION_SEEN, conditions={"InvalidSpecError": "No."})),
        (APPLICATION_SEEN, replace(APPLICATION_SEEN, renders={CHILD: "Synced"})),
        (APPLICATION_SEEN, replace(APPLICATION_SEEN, hydration=HYDRATED)),
    ],
)
def test_what_its_owner_decides_lasts(before: ApplicationSeen, seen: ApplicationSeen) -> None:
    assert seen.lasting != before.lasting


def test_how_a_hydration_goes_does_not_last() -> None:
    seen = replace(APPLICATION_SEEN, hydration=HYDRATED, renders={CHILD: "Synced"})
    later = replace(seen, hydration=replace(HYDRATED, revision=LATER, failure="It is down."))
    later = replace(later, renders={CHILD: "OutOfSync"})
    assert later.lasting == seen.lasting
