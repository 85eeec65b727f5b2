"""Tags that make releases, pass by pass: what a repository says decides, whoever told of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.forges import ForgeType
from album_operator.domain.notice import TagNotice
from album_operator.domain.release import Ref
from album_operator.domain.triggers import release_name
from album_operator.memory.release_index import ReleaseIndex
from album_operator.pipelines.cause import Cause
from tests.fakes.builders import NAMESPACE, SOURCE, raw_pipeline
from tests.fakes.faults import Fault, Faults, Killed
from tests.unit.core.stage import Stage

PIPELINE = Ref(NAMESPACE, "album-app")


class Desk:
    """A stage whose pipeline has triggers.

    Its source has tags of backend up to v1.2.0 and frontend's v1.1.0, its base branch v1.0.0 of
    both.
    """

    def __init__(self, stage: Stage | None = None, **tags: object) -> None:
        self.stage = stage or Stage()
        self.edit({"triggers": {"tags": tags}})

    def edit(self, spec: dict[str, Any]) -> None:
        path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/{PIPELINE.name}"
        self.stage.cluster.edit(path, {"spec": spec})

    def push(self, *tags: str) -> None:
        for tag in tags:
            self.stage.source.tags[tag] = self.stage.source.branches["main"]

    def move(self, tag: str) -> None:
        """Put a tag at another commit."""
        self.stage.source.tags[tag] = self.stage.source.write("main", {"moved": tag})

    def delete(self, name: str) -> None:
        """Delete a release; a person."""
        path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/{name}"
        del self.stage.cluster.objects[path]
        self.stage.wakeups.index.drop(Ref(NAMESPACE, name))

    async def look(self, *causes: Cause) -> dict[str, dict[str, Any]]:
        """Pass over the pipeline and list its tags until nothing more comes of it."""
        await self.stage.look_at_pipeline(*causes)
        await self.stage.tags.look_at_due()
        while self.stage.woken:
            self.stage.woken.clear()
            self.stage.tell_of_releases()
            await self.stage.look_at_pipeline(Cause.TAGS)
            await self.stage.tags.look_at_due()
        return self.apps()

    async def look_by_time(self) -> dict[str, dict[str, Any]]:
        """Let the watch's next look come, and what it brings."""
        for known in self.stage.tags._repositories.values():
            known.due = 0.0
        await self.stage.tags.look_at_due()
        if self.stage.woken:
            return await self.look(Cause.TAGS)
        return self.apps()

    def apps(self) -> dict[str, dict[str, Any]]:
        return {app["name"]: app for app in self.stage.pipeline()["status"]["apps"]}

    @property
    def releases(self) -> dict[str, dict[str, Any]]:
        return {raw["metadata"]["name"]: raw for raw in self.stage.cluster.all_of("AlbumRelease")}


async def test_of_many_old_tags_the_newest_of_each_app_makes_one_release() -> None:
    desk = Desk()
    desk.push(*(f"backend-v0.{minor}.0" for minor in range(500)))
    apps = await desk.look()

    assert set(desk.releases) == {"backend-v1.2.0", "frontend-v1.1.0"}
    made = desk.releases["backend-v1.2.0"]
    assert made["spec"] == {"pipelineRef": {"name": "album-app"}, "tag": "backend-v1.2.0"}
    assert made["metadata"]["labels"] == {"album.dev/trigger": "Tag"}
    assert apps["backend"]["newestTag"]["name"] == "backend-v1.2.0"
    commit = desk.stage.source.tags["backend-v1.2.0"]
    assert apps["backend"]["trigger"] == {
        "decided": {
            "tag": "backend-v1.2.0",
            "version": "v1.2.0",
            "commit": commit,
            "release": "backend-v1.2.0",
        }
    }


async def test_a_pipeline_without_triggers_makes_none_and_lists_no_tags() -> None:
    desk = Desk()
    desk.edit({"triggers": None})
    apps = await desk.look()

    assert desk.releases == {}
    assert desk.stage.tags._repositories == {}
    assert "trigger" not in apps["backend"]


async def test_looks_passes_restarts_and_doubled_deliveries_make_no_second_release() -> None:
    desk = Desk()
    await desk.look()
    before = desk.releases
    for _ in range(2):
        await desk.look_by_time()
        desk.stage.tags.notice(TagNotice(ForgeType.GITEA, SOURCE, "backend-v1.2.0", "ada"))
        await desk.look(Cause.TAGS)
        desk.stage.restart()
        await desk.look()

    assert desk.releases == before


