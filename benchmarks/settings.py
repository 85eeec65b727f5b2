"""What a run of the benchmarks measures, read from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.layout import FILES_PER_APP
from testbed.settings import from_environment

SIZES = "1000,20000,100000"
PAIRS = "5"
RELEASES = "200"
WAITING = "50,500"
MERGES = "50"
NEIGHBOUR_RELEASES = "60"
LOOKS = "200"
ROUND_TRIPS = "0,50"
FINISHED, FINISHED_BESIDE_OTHERS = "10000", "1000"
"""Thousands take minutes to make: so many only where nothing else is measured."""

SUSPENDED = "200"
STARTS = "3"
WATCHED = "300"
ANSWERING = "1000"
IDLE_SECONDS = "30"
OBSERVED = "20"
TIMES, TIMES_BESIDE_OTHERS = "20", "3"
"""Takeovers of each way; one of a leader that is killed takes a quarter of a minute."""

BUILDS_BESIDE_EMPTY_JOBS = "5"
CHANGES = "1"
PUSHES = "50"
POLLED = "200"
REPORT = "build/bench.json"

MOST_MERGES = 64
"""Each is of an app of its own, and a pipeline has no more."""

ALONE = BUILDS, COMPARISONS = "builds", "comparisons"
"""They need a testbed that is up, and each is measured alone."""

PARTS = (
    "writeback", "pullrequests", "neighbours", "distance", "scale", "applications", "tags",
    "pipelines", "takeover", "observing", *ALONE,
)  # fmt: skip
"""What `BENCH_ONLY` may name."""

(
    WRITE_BACK,
    PULL_REQUESTS,
    NEIGHBOURS,
    DISTANCE,
    SCALE,
    APPLICATIONS,
    TAGS,
    PIPELINES,
    TAKEOVER,
    OBSERVING,
    *_,
) = PARTS

COUNT = re.compile(r"[1-9][0-9]{0,6}")
MILLISECONDS = re.compile(r"[0-9]{1,4}")


class SettingsError(ValueError):
    """A variable has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """What is measured, and where it is kept.

    Attributes:
        parts: what is measured at all, of `PARTS`.
        sizes: files of each generated repository, ascending.
        pairs: measured runs of each way at each size.
        releases: releases at once in the contention benchmark.
        waiting: numbers of pull requests that wait at the same time, ascending.
        merges: merges that are noticed by webhook, or compared by Argo CD.
        neighbours: releases of a namespace on a server that is no good.
        looks: of another namespace that are measured beside them.
        round_trips: to the server, in milliseconds, ascending.
        finished: releases that have finished, at the starts of the operator.
        suspended: releases that are suspended then.
        applications: of Argo CD, that are watched while it writes them.
        pushes: of tags, each of which makes a release.
        polled: repositories whose tags are looked at.
        pipelines: that are looked at, and then idle.
        starts: of the operator, and of what it is compared with.
        idle_seconds: for how long each is watched once it has nothing to do.
        takeovers: from a leader that is killed, and as many from one that is stopped.
        observed: pairs of runs with metrics, logs and traces and without.
        builds: releases that are compared with empty Jobs.
        changes: of one line, each built with a layer cache and without.
        cache: folder of the generated repositories and of what runs leave while they run.
        report: file the results are written to, as JSON.
    """

    parts: tuple[str, ...]
    sizes: tuple[int, ...]
    pairs: int
    releases: int
    waiting: tuple[int, ...]
    merges: int
    neighbours: int
    looks: int
    round_trips: tuple[int, ...]
    finished: int
    suspended: int
    applications: int
    pushes: int
    polled: int
    pipelines: int
    starts: int
    idle_seconds: int
    takeovers: int
    observed: int
    builds: int
    changes: int
    cache: Path
    report: Path

    @property
    def repositories(self) -> Path:
        """Folder of the generated repositories."""
        return self.cache / "repositories"

    @property
    def runs(self) -> Path:
        """Folder of what is in use; on the same disk, so that repositories are linked into it."""
        return self.cache / "runs"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the variables that begin with `BENCH_`; docs/benchmarks.md lists them.

    Raises:
        SettingsError: naming the variable and what it takes.
    """
    parts = _parts(environment.get("BENCH_ONLY", "").strip())
    sizes = environment.get("BENCH_SIZES") or SIZES
    finished = FINISHED if parts == (SCALE,) else FINISHED_BESIDE_OTHERS
    takeovers = TIMES if parts == (TAKEOVER,) else TIMES_BESIDE_OTHERS
    cache = environment.get("BENCH_CACHE") or str(from_environment().cache / "benchmarks")
    waiting = environment.get("BENCH_WAITING") or WAITING
    return Settings(
        parts=parts,
        sizes=tuple(sorted({_size(word.strip()) for word in sizes.split(",")})),
        pairs=_count("BENCH_PAIRS", environment.get("BENCH_PAIRS") or PAIRS),
        releases=_count("BENCH_RELEASES", environment.get("BENCH_RELEASES") or RELEASES),
        waiting=tuple(
            sorted({_count("BENCH_WAITING", word.strip()) for word in waiting.split(",")})
        ),
        merges=_merges(environment.get("BENCH_MERGES") or MERGES),
        neighbours=_count(
            "BENCH_NEIGHBOURS", environment.get("BENCH_NEIGHBOURS") or NEIGHBOUR_RELEASES
        ),
        looks=_count("BENCH_LOOKS", environment.get("BENCH_LOOKS") or LOOKS),
        round_trips=_round_trips(environment.get("BENCH_ROUND_TRIPS") or ROUND_TRIPS),
        finished=_count("BENCH_FINISHED", environment.get("BENCH_FINISHED") or finished),
        suspended=_count("BENCH_SUSPENDED", environment.get("BENCH_SUSPENDED") or SUSPENDED),
        applications=_count("BENCH_APPLICATIONS", environment.get("BENCH_APPLICATIONS") or WATCHED),
        pushes=_count("BENCH_PUSHES", environment.get("BENCH_PUSHES") or PUSHES),
        polled=_count("BENCH_POLLED", environment.get("BENCH_POLLED") or POLLED),
        pipelines=_count("BENCH_PIPELINES", environment.get("BENCH_PIPELINES") or ANSWERING),
        starts=_count("BENCH_STARTS", environment.get("BENCH_STARTS") or STARTS),
        idle_seconds=_count("BENCH_IDLE", environment.get("BENCH_IDLE") or IDLE_SECONDS),
        takeovers=_count("BENCH_TAKEOVERS", environment.get("BENCH_TAKEOVERS") or takeovers),
        observed=_count("BENCH_OBSERVED", environment.get("BENCH_OBSERVED") or OBSERVED),
        builds=_count("BENCH_BUILDS", environment.get("BENCH_BUILDS") or BUILDS_BESIDE_EMPTY_JOBS),
        changes=_count("BENCH_CHANGES", environment.get("BENCH_CHANGES") or CHANGES),
        cache=Path(cache).expanduser().absolute(),
        report=Path(environment.get("BENCH_REPORT") or REPORT).absolute(),
    )


def _parts(word: str) -> tuple[str, ...]:
    if not word:
        return tuple(part for part in PARTS if part not in ALONE)
    if word not in PARTS:
        raise SettingsError(f"BENCH_ONLY: {word!r} is none of {', '.join(PARTS)}.")
    return (word,)


def _merges(word: str) -> int:
    merges = _count("BENCH_MERGES", word)
    if merges > MOST_MERGES:
        raise SettingsError(f"BENCH_MERGES: {merges} is more than {MOST_MERGES}.")
    return merges


def _round_trips(words: str) -> tuple[int, ...]:
    for word in words.split(","):
        if not MILLISECONDS.fullmatch(word.strip()):
            raise SettingsError(f"BENCH_ROUND_TRIPS: {word!r} is no number of milliseconds.")
    return tuple(sorted({int(word) for word in words.split(",")}))


def _size(word: str) -> int:
    size = _count("BENCH_SIZES", word)
    if size % FILES_PER_APP:
        raise SettingsError(
            f"BENCH_SIZES: {size} is no multiple of {FILES_PER_APP}, the files of one app."
        )
    return size


def _count(variable: str, word: str) -> int:
    if not COUNT.fullmatch(word):
        raise SettingsError(f"{variable}: {word!r} is no whole number above 0.")
    return int(word)
