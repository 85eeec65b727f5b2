"""What pull requests cost at the forge, and how soon a merge is known: measured, and its goals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from benchmarks.goals import Goal
from benchmarks.noticing import POLL, Noticing, measure_noticing
from benchmarks.release_requests import OWNER, ReleaseRequests, measure_release_requests
from benchmarks.waiting import Waiting, measure_waiting
from testbed.github.server import running_github
from testbed.progress import step
from tests.contract.gitea_server import running_gitea

COUNTED = 8
CONTENT = 1
NOTICED_SECONDS = 1.0

POLLED_SECONDS = POLL.total_seconds() + 0.5
"""A tick, and what its list and the release's own look may take."""

PERCENT = 95


@dataclass(frozen=True)
class PullRequestResults:
    """What was measured.

    Attributes:
        requests: of a release at GitHub; the first is of the way the goals are about.
        waiting: by number of pull requests, ascending.
    """

    requests: tuple[ReleaseRequests, ...]
    waiting: tuple[Waiting, ...]
    noticing: Noticing


def measure_pull_requests(
    waiting: tuple[int, ...], merges: int, folder: Path
) -> PullRequestResults:
    """Measure on a stand-in for GitHub and on a Gitea.

    Args:
        waiting: numbers of pull requests that wait at the same time.
        merges: how many are noticed by webhook.
        folder: an empty folder.

    Raises:
        PartError: a part failed.
        OutsideError: an adapter's.
        WrongResultError: a merge was not told of.
        ViolationError: a request was not as GitHub describes its API.
    """
    with running_github(folder / "github") as github:
        github.make_user(OWNER)
        # All is one account there, and what it does in a minute is a day's work elsewhere.
        for limit in vars(github.limits):
            setattr(github.limits, limit, 1_000_000)
        with step("releases at GitHub"):
            requests = measure_release_requests(github, folder)
        found = measure_waiting(github, waiting)
    (folder / "gitea").mkdir()
    with running_gitea(folder / "gitea") as gitea:
        noticing = measure_noticing(gitea, merges, folder)
    return PullRequestResults(requests, found, noticing)


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the smallest value that so many percent of all do not exceed.

    Raises:
        IndexError: there is none.
    """
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def pull_request_goals(results: PullRequestResults) -> tuple[Goal, ...]:
    """Give the goals of pull requests."""
    release, noticing = results.requests[0], results.noticing
    return (
        Goal("GitHub, counted requests from propose to merged", COUNTED, at_least=False,
             unit="", measured=release.counted),
        Goal("GitHub, those of them that create content", CONTENT, at_least=False,
             unit="", measured=release.content),
        *_waiting_goals(results.waiting[0], results.waiting[-1]),
        Goal(f"merge to noticed by webhook, p{PERCENT}", NOTICED_SECONDS, at_least=False,
             unit="s", measured=percentile(noticing.by_webhook, PERCENT)),
        Goal(f"merge to noticed by polling every {POLL.total_seconds():g} s, slowest",
             POLLED_SECONDS, at_least=False, unit="s", measured=max(noticing.by_polling)),
    )  # fmt: skip


def _waiting_goals(few: Waiting, many: Waiting) -> Iterator[Goal]:
    """Many may cost in a tick what few do, and the pages it takes to look at the others."""
    for kind, tick in many.ticks.items():
        yield Goal(
            f"{many.pull_requests} waiting, counted requests of a tick {kind}",
            few.ticks[kind].counted + many.most_pages - few.most_pages,
            at_least=False, unit="", measured=tick.counted,
        )  # fmt: skip
