"""Transient troubles are retried with backoff; terminal ones stall with nothing half done."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.reasons import Reason
from tests.fakes.builders import BRANCH, SOURCE, raw_application, raw_pipeline
from tests.fakes.cluster import finish_build, raw_registry_secret, raw_secret
from tests.fakes.git_history import File
from tests.fakes.git_server import IDENTITY, KNOWN_HOSTS, TOKEN
from tests.unit.core.stage import REPOSITORY, Stage

OVER_SSH = SOURCE.replace("https://", "ssh://git@")
GIT_DOWN = TransientError(Reason.GIT_UNAVAILABLE, "https://git.example.org cannot be reached.")
BUSY = TransientError(Reason.RATE_LIMITED, "Too many requests.", timedelta(seconds=90))


def _is_untouched(stage: Stage) -> bool:
    return (
        stage.jobs == []
        and stage.config.pushes == []
        and stage.forge.count(REPOSITORY) == 0
        and not any("syncPolicy" in raw["spec"] for raw in stage.cluster.all_of("Application"))
    )


async def test_a_trouble_that_passes_is_retried_with_growing_pauses() -> None:
    stage = Stage()
    stage.apply()
    stage.git.trouble = GIT_DOWN
    waits = []
    for _ in range(8):
        due = await stage.run_pass()
        assert due.after is not None
        waits.append(due.after.total_seconds())
        stage.clock.advance(due.after)

    for number, wait in enumerate(waits):
        assert 0.8 * min(60, 2**number) <= wait <= 1.2 * min(60, 2**number)
    assert stage.ready() == ("Unknown", "GitUnavailable")
    assert stage.conditions()["Reconciling"] == "True"
    assert stage.events() == ["GitUnavailable"]

    stage.git.trouble = None
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_the_time_of_the_next_try_is_in_the_message() -> None:
    stage = Stage()
    stage.apply()
    stage.git.trouble = GIT_DOWN
    due = await stage.run_pass()

    assert due.after is not None
    assert stage.message() == (
        f"{GIT_DOWN.message} Next try at {stage.clock() + due.after:%H:%M:%S} UTC."
    )


async def test_the_pause_the_other_side_asks_for_is_kept() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    stage.forge.trouble = BUSY
    due = await stage.settle()

    assert due.after == timedelta(seconds=90)
    assert stage.ready() == ("Unknown", "RateLimited")


async def test_a_trouble_that_passed_is_forgotten_by_the_backoff() -> None:
    stage = Stage()
    stage.apply()
    stage.git.trouble = GIT_DOWN
    for _ in range(5):
        await stage.run_pass()
    stage.git.trouble = None
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    stage.git.trouble = GIT_DOWN
    due = await stage.settle()

    assert due.after is not None
    assert due.after < timedelta(seconds=2)


async def test_an_api_server_that_is_down_is_the_daemons_affair() -> None:
    stage = Stage()
    stage.apply()
    stage.cluster.trouble = TransientError(Reason.CLUSTER_UNAVAILABLE, "No.")
    with pytest.raises(TransientError):
        await stage.run_pass()

    stage.cluster.trouble = None
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_bug_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.apply()
    del stage.source.commits[stage.source.tags["backend-v1.1.0"]]
    due = await stage.run_pass()

    assert due.after is not None
    assert stage.ready() == ("Unknown", "InternalError")
    assert "failed by a bug" in caplog.text


def _break_pipeline(stage: Stage) -> None:
    del stage.cluster.objects["/apis/album.dev/v1alpha1/namespaces/album/albumpipelines/album-app"]


def _break_app(stage: Stage) -> None:
    stage.cluster.apply(raw_pipeline(apps=[{"name": "worker"}]))


def _break_tag(stage: Stage) -> None:
    del stage.source.tags["backend-v1.1.0"]


def _break_dockerfile(stage: Stage) -> None:
    stage.source.tags["backend-v1.1.0"] = stage.source.commit("main", {"backend/Dockerfile": None})


def _break_git_secret(stage: Stage) -> None:
    del stage.cluster.objects["/api/v1/namespaces/album/secrets/album-git"]


def _break_push_secret(stage: Stage) -> None:
    del stage.cluster.objects["/api/v1/namespaces/album/secrets/album-registry"]


def _break_key(stage: Stage) -> None:
    stage.cluster.apply(raw_secret("album-git", url="https://git.example.org", token=""))


def _break_host(stage: Stage) -> None:
    stage.cluster.apply(raw_secret("album-git", url="https://elsewhere.example.org", token=TOKEN))


def _break_host_of_no_url(stage: Stage) -> None:
    stage.cluster.apply(raw_secret("album-git", url="https://git.example.org:x", token=TOKEN))


def _go_over_ssh(stage: Stage, **keys: str) -> None:
    stage.cluster.apply(raw_pipeline(source={"repository": OVER_SSH}))
    good = {"identity": IDENTITY, "known_hosts": KNOWN_HOSTS, "token": TOKEN}
    stage.cluster.apply(raw_secret("album-git", url="https://git.example.org", **good | keys))


def _break_host_key(stage: Stage) -> None:
    _go_over_ssh(stage, known_hosts="git.example.org another-host-key")


def _break_identity(stage: Stage) -> None:
    _go_over_ssh(stage, identity="another-identity")


def _leave_out_identity(stage: Stage) -> None:
    _go_over_ssh(stage, identity="")


def _leave_out_known_hosts(stage: Stage) -> None:
    _go_over_ssh(stage, known_hosts="")


def _leave_out_token(stage: Stage) -> None:
    _go_over_ssh(stage, token="")


def _break_registry_host(stage: Stage) -> None:
    stage.cluster.apply(raw_registry_secret("album-registry", "quay.io"))


def _break_token(stage: Stage) -> None:
    stage.cluster.apply(raw_secret("album-git", url="https://git.example.org", token="other"))


def _break_repository(stage: Stage) -> None:
    stage.git.repositories = {
        url: found for url, found in stage.git.repositories.items() if found is not stage.config
    }


def _archive(stage: Stage) -> None:
    stage.config.is_archived = True


def _break_push_right(stage: Stage) -> None:
    stage.forge.readers.add(TOKEN)


def _break_branch(stage: Stage) -> None:
    stage.cluster.apply(raw_pipeline(config={"branch": "prod"}))


def _break_file(stage: Stage) -> None:
    stage.config.commit("main", {"backend/values.yaml": None, "backend/other": File(b"")})


def _break_key_path(stage: Stage) -> None:
    stage.config.write("main", {"backend/values.yaml": "image: {}\n"})


def _break_yaml(stage: Stage) -> None:
    stage.config.write("main", {"backend/values.yaml": "image:\n  tag: *v\n"})


def _break_lfs(stage: Stage) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    stage.config.write("main", {"backend/values.yaml": text})


def _break_symlink(stage: Stage) -> None:
    stage.config.commit("main", {"backend/values.yaml": File(b"../x", "120000")})


def _break_application(stage: Stage) -> None:
    del stage.cluster.objects[
        "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
    ]


def _break_application_source(stage: Stage) -> None:
    stage.application()["spec"]["source"]["targetRevision"] = "v1.0.0"


def _break_consent(stage: Stage) -> None:
    raw = raw_application()
    raw["metadata"]["annotations"] = {}
    stage.cluster.apply(raw)


def _newer(stage: Stage) -> None:
    file = stage.config.commits[stage.config.branches["main"]].files["backend/values.yaml"]
    text = file.data.decode().replace("v1.0.0", "v2.0.0")
    stage.config.write("main", {"backend/values.yaml": text})


@pytest.mark.parametrize(
    ("spoil", "reason", "said"),
    [
        (_break_pipeline, "PipelineNotFound", "album/album-app"),
        (_break_app, "TagInvalid", "spec.tag"),
        (_break_tag, "TagNotFound", "backend-v1.1.0"),
        (_break_dockerfile, "DockerfileNotFound", "backend/Dockerfile"),
        (_break_git_secret, "CredentialsMissing", "kubectl create secret generic"),
        (_break_push_secret, "CredentialsMissing", "kubectl create secret docker-registry"),
        (_break_key, "CredentialsMissing", "`token`"),
        (_break_host, "HostNotAllowed", "elsewhere.example.org"),
        (_break_host_of_no_url, "HostNotAllowed", "https://git.example.org:x"),
        (_break_host_key, "HostKeyChanged", "album-git"),
        (_break_identity, "CredentialsRefused", "album-git"),
        (_leave_out_identity, "CredentialsMissing", "`identity`"),
        (_leave_out_known_hosts, "CredentialsMissing", "`known_hosts`"),
        (_leave_out_token, "CredentialsMissing", "`token`"),
        (_break_registry_host, "HostNotAllowed", "ghcr.io"),
        (_break_token, "CredentialsRefused", "album-git"),
        (_break_repository, "RepositoryNotFound", "album-app-config"),
        (_archive, "RepositoryArchived", "album-app-config"),
        (_break_push_right, "CredentialsRefused", "not push to it"),
        (_break_branch, "BaseBranchNotFound", "prod"),
        (_break_file, "ValuesFileNotFound", "backend/values.yaml"),
        (_break_key_path, "ValuesKeyNotFound", "image.tag"),
        (_break_yaml, "ValuesNotEditable", "backend/values.yaml"),
        (_break_symlink, "ValuesNotEditable", "symlink"),
        (_break_lfs, "ValuesNotEditable", "Git LFS pointer"),
        (_break_application, "ApplicationNotFound", "argocd/album-app-backend"),
        (_break_application_source, "ApplicationMismatch", "argocd/album-app-backend"),
        (_break_consent, "NotAuthorized", "kubectl annotate application"),
        (_newer, "Superseded", "v2.0.0"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
async def test_what_is_missing_before_the_first_write_stalls_the_release_untouched(
    spoil: Callable[[Stage], None], reason: str, said: str
) -> None:
    stage = Stage()
    stage.apply()
    spoil(stage)
    due = await stage.run_pass()

    assert due.after is None
    assert stage.ready() == ("False", reason)
    assert stage.conditions()["Stalled"] == "True"
    assert stage.conditions()["Finished"] == "True"
    assert said in stage.message()
    assert stage.status()["failure"]["step"] == "Preflight"
    assert stage.events() == [reason]
    assert _is_untouched(stage)
    assert TOKEN not in str(stage.status())


async def test_a_release_goes_over_ssh_all_the_way() -> None:
    stage = Stage()
    stage.apply()
    _go_over_ssh(stage)
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["resolved"]["config"]["repository"] == f"{OVER_SSH}-config"
    assert IDENTITY not in str(stage.status())


async def test_what_was_missing_and_is_there_now_is_found_by_a_retry() -> None:
    stage = Stage()
    stage.apply()
    commit = stage.source.tags.pop("backend-v1.1.0")
    await stage.settle()
    assert stage.ready() == ("False", "TagNotFound")

    stage.source.tags["backend-v1.1.0"] = commit
    assert (await stage.run_pass()).after is None
    assert stage.ready() == ("False", "TagNotFound")
    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["attempt"] == 1
    assert "failure" not in stage.status()
    assert "Stalled" not in stage.conditions()


async def test_the_newer_version_is_in_the_status_of_a_superseded_release() -> None:
    stage = Stage()
    stage.apply()
    _newer(stage)
    await stage.settle()

    assert stage.status()["supersededBy"] == {"version": "v2.0.0"}


async def test_a_push_that_is_refused_stalls_without_a_pull_request() -> None:
    stage = Stage()
    stage.apply()
    stage.config.protected.append("release/")
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()

    assert stage.ready() == ("False", "PushRefused")
    assert stage.status()["failure"]["step"] == "Proposed"
    assert stage.forge.count(REPOSITORY) == 0


async def test_a_branch_of_somebody_else_is_left_as_it_is() -> None:
    stage = Stage()
    stage.apply()
    head = stage.config.branches["main"]
    stage.config.branches[BRANCH] = head
    theirs = stage.config.write(BRANCH, {"backend/values.yaml": "mine\n"})
    await stage.settle()

    assert stage.ready() == ("False", "BranchTaken")
    assert stage.jobs == []
    assert stage.config.branches[BRANCH] == theirs
    assert stage.forge.count(REPOSITORY) == 0


async def test_a_forge_that_forbids_something_stalls_with_its_words() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    stage.forge.trouble = TerminalError(Reason.CREDENTIALS_REFUSED, "The token lacks write:issue.")
    await stage.settle()

    assert stage.ready() == ("False", "CredentialsRefused")
    assert "write:issue" in stage.message()
