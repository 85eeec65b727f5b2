"""What steps work on and with, whatever release it is for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from album_operator.domain.status_change import Observer
from album_operator.memory.build_queue import BuildQueue
from album_operator.memory.image_waits import ImageWaits
from album_operator.memory.release_index import ReleaseIndex
from album_operator.memory.sightings import Sightings
from album_operator.ports import (
    Applications,
    Builds,
    ConfigRepository,
    Crashes,
    Editor,
    Pipelines,
    PullRequestReader,
    PullRequests,
    Registry,
    Releases,
    Secrets,
    SourceRepository,
    TagReader,
)
from album_operator.settings import Settings


@dataclass(frozen=True)
class World:
    """The outside world, one adapter for each port, and what the process remembers of it.

    Attributes:
        watch: reads waiting pull requests, and tells when they change.
        clock: the operator's.
        queue: who waits until another build has ended.
        image_waits: who waits for another's build of the same image.
        index: whose a release branch is.
        tags: lists those of the sources that pipelines follow.
        errands: works that nobody waits for.
        observers: are told of each status that was written.
    """

    releases: Releases
    pipelines: Pipelines
    secrets: Secrets
    source: SourceRepository
    config: ConfigRepository
    editor: Editor
    pull_requests: PullRequests
    watch: PullRequestReader
    builds: Builds
    registry: Registry
    applications: Applications
    crashes: Crashes
    settings: Settings
    clock: Callable[[], datetime]
    sightings: Sightings
    queue: BuildQueue
    image_waits: ImageWaits
    index: ReleaseIndex
    tags: TagReader
    errands: set[asyncio.Task[None]] = field(default_factory=set)
    observers: list[Observer] = field(default_factory=list)
