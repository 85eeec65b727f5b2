"""What the operator counts, as Prometheus gets it."""

import re

from album_operator.metrics import declared
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.passes import PassResult, count_pass

MOST = 1_000_000
"""Bytes that an answer may have."""


def _lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.render().decode().splitlines() if line.startswith(name)]


def test_what_is_declared_is_exposed_and_nothing_else() -> None:
    exposed = re.findall("^# TYPE (\\S+) (\\S+)$", Metrics().render().decode(), re.MULTILINE)
    assert set(exposed) == {(one.name, one.kind) for one in declared.ALL}
    assert len(exposed) == len(declared.ALL)


def test_a_hundred_thousand_label_values_stay_in_one_answer_and_are_counted_together() -> None:
    metrics, most = Metrics(), 100_000
    for number in range(most):
        app = f"app-{number}"
        metrics.releases_finished.labels("shop", "backend", app, "Released").inc()
        metrics.lead_time.labels("shop", "backend", app).observe(60)
    text = metrics.render()
    assert len(text) < MOST
    lines = _lines(metrics, "album_releases_finished_total{")
    assert sum(float(line.split()[-1]) for line in lines) == most
    (others,) = [line for line in lines if 'app="other"' in line]
    assert 'namespace="other",pipeline="other",reason="Released"' in others


def test_what_one_namespace_makes_leaves_room_for_the_others() -> None:
    metrics = Metrics()
    for number in range(10_000):
        metrics.lead_time.labels("greedy", "backend", f"app-{number}").observe(60)
    metrics.lead_time.labels("modest", "backend", "web").observe(60)
    assert _lines(metrics, 'album_release_lead_time_seconds_count{app="web",namespace="modest"')


def test_what_is_read_is_as_it_is_at_the_scrape() -> None:
    metrics, waiting = Metrics(), [(("shop",), 3.0)]
    metrics.read(declared.BUILDS_QUEUED, lambda: waiting)
    assert _lines(metrics, "album_builds_queued{") == ['album_builds_queued{namespace="shop"} 3.0']
    waiting.clear()
    assert _lines(metrics, "album_builds_queued{") == []


def test_of_what_there_is_no_room_for_the_first_time_and_the_sum_are_read() -> None:
    metrics, most = Metrics(), 10_000
    metrics.read(
        declared.WAITING_SINCE,
        lambda: [
            (("shop", "backend", f"app-{n}", "Working", "Held"), float(n)) for n in range(most)
        ],
    )
    lines = _lines(metrics, "album_waiting_since_timestamp_seconds{")
    (others,) = [line for line in lines if 'app="other"' in line]
    assert 1 < len(lines) < most
    assert float(others.split()[-1]) == len(lines) - 1
    metrics.read(
        declared.RELEASES,
        lambda: [((f"space-{n}", "Working", "Held"), 1.0) for n in range(most)],
    )
    told = _lines(metrics, "album_releases{")
    assert sum(float(line.split()[-1]) for line in told) == most
    assert len(metrics.render()) < MOST


def test_odd_words_in_labels_break_no_line() -> None:
    metrics = Metrics()
    metrics.releases_finished.labels("shop", 'a"b\\c\nd', "", "Released").inc()
    (line,) = _lines(metrics, "album_releases_finished_total{")
    assert line.endswith('pipeline="a\\"b\\\\c\\nd",reason="Released"} 1.0')


def test_when_a_pass_ended_is_told_by_the_operators_clock() -> None:
    metrics = Metrics(lambda: 1234.0)
    count_pass(metrics, "AlbumRelease", PassResult.OK, 0.1)
    name = 'album_last_pass_timestamp_seconds{kind="AlbumRelease"}'
    assert _lines(metrics, name) == [f"{name} 1234.0"]


def test_times_of_the_first_sight_of_a_series_are_told_of_none() -> None:
    metrics = Metrics()
    metrics.releases_finished.labels("shop", "backend", "web", "Released").inc()
    assert b"_created" not in metrics.render()
