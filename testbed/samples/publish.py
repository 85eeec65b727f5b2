"""The sample repositories in the forge."""

from __future__ import annotations

import tempfile
from pathlib import Path

from testbed import progress
from testbed.commands import PartError, wait_until
from testbed.forge import Forge
from testbed.gitea import OWNER, REVIEWER
from testbed.samples.git import Git
from testbed.samples.history import SAMPLES, Sample, write
from testbed.state import ForgeKind

_PART = "sample repositories"


def publish(forge: Forge, registry: str) -> None:
    """Make sure that the forge has both sample repositories, and that the reviewer may merge.

    A repository that has commits is left alone, whatever they are.

    Args:
        forge: The forge, as the owner of the repositories.
        registry: `host:port` the charts take images from.

    Raises:
        PartError: The forge or git refused.
    """
    for sample in SAMPLES:
        repository = f"{OWNER}/{sample.name}"
        if forge.find(f"/repos/{repository}") is None:
            forge.make_repository(repository)
        _fill(sample, forge, registry)
        forge.allow_writing(repository, REVIEWER)


def reset_repositories(forge: Forge, registry: str) -> None:
    """Delete both repositories with all that was made since, and publish them anew.

    Args:
        forge: The forge, as the owner of the repositories.
        registry: `host:port` the charts take images from.

    Raises:
        PartError: The forge or git refused.
    """
    for sample in SAMPLES:
        repository = f"{OWNER}/{sample.name}"
        if forge.find(f"/repos/{repository}") is not None:
            forge.delete_repository(repository)
    publish(forge, registry)


def addresses(forge_url: str, registry: str, forge: ForgeKind = ForgeKind.GITEA) -> dict[str, str]:
    """Return what stands for the `${NAME}`s in the samples' files, by NAME."""
    return {
        "TESTBED_FORGE_URL": forge_url,
        "TESTBED_FORGE_API_URL": f"{forge_url}{forge.api_path}",
        "TESTBED_FORGE_TYPE": forge.type,
        "TESTBED_REGISTRY": registry,
    }


def _fill(sample: Sample, forge: Forge, registry: str) -> None:
    url = f"{forge.url}/{OWNER}/{sample.name}.git"
    with tempfile.TemporaryDirectory(prefix="samples-") as folder:
        git = write(sample, Path(folder), addresses(forge.url, registry))
        if git.run_as(OWNER, forge.token, "ls-remote", url):
            _say_if_other(sample, git, url, forge)
            return
        # All or nothing, so that a push that is broken off leaves the repository empty.
        refs = ("refs/heads/main:refs/heads/main", "refs/tags/*:refs/tags/*")
        git.run_as(OWNER, forge.token, "push", "--quiet", "--atomic", url, *refs)
    # The forge answers a push before its API knows all of it.
    count = sum(len(commit.tags) + len(commit.annotated_tags) for commit in sample.commits)
    wait_until(
        lambda: forge.is_pushed(f"{OWNER}/{sample.name}", count),
        part=_PART,
        what=f"appear in the API of the forge as {sample.name}",
        seconds=30,
    )
    progress.note(f"repository {OWNER}/{sample.name}")


def _say_if_other(sample: Sample, git: Git, url: str, forge: Forge) -> None:
    first_state = git.run("rev-parse", "main")
    try:
        git.run_as(OWNER, forge.token, "fetch", "--quiet", url, "main")
    except PartError:
        present: list[str] = []
    else:
        present = git.run("rev-list", "FETCH_HEAD").split()
    if first_state not in present:
        progress.note(
            f"repository {OWNER}/{sample.name} was not made from the present samples and is left "
            "alone; `down` and `up` make it anew"
        )
