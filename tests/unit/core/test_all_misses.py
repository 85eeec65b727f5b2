"""All that a release lacks before its first write is told at once, as far as it can be told."""

from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.record import MOST_MISSES
from tests.fakes.builders import CONFIG, raw_application, raw_pipeline
from tests.fakes.cluster import raw_secret
from tests.fakes.git_server import TOKEN
from tests.unit.core.stage import Stage

APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
PUSH_SECRET = "/api/v1/namespaces/album/secrets/album-registry"
TAG = "backend-v1.1.0"
DOWN = TransientError(Reason.FORGE_UNAVAILABLE, "https://git.example.org does not answer.")


def _reasons(stage: Stage) -> list[str]:
    return [miss["reason"] for miss in stage.status()["misses"]]


async def _stop(stage: Stage) -> list[str]:
    stage.apply()
    assert (await stage.settle()).after is None
    assert stage.jobs == []
    assert stage.config.pushes == []
    return _reasons(stage)


def _edits(*edits: tuple[str, str]) -> dict[str, Any]:
    wanted = [{"path": path, "key": key} for path, key in edits]
    return raw_pipeline(apps=[{"name": "backend", "edits": wanted}])


async def test_all_is_told_in_one_pass_and_once_it_is_mended_the_release_goes_on() -> None:
    stage = Stage()
    secret = stage.cluster.objects.pop(PUSH_SECRET)
    commit = stage.source.tags.pop(TAG)
    path = "backend/values.yaml"
    values = stage.config.commits[stage.config.branches["main"]].files[path].data.decode()
    stage.config.write("main", {path: "image: {}\n"})
    application = stage.cluster.objects.pop(f"{APPLICATIONS}/album-app-backend")

    assert await _stop(stage) == [
        "CredentialsMissing",
        "TagNotFound",
        "ValuesKeyNotFound",
        "ApplicationNotFound",
    ]
    assert stage.ready() == ("False", "CredentialsMissing")
    assert stage.message().startswith("4 things are missing or wrong, each in status.misses: (1) ")
    first, second, *_ = stage.status()["misses"]
    assert first["remedy"].startswith("Create it (kubectl create secret docker-registry")
    assert (second["message"][:7], second["remedy"]) == ("Tag bac", "Push it")
    assert stage.status()["failure"]["step"] == "Preflight"
    assert stage.events() == ["CredentialsMissing"]

    stage.cluster.apply(secret)
    stage.source.tags[TAG] = commit
    stage.config.write("main", {path: values})
    stage.cluster.apply(application)
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert "misses" not in stage.status()


async def test_one_thing_alone_is_told_as_ever_and_is_in_the_list() -> None:
    stage = Stage()
    del stage.source.tags[TAG]

    assert await _stop(stage) == ["TagNotFound"]
    (miss,) = stage.status()["misses"]
    assert stage.message() == (
        f"{miss['message']} {miss['remedy']}, then set the annotation album.dev/retry."
    )


async def test_a_config_repository_that_refuses_us_hides_nothing_of_the_source() -> None:
    stage = Stage()
    stage.cluster.apply(
        raw_pipeline(config={"repository": f"{CONFIG}-elsewhere", "secretRef": {"name": "other"}})
    )
    stage.cluster.apply(raw_secret("other", url="https://git.example.org", token="old"))
    del stage.source.tags[TAG]
    raw = raw_application()
    raw["metadata"]["annotations"] = {}
    stage.cluster.apply(raw)

    reasons = await _stop(stage)
    assert {"TagNotFound", "NotAuthorized"} < set(reasons)
    assert reasons[-1] == "NotAuthorized"
    # Of a repository that could not be read it is not said that the Application reads another.
    assert "ApplicationMismatch" not in reasons


async def test_each_values_file_and_key_is_told() -> None:
    stage = Stage()
    stage.cluster.apply(
        _edits(
            ("backend/values.yaml", "image.tag"),
            ("backend/values.yaml", "nowhere.tag"),
            ("backend/values.yaml", "service"),
            ("backend/gone.yaml", "image.tag"),
            ("backend/gone.yaml", "image.other"),
        )
    )

    assert await _stop(stage) == ["ValuesFileNotFound", "ValuesKeyNotFound", "ValuesNotEditable"]
    assert [miss["message"].split(" ")[0] for miss in stage.status()["misses"]] == [
        "backend/gone.yaml",
        "nowhere.tag",
        "service",
    ]


