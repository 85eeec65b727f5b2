"""A build after a change of one line, with a layer cache and without, by the real engines."""

from __future__ import annotations

import base64
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from kubernetes import client, config, watch

from album_operator.domain.build_cache import ResolvedCache
from album_operator.domain.names import BUILDER
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from album_operator.render.engines import EngineSettings, Mirror
from album_operator.render.job import render_job
from album_operator.settings import BUILDKIT_IMAGE, KANIKO_IMAGE
from benchmarks.goals import Goal
from benchmarks.tables import table
from testbed.access import Testbed
from testbed.commands import PartError
from testbed.deploy import NAMESPACE
from testbed.forge import Forge
from testbed.progress import note, step
from testbed.samples.dependencies import APP, CHANGED, FIRST_TAG, REPOSITORY, publish_dependencies
from tests.fakes.builders import RELEASE, RESOLVED

TIMES_FASTER = 3.0
BUILD_SECONDS = 1200
KANIKO_ARCHIVE = "TESTBED_KANIKO_IMAGE"

REST_SECONDS = 365
"""Until ext4 has forgotten what was deleted: for 300 s and 60 more it gives no inode away again,
and for each file it makes it looks at all of those (`recently_deleted` in fs/ext4/ialloc.c). Right
after a build's files are removed, unpacking takes two to three times as long."""

HELD = "album-bench"
"""Label of the Jobs, and name of the container that keeps a Pod when its build has ended."""

FILLING, WITHOUT, WITH = WAYS = (
    "first build, fills the cache", "after a change, no cache", "after a change, cache",
)  # fmt: skip
HEADINGS = ("engine", "build", "seconds", "fastest to slowest", "times faster")


@dataclass(frozen=True)
class Rebuild:
    """Builds of one engine.

    Attributes:
        seconds: of each way, from a Job's creation to its builder's end, source and push included.
    """

    engine: str
    seconds: dict[str, tuple[float, ...]]

    @property
    def times_faster(self) -> float:
        """How much faster a rebuild is with the cache; of medians."""
        return median(self.seconds[WITHOUT]) / median(self.seconds[WITH])


def measure_rebuilds(
    testbed: Testbed, operator_image: str, engines: Iterable[BuildType], changes: int
) -> tuple[Rebuild, ...]:
    """Measure some engines.

    Args:
        testbed: that is up.
        operator_image: which fetches the source.
        engines: which.
        changes: each is built without the cache and with it.

    Raises:
        PartError: a build or a part failed.
    """
    publish_dependencies(testbed)
    runner = _Runner.on(testbed, operator_image)
    with step("let the disk forget what was deleted on it"):
        time.sleep(REST_SECONDS)
    try:
        return tuple(_measure(runner, engine, changes) for engine in engines)
    finally:
        runner.remove_jobs()


def rebuild_goals(found: tuple[Rebuild, ...]) -> tuple[Goal, ...]:
    """Give the goal of each engine, also of one that was not measured."""
    measured = {each.engine: each.times_faster for each in found}
    return tuple(
        Goal(
            f"rebuild after a change of one line, cache over none, {engine}",
            TIMES_FASTER, at_least=True, unit="x", measured=measured.get(engine),
        )
        for engine in (BuildType.KANIKO, BuildType.BUILDKIT)
    )  # fmt: skip


def render_rebuilds(found: tuple[Rebuild, ...]) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield "A service with vendored Go modules and a wheel house, Job created to builder ended:"
    yield ""
    yield from table(HEADINGS, [_row(each, way) for each in found for way in WAYS])
    if BuildType.KANIKO not in {each.engine for each in found}:
        yield ""
        yield f"kaniko was NOT measured: {KANIKO_ARCHIVE} names no archive of its executor."


def _row(found: Rebuild, way: str) -> tuple[str, ...]:
    seconds = found.seconds[way]
    times = median(found.seconds[WITHOUT]) / median(seconds)
    span = f"{min(seconds):.1f} to {max(seconds):.1f}"
    faster = "" if way == FILLING else f"{times:.1f}"
    return found.engine, way, f"{median(seconds):.1f}", span, faster


def find_engines(testbed: Testbed) -> Iterator[BuildType]:
    """Give each engine that is there, and say of one that is not."""
    yield BuildType.BUILDKIT
    archive = os.environ.get(KANIKO_ARCHIVE)
    if archive:
        testbed.load_image(Path(archive))
        yield BuildType.KANIKO
    else:
        note(f"kaniko is not measured: {KANIKO_ARCHIVE} names no archive of its executor")


def _measure(runner: _Runner, engine: BuildType, changes: int) -> Rebuild:
    cache = ResolvedCache(f"{runner.place}-cache-{uuid.uuid4().hex[:8]}", timedelta(hours=336))
    first = runner.resolve(engine, FIRST_TAG, runner.commit_of(FIRST_TAG))
    seconds: dict[str, tuple[float, ...]] = {WITHOUT: (), WITH: ()}
    with step(f"{engine}: {FILLING}"):
        seconds[FILLING] = (runner.build(first, cache),)
    for _ in range(changes):
        changed = runner.change(engine)
        for way, used in ((WITHOUT, None), (WITH, cache)):
            with step(f"{engine}: {way}"):
                seconds[way] += (runner.build(changed, used),)
    return Rebuild(engine, seconds)


