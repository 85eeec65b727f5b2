"""Figures of requests to others, and of the limits that forges tell of."""

import threading
import time
from collections.abc import Callable
from functools import partial

from album_operator.domain.requests import Quota, RequestResult, TellQuota, TellRequest
from album_operator.metrics import declared
from album_operator.metrics.metrics import Metrics, Reading

LONGEST = 4200.0
"""Seconds for which a limit is believed: those of forges begin anew each hour."""


def telling(metrics: Metrics, kind: str) -> TellRequest:
    """Give what counts requests of a kind."""
    return partial(_count, metrics, kind)


def _count(metrics: Metrics, kind: str, host: str, result: RequestResult, seconds: float) -> None:
    metrics.outside_requests.labels(kind, host, result).inc()
    metrics.outside_duration.labels(kind).observe(seconds)


class RateLimits:
    """The limits of each credential, until they are reset; of a host the scarcest is told.

    Args:
        metrics: where.
        now: seconds since 1970.
    """

    def __init__(self, metrics: Metrics, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._quotas = dict[tuple[str, object, str], tuple[float, Quota]]()
        metrics.read(declared.RATE_LIMIT_REMAINING, lambda: self._read(lambda one: one.remaining))
        metrics.read(declared.RATE_LIMIT_LIMIT, lambda: self._read(lambda one: one.limit))
        metrics.read(declared.RATE_LIMIT_RESET, lambda: self._read(lambda one: one.resets_at))

    def telling(self, host: str) -> TellQuota:
        """Give what takes the limits of one more credential at a host."""
        credential = object()

        def tell(quota: Quota) -> None:
            until = min(float(quota.resets_at), self._now() + LONGEST)
            with self._lock:
                self._quotas[host, credential, quota.resource] = until, quota

        return tell

    def _read(self, figure: Callable[[Quota], int]) -> Reading:
        now, scarcest = self._now(), dict[str, Quota]()
        with self._lock:
            self._quotas = {key: kept for key, kept in self._quotas.items() if kept[0] > now}
            known = list(self._quotas.items())
        for (host, *_), (_, quota) in known:
            if host not in scarcest or _share(quota) < _share(scarcest[host]):
                scarcest[host] = quota
        return [((host,), float(figure(quota))) for host, quota in sorted(scarcest.items())]


def _share(quota: Quota) -> float:
    return quota.remaining / max(quota.limit, 1)