async def test_a_file_that_is_no_yaml_is_told_once_for_all_its_keys() -> None:
    stage = Stage()
    stage.cluster.apply(
        _edits(("backend/values.yaml", "image.tag"), ("backend/values.yaml", "image.other"))
    )
    stage.config.write("main", {"backend/values.yaml": "image: [\n"})

    assert await _stop(stage) == ["ValuesNotEditable"]
    assert stage.message().startswith("image.tag, image.other cannot be set at backend/values.yaml")


async def test_of_a_huge_file_the_first_key_is_told_alone() -> None:
    stage = Stage()
    stage.cluster.apply(
        _edits(("backend/values.yaml", "nowhere.tag"), ("backend/values.yaml", "neither.tag"))
    )
    stage.config.write("main", {"backend/values.yaml": f"a: b # {'x' * 200_000}\n"})

    assert await _stop(stage) == ["ValuesKeyNotFound"]


async def test_an_older_release_is_superseded_whatever_it_lacks_beside_that() -> None:
    stage = Stage()
    stage.config.write("main", {"backend/values.yaml": 'image: {tag: "v2.0.0"}\n'})
    del stage.cluster.objects[f"{APPLICATIONS}/album-app-backend"]

    assert await _stop(stage) == ["Superseded"]
    assert stage.status()["supersededBy"] == {"version": "v2.0.0"}


@pytest.mark.parametrize("is_missing", [True, False])
async def test_what_is_missing_for_certain_is_told_though_something_cannot_be_asked(
    *, is_missing: bool
) -> None:
    stage = Stage()
    stage.forge.trouble = DOWN
    if is_missing:
        del stage.source.tags[TAG]
    stage.apply()
    due = await stage.run_pass()

    if is_missing:
        assert stage.ready() == ("False", "TagNotFound")
        assert f"What else is missing could not be told: {DOWN.message}" in stage.message()
        return
    assert due.after is not None
    assert stage.ready() == ("Unknown", "ForgeUnavailable")
    stage.forge.trouble = None
    await stage.release()
    assert stage.ready() == ("True", "Released")


@pytest.mark.parametrize("has_misses", [True, False])
async def test_an_application_nobody_can_read_hides_nothing_that_others_lack(
    *, has_misses: bool
) -> None:
    stage = Stage()
    strange, refuser = raw_application(), raw_application()
    strange["metadata"]["name"] = "strange"
    strange["status"] = {"reconciledAt": "0000-01-01T00:00:00Z"}
    refuser["metadata"] |= {"name": "refuser", "annotations": {}}
    stage.cluster.apply(strange)
    stage.cluster.apply(refuser)
    names = ["strange", "album-app-backend", *(["refuser", "gone"] if has_misses else [])]
    applications = [{"namespace": "argocd", "name": name} for name in names]
    stage.cluster.apply(raw_pipeline(apps=[{"name": "backend", "applications": applications}]))
    unread = "Application argocd/strange cannot be read: "

    if has_misses:
        assert await _stop(stage) == ["NotAuthorized", "ApplicationNotFound"]
        assert f"What else is missing could not be told: {unread}" in stage.message()
        return
    # Of an Application that takes none of the edited files: the other may render it.
    elsewhere = raw_application()
    elsewhere["spec"]["source"]["path"] = "elsewhere"
    stage.cluster.apply(elsewhere)
    stage.apply()
    assert (await stage.run_pass()).after is not None
    assert stage.ready() == ("Unknown", "ApplicationUnreadable")
    assert stage.message().startswith(unread)
    assert "misses" not in stage.status()


async def test_a_branch_is_not_taken_by_who_lacks_something_else() -> None:
    stage = Stage()
    stage.cluster.objects.pop(PUSH_SECRET)
    stage.config.branches["release/backend_v1.1.0"] = stage.config.branches["main"]
    stage.config.write("release/backend_v1.1.0", {"backend/values.yaml": "mine\n"})

    assert await _stop(stage) == ["CredentialsMissing"]


async def test_the_list_ends_somewhere_and_no_secret_is_in_it() -> None:
    stage = Stage()
    names = [f"gone-{number}" for number in range(16)]
    applications = [{"namespace": "argocd", "name": name} for name in names]
    edits = [{"path": f"backend/{TOKEN}-{number}.yaml", "key": "a"} for number in range(8)]
    stage.cluster.apply(
        raw_pipeline(apps=[{"name": "backend", "edits": edits, "applications": applications}])
    )

    assert len(await _stop(stage)) == MOST_MISSES
    assert stage.message().startswith("24 things")
    assert TOKEN not in str(stage.status())
