"""How soon Argo CD compares a merge: where the operator asks it to, and by its own polling."""

import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from benchmarks.goals import Goal
from benchmarks.pull_requests import PERCENT, percentile
from benchmarks.sightings import ASKED, MERGED, Sightings, watching
from benchmarks.tables import table
from benchmarks.tasks import WrongResultError
from testbed.access import Testbed
from testbed.commands import PartError
from testbed.deploy import NAMESPACE, deploy
from testbed.progress import note, step
from testbed.settings import from_environment
from tests.e2e.applications import application, applied, ensure_file
from tests.e2e.world import CONFIG, World, wait_for

COMPARED_SECONDS = 2.0

APPLICATIONS = 5
"""Released in turns, so that each has come to rest when it is released again."""

COMPARED_AT = 50
"""Merges the goal is for, at least."""

UNASKED = "album-app-frontend"
"""An Application of the samples, of the same repository; no release of the benchmark is its."""

POLLED_SECONDS = 200.0
"""For so long it is watched after the last merge; by default Argo CD polls every 120 to 180 s."""

MERGE_SECONDS = 60
PAUSE_SECONDS = 0.05
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
HEADINGS = ("from merge", "merges", "p50 s", f"p{PERCENT} s", "slowest s")


@dataclass(frozen=True)
class Comparison:
    """One merge, in seconds from the forge's answer to it.

    Attributes:
        merging: from the call to the answer, before all others.
        noticed: until the release's status tells of the merge.
        asked: until the Application has the annotation that asks for a comparison; None where it
            was compared without.
        compared: until the Application's status has our commit as what it was compared to.
    """

    merging: float
    noticed: float
    asked: float | None
    compared: float


@dataclass(frozen=True)
class Comparisons:
    """What was measured.

    Attributes:
        asked: merges of releases.
        polled: seconds from the forge's answer to each merge until an Application of the same
            repository was compared to it or a later one, though nobody asked; None where it was not
            within `POLLED_SECONDS` of the last.
    """

    asked: tuple[Comparison, ...]
    polled: tuple[float | None, ...]


def measure_comparisons(merges: int) -> Comparisons:
    """Measure on the testbed of the environment, with the operator of this checkout.

    Args:
        merges: of releases, one after another.

    Raises:
        PartError: the testbed is not up, or a part failed.
        WrongResultError: Argo CD was asked where its own polling was measured.
    """
    testbed = Testbed.from_settings(from_environment())
    deploy(testbed)
    world = replace(World.of(testbed), engine="External")
    names = [f"bench-compared-{number}" for number in range(APPLICATIONS)]
    with _applications(world, names), watching(testbed) as sightings:
        with step(f"{merges} merges, one after another"):
            merged = _merge_all(world, sightings, names, merges)
        with step(f"Argo CD's own polling, {POLLED_SECONDS:g} s at most"):
            without_us = polled(sightings, merged)
    return Comparisons(tuple(each.comparison for each in merged), without_us)


def comparison_goals(found: Comparisons) -> tuple[Goal, ...]:
    """Give the goal."""
    compared = [each.compared for each in found.asked]
    measured = percentile(compared, PERCENT) if len(compared) >= COMPARED_AT else None
    return (
        Goal(f"merge to Argo CD comparing it, p{PERCENT} of {COMPARED_AT} merges",
             COMPARED_SECONDS, at_least=False, unit=" s", measured=measured),
    )  # fmt: skip


def render_comparisons(found: Comparisons) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield "Argo CD compares a merge, in seconds from the forge's answer to it:"
    yield ""
    merges = found.asked
    seen = [each for each in found.polled if each is not None]
    rows = (
        ("to the comparison, which the operator asks for", [each.compared for each in merges]),
        ("of this, until the release tells of the merge", [each.noticed for each in merges]),
        ("of this, until Argo CD is asked", [one.asked for one in merges if one.asked is not None]),
        ("to the comparison, with the forge's own merging",
         [each.merging + each.compared for each in merges]),
        ("to the comparison, by Argo CD's own polling", seen),
    )  # fmt: skip
    yield from table(HEADINGS, [_row(name, seconds) for name, seconds in rows if seconds])
    if len(seen) < len(found.polled):
        yield ""
        yield (
            f"By its own polling {len(found.polled) - len(seen)} of {len(found.polled)} were not "
            f"compared within {POLLED_SECONDS:g} s of the last."
        )


def _row(name: str, seconds: Sequence[float]) -> tuple[str, ...]:
    figures = (median(seconds), percentile(seconds, PERCENT), max(seconds))
    return (name, str(len(seconds)), *(f"{each:.2f}" for each in figures))


@dataclass(frozen=True)
class Merge:
    """A merge, when it was answered by the monotonic clock, and its commit."""

    comparison: Comparison
    answered: float
    commit: str


