"""Every container of a build is bounded, and what a pipeline says of it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.quantities import amount_of
from album_operator.domain.release import Resources
from album_operator.render.resources import BUILD, complete, render_resources

DEFAULTS = Resources(
    requests={"cpu": "100m", "memory": "1Gi"}, limits={"cpu": "2", "memory": "4Gi"}
)


@pytest.mark.parametrize(
    ("requests", "limits", "expected_requests", "expected_limits"),
    [
        ({}, {}, {"cpu": "100m", "memory": "1Gi"}, {"cpu": "2", "memory": "4Gi"}),
        (
            {"memory": "2Gi"},
            {},
            {"cpu": "100m", "memory": "2Gi"},
            {"cpu": "2", "memory": "4Gi"},
        ),
        (
            {"memory": "8Gi"},
            {},
            {"cpu": "100m", "memory": "8Gi"},
            {"cpu": "2", "memory": "8Gi"},
        ),
        ({}, {"memory": "512Mi"}, {"cpu": "100m"}, {"cpu": "2", "memory": "512Mi"}),
        (
            {"memory": "256Mi"},
            {"memory": "512Mi"},
            {"cpu": "100m", "memory": "256Mi"},
            {"cpu": "2", "memory": "512Mi"},
        ),
        (
            {"ephemeral-storage": "1Gi"},
            {},
            {"cpu": "100m", "memory": "1Gi", "ephemeral-storage": "1Gi"},
            {"cpu": "2", "memory": "4Gi"},
        ),
    ],
)
def test_a_pipelines_word_wins_and_defaults_make_way(
    requests: dict[str, str],
    limits: dict[str, str],
    expected_requests: dict[str, str],
    expected_limits: dict[str, str],
) -> None:
    completed = complete(Resources(requests, limits), DEFAULTS)
    assert dict(completed.requests) == expected_requests
    assert dict(completed.limits) == expected_limits


def test_a_default_request_stays_below_a_default_limit() -> None:
    defaults = Resources(requests={"cpu": "1", "memory": "1Gi"}, limits={"cpu": "500m"})
    completed = complete(Resources(), defaults)
    assert dict(completed.requests) == {"cpu": "500m", "memory": "1Gi"}
    assert dict(completed.limits) == {"cpu": "500m"}


AMOUNTS = st.sampled_from(["1m", "500m", "1", "3", "64", "256Mi", "4Gi", "300Gi"])
PART = st.dictionaries(st.sampled_from(["cpu", "memory", "ephemeral-storage"]), AMOUNTS)


@given(PART, PART)
def test_whatever_a_pipeline_says_the_api_server_takes_it(
    requests: dict[str, str], limits: dict[str, str]
) -> None:
    # Both by a rule of the CRD.
    requests = {
        name: text
        for name, text in requests.items()
        if amount_of(text) <= amount_of(limits.get(name, text))
    }
    completed = complete(Resources(requests, limits), BUILD)
    assert completed.limits.keys() == BUILD.limits.keys()
    assert requests.items() <= dict(completed.requests).items()
    assert limits.items() <= dict(completed.limits).items()
    assert all(
        amount_of(text) <= amount_of(completed.limits[name])
        for name, text in completed.requests.items()
    )


def test_what_is_not_said_is_not_rendered() -> None:
    assert render_resources(Resources()) == {}
    assert render_resources(Resources(limits={"cpu": "1"})) == {"limits": {"cpu": "1"}}
