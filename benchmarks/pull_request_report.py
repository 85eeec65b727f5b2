"""The tables about pull requests."""

from collections.abc import Iterator
from itertools import groupby
from statistics import median

from benchmarks.noticing import POLL, Noticing
from benchmarks.pull_requests import PERCENT, PullRequestResults, percentile
from benchmarks.release_requests import BEFORE, ReleaseRequests
from benchmarks.tables import table
from benchmarks.waiting import POLL as GITHUB_POLL
from benchmarks.waiting import Tick, Waiting

REQUESTS = ("part", "request", "status", "times", "counted", "creates content")
WAITING = ("waiting", "what", "lists", "GraphQL queries", "counted")
NOTICING = ("merge to noticed", "merges", "p50 s", f"p{PERCENT} s", "slowest s")


def render_pull_requests(results: PullRequestResults) -> Iterator[str]:
    """Give the lines about pull requests; the tables are Markdown."""
    yield f"One release at GitHub, {results.requests[0].way}, request by request:"
    yield ""
    yield from table(REQUESTS, list(_requests(results.requests[0])))
    yield ""
    for release in results.requests:
        before = sum(each.is_counted for each in release.asked if each.part == BEFORE)
        yield (
            f"From propose to merged, {release.way}: {release.counted} counted requests, "
            f"{release.content} of them creating content; {before} for the checks before the build."
        )
    yield ""
    yield f"Waiting in one repository of GitHub, a list every {GITHUB_POLL:g} s at first:"
    yield ""
    yield from table(WAITING, [row for found in results.waiting for row in _waiting(found)])
    yield ""
    yield from table(NOTICING, list(_noticing(results.noticing)))


def _requests(release: ReleaseRequests) -> Iterator[tuple[str, ...]]:
    for each, same in groupby(release.asked):
        yield (
            each.part,
            f"{each.method} {each.path}",
            str(each.status),
            str(len(list(same))),
            "yes" if each.is_counted else "no",
            "yes" if each.creates_content else "no",
        )


def _waiting(found: Waiting) -> Iterator[tuple[str, ...]]:
    waiting = f"{found.pull_requests:,}"
    for kind, tick in found.ticks.items():
        yield waiting, f"a tick {kind}", *_counts(tick)
    yield waiting, "a tick of one GET each", *_counts(found.one_by_one)
    for span, tick in found.spans.items():
        yield waiting, span, *_counts(tick)
        yield waiting, "of these a minute", "", "", f"{found.per_minute(span):.1f}"
    yield waiting, "one GET each a minute", "", "", f"{found.one_by_one_per_minute:,.0f}"


def _counts(tick: Tick) -> tuple[str, str, str]:
    return f"{tick.lists:,}", f"{tick.pages:,}", f"{tick.counted:,}"


def _noticing(found: Noticing) -> Iterator[tuple[str, ...]]:
    ways = {
        "by webhook": found.by_webhook,
        "of this, from its delivery on": found.from_delivery,
        f"by polling every {POLL.total_seconds():g} s": found.by_polling,
    }
    for way, seconds in ways.items():
        figures = (median(seconds), percentile(seconds, PERCENT), max(seconds))
        yield way, str(len(seconds)), *(f"{figure:.3f}" for figure in figures)
