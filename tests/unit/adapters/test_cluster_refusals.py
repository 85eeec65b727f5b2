"""What the API server's refusals become: most pass, and a person must mend the rest."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.refusals import ConflictError, NotFoundError
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.reasons import TRANSIENT, Reason
from tests.unit.adapters.api_server import ApiServer, running, status_of

SECRET = path_of("/api/v1", "secrets", "album", "album-git")
JOBS = path_of("/apis/batch/v1", "jobs", "album")
APPLICATION = path_of("/apis/argoproj.io/v1alpha1", "applications", "argocd", "backend")
STATUS = path_of("/apis/album.dev/v1alpha1", "albumreleases", "album", "backend-v1.1.0", "status")

MAY_NOT = (
    'secrets "album-git" is forbidden: User "system:serviceaccount:album-system:album-operator" '
    'cannot get resource "secrets" in API group "" in the namespace "album"'
)
UNKNOWN_KIND = status_of(404, "the server could not find the requested resource", "NotFound")
WEBHOOK = 'admission webhook "validate.kyverno.svc-fail" denied the request: no latest tag'
POLICY = (
    "applications.argoproj.io \"backend\" is forbidden: ValidatingAdmissionPolicy 'guard' with "
    "binding 'guard' denied request: album-operator may not change this Application"
)


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
async def cluster(server: ApiServer) -> AsyncIterator[Cluster]:
    async with running(server) as cluster:
        yield cluster


async def _refused(cluster: Cluster, method: str = "GET", path: str = SECRET) -> OutsideError:
    asked = {"POST": cluster.create, "PATCH": cluster.merge}.get(method)
    with pytest.raises(OutsideError) as caught:
        await (asked(path, {}) if asked is not None else cluster.get(path))
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        (401, status_of(401, "Unauthorized", "Unauthorized")),
        (401, "no token for you"),
        (403, status_of(403, MAY_NOT, "Forbidden", name="album-git", kind="secrets")),
        (403, "Forbidden"),
        (404, "404 page not found\n"),
        (404, UNKNOWN_KIND),
        (404, status_of(404, 'namespaces "album" not found', "NotFound", name="album")),
        (400, "<html>Bad Request</html>"),
        (408, ""),
        (429, status_of(429, "too many requests", "TooManyRequests")),
        (500, status_of(500, 'failed calling webhook "x": no endpoints', "InternalError")),
        (503, status_of(503, "storage is (re)initializing", "ServiceUnavailable")),
        (507, ""),
    ],
    ids=str,
)
async def test_what_an_api_server_in_trouble_answers_is_tried_again(
    server: ApiServer, cluster: Cluster, answer: tuple[int, object]
) -> None:
    server.answer = answer
    error = await _refused(cluster)

    assert isinstance(error, TransientError)
    assert not isinstance(error, NotFoundError)
    assert error.reason is Reason.CLUSTER_UNAVAILABLE
    if isinstance(answer[1], dict):
        assert answer[1]["message"] in error.sentence


async def test_only_a_status_that_names_the_object_says_it_is_missing(
    server: ApiServer, cluster: Cluster
) -> None:
    server.answer = (
        404,
        status_of(404, 'secrets "album-git" not found', "NotFound", name="album-git"),
    )
    assert isinstance(await _refused(cluster), NotFoundError)

    server.answer = 404, UNKNOWN_KIND
    error = await _refused(cluster, path=APPLICATION)
    assert not isinstance(error, NotFoundError)
    assert error.sentence.endswith("If that lasts, install Argo CD.")


async def test_a_name_that_is_quoted_in_the_path_is_the_same_object(
    server: ApiServer, cluster: Cluster
) -> None:
    server.answer = 404, status_of(404, "not found", "NotFound", name="a b")
    assert isinstance(
        await _refused(cluster, path=path_of("/api/v1", "secrets", "album", "a b")), NotFoundError
    )


@pytest.mark.parametrize(
    ("method", "path", "right", "manifests"),
    [
        ("GET", SECRET, "get secrets in namespace album", "manifests/namespace"),
        ("GET", JOBS, "list batch/jobs in namespace album", "manifests/namespace"),
        ("POST", JOBS, "create batch/jobs in namespace album", "manifests/namespace"),
        (
            "PATCH",
            STATUS,
            "patch album.dev/albumreleases/status in namespace album",
            "manifests/namespace",
        ),
        (
            "PATCH",
            APPLICATION,
            "patch argoproj.io/applications in namespace argocd",
            "manifests/argocd",
        ),
    ],
)
async def test_a_right_is_missing_only_where_the_api_server_confirms_it(
    server: ApiServer, cluster: Cluster, method: str, path: str, right: str, manifests: str
) -> None:
    server.answer = 403, status_of(403, MAY_NOT, "Forbidden")
    server.allowed = False
    error = await _refused(cluster, method, path)

    assert isinstance(error, TransientError)
    assert error.reason is Reason.FORBIDDEN
    assert MAY_NOT in error.sentence
    assert f"may not {right}: give it the Role and RoleBinding of {manifests}" in error.sentence
    assert "album.dev/retry" not in error.sentence

    server.allowed = True
    assert (await _refused(cluster, method, path)).reason is Reason.CLUSTER_UNAVAILABLE
    server.allowed = None
    assert (await _refused(cluster, method, path)).reason is Reason.CLUSTER_UNAVAILABLE


async def test_a_missing_right_to_a_subresource_is_asked_for_as_that(
    server: ApiServer, cluster: Cluster
) -> None:
    server.answer = 403, status_of(403, MAY_NOT, "Forbidden")
    await _refused(cluster, "PATCH", STATUS)

    assert server.asked == [
        {
            "namespace": "album",
            "verb": "patch",
            "group": "album.dev",
            "resource": "albumreleases",
            "subresource": "status",
        }
    ]


@pytest.mark.parametrize("code", [400, 403, 422, 500])
@pytest.mark.parametrize("said", [WEBHOOK, POLICY])
async def test_what_a_policy_or_a_webhook_denies_is_told_in_its_words(
    server: ApiServer, cluster: Cluster, code: int, said: str
) -> None:
    server.answer = code, status_of(code, said, "Forbidden")
    error = await _refused(cluster, "PATCH", APPLICATION)

    assert isinstance(error, TransientError)
    assert error.reason is Reason.ADMISSION_DENIED
    assert said in error.sentence
    assert "RoleBinding" not in error.sentence


@pytest.mark.parametrize(
    "said",
    [
        'jobs.batch "x" is forbidden: exceeded quota: builds, requested: count/jobs.batch=1',
        'jobs.batch "x" is forbidden: unable to create new content in namespace album because it '
        "is being terminated",
    ],
)
async def test_what_a_quota_or_the_end_of_a_namespace_denies_is_tried_again(
    server: ApiServer, cluster: Cluster, said: str
) -> None:
    server.answer = 403, status_of(403, said, "Forbidden")
    error = await _refused(cluster, "POST", JOBS)

    assert error.reason is Reason.ADMISSION_DENIED
    assert error.reason in TRANSIENT
    assert said in error.sentence


async def test_what_the_schema_refuses_waits_for_a_person(
    server: ApiServer, cluster: Cluster
) -> None:
    said = 'Job.batch "x" is invalid: spec.template.spec.containers[0].resources.requests: Invalid'
    server.answer = 422, status_of(422, said, "Invalid")
    error = await _refused(cluster, "POST", JOBS)

    assert isinstance(error, TerminalError)
    assert error.reason is Reason.REJECTED
    assert said in error.sentence
    assert "set the annotation album.dev/retry" in error.sentence


async def test_a_conflict_is_looked_at_again(server: ApiServer, cluster: Cluster) -> None:
    server.answer = 409, status_of(409, "the object has been modified", "Conflict")
    assert isinstance(await _refused(cluster, "PATCH", STATUS), ConflictError)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("99999999999999999999", 300), ("soon", 0), ("²", 0)],
)
async def test_the_pause_it_asks_for_is_kept_up_to_five_minutes(
    server: ApiServer, cluster: Cluster, header: str, seconds: int
) -> None:
    server.answer = 503, status_of(503, "not now")
    server.headers = {"Retry-After": header}
    error = await _refused(cluster)

    assert isinstance(error, TransientError)
    assert error.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("body", ["", "[]", "no JSON", "[" * 100_000, '{"a":' * 100_000])
async def test_an_answer_that_is_none_is_tried_again(
    server: ApiServer, cluster: Cluster, body: str
) -> None:
    server.answer = 200, body
    error = await _refused(cluster)

    assert error.reason is Reason.CLUSTER_UNAVAILABLE
    assert "can be read" in error.sentence
