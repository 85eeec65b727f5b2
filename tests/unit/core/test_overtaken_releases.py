"""A release whose change is gone again before it is proved, seen through whole passes."""

from dataclasses import replace

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from tests.fakes.builders import IMAGE, NAMESPACE
from tests.fakes.git_history import Commit, File
from tests.unit.core.stage import VALUES, Stage

NEWER = "backend-v1.2.0"
FILE = "backend/values.yaml"


async def _compare(stage: Stage, name: str = "backend-v1.1.0") -> None:
    """Let Argo CD compare, and the release look."""
    await stage.settle(name)
    stage.argocd.run()
    await stage.settle(name)


def _write(stage: Stage, tag: str, message: str = "by hand") -> str:
    text = VALUES.format(app="backend", image=IMAGE).replace("v1.0.0", tag)
    return stage.config.write("main", {FILE: text}, message)


def _ended(stage: Stage, name: str = "backend-v1.1.0") -> dict[str, str]:
    return {kind: value for kind, value in stage.conditions(name).items() if kind in KINDS}


KINDS = {"Ready", "Stalled", "Finished", "Reconciling"}
OVER = {"Ready": "False", "Stalled": "True", "Finished": "True"}


async def test_a_release_overtaken_before_argo_cd_looked_ends_by_the_name_of_the_newer() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.release_until_merged(NEWER)
    await _compare(stage)

    assert stage.ready() == ("False", "Superseded")
    assert _ended(stage) == OVER
    by = stage.status()["supersededBy"]
    assert by == {
        "version": "v1.2.0",
        "release": f"{NAMESPACE}/{NEWER}",
        "commit": stage.config.branches["main"],
    }
    await stage.release(NEWER)
    assert stage.ready(NEWER) == ("True", "Released")


async def test_a_release_overtaken_while_it_settles_ends_at_the_next_comparison() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await _compare(stage)
    assert stage.ready() == ("Unknown", "Settling")
    await stage.release_until_merged(NEWER)
    await _compare(stage, NEWER)
    due = await stage.settle()

    assert stage.ready() == ("False", "Superseded")
    assert due.after is None
    # The way out it names: the newer one is gone back from on purpose.
    stage.restart()
    stage.apply("backend-again", tag="backend-v1.1.0", allowDowngrade=True)
    await stage.release("backend-again")
    assert stage.ready("backend-again") == ("True", "Released")


async def test_the_commit_that_changed_the_value_is_named_among_others() -> None:
    stage = Stage()
    await stage.release_until_merged()
    stage.config.write("main", {"README": "1"})
    found = _write(stage, "v1.2.0")
    for number in range(5):
        stage.config.write("main", {"README": f"2.{number}"})
    stage.config.write("main", {FILE: _text(stage) + "more: 1\n"})
    await _compare(stage)

    assert stage.status()["supersededBy"] == {"version": "v1.2.0", "commit": found}
    assert f"the doing of commit {found[:12]} by Somebody" in stage.message()


def _text(stage: Stage) -> str:
    return stage.config.commits[stage.config.branches["main"]].files[FILE].data.decode()


async def test_a_change_that_is_taken_back_is_overwritten_and_can_be_proposed_anew() -> None:
    stage = Stage()
    await stage.release_until_merged()
    found = _write(stage, "v1.0.0", 'Revert "release: backend v1.1.0"')
    await _compare(stage)

    assert stage.ready() == ("False", "Overwritten")
    assert _ended(stage) == OVER
    assert stage.status()["supersededBy"] == {"version": "v1.0.0", "commit": found}
    # The way out it names.
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert 'tag: "v1.1.0"' in _text(stage)
    assert "supersededBy" not in stage.status()


async def test_a_merge_that_lost_the_change_is_overwritten_by_itself() -> None:
    stage = Stage()
    await stage.release_until_merged()
    head = stage.config.branches["main"]
    merged = stage.config.commits[head]
    # Whoever resolved a conflict kept the wrong side.
    lost = replace(merged, files={**merged.files, FILE: File(_of("v1.0.0"))})
    stage.config.commits[head] = lost
    await _compare(stage)

    assert stage.ready() == ("False", "Overwritten")
    assert stage.status()["supersededBy"] == {"version": "v1.0.0"}


def _of(tag: str) -> bytes:
    return VALUES.format(app="backend", image=IMAGE).replace("v1.0.0", tag).encode()


@pytest.mark.parametrize("text", ["image: {}\n", "%", None])
async def test_a_place_that_cannot_be_read_any_more_leaves_the_proof_to_the_image(
    text: str | None,
) -> None:
    stage = Stage()
    await stage.release_until_merged()
    await _compare(stage)
    file = File(text.encode()) if text is not None else None
    stage.config.commit("main", {FILE: file, "envs/backend.yaml": File(_of("v1.1.0"))})
    stage.application()["status"]["sync"]["revision"] = stage.config.branches["main"]
    await stage.settle()

    assert stage.ready() == ("Unknown", "Settling")


async def test_a_history_that_cannot_be_read_only_names_nobody() -> None:
    stage = Stage()
    await stage.release_until_merged()
    _write(stage, "v1.2.0")
    await stage.settle()
    stage.argocd.run()

    async def fail(*_: object) -> None:
        raise TransientError(Reason.GIT_UNAVAILABLE, "The connection broke off.")

    stage.config_repository.list_commits = fail  # type: ignore[assignment, method-assign]
    await stage.settle()

    assert stage.ready() == ("False", "Superseded")
    assert stage.status()["supersededBy"] == {"version": "v1.2.0"}


async def test_what_was_there_between_two_comparisons_ends_nothing() -> None:
    stage = Stage()
    await stage.release_until_merged()
    _write(stage, "v1.2.0")
    _write(stage, "v1.1.0", "back")
    await _compare(stage)

    # The value is ours where Argo CD looks, whatever it was meanwhile.
    assert stage.ready() == ("Unknown", "Settling")


def _force(stage: Stage, tag: str) -> str:
    """Push another history onto the base branch, in which the release's commit is not."""
    head = stage.config.commits[stage.config.branches["main"]]
    files = {**head.files, FILE: File(_of(tag))}
    stage.config.branches["main"] = stage.config.add(Commit((), files, "squashed"))
    return stage.config.branches["main"]


async def test_a_forced_push_that_keeps_the_values_is_proved_by_them() -> None:
    stage = Stage()
    await stage.release_until_merged()
    head = _force(stage, "v1.1.0")
    await _compare(stage)

    assert stage.ready() == ("Unknown", "Settling")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    (app,) = stage.status()["applications"]
    assert (app["revision"], app["acceptedBecause"]) == (head, "Content")


@pytest.mark.parametrize(("tag", "reason"), [("v1.0.0", "Overwritten"), ("v1.2.0", "Superseded")])
async def test_a_forced_push_that_loses_the_values_ends_the_release_at_once(
    tag: str, reason: str
) -> None:
    stage = Stage()
    await stage.release_until_merged()
    head = _force(stage, tag)
    await _compare(stage)

    assert stage.ready() == ("False", reason)
    assert stage.status()["supersededBy"] == {"version": tag, "commit": head}


async def test_a_forced_push_that_argo_cd_has_not_seen_ends_nothing() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    _force(stage, "v1.2.0")
    stage.application()["metadata"]["annotations"].pop("argocd.argoproj.io/refresh")
    await stage.settle()

    assert stage.ready() == ("Unknown", "Syncing")