@pytest.mark.parametrize("select", ["Newest", "All"])
async def test_tags_pushed_from_then_on_make_the_newest_or_each(select: str) -> None:
    desk = Desk(select=select)
    await desk.look()
    desk.push("backend-v1.3.0", "backend-v1.3.1", "backend-v1.2.5", "backend-v1.1.9")
    apps = await desk.look_by_time()

    new = (
        {"backend-v1.3.1"}
        if select == "Newest"
        else {
            "backend-v1.2.5",
            "backend-v1.3.0",
            "backend-v1.3.1",
        }
    )
    assert set(desk.releases) == {"backend-v1.2.0", "frontend-v1.1.0"} | new
    assert apps["backend"]["trigger"]["decided"]["release"] == "backend-v1.3.1"


async def test_what_a_person_deletes_does_not_come_back_until_a_newer_tag_is_pushed() -> None:
    desk = Desk()
    await desk.look()
    desk.delete("backend-v1.2.0")
    for _ in range(2):
        await desk.look_by_time()
        await desk.look()
        desk.stage.restart()
    assert set(desk.releases) == {"frontend-v1.1.0"}

    desk.push("backend-v1.2.1")
    await desk.look()
    assert set(desk.releases) == {"backend-v1.2.1", "frontend-v1.1.0"}


async def test_what_the_base_branch_has_already_makes_no_release_and_never_will() -> None:
    desk = Desk(range="<=1.0.0")
    apps = await desk.look()
    assert desk.releases == {}
    assert apps["backend"]["trigger"]["decided"]["version"] == "v1.0.0"
    assert "release" not in apps["backend"]["trigger"]["decided"]

    # Somebody goes back by hand: that is a decision too.
    desk.stage.config.write("main", {"backend/values.yaml": "image:\n  tag: v0.9.0\n"})
    await desk.look_by_time()
    await desk.look()
    assert desk.releases == {}


async def test_a_tag_older_than_the_base_branch_makes_no_release() -> None:
    desk = Desk(range="<1.0.0")
    desk.push("backend-v0.9.0")
    apps = await desk.look()
    assert desk.releases == {}
    assert apps["backend"]["trigger"]["decided"]["tag"] == "backend-v0.9.0"


async def test_a_release_that_a_person_made_is_the_tag_s_too() -> None:
    desk = Desk()
    desk.stage.apply("by-hand", tag="backend-v1.2.0")
    await desk.stage.run_pass("by-hand")
    desk.stage.tell_of_releases()
    apps = await desk.look()

    assert set(desk.releases) == {"by-hand", "frontend-v1.1.0"}
    assert apps["backend"]["trigger"]["decided"]["release"] == "by-hand"


async def test_a_plan_leaves_the_release_to_be_made_under_another_name() -> None:
    desk = Desk()
    desk.stage.apply("backend-v1.2.0", mode="Plan")
    apps = await desk.look()

    name = apps["backend"]["trigger"]["decided"]["release"]
    assert name.startswith("backend-v1.2.0-album-app-t")
    assert desk.releases[name]["spec"]["tag"] == "backend-v1.2.0"


async def test_two_pipelines_of_a_namespace_have_a_release_each_of_one_tag() -> None:
    desk = Desk()
    await desk.look()
    other = raw_pipeline(triggers={})
    other["metadata"] = {**other["metadata"], "name": "prod", "uid": "prod"}
    desk.stage.cluster.apply(other)
    reconciler = desk.stage.pipeline_reconciler
    prod = Ref(NAMESPACE, "prod")
    await reconciler.run_pass(prod, frozenset({Cause.CHANGED}))
    await desk.stage.tags.look_at_due()
    await reconciler.run_pass(prod, frozenset({Cause.TAGS}))

    of_prod = [name for name, raw in desk.releases.items() if _pipeline_of(raw) == "prod"]
    assert len(of_prod) == 2
    assert all("-prod-t" in name for name in of_prod)
    assert len(desk.releases) == 4


def _pipeline_of(raw: dict[str, Any]) -> str:
    name: str = raw["spec"]["pipelineRef"]["name"]
    return name


async def test_where_both_names_are_others_it_is_told_and_mended_by_deleting_one() -> None:
    desk = Desk()
    names = (release_name("backend-v1.2.0"), release_name("backend-v1.2.0", "album-app"))
    for name in names:
        desk.stage.apply(name, tag="frontend-v1.0.0")
    message = (await desk.look())["backend"]["trigger"]["message"]
    assert message == (
        f"Tag backend-v1.2.0 makes no release: AlbumReleases {names[0]} and {names[1]} are there, "
        "and are not of that tag and pipeline. Delete one of them."
    )

    desk.delete(names[1])
    desk.stage.clock.advance(timedelta(minutes=6))
    apps = await desk.look(Cause.TIME)
    assert apps["backend"]["trigger"]["decided"]["release"] == names[1]
    assert "message" not in apps["backend"]["trigger"]


