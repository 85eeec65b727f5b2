"""What Argo CD's hydrator writes is read for the dry commit, and for nothing else."""

import json

import pytest

from album_operator.codec.hydration import parse_dry_revision

SHA = "0123456789abcdef0123456789abcdef01234567"


def test_the_dry_commit_is_read() -> None:
    # As Argo CD v3.6.1 wrote it on the testbed.
    told = {"repoURL": "http://git.example.org/a.git", "drySha": SHA, "commands": ["helm template"]}
    assert parse_dry_revision(json.dumps(told, indent=2).encode()) == SHA


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", b"null", b'{"drySha": 7}', b'{"drySha": "main"}', b"[" * 100_000],
)
def test_what_tells_no_commit_tells_nothing(data: bytes) -> None:
    assert parse_dry_revision(data) is None
