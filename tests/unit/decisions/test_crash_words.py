"""What is told of a container that crashes."""

from dataclasses import replace

import pytest

from album_operator.decisions import crash_words
from album_operator.decisions.proof import DeploySeen
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import RewrittenRegistry
from album_operator.domain.builds import PodTrouble
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Halt
from tests.fakes.builders import (
    APPLICATION_SEEN,
    IMAGE,
    IMAGE_RECORD,
    NAMESPACE,
    RECORD,
    RESOLVED,
)

PIPELINE = Ref(NAMESPACE, "album-app")
ILL = replace(APPLICATION_SEEN, health="Degraded", destination="shop")
CRASH = PodTrouble("backend-1-x", "backend", "CrashLoopBackOff", "no database.\n", 1)
FAILED = "Application argocd/album-app-backend is Degraded: apps/Deployment shop/backend."
WORDS = "Pod backend-1-x, container backend: CrashLoopBackOff, exit code 1: no database."


def _places(app: ApplicationSeen | None, *, consent: bool = True) -> list[str]:
    asked = Halt(Reason.DEGRADED, "")
    seen = {APPLICATION_SEEN.ref: DeploySeen(app, False, frozenset(), asked)}
    return list(crash_words.places(seen, PIPELINE, consent=consent))


def test_it_is_looked_for_where_a_degraded_application_deploys_to() -> None:
    assert _places(ILL) == ["shop"]
    assert _places(replace(ILL, health="Healthy")) == []
    assert _places(replace(ILL, destination="")) == []
    assert _places(None) == []


def test_who_has_not_consented_lends_no_look_at_his_pods() -> None:
    foreign = replace(ILL, consents=frozenset({"other/pipeline"}))

    assert _places(foreign) == []
    assert _places(foreign, consent=False) == ["shop"]


def test_only_the_image_of_the_release_counts_by_whatever_name_of_it() -> None:
    record = replace(RECORD, image=IMAGE_RECORD)
    mirror = RewrittenRegistry("ghcr.io", "mirror.example.org/ghcr")
    mirrored = replace(RESOLVED, argocd=replace(RESOLVED.argocd, rewritten_registries=(mirror,)))
    other = f"mirror.example.org/ghcr/{IMAGE.removeprefix('ghcr.io/')}:v1.1.0"

    assert crash_words.is_ours(f"{IMAGE}:v1.1.0", ILL, record, RESOLVED)
    assert not crash_words.is_ours(f"{IMAGE}:v1.0.0", ILL, record, RESOLVED)
    assert not crash_words.is_ours("docker.io/istio/proxyv2:1.30", ILL, record, RESOLVED)
    assert not crash_words.is_ours(other, ILL, record, RESOLVED)
    assert crash_words.is_ours(other, ILL, record, mirrored)


@pytest.mark.parametrize(
    ("crash", "said"),
    [
        (CRASH, WORDS),
        (
            PodTrouble("backend-1-x", "backend", "OOMKilled", "", 137),
            "Pod backend-1-x, container backend: OOMKilled, exit code 137.",
        ),
        (
            PodTrouble("backend-1-x", "migrate", "CreateContainerConfigError", 'no secret "db"'),
            'Pod backend-1-x, container migrate: CreateContainerConfigError: no secret "db".',
        ),
    ],
)
def test_a_crash_is_told_in_one_sentence(crash: PodTrouble, said: str) -> None:
    assert crash_words.say(crash) == said


def test_last_words_are_cut_at_a_blank() -> None:
    said = crash_words.say(replace(CRASH, message="no database " * 40))

    assert len(said) <= crash_words.LENGTH
    assert said.endswith("database …") or said.endswith("no …")


def test_a_right_that_lacks_is_named() -> None:
    assert "may not list pods in namespace shop" in crash_words.lack("shop")


def test_a_failure_is_told_with_what_crashed() -> None:
    halt = Halt(Reason.DEGRADED, FAILED)

    assert crash_words.add(halt, WORDS).message == f"{FAILED} {WORDS}"
    assert crash_words.add(halt, "") == halt


def test_where_room_is_short_the_failure_gives_way_and_then_the_words_do() -> None:
    failed = FAILED.replace("backend.", "backend (exceeded its deadline, and more of that).")
    assert crash_words.fit(failed, WORDS, 220) == f"{failed} {WORDS}"
    assert crash_words.fit(failed, "", 220) == failed
    narrow = crash_words.fit(failed, WORDS, 180)
    assert narrow.startswith("Application argocd/album-app-backend is Degraded: ")
    assert narrow.endswith(f"… {WORDS}")
    assert len(narrow) <= 180
    long = crash_words.fit(failed, WORDS.replace("database", "database at db" * 9), 180)
    assert long.endswith("exit code 1: no database at …")
    assert len(long) <= 180


def test_some_room_is_taken_however_long_names_are() -> None:
    for words in (WORDS, ""):
        told = crash_words.fit(FAILED * 3, words, -5)
        assert crash_words.LENGTH // 2 < len(told) <= crash_words.LENGTH