async def test_a_namespace_without_the_right_is_told_in_the_status_and_tried_again() -> None:
    desk = Desk()
    desk.stage.cluster.denied.add("create albumreleases")
    apps = await desk.look()
    assert desk.releases == {}
    assert "decided" not in apps["backend"]["trigger"]
    assert (
        "may not create albumreleases in namespace album, which spec.triggers needs"
        in (apps["backend"]["trigger"]["message"])
    )

    desk.stage.cluster.denied.clear()
    desk.stage.clock.advance(timedelta(minutes=1))
    apps = await desk.look(Cause.TIME)
    assert set(desk.releases) == {"backend-v1.2.0", "frontend-v1.1.0"}
    assert "message" not in apps["backend"]["trigger"]


async def test_a_base_branch_that_cannot_be_read_keeps_the_app_s_tags_waiting_alone() -> None:
    desk = Desk()
    commit = desk.stage.config.branches["main"]
    desk.edit({"apps": [{"name": "backend", "edits": [EDIT]}, {"name": "frontend"}]})
    apps = await desk.look()
    assert set(desk.releases) == {"frontend-v1.1.0"}
    assert "elsewhere.yaml" in apps["backend"]["trigger"]["message"]
    assert "album.dev/retry" not in apps["backend"]["trigger"]["message"]

    desk.stage.config.write("main", {"elsewhere.yaml": "tag: v1.0.0\n"})
    assert desk.stage.config.branches["main"] != commit
    desk.stage.clock.advance(timedelta(minutes=6))
    await desk.look(Cause.TIME)
    assert set(desk.releases) == {"frontend-v1.1.0", "backend-v1.2.0"}


EDIT = {"path": "elsewhere.yaml", "key": "tag"}


async def test_a_moved_tag_is_told_and_makes_no_release() -> None:
    desk = Desk()
    await desk.look()
    before = desk.releases
    desk.move("backend-v1.2.0")
    apps = await desk.look_by_time()
    assert desk.releases == before
    assert "was moved to" in apps["backend"]["trigger"]["message"]
    assert "message" not in apps["frontend"]["trigger"]


async def test_a_repository_that_cannot_be_listed_is_told_in_each_app() -> None:
    desk = Desk()
    desk.edit({"source": {"secretRef": {"name": "gone"}}})
    apps = await desk.look()
    assert "Secret album/gone" in apps["backend"]["trigger"]["message"]
    assert apps["frontend"]["trigger"]["message"] == apps["backend"]["trigger"]["message"]

    desk.edit({"source": {"secretRef": {"name": "album-git"}}})
    await desk.look()
    assert set(desk.releases) == {"backend-v1.2.0", "frontend-v1.1.0"}


async def test_a_range_that_admits_nothing_is_told_and_leaves_what_was_decided() -> None:
    desk = Desk()
    await desk.look()
    desk.edit({"triggers": {"tags": {"range": ">2.0.0 <1.0.0"}}})
    desk.push("backend-v1.5.0")
    apps = await desk.look()
    assert "no version can be in" in apps["backend"]["trigger"]["message"]
    ready = desk.stage.pipeline()["status"]["conditions"][0]
    assert (ready["status"], ready["reason"]) == ("False", "TriggerInvalid")
    assert apps["backend"]["trigger"]["decided"]["tag"] == "backend-v1.2.0"
    assert len(desk.releases) == 2


@pytest.mark.parametrize(
    ("notice", "who"),
    [
        (TagNotice(ForgeType.GITEA, SOURCE, "backend-v1.2.0", "ada"), "ada"),
        (TagNotice(ForgeType.GITEA, SOURCE, "backend-v1.2.0"), "AlbumPipeline album-app"),
        (
            TagNotice(
                ForgeType.GITEA, "https://elsewhere.org/owner/album-app", "backend-v1.2.0", "eve"
            ),
            "AlbumPipeline album-app",
        ),
        (
            TagNotice(
                ForgeType.GITHUB, "https://github.com/eve/album-app", "backend-v1.2.0", "eve"
            ),
            "AlbumPipeline album-app",
        ),
    ],
)
async def test_who_pushed_a_tag_is_told_by_its_release(notice: TagNotice, who: str) -> None:
    desk = Desk()
    del desk.stage.source.tags["backend-v1.2.0"]
    await desk.look()
    desk.push("backend-v1.2.0")
    desk.stage.tags.notice(notice)
    desk.stage.clock.advance(timedelta(seconds=1))
    await desk.look_by_time()

    made = desk.releases["backend-v1.2.0"]
    assert made["metadata"]["annotations"] == {"album.dev/requested-by": who}
    await desk.stage.settle("backend-v1.2.0")
    assert desk.stage.status("backend-v1.2.0")["requestedBy"] == who
    assert "Requested" in desk.stage.events("backend-v1.2.0")


