"""Whoever a release meets may say its secrets: nothing the operator shows repeats one."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from album_operator.decisions.notifications import notifications
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.notifications import TOLD, Sink
from album_operator.domain.reasons import Reason
from album_operator.domain.status_change import StatusChange
from album_operator.render.webhook import write_letter
from album_operator.secrecy import clean_logs
from tests.fakes.builders import NAMESPACE, raw_pipeline
from tests.fakes.cluster import fail_build, finish_build, raw_pod
from tests.unit.core.canaries import (
    CANARIES,
    docker_config,
    found_in,
    git_secret,
    registry_secret,
    shout,
)
from tests.unit.core.stage import REPOSITORY, Stage

SHOUT = shout()
PIPELINE: dict[str, Any] = {
    "build": {"failureLog": True},
    "feedback": {"commitStatus": True, "comment": True},
}


class _Stage(Stage):
    def restart(self) -> None:
        """Start the operator anew, and its log with it: no Secret is known."""
        super().restart()
        self.letters = getattr(self, "letters", [])
        self.world.observers.append(self._write_letters)
        getattr(self, "put_back", lambda: None)()
        self.put_back = clean_logs(lambda text: self.known.clean_all(text))

    def _write_letters(self, change: StatusChange) -> None:
        for told in notifications(change, self.clock()):
            for form, events in TOLD.items():
                letter = write_letter(Sink("any", "https://any", form, events), told)
                self.letters.append(letter.body.decode())


@pytest.fixture
def stage(caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    caplog.set_level(logging.DEBUG)
    stage = _Stage()
    stage.cluster.apply(git_secret())
    stage.cluster.apply(registry_secret())
    stage.cluster.apply(raw_pipeline(**PIPELINE))
    stage.apply()
    yield stage
    stage.put_back()


def _shown(stage: _Stage, caplog: pytest.LogCaptureFixture) -> str:
    """Give all that anybody is shown: objects but Secrets and what others said, logs, the forge."""
    ours = [
        raw
        for path, raw in stage.cluster.objects.items()
        if path.split("/")[-2] not in {"secrets", "pods", "applications"}
    ]
    bodies = [
        stage.forge.body(REPOSITORY, number)
        for number in range(1, stage.forge.count(REPOSITORY) + 1)
    ]
    comments = [
        text
        for number in range(1, stage.forge.count(REPOSITORY) + 1)
        for text in stage.forge.comments(REPOSITORY, number)
    ]
    texts = [json.dumps(ours, ensure_ascii=False), caplog.text, *bodies, *comments]
    texts += stage.letters
    texts += [str(told) for told in stage.forge.told]
    return "\n".join(text.replace("\\\\", "\\").replace('\\"', '"') for text in texts)


def _trouble(kind: type[OutsideError]) -> OutsideError:
    return kind(Reason.GIT_UNAVAILABLE, f"The other side said: {SHOUT}")


async def _build_log(stage: Stage) -> None:
    await stage.settle()
    fail_build(stage.cluster, stage.jobs[0], 1, SHOUT[-2048:])
    stage.restart()


async def _git(stage: Stage) -> None:
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    stage.restart()
    stage.git.trouble = _trouble(TransientError)


async def _git_for_good(stage: Stage) -> None:
    await _git(stage)
    stage.git.trouble = _trouble(TerminalError)


async def _forge(stage: Stage) -> None:
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    stage.restart()
    stage.forge.trouble = _trouble(TerminalError)


async def _api_server(stage: Stage) -> None:
    stage.cluster.refused["jobs"] = TransientError(Reason.CLUSTER_UNAVAILABLE, f"It said {SHOUT}")


async def _admission(stage: Stage) -> None:
    stage.cluster.refused["jobs"] = TerminalError(Reason.REJECTED, f"A webhook said {SHOUT}")


async def _pod(stage: Stage) -> None:
    await stage.settle()
    waiting = {"waiting": {"reason": "ErrImagePull", "message": SHOUT}}
    containers = [{"name": "build", "state": waiting}]
    stage.cluster.apply(raw_pod(stage.jobs[0], phase="Pending", containerStatuses=containers))
    stage.restart()


async def _argocd(stage: Stage) -> None:
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    stage.merge()
    stage.restart()
    stage.application()["status"]["conditions"] = [{"type": "ComparisonError", "message": SHOUT}]
    stage.application()["status"]["operationState"] = {
        "phase": "Failed",
        "message": SHOUT,
        "syncResult": {"revision": stage.config.branches["main"]},
    }


async def _registry_config(stage: Stage) -> None:
    stage.cluster.apply(registry_secret(docker_config()[:-9]))


def _write_values(stage: Stage) -> None:
    text = "\n".join(f"# {line}" for line in CANARIES.values())
    values = f'{text}\nimage:\n  tag: "v1.0.0"\n{text}\n'
    stage.config.write("main", {"backend/values.yaml": values})


async def _values(stage: Stage) -> None:
    _write_values(stage)
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])


@dataclass(frozen=True)
class Party:
    """Somebody who says them."""

    play: Callable[[Stage], Any]
    reason: str
    is_mute: bool = False


PARTIES = {
    "the build's log": Party(_build_log, "BuildFailed"),
    "the kubelet": Party(_pod, "ImagePullFailed"),
    "git's server": Party(_git, "GitUnavailable"),
    "git's server, for good": Party(_git_for_good, "GitUnavailable"),
    "the forge": Party(_forge, "GitUnavailable"),
    "the API server": Party(_api_server, "ClusterUnavailable"),
    "an admission webhook": Party(_admission, "Rejected"),
    "Argo CD": Party(_argocd, "Syncing"),
    "the registry's configuration": Party(_registry_config, "CredentialsMissing", is_mute=True),
    "the values": Party(_values, "AwaitingMerge"),
}


@pytest.mark.parametrize("party", PARTIES.values(), ids=PARTIES)
async def test_what_a_party_says_of_secrets_is_shown_nowhere(
    stage: _Stage, caplog: pytest.LogCaptureFixture, party: Party
) -> None:
    await party.play(stage)
    await stage.settle()

    assert stage.ready()[1] == party.reason
    assert "***" in _shown(stage, caplog) or party.is_mute
    assert found_in(_shown(stage, caplog)) == []


async def test_a_bug_that_meets_a_secret_does_not_log_it(
    stage: _Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ValueError(SHOUT)

    await stage.settle()
    monkeypatch.setattr("album_operator.adapters.cluster.builds.ClusterBuilds.find", fail)
    await stage.settle()

    assert stage.ready()[1] == "InternalError"
    assert "Traceback" in caplog.text
    assert found_in(_shown(stage, caplog)) == []


@pytest.mark.parametrize("name", ["kopf.objects", "aiohttp.access", "urllib3", "github", "asyncio"])
async def test_a_library_that_logs_a_secret_does_not_show_it(
    stage: _Stage, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    await stage.settle()
    logging.getLogger(name).warning("%s: %r", SHOUT, {"message": CANARIES["note"]})
    logging.getLogger(name).warning("no argument fits %d", SHOUT)

    assert "he said ***" in caplog.text
    assert found_in(_shown(stage, caplog)) == []


async def test_a_plan_shows_none(stage: _Stage, caplog: pytest.LogCaptureFixture) -> None:
    _write_values(stage)
    stage.apply("backend-v1.2.0", tag="backend-v1.2.0", mode="Plan")
    await stage.settle("backend-v1.2.0")

    assert stage.ready("backend-v1.2.0") == ("True", "Planned")
    assert stage.status("backend-v1.2.0")["plan"]["diff"].count("***") >= 5
    assert found_in(_shown(stage, caplog)) == []


async def test_without_the_pipelines_word_no_log_is_shown(
    stage: _Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.cluster.apply(raw_pipeline(feedback=PIPELINE["feedback"]))
    await stage.settle()
    fail_build(stage.cluster, stage.jobs[0], 3, "the step's own words")
    await stage.settle()

    assert "the step's own words" not in _shown(stage, caplog)
    assert "exit code 3" in stage.message()
    assert f"kubectl logs -n {NAMESPACE} {stage.jobs[0]['metadata']['name']}" in stage.message()


async def test_a_log_is_not_shown_where_the_secrets_in_it_cannot_be_known(
    stage: _Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.settle()
    fail_build(stage.cluster, stage.jobs[0], 3, f"the step's own words {CANARIES['note']}")
    stage.restart()
    stage.cluster.refused["secrets"] = TransientError(Reason.FORBIDDEN, "not now")
    await stage.settle()

    assert stage.ready()[1] == "BuildFailed"
    assert "own words" not in _shown(stage, caplog)
    assert "exit code 3" in stage.message()


async def test_a_namespaces_words_are_not_those_of_another(stage: Stage) -> None:
    await stage.settle()

    assert stage.known.clean(NAMESPACE, CANARIES["note"]) == "***"
    assert stage.known.clean("another", CANARIES["note"]) == CANARIES["note"]
