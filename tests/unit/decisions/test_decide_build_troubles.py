"""ImageReady: what keeps a build from running, and how one ended that failed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import build
from album_operator.decisions.build_look import Look, PartLook
from album_operator.decisions.build_troubles import MEND_REFUSAL
from album_operator.domain import progress
from album_operator.domain.build_parts import WHOLE
from album_operator.domain.builds import BuildSeen, BuildState, PodTrouble
from album_operator.domain.reasons import TRANSIENT, Reason
from album_operator.domain.record import Record, StepName, StepState
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import BuildAction, Halt, Verdict, Wait
from tests.fakes.builders import BUILD_SEEN, NOW, RELEASE, RESOLVED, record_before

RECORD = record_before(StepName.IMAGE_READY)
RUNNING = replace(BUILD_SEEN, started_at=NOW)
FAILED = replace(BUILD_SEEN, state=BuildState.FAILED)
WITH_LOG = replace(RESOLVED, build=replace(RESOLVED.build, failure_log=True))

QUOTA = (
    'pods "b-x" is forbidden: exceeded quota: team, requested: requests.memory=256Mi, used: '
    "requests.memory=1Gi, limited: requests.memory=1Gi"
)
POD_SECURITY = (
    'pods "b-x" is forbidden: violates PodSecurity "restricted:latest": privileged (container '
    '"build" must not set securityContext.privileged=true)'
)
LOW = "The node was low on resource: ephemeral-storage. Container build was using 9Gi."


FREEZE = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: unable to apply cgroup configuration: "
    "unable to freeze: unknown"
)
NO_PROGRAM = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    'create failed: unable to start container process: error during container init: exec: "/x": '
    "stat /x: no such file or directory"
)
NO_MOUNT = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: error during container init: error mounting "
    '"/a" to rootfs at "/b": stat /a: no such file or directory: unknown'
)


def _decide(
    seen: BuildSeen, resolved: Resolved = RESOLVED, record: Record = RECORD
) -> Verdict[BuildAction]:
    return build.decide(
        RELEASE, record, resolved, Look({WHOLE: PartLook(seen)}), NOW, buildkit=None
    )


def _wait(trouble: PodTrouble, seen: BuildSeen = RUNNING) -> Wait:
    verdict = _decide(replace(seen, trouble=trouble))
    assert isinstance(verdict, Wait)
    return verdict


def _halt(
    trouble: PodTrouble | None = None,
    seen: BuildSeen = FAILED,
    resolved: Resolved = RESOLVED,
    record: Record = RECORD,
) -> Halt:
    verdict = _decide(replace(seen, trouble=trouble), resolved, record)
    assert isinstance(verdict, Halt)
    return verdict


def _on(word: str, said: str = "", container: str | None = None) -> PodTrouble:
    return PodTrouble("pod-x", container, word, said)


def _ended(
    code: int, word: str = "Error", said: str = "", container: str | None = "build"
) -> PodTrouble:
    return PodTrouble("pod-x", container, word, said, code)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("ImagePullBackOff", Reason.IMAGE_PULL_FAILED),
        ("ErrImagePull", Reason.IMAGE_PULL_FAILED),
        ("ErrImageNeverPull", Reason.IMAGE_PULL_FAILED),
        ("InvalidImageName", Reason.IMAGE_PULL_FAILED),
        ("SignatureValidationFailed", Reason.IMAGE_PULL_FAILED),
        ("Unschedulable", Reason.UNSCHEDULABLE),
        ("DisruptionTarget", Reason.BUILD_EVICTED),
        ("NodeLost", Reason.NODE_LOST),
        ("CreateContainerConfigError", Reason.POD_NOT_STARTED),
        ("CreateContainerError", Reason.POD_NOT_STARTED),
        ("RunContainerError", Reason.POD_NOT_STARTED),
        ("FailedMount", Reason.POD_NOT_STARTED),
        ("FailedCreatePodSandBox", Reason.POD_NOT_STARTED),
    ],
)
@pytest.mark.parametrize("said", ["", "these are its words"])
def test_a_pod_that_does_not_run_is_shown_until_its_time_is_over(
    word: str, reason: Reason, said: str
) -> None:
    wait = _wait(_on(word, said))

    assert wait.reason is reason
    assert reason in TRANSIENT
    assert f"Pod pod-x of Job {BUILD_SEEN.job}" in wait.message
    assert said in wait.message
    assert wait.message.endswith("Kubernetes keeps trying until 12:30:00 UTC.")
    assert wait.retry_after <= timedelta(seconds=10)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (QUOTA, Reason.QUOTA_EXCEEDED),
        (
            'pods "b-x" is forbidden: insufficient quota to match these scopes: [{PriorityClass}]',
            Reason.QUOTA_EXCEEDED,
        ),
        (
            'pods "b-x" is forbidden: failed quota: team: must specify limits.cpu for: fetch',
            Reason.POD_REFUSED,
        ),
        (POD_SECURITY, Reason.POD_REFUSED),
        (
            'pods "b-x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 4Gi',
            Reason.POD_REFUSED,
        ),
        (
            'pods "b-x" is forbidden: error looking up service account album/builder: '
            'serviceaccount "builder" not found',
            Reason.POD_REFUSED,
        ),
        ('pods "b-x" is forbidden: no PriorityClass with name urgent found', Reason.POD_REFUSED),
        ('admission webhook "policies.example" denied the request: no root', Reason.POD_REFUSED),
        (
            "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            Reason.POD_REFUSED,
        ),
        (
            'Internal error occurred: failed calling webhook "w": connection refused',
            Reason.POD_REFUSED,
        ),
        ('Pod "b-x" is invalid: spec.priority: Forbidden', Reason.POD_REFUSED),
        ("etcdserver: request timed out", Reason.CLUSTER_UNAVAILABLE),
        ("the object has been modified; please apply your changes", Reason.CLUSTER_UNAVAILABLE),
    ],
)
def test_a_job_without_a_pod_is_told_in_the_api_servers_words(said: str, reason: Reason) -> None:
    wait = _wait(PodTrouble("", None, "FailedCreate", said))

    assert (wait.reason, wait.reason in TRANSIENT) == (reason, True)
    told = (
        f"Job {BUILD_SEEN.job} gets no Pod from the API server ({said}). "
        "Kubernetes keeps trying until 12:30:00 UTC."
    )
    is_refused = reason is Reason.POD_REFUSED
    assert wait.message == (f"{told}{MEND_REFUSAL}" if is_refused else told)


def test_a_suspended_job_has_no_deadline() -> None:
    wait = _wait(PodTrouble("", None, "Suspended", "Job suspended"))

    assert wait.reason is Reason.UNSCHEDULABLE
    assert wait.message.endswith("has no Pod until they let it begin (Job suspended).")


def test_the_container_that_does_not_start_is_named() -> None:
    wait = _wait(_on("CreateContainerConfigError", 'secret "x" not found', "fetch"))

    assert (
        'does not run in container fetch: CreateContainerConfigError (secret "x" not found)'
        in wait.message
    )


def test_a_pod_that_its_full_node_did_not_take_is_told_while_the_build_begins_anew() -> None:
    said = "Pod was rejected: The node had condition: [DiskPressure]. "
    wait = _wait(_on("Evicted", said.strip()))

    assert wait.reason is Reason.BUILD_EVICTED
    assert f"was taken away, and the build begins anew ({said.strip()})" in wait.message
    assert _wait(_on("Evicted", "Usage of EmptyDir volume exceeds")).reason is Reason.BUILDING


def test_a_word_nobody_knows_is_no_reason() -> None:
    assert _wait(_on("NewWord", "", "build")).reason is Reason.BUILDING


def test_a_pod_that_waits_before_its_job_has_a_start_time_is_given_the_whole_time() -> None:
    wait = _wait(_on("Unschedulable"), replace(BUILD_SEEN, started_at=None))

    assert f"{NOW + timedelta(minutes=30):%H:%M:%S} UTC" in wait.message


def test_a_build_over_its_time_names_the_setting() -> None:
    halt = _halt(seen=replace(FAILED, failure_reason="DeadlineExceeded"))

    assert halt.reason is Reason.BUILD_TIMED_OUT
    assert "longer than build.timeout (30m). Raise it in the pipeline" in halt.sentence
    assert halt.sentence.endswith(
        "retry. Kubernetes deletes a Job's Pods at its deadline, and their logs with them."
    )


def test_a_build_that_waited_until_its_time_was_over_says_for_what() -> None:
    waited = _wait(_on("Unschedulable", "0/3 nodes are available"))
    record = progress.keep_going(
        RECORD, StepName.IMAGE_READY, StepState.RUNNING, waited.reason, waited.message
    )
    halt = _halt(seen=replace(FAILED, failure_reason="DeadlineExceeded"), record=record)

    assert halt.reason is Reason.BUILD_TIMED_OUT
    assert halt.message == (
        "The build was not done within build.timeout (30m). What was last seen to keep it: "
        f"Pod pod-x of Job {BUILD_SEEN.job} does not run: Unschedulable (0/3 nodes are available)."
    )
    assert "Mend that, then set the annotation" in halt.sentence
    assert "Raise it" not in halt.sentence


@pytest.mark.parametrize(("said", "shown"), [(QUOTA, f" ({QUOTA})."), ("", "server.")])
def test_a_build_that_never_got_a_pod_says_so_at_its_end(said: str, shown: str) -> None:
    seen = replace(FAILED, failure_reason="DeadlineExceeded")
    halt = _halt(PodTrouble("", None, "FailedCreate", said), seen)

    assert halt.reason is Reason.BUILD_TIMED_OUT
    assert halt.message.endswith(shown)
    assert "gets no Pod from the API server" in halt.message


@pytest.mark.parametrize(
    ("container", "remedy"),
    [
        ("build", "Raise build.resources.limits.memory in the pipeline"),
        ("fetch", "Raise build.fetchResources.limits.memory"),
        ("istio-proxy", "Raise the limit where it is added to Pods"),
        (None, "Raise the limit where it is added to Pods"),
    ],
)
def test_a_build_out_of_memory_names_the_setting(container: str | None, remedy: str) -> None:
    halt = _halt(_ended(137, "OOMKilled", container=container))

    assert halt.reason is Reason.BUILD_OUT_OF_MEMORY
    assert remedy in halt.sentence


def test_a_container_that_was_killed_by_nobody_knows_whom_says_just_that() -> None:
    halt = _halt(_ended(137))

    assert halt.reason is Reason.BUILD_FAILED
    assert "exit code 137. That code is SIGKILL's, and nobody tells who sent it" in halt.message
    assert "Raise build.resources.limits.memory in the pipeline, then set" in halt.sentence


@pytest.mark.parametrize(
    "said",
    [
        'Usage of EmptyDir volume "source" exceeds the limit "5Gi". ',
        "Pod ephemeral local storage usage exceeds the total limit of containers 20Gi. ",
        'Container build exceeded its local ephemeral storage limit "1Gi". ',
        "",
    ],
)
def test_a_pod_evicted_for_its_own_disk_names_the_setting(said: str) -> None:
    halt = _halt(_on("Evicted", said.strip()))

    assert halt.reason is Reason.BUILD_OUT_OF_DISK
    assert f"Pod pod-x was evicted: {said.strip() or 'no reason is told'}" in halt.sentence
    assert "raise build.resources.limits.ephemeral-storage" in halt.sentence


@pytest.mark.parametrize("word", ["DisruptionTarget", "Evicted"])
def test_a_build_its_nodes_were_too_full_for_each_time_is_told_as_evicted(word: str) -> None:
    halt = _halt(_on(word, LOW), replace(FAILED, failed_pods=4))

    assert halt.reason is Reason.BUILD_EVICTED
    assert f"taken away 4 times, at last Pod pod-x: {LOW}" in halt.message
    assert "raise build.resources.requests in the pipeline" in halt.sentence


@pytest.mark.parametrize(("said", "shown"), [("", "node."), ("gone", "node: gone.")])
def test_a_build_that_lost_its_nodes_each_time_is_told_as_lost(said: str, shown: str) -> None:
    halt = _halt(_on("NodeLost", said), replace(FAILED, failed_pods=1))

    assert halt.reason is Reason.NODE_LOST
    assert "lost or taken away once, at last Pod pod-x" in halt.message
    assert halt.message.endswith(shown)


def test_a_pod_taken_away_without_a_word_says_so() -> None:
    assert "at last Pod pod-x: no reason is told." in _halt(_on("DisruptionTarget")).message


def test_a_failed_build_says_what_the_builder_said_and_where_the_logs_are() -> None:
    halt = _halt(_ended(2, said="undefined: foo"), resolved=WITH_LOG)

    assert halt.reason is Reason.BUILD_FAILED
    assert "exit code 2: undefined: foo" in halt.sentence
    assert halt.sentence.endswith("Logs: kubectl logs -n album pod-x -c build")
    assert halt.failure is not None
    assert (halt.failure.step, halt.failure.reason) == ("ImageReady", Reason.BUILD_FAILED)
    assert (halt.failure.pod, halt.failure.container, halt.failure.exit_code) == (
        "pod-x",
        "build",
        2,
    )
    assert halt.failure.message == "undefined: foo"


@pytest.mark.parametrize("word", ["StartError", "ContainerCannotRun"])
@pytest.mark.parametrize("container", ["build", "fetch"])
def test_a_container_the_runtime_could_not_start_is_told_while_the_build_begins_anew(
    word: str, container: str
) -> None:
    wait = _wait(_ended(128, word, FREEZE, container))

    assert wait.reason is Reason.POD_NOT_STARTED
    assert wait.message == (
        f"The node of Pod pod-x of Job {BUILD_SEEN.job} could not start container {container}, and "
        f"the build begins anew ({FREEZE}). Kubernetes keeps trying until 12:30:00 UTC."
    )


@pytest.mark.parametrize(
    ("pods", "said", "told"),
    [
        (4, FREEZE, f"could not be started, at 4 tries: {FREEZE}."),
        (1, NO_MOUNT, f"could not be started: {NO_MOUNT}."),
        (1, "", "could not be started (StartError)."),
    ],
)
def test_a_build_no_node_could_start_blames_no_step_of_it(pods: int, said: str, told: str) -> None:
    halt = _halt(_ended(128, "StartError", said), replace(FAILED, failed_pods=pods))

    assert halt.reason is Reason.POD_NOT_STARTED
    assert halt.message == f"Container build of the build {told}"
    assert halt.sentence.endswith(
        "Look at the node of Pod pod-x, then set the annotation album.dev/retry. "
        "No log: kubectl describe pod -n album pod-x"
    )
    assert halt.failure is not None
    assert (halt.failure.reason, halt.failure.exit_code) == (Reason.POD_NOT_STARTED, 128)
    assert halt.failure.message == (said or halt.sentence)


@pytest.mark.parametrize(
    ("container", "image"),
    [
        ("build", "the builder's (ALBUM_KANIKO_IMAGE, ALBUM_BUILDKIT_IMAGE)"),
        ("fetch", "the operator's (ALBUM_OPERATOR_IMAGE)"),
        ("istio-proxy", "that of whoever adds it to Pods"),
    ],
)
def test_a_program_that_the_image_lacks_is_no_fault_of_a_node(container: str, image: str) -> None:
    halt = _halt(_ended(128, "StartError", NO_PROGRAM, container))

    assert halt.reason is Reason.POD_NOT_STARTED
    assert (
        f"The image has no such program: correct which image it is, {image}, then set"
        in halt.sentence
    )


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("ContainerStatusUnknown", 137, "The container could not be located"),
        ("Unknown", 255, ""),
    ],
)
def test_a_container_that_a_restarted_node_lost_blames_neither_build_nor_memory(
    word: str, code: int, said: str
) -> None:
    halt = _halt(_ended(code, word, said))

    assert halt.reason is Reason.NODE_LOST
    assert halt.message == (
        "The node of Pod pod-x lost container build of the build, as where it or its container "
        f"runtime is restarted, and nobody knows how that ended{f': {said}' if said else ''}."
    )
    assert halt.sentence.endswith(
        "Look whether the node is well, then set the annotation album.dev/retry. "
        "No log: kubectl describe pod -n album pod-x"
    )


def test_a_log_is_shown_only_where_the_pipeline_says_so() -> None:
    halt = _halt(_ended(128, "Error", "the password is hunter2"))

    assert "hunter2" not in repr(halt)
    assert "Container build of the build failed with exit code 128. Mend" in halt.sentence
    assert halt.failure is not None
    assert halt.failure.message == halt.sentence


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        ("line 12, exit code 7", ": line 12 of the Dockerfile ended with exit code 7. Mend"),
        ("line 3", ": line 3 of the Dockerfile could not be done. Mend"),
        ("line 0, exit code 7", " with exit code 1. Mend"),
        ("line 12, exit code 7 and hunter2", " with exit code 1. Mend"),
        ("line 12\nhunter2", " with exit code 1. Mend"),
        ("line \N{ARABIC-INDIC DIGIT ONE}", " with exit code 1. Mend"),
    ],
)
def test_of_a_step_that_failed_nothing_but_numbers_is_shown(left: str, shown: str) -> None:
    assert shown in _halt(_ended(1, said=left)).sentence


def test_a_step_that_ran_out_of_memory_is_named() -> None:
    halt = _halt(_ended(1, "OOMKilled", "line 4, exit code 137"))

    assert halt.message == (
        "Container build of the build ran out of memory: line 4 of the Dockerfile ended with exit "
        "code 137."
    )


def test_what_the_init_container_says_is_shown_always() -> None:
    halt = _halt(_ended(1, said="the tag was moved", container="fetch"))

    assert "failed with exit code 1: the tag was moved" in halt.message
    assert halt.sentence.endswith("kubectl logs -n album pod-x -c fetch")


def test_a_container_that_never_ran_tells_no_exit_code() -> None:
    halt = _halt(_on("ImagePullBackOff", "no such image", "build"))

    assert "Container build of the build failed (ImagePullBackOff): no such image." in halt.message
    assert f"kubectl logs -n album job/{BUILD_SEEN.job} --all-containers" in halt.sentence


@pytest.mark.parametrize(("said", "shown"), [("", "."), ("too few CPUs", ": too few CPUs.")])
def test_a_pod_its_node_did_not_take_is_told_by_its_own_word(said: str, shown: str) -> None:
    halt = _halt(_on("OutOfcpu", said))

    assert halt.reason is Reason.BUILD_FAILED
    assert halt.message == f"Pod pod-x of the build failed (OutOfcpu){shown}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"failure_reason": "PodFailurePolicy", "failure_message": "code 137"}, "it: code 137."),
        ({"failure_reason": "BackoffLimitExceeded"}, "it: BackoffLimitExceeded."),
        ({}, "it: no reason is told."),
    ],
)
def test_a_failed_build_whose_pod_is_gone_says_so(changes: dict[str, str], words: str) -> None:
    halt = _halt(seen=replace(FAILED, **changes))  # type: ignore[arg-type]

    assert halt.reason is Reason.BUILD_FAILED
    assert f"no Pod of it is left, as where somebody deletes {words}" in halt.message
    assert halt.failure is not None
    assert halt.failure.pod is None
    assert halt.failure.message == halt.sentence
