"""A stand-in for GitHub: its REST and GraphQL APIs, git over HTTP and webhooks, on loopback.

Its scope is frozen: docs/testbed.md lists all it does, and it grows only with the adapter.
"""
