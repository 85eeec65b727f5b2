"""What is common to all that is sent through a proxy."""

from album_operator.domain.proxies import Proxy

REFUSALS = {
    407: "it wants another user or password than HTTPS_PROXY has",
    403: "it does not let the operator there",
}
"""By status of its answer to CONNECT (RFC 9110, section 15.5)."""


def refused_by(proxy: Proxy, status: int) -> str:
    """Say that a proxy did not connect to a server; it may once somebody has mended that."""
    why = REFUSALS.get(status, "it cannot get there, or NO_PROXY lacks the host")
    return f"its proxy {proxy.server} answered CONNECT with {status}: {why}"
