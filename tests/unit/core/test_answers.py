"""What a pipeline answers: what its releases would lack, and where each of its apps stands."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from album_operator.adapters.cluster.applications import parse_application
from album_operator.codec import parse_seen
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.record import MOST_MISSES
from album_operator.domain.release import Ref
from album_operator.pipelines.answers import LOOK_SECONDS, SOONER
from album_operator.pipelines.cause import Cause
from tests.fakes.builders import APPLICATION, CONFIG, DIGEST, IMAGE, NAMESPACE, raw_pipeline
from tests.fakes.cluster import finish_build, raw_registry_secret, raw_secret
from tests.fakes.git_server import TOKEN
from tests.unit.core.stage import Stage

PATH = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
RELEASE = Ref(NAMESPACE, "backend-v1.1.0")
DOWN = TransientError(Reason.FORGE_UNAVAILABLE, "https://git.example.org does not answer.")
CONSENT = "album.dev/authorized-pipeline"


def _ready(status: dict[str, Any]) -> tuple[str, str]:
    (ready,) = (item for item in status["conditions"] if item["type"] == "Ready")
    return ready["status"], ready["reason"]


def _message(status: dict[str, Any]) -> str:
    return next(str(item["message"]) for item in status["conditions"] if item["type"] == "Ready")


def _reasons(status: dict[str, Any]) -> list[str]:
    return [miss["reason"] for miss in status.get("misses", [])]


def _app(status: dict[str, Any], name: str = "backend") -> dict[str, Any]:
    return next(app for app in status["apps"] if app["name"] == name)


async def _look_later(stage: Stage, seconds: float = 1.3 * LOOK_SECONDS) -> dict[str, Any]:
    """Let so much time pass that another look is due."""
    stage.clock.advance(timedelta(seconds=seconds))
    return await stage.look_at_pipeline(Cause.TIME)


def _tell(stage: Stage) -> None:
    """Let the events of all releases arrive."""
    for raw in stage.cluster.all_of("AlbumRelease"):
        stage.wakeups.index.note(Ref(NAMESPACE, raw["metadata"]["name"]), parse_seen(raw))


async def test_a_pipeline_of_which_nothing_is_missing_is_ready_and_nothing_is_done() -> None:
    stage = Stage()
    status = await stage.look_at_pipeline()

    assert _ready(status) == ("True", "Checked")
    assert _message(status) == "Nothing is missing that releases of its 2 apps need."
    assert status["observedGeneration"] == 2
    assert "checkedAt" in status
    head = stage.config.branches["main"]
    assert [app["base"] for app in status["apps"]] == 2 * [{"version": "v1.0.0", "commit": head}]
    assert stage.events("album-app") == ["Checked"]
    assert set(stage.faults.writes) == {"patch albumpipelines/status", "create events"}
    assert stage.config.pushes == []


async def test_all_that_is_missing_is_told_at_once_each_thing_once_for_all_apps() -> None:
    stage = Stage()
    secret = stage.cluster.objects.pop(f"{SECRETS}/album-registry")
    values = stage.config.commits[stage.config.branches["main"]].files
    stage.config.write("main", {"backend/values.yaml": "image: {}\n"})
    application = stage.cluster.objects.pop(f"{APPLICATIONS}/album-app-frontend")
    status = await stage.look_at_pipeline()

    assert _ready(status) == ("False", "CredentialsMissing")
    assert _reasons(status) == ["CredentialsMissing", "ValuesKeyNotFound", "ApplicationNotFound"]
    assert _message(status).startswith("3 things are missing or wrong, each in status.misses: (1)")
    assert _message(status).endswith("Mend all of them; this is looked at again by itself.")
    assert status["misses"][0]["remedy"].startswith("Create it (kubectl create secret")
    assert "base" not in _app(status)
    assert _app(status, "frontend")["base"]["version"] == "v1.0.0"
    assert stage.events("album-app") == ["CredentialsMissing"]

    stage.cluster.apply(secret)
    stage.config.write("main", {"backend/values.yaml": values["backend/values.yaml"].data.decode()})
    stage.cluster.apply(application)
    status = await _look_later(stage, 1.3 * LOOK_SECONDS / SOONER)
    assert _ready(status) == ("True", "Checked")
    assert "misses" not in status
    assert stage.events("album-app") == ["CredentialsMissing", "Checked"]


def _without(*paths: str) -> Callable[[Stage], None]:
    def take(stage: Stage) -> None:
        for path in paths:
            del stage.cluster.objects[path]

    return take


def _with(*objects: dict[str, Any]) -> Callable[[Stage], None]:
    def put(stage: Stage) -> None:
        for raw in objects:
            stage.cluster.apply(raw)

    return put


def _archived(stage: Stage) -> None:
    stage.config.is_archived = True


def _unconsented(stage: Stage) -> None:
    stage.cluster.edit(
        f"{APPLICATIONS}/album-app-backend", {"metadata": {"annotations": {CONSENT: None}}}
    )


def _switched_off(stage: Stage) -> None:
    stage.cluster.edit(
        f"{APPLICATIONS}/album-app-backend",
        {"spec": {"syncPolicy": {"automated": {"enabled": False}}}},
    )


def _overridden(stage: Stage) -> None:
    helm = {"parameters": [{"name": "image.tag", "value": "v9"}]}
    stage.cluster.edit(f"{APPLICATIONS}/album-app-backend", {"spec": {"source": {"helm": helm}}})


def _of_another_kind(stage: Stage) -> None:
    stage.config.write("main", {"backend/values.yaml": f"image: {{tag: {IMAGE}:v1.0.0}}\n"})


def _no_base(stage: Stage) -> None:
    stage.cluster.apply(raw_pipeline(config={"branch": "gone"}))


ELSEWHERE = raw_secret("album-git", url="https://github.com", token=TOKEN)
OLD = raw_secret("album-git", url="https://git.example.org", token="old")
OTHER_REGISTRY = raw_registry_secret("album-registry", "docker.io")
GONE = raw_pipeline(config={"repository": f"{CONFIG}-elsewhere"})
BUILD_SECRETS = raw_pipeline(
    build={"secrets": [{"name": "npm", "secretRef": {"name": "gone", "key": "token"}}]}
)


@pytest.mark.parametrize(
    ("spoil", "reasons"),
    [
        (_without(f"{SECRETS}/album-git"), ["CredentialsMissing"]),
        (_without(f"{SECRETS}/album-registry"), ["CredentialsMissing"]),
        (_with(ELSEWHERE), ["HostNotAllowed"]),
        (_with(OLD), ["CredentialsRefused"]),
        (_with(OTHER_REGISTRY), ["HostNotAllowed"]),
        (_with(GONE), ["RepositoryNotFound"]),
        (_with(BUILD_SECRETS), ["CredentialsMissing"]),
        (_archived, ["RepositoryArchived"]),
        (_no_base, ["BaseBranchNotFound"]),
        (_unconsented, ["NotAuthorized"]),
        (_switched_off, ["AutoSyncDisabled"]),
        (_overridden, ["OverriddenElsewhere"]),
        (_of_another_kind, ["ValuesNotEditable"]),
    ],
)
async def test_a_pipeline_lacks_what_its_next_release_would(
    spoil: Callable[[Stage], None], reasons: list[str]
) -> None:
    stage = Stage()
    spoil(stage)
    status = await stage.look_at_pipeline()
    assert set(_reasons(status)) == set(reasons)
    assert "0.0.0" not in str(status)

    stage.apply()
    await stage.settle()
    told = [(miss["reason"], miss["message"]) for miss in stage.status()["misses"]]
    ours = [(miss["reason"], miss["message"]) for miss in status["misses"]]
    assert [(reason, message.replace("v1.1.0", "<version>")) for reason, message in told] == [
        one for one in ours if "frontend" not in one[1]
    ]


async def test_a_source_that_cannot_be_reached_is_missing_too() -> None:
    stage = Stage()
    stage.cluster.apply(
        raw_pipeline(
            source={"repository": "https://git.example.org/owner/gone"},
            config={"repository": CONFIG},
        )
    )
    status = await stage.look_at_pipeline()
    assert "RepositoryNotFound" in _reasons(status)
    assert "https://git.example.org/owner/gone does not exist." in str(status)


async def test_what_an_app_is_at_and_waits_for_is_told_while_its_release_goes_on() -> None:
    stage = Stage()
    stage.apply()
    _tell(stage)
    status = await stage.look_at_pipeline()
    assert _app(status)["name"] == "backend"
    assert status["summary"] == {"apps": 2, "inFlight": 0}

    await stage.settle()
    _tell(stage)
    status = await stage.look_at_pipeline(Cause.RELEASES)
    told = _app(status)["inFlight"]
    assert (told["release"], told["version"], told["step"]) == (
        "backend-v1.1.0",
        "v1.1.0",
        "ImageReady",
    )
    assert told["reason"] == "Building"
    assert status["summary"] == {"apps": 2, "inFlight": 1}
    assert "inFlight" not in _app(status, "frontend")

    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    _tell(stage)
    status = await stage.look_at_pipeline(Cause.RELEASES)
    assert _app(status)["inFlight"]["step"] == "Merged"

    await stage.release()
    _tell(stage)
    status = await stage.look_at_pipeline(Cause.RELEASES)
    released = _app(status)["released"]
    assert (released["version"], released["release"]) == ("v1.1.0", "backend-v1.1.0")
    assert released["digest"].startswith("sha256:")
    assert "inFlight" not in _app(status)
    assert _app(await _look_later(stage, 1))["base"]["version"] == "v1.1.0"


async def test_the_last_released_stays_known_when_its_release_is_deleted() -> None:
    stage = Stage(is_built=True)
    stage.apply()
    await stage.release()
    _tell(stage)
    await stage.look_at_pipeline()
    stage.wakeups.index.drop(RELEASE)
    status = await stage.look_at_pipeline(Cause.RELEASES)

    assert _app(status)["released"]["version"] == "v1.1.0"
    assert _app(status)["released"]["digest"] == DIGEST


async def test_nothing_is_said_of_releases_while_they_are_listed() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    _tell(stage)
    before = _app(await stage.look_at_pipeline())
    assert "inFlight" in before
    stage.restart()
    stage.wakeups.index.begin_list(NAMESPACE)

    assert _app(await stage.look_at_pipeline()) == before


async def test_why_an_app_is_held_is_told_with_the_way_out() -> None:
    stage = Stage()
    stage.cluster.edit(PATH, {"spec": {"apps": [{"name": "backend", "hold": True}]}})
    status = await stage.look_at_pipeline()
    assert "hold of AlbumPipeline album-app is true" in _app(status)["held"]["because"]
    assert _ready(status) == ("True", "Checked")

    stage.cluster.edit(PATH, {"spec": {"apps": [{"name": "backend"}]}})
    assert "held" not in _app(await stage.look_at_pipeline())


async def test_nothing_is_written_while_nothing_changes() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    writes = list(stage.faults.writes)
    for _ in range(4):
        await _look_later(stage)
    assert stage.faults.writes == writes
    for _ in range(3):
        status = await _look_later(stage)
    assert stage.faults.writes == [*writes, "patch albumpipelines/status"]
    assert status["checkedAt"] > "2026-11-20T13:00"


async def test_a_look_is_made_by_time_and_not_by_what_happens_to_releases() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    stage.config.is_archived = True
    assert _ready(await stage.look_at_pipeline(Cause.RELEASES)) == ("True", "Checked")
    assert _ready(await _look_later(stage)) == ("False", "RepositoryArchived")


async def test_refresh_looks_again_at_once_and_is_answered() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    stage.config.is_archived = True
    stage.cluster.edit(PATH, {"metadata": {"annotations": {"album.dev/refresh": "1"}}})
    status = await stage.look_at_pipeline()

    assert _ready(status) == ("False", "RepositoryArchived")
    assert status["lastHandledRefresh"] == "1"


async def test_another_spec_is_looked_at_at_once() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    stage.cluster.apply(raw_pipeline(config={"branch": "gone"}))
    status = await stage.look_at_pipeline()

    assert _ready(status) == ("False", "BaseBranchNotFound")
    assert status["observedGeneration"] == 3
    # What was read before is still what that commit has.
    assert "base" not in _app(status)


async def test_a_change_of_an_application_is_looked_at_and_its_syncs_are_not() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    answers = stage.pipeline_reconciler.answers
    seen = parse_application(stage.application())
    assert answers.note_application(APPLICATION, seen) == [Ref(NAMESPACE, "album-app")]
    stage.argocd.sync("album-app-backend")
    stage.cluster.edit(
        f"{APPLICATIONS}/album-app-backend", {"status": {"health": {"status": "Degraded"}}}
    )
    seen = parse_application(stage.application())
    assert answers.note_application(APPLICATION, seen) == []
    assert answers.note_application(Ref("argocd", "another"), seen) == []

    _unconsented(stage)
    seen = parse_application(stage.application())
    assert answers.note_application(APPLICATION, seen) == [Ref(NAMESPACE, "album-app")]
    requests = len(stage.forge.requests)
    status = await stage.look_at_pipeline(Cause.APPLICATIONS)
    assert _ready(status) == ("False", "NotAuthorized")
    assert len(stage.forge.requests) == requests
    answers.forget(Ref(NAMESPACE, "album-app"))
    assert answers.note_application(APPLICATION, None) == []


async def test_a_change_of_an_application_right_after_it_was_read_first_is_looked_at() -> None:
    stage = Stage()
    ref = Ref(NAMESPACE, "album-app")
    answers = stage.pipeline_reconciler.answers
    read = stage.cluster.get

    async def get(path: str, **query: str) -> dict[str, Any]:
        raw = await read(path, **query)
        if path.endswith("/album-app-backend"):
            stage.cluster.get = read  # type: ignore[method-assign]
            _unconsented(stage)
            assert answers.note_application(APPLICATION, parse_application(raw)) == []
        return raw

    stage.cluster.get = get  # type: ignore[method-assign]
    left = await stage.pipeline_reconciler.run_pass(ref, frozenset({Cause.CHANGED}))
    assert _ready(stage.pipeline()["status"]) == ("True", "Checked")
    assert left == timedelta()

    left = await stage.pipeline_reconciler.run_pass(ref, frozenset({Cause.TIME}))
    assert _ready(stage.pipeline()["status"]) == ("False", "NotAuthorized")
    assert left is not None
    assert left > timedelta()


async def test_one_failure_of_a_server_is_no_news_and_two_are() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    stage.forge.trouble = DOWN
    assert _ready(await _look_later(stage)) == ("True", "Checked")
    status = await _look_later(stage, 1.3 * LOOK_SECONDS / SOONER)
    assert _ready(status) == ("Unknown", "ForgeUnavailable")
    assert _message(status).startswith(DOWN.message)
    assert [item["type"] for item in status["conditions"]] == ["Ready", "Reconciling"]

    stage.forge.trouble = None
    assert _ready(await _look_later(stage)) == ("True", "Checked")


async def test_of_another_spec_the_first_failure_is_told() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    stage.forge.trouble = DOWN
    stage.clock.advance(timedelta(minutes=1))
    stage.cluster.apply(raw_pipeline(environment="prod"))
    assert _ready(await stage.look_at_pipeline()) == ("Unknown", "ForgeUnavailable")


async def test_what_is_missing_for_certain_is_told_beside_a_failure() -> None:
    stage = Stage()
    stage.forge.trouble = DOWN
    del stage.cluster.objects[f"{SECRETS}/album-registry"]
    status = await stage.look_at_pipeline()
    assert _ready(status) == ("False", "CredentialsMissing")
    assert f"What else is missing could not be told: {DOWN.message}" in _message(status)


async def test_what_is_missing_is_looked_at_less_and_less_often() -> None:
    stage = Stage()
    del stage.cluster.objects[f"{SECRETS}/album-registry"]
    ref, pauses = Ref(NAMESPACE, "album-app"), []
    for _ in range(7):
        left = await stage.pipeline_reconciler.run_pass(ref, frozenset({Cause.TIME}))
        assert left is not None
        pauses.append(left.total_seconds() / LOOK_SECONDS * SOONER)
        stage.clock.advance(left + timedelta(seconds=1))
    assert [round(pause) for pause in pauses[:3]] == pytest.approx([1, 2, 4], abs=1)
    assert pauses[-1] == pytest.approx(1.1 * SOONER, rel=0.11)


async def test_who_asks_for_a_longer_wait_gets_it() -> None:
    stage, hour = Stage(), timedelta(hours=1)
    stage.forge.trouble = TransientError(Reason.RATE_LIMITED, "Too many requests.", hour)
    await stage.look_at_pipeline()
    left = await stage.pipeline_reconciler.run_pass(
        Ref(NAMESPACE, "album-app"), frozenset({Cause.TIME})
    )
    assert left is not None
    assert left >= hour - timedelta(minutes=1)


async def test_after_a_restart_who_was_looked_at_has_time() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    stage.clock.advance(timedelta(hours=5))
    stage.restart()
    requests = len(stage.forge.requests)
    ref = Ref(NAMESPACE, "album-app")
    left = await stage.pipeline_reconciler.run_pass(ref, frozenset({Cause.CHANGED}))

    assert left is not None
    assert left <= timedelta(seconds=LOOK_SECONDS)
    assert len(stage.forge.requests) == requests
    await _look_later(stage, left.total_seconds())
    assert len(stage.forge.requests) > requests


async def test_pipelines_that_name_the_same_ask_once() -> None:
    stage = Stage()
    await stage.look_at_pipeline()
    stage.clock.advance(timedelta(minutes=1))
    asked = stage.pipeline_reconciler.answers._shared.asked
    raw = raw_pipeline()
    raw["metadata"] |= {"name": "second", "uid": "another"}
    stage.cluster.apply(raw)
    stage.cluster.apply(raw_secret("unlike", url="https://git.example.org", token=TOKEN))
    second = Ref(NAMESPACE, "second")
    stage.clock.advance(timedelta(seconds=-57))
    await stage.pipeline_reconciler.run_pass(second, frozenset({Cause.CHANGED}))
    assert stage.pipeline_reconciler.answers._shared.asked == asked

    stage.clock.advance(timedelta(seconds=57))
    raw["spec"]["source"]["secretRef"] = {"name": "unlike"}
    stage.cluster.apply(raw)
    await stage.pipeline_reconciler.run_pass(second, frozenset({Cause.CHANGED}))
    assert stage.pipeline_reconciler.answers._shared.asked > asked


async def test_the_list_ends_somewhere_and_no_secret_is_in_it() -> None:
    stage = Stage()
    names = [f"gone-{number}" for number in range(16)]
    applications = [{"namespace": "argocd", "name": name} for name in names]
    edits = [{"path": f"backend/{TOKEN}-{number}.yaml", "key": "a"} for number in range(8)]
    stage.cluster.apply(
        raw_pipeline(apps=[{"name": "backend", "edits": edits, "applications": applications}])
    )
    status = await stage.look_at_pipeline()

    assert len(status["misses"]) == MOST_MISSES
    assert TOKEN not in str(status)


async def test_a_version_that_is_a_secret_is_not_told() -> None:
    stage = Stage()
    stage.config.write("main", {"backend/values.yaml": f"image: {{tag: {TOKEN}}}\n"})
    assert TOKEN not in str(await stage.look_at_pipeline())
    stage.config.write("main", {"backend/values.yaml": f"image: {{tag: {'a' * 200}}}\n"})
    assert "base" not in _app(await _look_later(stage))


async def test_checks_that_are_required_want_their_secret() -> None:
    stage = Stage(checks=["ci"])
    status = await stage.look_at_pipeline()
    assert _ready(status) == ("True", "Checked")
    raw = stage.pipeline()
    forge = {"type": "Gitea", "secretRef": {"name": "gone"}}
    spec = {**raw["spec"], "source": {**raw["spec"]["source"], "forge": forge}}
    stage.cluster.edit(PATH, {"spec": spec})
    assert _ready(await stage.look_at_pipeline()) == ("False", "CredentialsMissing")
