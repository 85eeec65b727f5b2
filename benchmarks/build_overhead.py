"""What the operator adds to a build Job: until its builder runs, and until its image counts."""

from __future__ import annotations

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import quote

from kubernetes import client, config, watch

from album_operator.domain.names import BUILDER, FETCH
from benchmarks.goals import Goal
from benchmarks.tables import table
from benchmarks.tasks import WrongResultError
from testbed.commands import PartError
from testbed.deploy import NAMESPACE
from testbed.progress import step
from tests.e2e.world import ALBUM, CONFIG, World

OVER_AN_EMPTY_JOB, REUSED_SECONDS = 3.0, 1.0
STEP_SECONDS = 180
OPERATOR_AGENT = "useragent=album-operator"
"""As the testbed's registry writes down who asked."""

CREATED, RUNNING, ENDED, DONE = ("created", "running", "ended", "done")
HEADINGS = ("job", "times", "created to running s", "ended to done s", "together s", "slowest s")


@dataclass
class Timeline:
    """When each state of a Job was first seen, in seconds of the monotonic clock."""

    seen: dict[str, float] = field(default_factory=dict)

    def note(self, state: str) -> None:
        """Remember the first time a state is seen."""
        self.seen.setdefault(state, time.monotonic())

    def between(self, state: str, later: str) -> float:
        """Give the seconds from one state to another."""
        return self.seen[later] - self.seen[state]

    @property
    def overhead(self) -> float:
        """All but the time the builder ran."""
        return self.between(CREATED, RUNNING) + self.between(ENDED, DONE)


@dataclass(frozen=True)
class BuildOverhead:
    """What was measured of one engine.

    Attributes:
        builds: of releases; the last state is that ImageReady is done.
        empty: of Jobs of the same shape that do nothing, one beside each; theirs is Complete.
        asked: requests of the operator at the registry while a builder ran, over all builds.
        reused: seconds from a second release of a tag to its ImageReady, without a build.
    """

    engine: str
    builds: tuple[Timeline, ...]
    empty: tuple[Timeline, ...]
    asked: int
    reused: tuple[float, ...]

    @property
    def over_an_empty_job(self) -> float:
        """Seconds beyond the empty Job beside it; the median."""
        pairs = zip(self.builds, self.empty, strict=True)
        return median(build.overhead - empty.overhead for build, empty in pairs)


def measure_overhead(world: World, operator_image: str, builds: int) -> BuildOverhead:
    """Release an app so many times, each with an empty Job beside it.

    Args:
        world: a testbed with the operator; its engine builds.
        operator_image: of the empty Jobs.
        builds: releases.

    Raises:
        PartError: a part failed, or took too long.
        WrongResultError: a second release of a tag built again.
    """
    timelines, empty, asked, reused = [], [], 0, []
    branch = f"bench-{uuid.uuid4().hex[:8]}"
    image = f"{world.testbed.registry}/album/album-app-frontend:v1.0.0"
    # Long enough that a poll would be seen.
    world.branch_source("frontend/Dockerfile", f"FROM {image}\nUSER 0\nRUN sleep 8\n", branch)
    for number in range(builds):
        with step(f"{world.engine}: build {number + 1} of {builds}, and an empty Job"):
            empty.append(_empty_job(world, operator_image))
            tag = world.new_tag("frontend", branch)
            with _released(world, tag, tag):
                found, until = _release(world, tag), datetime.now(UTC)
                timelines.append(found)
                asked += _asked(world, until, found)
            again = f"{tag}-again"
            with _released(world, tag, again) as began:
                reused.append(_reused(world, again, began))
    return BuildOverhead(world.engine, tuple(timelines), tuple(empty), asked, tuple(reused))


def overhead_goals(found: BuildOverhead) -> tuple[Goal, ...]:
    """Give the goals."""
    goals = (
        ("a build beyond an empty Job beside it", OVER_AN_EMPTY_JOB, " s", found.over_an_empty_job),
        ("requests at the registry while a builder runs", 0, "", float(found.asked)),
        ("ImageReady of a tag that is built already", REUSED_SECONDS, " s", max(found.reused)),
    )
    return tuple(
        Goal(f"{name}, {found.engine}", wanted, at_least=False, unit=unit, measured=measured)
        for name, wanted, unit, measured in goals
    )


def render_overhead(found: BuildOverhead) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield f"{len(found.builds)} releases by {found.engine}, each after an empty Job; medians:"
    yield ""
    rows = {"a release's, to ImageReady": found.builds, "an empty one, to Complete": found.empty}
    yield from table(HEADINGS, [_row(name, timelines) for name, timelines in rows.items()])
    yield ""
    yield (
        f"Beyond the empty Job: {found.over_an_empty_job:.2f} s. The operator's requests at the "
        f"registry while builders ran: {found.asked}. A second release of a tag: ImageReady after "
        f"{median(found.reused):.2f} s, {max(found.reused):.2f} s at most, nothing built."
    )


def _row(name: str, timelines: tuple[Timeline, ...]) -> tuple[str, ...]:
    return (
        name,
        str(len(timelines)),
        f"{median(each.between(CREATED, RUNNING) for each in timelines):.2f}",
        f"{median(each.between(ENDED, DONE) for each in timelines):.2f}",
        f"{median(each.overhead for each in timelines):.2f}",
        f"{max(each.overhead for each in timelines):.2f}",
    )