@contextmanager
def _applications(world: World, names: Sequence[str]) -> Iterator[None]:
    """Give each Application values and a pipeline of its own, and wait until it is green."""
    found = []
    for name in names:
        path = f"backend/{name}.yaml"
        ensure_file(world, path, 'image:\n  tag: "v1.0.0"\n')
        app = {
            "name": "backend",
            "edits": [{"path": path, "key": "image.tag"}],
            "applications": [{"namespace": "argocd", "name": name}],
        }
        branch = {"branch": f"{name}/${{app}}_${{version}}"}
        # The image is another's, without a label of its commit.
        world.pipeline(name, apps=[app], config__pullRequest=branch, build__existingImage="Adopt")
        source = {"path": "backend", "helm": {"valueFiles": [f"{name}.yaml"]}}
        found.append(application(world, name, name, source))
        found[-1]["spec"]["syncPolicy"] = {"automated": {}}
    with applied(world, *found):
        for name in names:
            wait_for(f"{name} green", partial(_is_green, world, name))
        yield


def _is_green(world: World, name: str) -> bool:
    status = world.application(name).get("status", {})
    states = [status.get(part, {}).get("status") for part in ("sync", "health")]
    return states == ["Synced", "Healthy"]


def _merge_all(
    world: World, sightings: Sightings, names: Sequence[str], merges: int
) -> list[Merge]:
    found: list[Merge] = []
    releases: list[str] = []
    try:
        for number in range(merges):
            if number >= len(names):
                world.await_finished(releases[number - len(names)])
            tag = world.new_tag(target="main")
            _copy_image(world, tag.removeprefix("backend-"))
            pipeline = names[number % len(names)]
            releases.append(world.release(tag, pipeline=pipeline))
            found.append(_compared(world, sightings, releases[-1], pipeline))
            note(f"merge {number + 1}: {found[-1].comparison}")
        for name in releases[-len(names) :]:
            world.await_finished(name)
    finally:
        kind = ("albumrelease", *releases, "-n", NAMESPACE, "--ignore-not-found")
        world.testbed.kubectl("delete", *kind, "--wait=false")
    return found


def _copy_image(world: World, version: str) -> None:
    """Give the first image of the backend the tag of a version too."""
    below = f"http://{world.testbed.registry}/v2/album/album-app-backend/manifests"
    got = urllib.request.Request(f"{below}/v1.0.0", headers={"Accept": MANIFEST})  # noqa: S310
    with urllib.request.urlopen(got, timeout=60) as answer:  # noqa: S310
        manifest = answer.read()
    put = urllib.request.Request(  # noqa: S310 - the testbed's own plain HTTP address
        f"{below}/{version}", manifest, {"Content-Type": MANIFEST}, method="PUT"
    )
    urllib.request.urlopen(put, timeout=60).close()  # noqa: S310


def _compared(world: World, sightings: Sightings, release: str, application: str) -> Merge:
    """Merge the pull request of a release, and wait until Argo CD has compared to that."""
    number = world.await_reason(release, "AwaitingMerge")["status"]["pullRequest"]["number"]
    path = f"/repos/{CONFIG}/pulls/{number}"
    began, answered = _merge(world, f"{path}/merge")
    until = answered + POLLED_SECONDS
    commit = world.reviewer.call("GET", path)["merge_commit_sha"]
    compared = sightings.first(application, commit, began, until)
    noticed = sightings.first(release, MERGED, began, until)
    if compared is None or noticed is None:
        raise PartError("Argo CD", f"{application} is not compared to {commit} of {release}")
    asked = sightings.first(application, ASKED, began, began)
    comparison = Comparison(
        merging=answered - began,
        noticed=noticed - answered,
        asked=None if asked is None or asked > compared else asked - answered,
        compared=compared - answered,
    )
    return Merge(comparison, answered, commit)


def _merge(world: World, path: str) -> tuple[float, float]:
    """Merge as soon as the forge lets us; give when that call began, and when it was answered."""
    deadline = time.monotonic() + MERGE_SECONDS
    while True:
        began = time.monotonic()
        try:
            world.reviewer.call("POST", path, {"Do": "merge"})
        except PartError:
            # Gitea answers 405 until it has looked for conflicts, anew after each merge.
            if began > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return began, time.monotonic()


def polled(sightings: Sightings, merges: Sequence[Merge]) -> tuple[float | None, ...]:
    """Tell how long an Application that nobody asks for took to be compared to each merge.

    Raises:
        WrongResultError: somebody asked.
    """
    first, last = merges[0], merges[-1]
    sightings.first(UNASKED, last.commit, last.answered, time.monotonic() + POLLED_SECONDS)
    if sightings.first(UNASKED, ASKED, first.answered, first.answered) is not None:
        raise WrongResultError(f"{UNASKED} was asked for a comparison by somebody.")
    found: list[float | None] = []
    for number, merge in enumerate(merges):
        now = merge.answered
        seen = [sightings.first(UNASKED, later.commit, now, now) for later in merges[number:]]
        known = [at - now for at in seen if at is not None]
        found.append(min(known, default=None))
    return tuple(found)