async def test_nothing_is_decided_before_all_releases_are_known() -> None:
    desk = Desk()
    desk.stage.wakeups.index.begin_list(NAMESPACE)
    await desk.look()
    assert desk.releases == {}

    desk.stage.wakeups.index = ReleaseIndex()


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("at", range(1, 5))
async def test_whatever_happens_at_a_write_each_tag_has_one_release(fault: Fault, at: int) -> None:
    desk = Desk(Stage(Faults(at, fault)))
    try:
        await desk.look()
    except Killed:
        desk.stage.restart()
    except TransientError:
        desk.stage.clock.advance(timedelta(minutes=1))
    assert len(desk.stage.faults.writes) >= at
    await desk.look()
    desk.stage.clock.advance(timedelta(minutes=10))
    apps = await desk.look(Cause.TIME)

    assert set(desk.releases) == {"backend-v1.2.0", "frontend-v1.1.0"}
    decided = {name: app["trigger"]["decided"]["release"] for name, app in apps.items()}
    assert decided == {"backend": "backend-v1.2.0", "frontend": "frontend-v1.1.0"}
    creations = [what for what in desk.stage.faults.writes if what == "create albumreleases"]
    assert len(creations) <= 4


async def test_several_first_tags_of_an_app_that_had_none_have_a_release_each() -> None:
    desk = Desk(select="All")
    desk.stage.source.tags.clear()
    apps = await desk.look()
    assert apps["backend"]["trigger"] == {"beganEmpty": True}

    desk.push("backend-v1.3.0", "backend-v1.4.0")
    desk.stage.restart()
    apps = await desk.look()
    assert set(desk.releases) == {"backend-v1.3.0", "backend-v1.4.0"}
    assert apps["backend"]["trigger"]["decided"]["version"] == "v1.4.0"
    assert "beganEmpty" not in apps["backend"]["trigger"]


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("at", range(1, 5))
async def test_whatever_happens_at_a_write_all_new_tags_have_one_release_each(
    fault: Fault, at: int
) -> None:
    desk = Desk(Stage(Faults()), select="All")
    await desk.look()
    faults = desk.stage.faults
    faults.at, faults.fault = len(faults.writes) + at, fault
    desk.push("backend-v1.3.0", "backend-v1.4.0", "backend-v1.5.0")
    for _ in range(3):
        desk.stage.clock.advance(timedelta(minutes=1))
        try:
            await desk.look()
        except Killed:
            desk.stage.restart()
        except TransientError:
            pass
    assert len(faults.writes) >= faults.at

    assert set(desk.releases) == {
        "backend-v1.2.0",
        "frontend-v1.1.0",
        "backend-v1.3.0",
        "backend-v1.4.0",
        "backend-v1.5.0",
    }
    assert desk.apps()["backend"]["trigger"]["decided"]["release"] == "backend-v1.5.0"


async def test_two_operators_make_one_release_of_each_tag() -> None:
    desk = Desk()
    other = Desk(desk.stage)
    await desk.stage.look_at_pipeline()
    first, first_tags = desk.stage.pipeline_reconciler, desk.stage.tags
    desk.stage.restart()
    await desk.stage.look_at_pipeline()
    await first_tags.look_at_due()
    await desk.stage.tags.look_at_due()
    passes = (
        one.run_pass(PIPELINE, frozenset({Cause.TAGS}))
        for one in (first, desk.stage.pipeline_reconciler)
    )
    await asyncio.gather(*passes)
    assert set(other.releases) == {"backend-v1.2.0", "frontend-v1.1.0"}


async def test_so_many_are_made_in_a_namespace_within_an_hour_and_the_rest_later() -> None:
    desk = Desk(Stage(ALBUM_TRIGGERED_RELEASES_PER_HOUR="1"))
    apps = await desk.look()

    assert set(desk.releases) == {"backend-v1.2.0"}
    assert "decided" not in apps["frontend"]["trigger"]
    assert apps["frontend"]["trigger"]["message"] == (
        "Tag frontend-v1.1.0 makes no release before 13:00:00 UTC: triggers have made 1 in "
        "namespace album within an hour (ALBUM_TRIGGERED_RELEASES_PER_HOUR, an admin's setting)."
    )
    assert apps["backend"]["trigger"]["decided"]["release"] == "backend-v1.2.0"


async def test_a_restart_makes_no_more_within_the_hour_and_the_next_hour_does() -> None:
    desk = Desk(Stage(ALBUM_TRIGGERED_RELEASES_PER_HOUR="1"))
    await desk.look()
    desk.stage.restart()
    desk.stage.tell_of_releases()
    await desk.look()
    assert set(desk.releases) == {"backend-v1.2.0"}

    desk.stage.clock.advance(timedelta(hours=1))
    await desk.look()
    assert set(desk.releases) == {"backend-v1.2.0", "frontend-v1.1.0"}
