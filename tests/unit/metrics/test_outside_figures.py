"""What is counted of requests to others, and what forges say of their limits."""

from album_operator.domain.requests import Quota, RequestResult
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.outside import LONGEST, RateLimits, telling

HOST = "api.github.com:443"


def _lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.render().decode().splitlines() if line.startswith(name)]


def test_a_request_is_counted_by_host_and_result_and_timed_by_kind() -> None:
    metrics = Metrics()
    telling(metrics, "forge")(HOST, RequestResult.REFUSED, 0.2)
    assert _lines(metrics, "album_outside_requests_total{") == [
        f'album_outside_requests_total{{host="{HOST}",kind="forge",result="refused"}} 1.0'
    ]
    (took,) = _lines(metrics, "album_outside_request_duration_seconds_sum{")
    assert took.endswith('{kind="forge"} 0.2')


class _Forge:
    """The limits of one forge, whose time a test moves."""

    def __init__(self) -> None:
        self.metrics, self.now = Metrics(), 1000.0
        self.limits = RateLimits(self.metrics, lambda: self.now)

    def read(self) -> list[str]:
        return [line.rsplit(" ", 1)[1] for line in _lines(self.metrics, "album_rate_limit_")]


def test_of_several_tokens_the_scarcest_is_told_until_its_limit_is_reset() -> None:
    forge = _Forge()
    first, second = forge.limits.telling(HOST), forge.limits.telling(HOST)
    first(Quota("core", 4000, 5000, 2000))
    second(Quota("core", 10, 15000, 1500))
    assert forge.read() == ["10.0", "15000.0", "1500.0"]
    forge.now = 1501
    assert forge.read() == ["4000.0", "5000.0", "2000.0"]
    forge.now = 2001
    assert forge.read() == []


def test_a_forge_that_names_a_time_far_away_or_no_limit_at_all_breaks_nothing() -> None:
    forge = _Forge()
    forge.limits.telling(HOST)(Quota("core", 0, 0, 10**14))
    assert forge.read() == ["0.0", "0.0", "1e+14"]
    forge.now += LONGEST + 1
    assert forge.read() == []
