"""A release from nothing to Released, pass by pass."""

from datetime import timedelta

import pytest
import yaml

from tests.fakes.builders import BRANCH, DIGEST, IMAGE, raw_pipeline
from tests.fakes.cluster import finish_build, is_secret_text
from tests.unit.core.stage import REPOSITORY, Stage

STEPS = ["ImageReady", "Proposed", "Merged", "SyncPolicyApplied", "Deployed"]


def _states(stage: Stage) -> list[str]:
    return [step["state"] for step in stage.status()["steps"]]


async def test_a_release_goes_from_a_tag_to_a_healthy_app() -> None:
    stage = Stage()
    stage.apply()
    base = stage.config.branches["main"]

    due = await stage.settle()
    assert stage.ready() == ("Unknown", "Building")
    assert stage.conditions()["Reconciling"] == "True"
    assert _states(stage) == ["Running", *["Pending"] * 4]
    assert len(stage.jobs) == 1
    assert not due.is_poll
    assert stage.config.pushes == []

    finish_build(stage.cluster, stage.jobs[0])
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingMerge")
    assert _states(stage) == ["Succeeded", "Succeeded", "Waiting", "Pending", "Pending"]
    assert stage.status()["image"]["digest"] == DIGEST
    assert [branch for branch, _ in stage.config.pushes] == [BRANCH]
    assert stage.forge.count(REPOSITORY) == 1
    assert due.is_poll
    assert "syncPolicy" not in stage.application()["spec"]

    stage.merge()
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "Syncing")
    assert stage.application()["spec"]["syncPolicy"]["automated"] == {"selfHeal": True}
    assert stage.conditions()["SyncPolicyApplied"] == "True"

    stage.argocd.run()
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "Settling")
    assert due.after == timedelta(seconds=60)
    assert due.is_poll

    stage.clock.advance(timedelta(seconds=60))
    due = await stage.settle()
    assert due.after is None
    assert stage.ready() == ("True", "Released")
    assert stage.conditions() == dict.fromkeys(["Ready", "Finished", *STEPS], "True")

    merged = stage.config.branches["main"]
    assert stage.status()["config"]["mergedCommit"] == merged
    assert stage.status()["applications"][0]["revision"] == merged
    assert stage.status()["applications"][0]["acceptedBecause"] == "Equal"
    before = stage.config.commits[base].files["backend/values.yaml"].data.decode()
    after = stage.config.commits[merged].files["backend/values.yaml"].data.decode()
    assert after == before.replace("v1.0.0", "v1.1.0")
    assert stage.config.commits[merged].files.keys() == stage.config.commits[base].files.keys()


async def test_writes_come_in_an_order_that_survives_a_death_between_any_two() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()

    writes = [write for write in stage.faults.writes if write != "create events"]
    assert writes[:3] == ["patch albumreleases/status", "patch albumreleases", "create jobs"]
    for effect in ("create jobs", "push branch", "open pull request", "patch applications"):
        assert writes.count(effect) == 1
        # What is about to be done is in the status before it is done.
        assert writes[writes.index(effect) - 1].startswith("patch albumreleases")
    assert writes[-1] == "patch albumreleases/status"


async def test_events_tell_of_each_transition_once() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()

    assert stage.events() == [
        "Building",
        "ImageReady",
        "Proposing",
        "Proposed",
        "AwaitingMerge",
        "Merged",
        "Syncing",
        "SyncPolicyApplied",
        "Settling",
        "Deployed",
        "Released",
    ]


async def test_a_finished_release_writes_nothing_ever_again() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()
    written = len(stage.faults.writes)
    stage.restart()
    stage.clock.advance(timedelta(days=1))

    assert (await stage.run_pass()).after is None
    assert len(stage.faults.writes) == written


async def test_a_waiting_release_writes_nothing_while_nothing_changes() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    written = len(stage.faults.writes)
    for _ in range(3):
        stage.clock.advance(timedelta(seconds=30))
        await stage.run_pass(polled=True)

    assert len(stage.faults.writes) == written


async def test_a_release_is_marked_with_labels_and_a_link() -> None:
    stage = Stage()
    path = stage.apply()
    await stage.release()

    metadata = stage.cluster.objects[path]["metadata"]
    assert metadata["labels"] == {"album.dev/app": "backend", "album.dev/pipeline": "album-app"}
    assert metadata["annotations"]["link.argocd.argoproj.io/pull-request"].endswith("/pulls/1")


