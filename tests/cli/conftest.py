"""A config repository with a short history."""

from pathlib import Path

import pytest

from tests.cli.command import VALUES, commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a work tree: backend at v1.3.1, tagged `first`, then at v1.3.2."""
    path = tmp_path / "config"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, "old", {"backend/values.yaml": VALUES.replace("v1.3.2", "v1.3.1").encode()})
    git(path, "tag", "-a", "-m", "a tag", "first")
    commit(path, "backend v1.3.2", {"backend/values.yaml": VALUES.encode()})
    return path