@dataclass(frozen=True)
class _Runner:
    """Builds by the Jobs the operator makes, but made here: no release waits for anything else.

    Attributes:
        place: of the app's image, without tag.
    """

    testbed: Testbed
    forge: Forge
    batch: Any
    core: Any
    settings: EngineSettings
    place: str

    @classmethod
    def on(cls, testbed: Testbed, operator_image: str) -> _Runner:
        """Connect to a testbed."""
        forge = testbed.forge_url.partition("://")[2]
        settings = EngineSettings(
            operator_image,
            KANIKO_IMAGE,
            BUILDKIT_IMAGE,
            registry_mirrors=(Mirror(testbed.registry),),
            insecure_hosts=frozenset({forge, testbed.registry}),
            allow_privileged=True,
        )
        api = config.new_client_from_config(str(testbed.kubeconfig))
        place = f"{testbed.registry}/{REPOSITORY}"
        apis = client.BatchV1Api(api), client.CoreV1Api(api)
        return cls(testbed, Forge.of_owner(testbed), *apis, settings, place)

    def commit_of(self, tag: str) -> str:
        """Give the commit of a tag."""
        found = self.forge.call("GET", f"/repos/{REPOSITORY}/tags/{tag}")
        return str(found["commit"]["sha"])

    def change(self, engine: BuildType) -> Resolved:
        """Tag a commit that changes one line to what nobody has built yet."""
        line, path = CHANGED
        version = f"v1.0.{int(time.time())}"
        where = f"/repos/{REPOSITORY}/contents/{path}"
        found = self.forge.call("GET", f"{where}?ref={FIRST_TAG}")
        text = (
            base64.b64decode(found["content"]).decode().replace(line, line.replace("none", version))
        )
        body = {
            "content": base64.b64encode(text.encode()).decode(),
            "sha": self.forge.call("GET", where)["sha"],
            "message": f"watcher: {version}",
        }
        commit = str(self.forge.call("PUT", where, body)["commit"]["sha"])
        tag = f"{APP}-{version}"
        self.forge.call("POST", f"/repos/{REPOSITORY}/tags", {"tag_name": tag, "target": commit})
        return self.resolve(engine, tag, commit)

    def resolve(self, engine: BuildType, tag: str, commit: str) -> Resolved:
        """Say what is built."""
        version = tag.removeprefix(f"{APP}-")
        url = f"{self.testbed.forge_url}/{REPOSITORY}"
        return replace(
            RESOLVED,
            app=APP,
            version=version,
            source=replace(RESOLVED.source, repository=url, tag=tag, commit=commit),
            build=replace(
                RESOLVED.build,
                type=engine,
                image=f"{self.place}-{engine.lower()}:{version}",
                insecure=True,
                context_dir=APP,
                args=tuple(replace(arg, value=version) for arg in RESOLVED.build.args),
            ),
        )

    def build(self, resolved: Resolved, cache: ResolvedCache | None) -> float:
        """Run one build to its end and give its seconds.

        Its Pod is kept: kubelet removes the volumes of one that has ended at once, and what is
        removed slows down the next build (`REST_SECONDS`).

        Raises:
            PartError: it failed.
        """
        wish = replace(resolved, build=replace(resolved.build, cache=cache))
        job = render_job(RELEASE, wish, 1, self.settings)
        name = f"{HELD}-{uuid.uuid4().hex[:12]}"
        # No release has it, and no operator counts it.
        job["metadata"] = {"name": name, "labels": {HELD: ""}}
        del job["spec"]["activeDeadlineSeconds"]
        job["spec"]["template"]["metadata"] = {}
        pod = job["spec"]["template"]["spec"]
        # `sleep` obeys nobody as the first process of a container.
        pod["terminationGracePeriodSeconds"] = 0
        sleeping = {"image": self.settings.operator_image, "command": ["sleep", "infinity"]}
        pod["containers"].append({"name": HELD, **sleeping})
        began = time.monotonic()
        self.batch.create_namespaced_job(NAMESPACE, job)
        self._await_end(name)
        return time.monotonic() - began

    def remove_jobs(self) -> None:
        """Remove the Jobs of all builds, with their Pods."""
        self.batch.delete_collection_namespaced_job(
            NAMESPACE, label_selector=HELD, propagation_policy="Background"
        )

    def _await_end(self, name: str) -> None:
        events = watch.Watch().stream(
            self.core.list_namespaced_pod,
            NAMESPACE,
            label_selector=f"job-name={name}",
            timeout_seconds=BUILD_SECONDS,
        )
        for event in events:
            status = event["object"].status
            every = (status.init_container_statuses or []) + (status.container_statuses or [])
            ended = {each.name: each.state.terminated for each in every if each.state.terminated}
            failed = [each for each, end in ended.items() if end.exit_code]
            if failed:
                logs = ("logs", f"job/{name}", "-n", NAMESPACE, f"--container={failed[0]}")
                said = self.testbed.kubectl(*logs, "--tail=20")
                raise PartError("build", f"{failed[0]} of {name} failed\n{said}")
            if BUILDER in ended:
                return
        raise PartError("build", f"{name} did not end within {BUILD_SECONDS} s")
