"""BuildKit runs as the admin says, and a node that does not let it is told as what it is."""

from dataclasses import replace

import pytest

from album_operator.decisions import build
from album_operator.decisions.build_engine import LACKS
from album_operator.decisions.build_look import Look, PartLook
from album_operator.domain.build_parts import WHOLE
from album_operator.domain.builds import BuildKitMode, BuildState, PodTrouble
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, Halt, Wait
from tests.fakes.builders import BUILD_SEEN, NOW, RELEASE, RESOLVED, record_before

RECORD = record_before(StepName.IMAGE_READY)
BUILDKIT = replace(RESOLVED, build=replace(RESOLVED.build, type=BuildType.BUILDKIT))
WITH_LOG = replace(BUILDKIT, build=replace(BUILDKIT.build, failure_log=True))
NO_SANDBOX = PodTrouble(
    "pod-x", None, "FailedCreatePodSandBox", "the runtime does not support user namespaces"
)


def _fail(said: str, resolved: Resolved = BUILDKIT) -> Halt:
    trouble = PodTrouble("pod-x", "build", "Error", said, 1)
    seen = replace(BUILD_SEEN, state=BuildState.FAILED, trouble=trouble)
    verdict = build.decide(
        RELEASE, RECORD, resolved, Look({WHOLE: PartLook(seen)}), NOW, buildkit=None
    )
    assert isinstance(verdict, Halt)
    return verdict


def _wait(resolved: Resolved, mode: BuildKitMode) -> Wait:
    seen = replace(BUILD_SEEN, trouble=NO_SANDBOX)
    verdict = build.decide(
        RELEASE, RECORD, resolved, Look({WHOLE: PartLook(seen)}), NOW, buildkit=mode
    )
    assert isinstance(verdict, Wait)
    return verdict


@pytest.mark.parametrize("mode", BuildKitMode)
def test_each_mode_an_admin_has_chosen_lets_pipelines_build(mode: BuildKitMode) -> None:
    verdict = build.decide(RELEASE, RECORD, BUILDKIT, Look(), NOW, buildkit=mode)
    assert isinstance(verdict, Act)


@pytest.mark.parametrize("resolved", [BUILDKIT, WITH_LOG])
@pytest.mark.parametrize("word", LACKS)
def test_a_node_that_does_not_let_buildkit_run_is_told_with_the_ways_out(
    word: str, resolved: Resolved
) -> None:
    halt = _fail(f"refused: {word}", resolved)
    what, wanted = LACKS[word]
    assert halt.reason is Reason.NODE_UNSUITABLE
    assert halt.message == f"BuildKit did not begin: {what}."
    assert wanted in halt.sentence
    assert "or set spec.build.type: Kaniko" in halt.sentence
    assert "kubectl logs -n album pod-x -c build" in halt.sentence
    assert halt.failure is not None
    assert halt.failure.message == halt.sentence


@pytest.mark.parametrize("said", ["refused: else", "refused: mounts\n", "x refused: mounts", ""])
def test_other_words_are_no_refusal_of_a_node(said: str) -> None:
    assert _fail(said).reason is Reason.BUILD_FAILED


def test_with_kaniko_a_step_cannot_blame_the_node() -> None:
    assert _fail("refused: mounts", RESOLVED).reason is Reason.BUILD_FAILED


def test_a_node_that_makes_no_pod_with_a_user_namespace_is_told_with_the_ways_out() -> None:
    wait = _wait(BUILDKIT, BuildKitMode.USER_NAMESPACE)
    assert wait.reason is Reason.POD_NOT_STARTED
    assert NO_SANDBOX.message in wait.message
    assert "ALBUM_BUILDKIT_MODE=Rootless" in wait.message
    assert "spec.build.type: Kaniko" in wait.message


@pytest.mark.parametrize(
    ("resolved", "mode"),
    [(RESOLVED, BuildKitMode.USER_NAMESPACE), (BUILDKIT, BuildKitMode.ROOTLESS)],
)
def test_user_namespaces_are_not_blamed_where_the_pod_has_none(
    resolved: Resolved, mode: BuildKitMode
) -> None:
    assert "user namespace of their own" not in _wait(resolved, mode).message
