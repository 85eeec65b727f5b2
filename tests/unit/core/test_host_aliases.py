"""Releases whose Application, or whose Secret, calls the config repository by another name."""

import re

from tests.fakes.builders import CONFIG, NAMESPACE
from tests.fakes.cluster import finish_build, raw_secret
from tests.unit.core.stage import Stage

INSIDE = CONFIG.replace("https://git.example.org", "http://gitea.gitea.svc:3000")
TAG, NAME = "backend-v1.1.0", "backend-v1.1.0"


def _call_it_otherwise(stage: Stage) -> None:
    for raw in stage.cluster.objects.values():
        if raw["kind"] == "Application":
            raw["spec"]["source"]["repoURL"] = INSIDE


async def test_an_application_that_reads_it_inside_the_cluster_will_do_by_an_admins_word() -> None:
    stage = Stage()
    _call_it_otherwise(stage)
    stage.apply(NAME, tag=TAG)
    await stage.settle(NAME)
    assert stage.ready(NAME) == ("False", "ApplicationMismatch")
    told = re.search(r"add (\S+) to the operator's ALBUM_HOST_ALIASES", stage.message(NAME))
    assert told is not None

    stage = Stage(ALBUM_HOST_ALIASES=told[1])
    _call_it_otherwise(stage)
    stage.apply(NAME, tag=TAG)
    await stage.settle(NAME)
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle(NAME)
    assert stage.ready(NAME) == ("Unknown", "AwaitingMerge")


async def test_no_admins_word_of_hosts_lets_a_secret_go_to_another_one() -> None:
    stage = Stage(ALBUM_HOST_ALIASES="git.example.org=elsewhere.example.org")
    stage.cluster.apply(raw_secret("album-git", url="https://elsewhere.example.org", token="t"))
    stage.apply(NAME, tag=TAG)
    await stage.settle(NAME)

    assert stage.ready(NAME) == ("False", "HostNotAllowed")
    assert stage.jobs == []
    assert NAMESPACE in stage.message(NAME)