async def test_the_commit_is_dated_as_the_release_and_says_what_it_is() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()

    commit = stage.config.commits[stage.config.pushes[0][1]]
    assert commit.date.isoformat() == "2026-11-20T11:59:00+00:00"
    assert commit.message.startswith("release: backend v1.1.0\n")
    assert f"{IMAGE}:v1.1.0@{DIGEST}" in commit.message
    body = stage.forge.body(REPOSITORY, 1)
    assert body.startswith(
        "owner/album-app backend release v1.1.0. Please note that this is an automated PR."
    )
    assert '+  tag: "v1.1.0" # the release' in body
    assert stage.status()["config"]["diff"] in body


async def test_the_previous_sync_policy_is_kept_on_the_application() -> None:
    stage = Stage()
    stage.application()["spec"]["syncPolicy"] = {"syncOptions": ["CreateNamespace=true"]}
    stage.apply()
    await stage.release()

    spec, annotations = stage.application()["spec"], stage.application()["metadata"]["annotations"]
    assert spec["syncPolicy"]["syncOptions"] == ["CreateNamespace=true", "ApplyOutOfSyncOnly=true"]
    kept = yaml.safe_load(annotations["album.dev/previous-sync-policy"])
    assert kept == {"syncOptions": ["CreateNamespace=true"]}


async def test_the_generation_observed_is_in_the_status() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()

    assert stage.status()["observedGeneration"] == 1


async def test_the_operators_own_time_is_in_the_status_by_step() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()

    shares = [float(step["overhead"]) for step in stage.status()["steps"]]
    assert all(share > 0 for share in shares)
    assert abs(float(stage.status()["overhead"]) - sum(shares)) < 1e-5


async def test_no_secret_is_in_anything_that_was_written() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()

    for raw in stage.cluster.objects.values():
        if raw["kind"] != "Secret":
            assert not is_secret_text(str(raw))
    assert not any(is_secret_text(commit.message) for commit in stage.config.commits.values())


async def test_a_second_version_follows_the_first() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()
    stage.apply("backend-v1.2.0")
    await stage.release("backend-v1.2.0")

    assert stage.ready("backend-v1.2.0") == ("True", "Released")
    assert "patch applications" in stage.faults.writes
    policy = stage.application()["metadata"]["annotations"]["album.dev/previous-sync-policy"]
    assert policy == "null"


@pytest.mark.parametrize("prefix", ["backend/", "backend@", "@acme/backend@"])
async def test_a_calendar_version_behind_a_prefix_with_a_folder_or_a_scope_is_released(
    prefix: str,
) -> None:
    stage = Stage()
    app = {"name": "backend", "tagPrefix": prefix, "versioning": "Numeric"}
    stage.cluster.apply(raw_pipeline(apps=[app]))
    stage.source.tags[f"{prefix}2024.11.03.1"] = stage.source.tags["backend-v1.1.0"]
    name = "backend-2024.11.03.1"
    stage.apply(name, tag=f"{prefix}2024.11.03.1")
    await stage.release(name)

    assert stage.ready(name) == ("True", "Released")
    assert stage.status(name)["resolved"]["source"]["versioning"] == "Numeric"
    assert [branch for branch, _ in stage.config.pushes] == ["release/backend_2024.11.03.1"]
    assert stage.status(name)["image"]["reference"].endswith("-backend:2024.11.03.1")


async def test_edits_of_many_kinds_are_one_commit_and_the_digest_is_proved() -> None:
    stage = Stage()
    edits = [
        {"path": "backend/values.yaml", "key": "image.tag"},
        {"path": "backend/values.yaml", "key": "image.digest", "value": "Digest", "create": True},
        {"path": "backend/Chart.yaml", "key": "appVersion"},
        {"path": "kustomization.yaml", "key": IMAGE, "value": "Digest", "format": "Kustomize"},
    ]
    stage.cluster.apply(raw_pipeline(apps=[{"name": "backend", "edits": edits}]))
    stage.config.write(
        "main",
        {
            "backend/Chart.yaml": "appVersion: v1.0.0\n",
            "kustomization.yaml": f"images:\n- name: {IMAGE}\n  digest: sha256:0\n",
        },
    )
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert len(stage.config.pushes) == 1
    files = stage.config.commits[stage.config.branches["main"]].files
    assert f'  digest: "{DIGEST}"\n' in files["backend/values.yaml"].data.decode()
    assert files["backend/Chart.yaml"].data == b'appVersion: "v1.1.0"\n'
    assert files["kustomization.yaml"].data.decode().endswith(f'  digest: "{DIGEST}"\n')
    (deployed,) = (step for step in stage.status()["steps"] if step["name"] == "Deployed")
    assert f"{IMAGE}:v1.1.0@{DIGEST}" in deployed["message"]
