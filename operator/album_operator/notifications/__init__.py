"""Telling the world outside how releases go: never in a release's way."""