@contextmanager
def _released(world: World, tag: str, name: str) -> Iterator[float]:
    """Make a release of a tag, with a branch of its own; give when, by the monotonic clock."""
    # A closed pull request is a person's no to all releases of its branch.
    world.pipeline(config__pullRequest__branch=f"bench-{name}/${{tag}}")
    began = time.monotonic()
    world.release(tag, name)
    try:
        yield began
        # Else its branch is pushed after it was looked for here.
        world.await_reason(name, "AwaitingMerge")
    finally:
        world.testbed.kubectl("delete", "albumrelease", name, "-n", NAMESPACE, "--timeout=60s")
        branch = f"bench-{name}/{tag}"
        if world.find_branch(branch) is not None:
            world.forge.call("DELETE", f"/repos/{CONFIG}/branches/{quote(branch, safe='')}")


def _release(world: World, name: str) -> Timeline:
    """Follow a release to its ImageReady."""
    timeline = Timeline()
    with _following(world, timeline, f"album.dev/release={name}"):
        _await_image_ready(world, name, timeline)
    return timeline


def _empty_job(world: World, image: str) -> Timeline:
    """Run a Job with the containers of a build and nothing in them, to its Complete."""
    timeline, name = Timeline(), f"bench-{uuid.uuid4().hex[:12]}"
    nothing = {"image": image, "command": ["true"]}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "initContainers": [{"name": FETCH, **nothing}],
        "containers": [{"name": BUILDER, **nothing}],
    }
    job = {"metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": {"spec": pod}}}

    def look(found: Any) -> None:  # noqa: ANN401 - its models make every field optional
        if any(item.type == "Complete" for item in found.status.conditions or []):
            timeline.note(DONE)

    world.batch.create_namespaced_job(NAMESPACE, job)
    try:
        with _following(world, timeline, f"job-name={name}"):
            _each(world.batch.list_namespaced_job, look, timeline, DONE,
                  NAMESPACE, field_selector=f"metadata.name={name}")  # fmt: skip
    finally:
        world.batch.delete_namespaced_job(name, NAMESPACE, propagation_policy="Background")
    return timeline


@contextmanager
def _following(world: World, timeline: Timeline, selector: str) -> Iterator[None]:
    """Note when Job and builder are seen, beside what is done meanwhile."""
    api = config.new_client_from_config(str(world.testbed.kubeconfig))
    batch, core = client.BatchV1Api(api), client.CoreV1Api(api)

    def look(pod: Any) -> None:  # noqa: ANN401
        for status in pod.status.container_statuses or []:
            if status.name == BUILDER and (status.state.running or status.state.terminated):
                timeline.note(RUNNING)
            if status.name == BUILDER and status.state.terminated:
                timeline.note(ENDED)

    ways = (
        (batch.list_namespaced_job, lambda _: timeline.note(CREATED), CREATED),
        (core.list_namespaced_pod, look, ENDED),
    )
    threads = [
        threading.Thread(
            target=_each,
            args=(listed, seen, timeline, last, NAMESPACE),
            kwargs={"label_selector": selector},
        )
        for listed, seen, last in ways
    ]
    for thread in threads:
        # Of a release that stalls there is no Job to wait for.
        thread.daemon = True
        thread.start()
    yield
    for thread in threads:
        thread.join()
    missing = {CREATED, RUNNING, ENDED, DONE} - timeline.seen.keys()
    if missing:
        raise PartError("build", f"{selector}: not seen within {STEP_SECONDS} s: {missing}")


def _each(
    listed: Callable[..., Any],
    look: Callable[[Any], None],
    timeline: Timeline,
    last: str,
    *arguments: str,
    **options: str,
) -> None:
    """Look at each object a watch tells of, until a state was seen."""
    events = watch.Watch().stream(listed, *arguments, **options, timeout_seconds=STEP_SECONDS)
    for event in events:
        look(event["object"])
        if last in timeline.seen:
            return


def _reused(world: World, name: str, began: float) -> float:
    """Give the seconds from a second release of a tag to its ImageReady.

    Raises:
        WrongResultError: it made a Job.
    """
    timeline = Timeline()
    _await_image_ready(world, name, timeline)
    if world.jobs(name):
        raise WrongResultError(f"{name} has built an image again that was there.")
    return timeline.seen[DONE] - began


def _await_image_ready(world: World, name: str, timeline: Timeline) -> None:
    def look(release: dict[str, Any]) -> None:
        status = release.get("status", {})
        steps = {item["name"]: item["state"] for item in status.get("steps", [])}
        if steps.get("ImageReady") == "Succeeded":
            timeline.note(DONE)
        for item in status.get("conditions", []):
            if item["type"] == "Stalled" and item["status"] == "True":
                raise PartError(f"release {name}", f"{item['reason']}: {item['message']}")

    where = (*ALBUM, NAMESPACE, "albumreleases")
    listed = world.objects.list_namespaced_custom_object
    _each(listed, look, timeline, DONE, *where, field_selector=f"metadata.name={name}")


def _asked(world: World, until: datetime, found: Timeline) -> int:
    """Count what the operator asked the registry of the image while its builder ran.

    Raises:
        WrongResultError: the registry's log has no request at all, though the operator has asked
            before its build and after it.
    """
    latest = max(found.seen.values())
    times = {
        state: datetime.fromtimestamp(until.timestamp() - (latest - seen), UTC)
        for state, seen in found.seen.items()
    }
    if not _requests(world, times[CREATED] - timedelta(seconds=STEP_SECONDS), until):
        raise WrongResultError("The registry's log has no request of the operator.")
    return _requests(world, times[RUNNING], times[ENDED])


def _requests(world: World, since: datetime, until: datetime) -> int:
    docker = ["docker", f"--host={world.testbed.docker_host}", "logs"]
    span = [f"--since={since.isoformat()}", f"--until={until.isoformat()}"]
    registry = f"{world.testbed.settings.name}-registry"
    said = subprocess.run([*docker, *span, registry], capture_output=True, text=True, check=True)
    lines = (said.stdout + said.stderr).splitlines()
    return sum(OPERATOR_AGENT in line and "/album-app-frontend/" in line for line in lines)
