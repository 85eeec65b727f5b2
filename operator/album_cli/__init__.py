"""The command `album`, also `kubectl album`: what the operator knows, without a cluster."""

VERSION = "0.1.0"
