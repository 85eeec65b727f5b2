"""Statuses of HTTP that tell of the server, whatever it was asked."""

RETRIED = frozenset({408, 425, 500, 502, 503, 504})
"""Those after which the same request may succeed."""
