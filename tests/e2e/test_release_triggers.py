"""Releases that tags make by themselves, that give way to newer ones, and are taken back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from testbed.samples.git import Git
from tests.e2e.world import CONFIG, SOURCE, World, wait_for

pytestmark = pytest.mark.e2e

AT_ONCE = 60.0
"""Seconds from a tag to its release by a webhook; the next look is minutes away."""

MANY = 8


def _trigger(world: World, operator: str = ">", **tags: str) -> str:
    """Let tags of the backend from the next version on make releases; give that of the one before.

    Args:
        world: the testbed.
        operator: `>=` for one of that, too.
        tags: what else the trigger says.
    """
    last = world.new_tag()
    versions = f"{operator}{last.removeprefix('backend-v')}"
    world.pipeline(triggers={"tags": {"interval": "10m", "range": versions, **tags}})
    seen = f"--for=jsonpath={{.status.apps[0].newestTag.name}}={last}"
    world.testbed.kubectl("wait", "albumpipeline", "album-app", "-n", world.namespace, seen)
    return last


def _push_tags(world: World, count: int = 1) -> list[str]:
    """Push tags of one commit with one push, as a person; give their names, the oldest first."""
    world.minors[0] += count
    tags = [f"backend-v1.{world.minors[0] - count + 1 + number}.0" for number in range(count)]
    url = f"{world.testbed.forge_url}/{SOURCE}.git"
    person = (world.testbed.reviewer, world.testbed.reviewer_token)
    with tempfile.TemporaryDirectory(prefix="tags-") as folder:
        git = Git.init(Path(folder))
        git.run_as(*person, "fetch", "--quiet", url, world.quick["backend"])
        refs = [f"FETCH_HEAD:refs/tags/{tag}" for tag in tags]
        git.run_as(*person, "push", "--quiet", url, *refs)
    return tags


def _await_release(world: World, tag: str) -> None:
    """Wait until a tag has made a release."""
    get = ("get", "albumrelease", tag, "-n", world.namespace, "--ignore-not-found", "-o", "name")
    wait_for(f"a release of {tag}", lambda: world.testbed.kubectl(*get), AT_ONCE)
    world.made.append(tag)


def _branch_of(tag: str) -> str:
    return f"release/backend_{tag.removeprefix('backend-')}"


def _proposed(world: World, tags: list[str]) -> list[str]:
    """Give those of some tags that have an open pull request."""
    heads = {pull["head"]["label"] for pull in world.forge.pull_requests(CONFIG, "open")}
    return [tag for tag in tags if _branch_of(tag) in heads]


def _await_taken_back(world: World, tag: str) -> str:
    """Wait until nothing of a release is left; give what was said on its pull request."""
    branch = _branch_of(tag)
    wait_for(f"{branch} is gone", lambda: world.find_branch(branch) is None, 60)
    (pull,) = world.pull_requests(branch)
    assert (pull["state"], pull["merged"]) == ("closed", False)
    comments = world.forge.call("GET", f"/repos/{CONFIG}/issues/{pull['number']}/comments")
    return "\n".join(comment["body"] for comment in comments)


def test_a_tag_that_is_pushed_is_released_and_tells_who_pushed_it(world: World) -> None:
    _trigger(world)
    for _ in range(3):
        (tag,) = _push_tags(world)
        _await_release(world, tag)
        release = world.merge_and_finish(tag)
        # A look that an earlier delivery brought may see a tag before its own tells who pushed it.
        if release["status"]["requestedBy"] == world.testbed.reviewer:
            break
    assert release["status"]["requestedBy"] == world.testbed.reviewer
    (pull,) = world.pull_requests(_branch_of(tag))
    assert f"`{world.testbed.reviewer}`" in pull["body"]


def test_a_newer_tag_takes_over_what_waits_for_its_merge_and_is_cancelled(world: World) -> None:
    _trigger(world)
    (older,) = _push_tags(world)
    _await_release(world, older)
    world.await_reason(older, "AwaitingMerge")
    (newer,) = _push_tags(world)
    _await_release(world, newer)

    assert world.await_finished(older)["reason"] == "Superseded"
    taken_over = world.get(older)["status"]["supersededBy"]
    assert taken_over["release"] == f"{world.namespace}/{newer}"
    assert newer in _await_taken_back(world, older)
    world.await_reason(newer, "AwaitingMerge")
    assert _proposed(world, [older, newer]) == [newer]

    cancel = ("albumrelease", newer, "-n", world.namespace, "--type=merge")
    world.testbed.kubectl("patch", *cancel, '-p={"spec":{"cancel":true}}')
    assert world.await_finished(newer, 60)["reason"] == "Cancelled"
    _await_taken_back(world, newer)
    assert _proposed(world, [older, newer]) == []


def test_of_many_tags_pushed_at_once_one_is_proposed_though_the_operator_dies(world: World) -> None:
    # What triggers find when they are set is the newest alone; each is what comes after it.
    first = _trigger(world, ">=", select="All")
    _await_release(world, first)
    with world.killer() as kill:
        (second, *later) = _push_tags(world, MANY)
        _await_release(world, second)
        kill()
    tags = [first, second, *later]
    for tag in later:
        _await_release(world, tag)
    last = tags[-1]

    world.await_reason(last, "AwaitingMerge")
    for tag in tags[:-1]:
        assert world.await_finished(tag)["reason"] == "Superseded"
    wait_for("one open pull request", lambda: _proposed(world, tags) == [last], 60)
    assert sum(len(world.jobs(tag)) for tag in tags[:-1]) == 0
