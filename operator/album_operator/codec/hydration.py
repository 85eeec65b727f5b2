"""What Argo CD's hydrator writes beside the manifests that it makes."""

import re

from album_operator.codec.foreign_json import parse_json

METADATA = "hydrator.metadata"

BYTES = 256 * 1024

COMMIT = re.compile("[0-9a-f]{40}")


def parse_dry_revision(data: bytes) -> str | None:
    """Give the commit that manifests were made of (argo-cd, `HydratorCommitMetadata`).

    Args:
        data: of `hydrator.metadata` in the folder of the manifests, which changes with them.

    Returns:
        40 hex digits; None where it tells none.
    """
    try:
        told = parse_json(data, BYTES)
    except ValueError:
        return None
    commit = told.get("drySha") if isinstance(told, dict) else None
    return commit if isinstance(commit, str) and COMMIT.fullmatch(commit) else None
