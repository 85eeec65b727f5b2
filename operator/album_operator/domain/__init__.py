"""Frozen values and rules of a release. Standard library and SemVer only; no input or output."""
