"""Whether the API server holds us to the guard on Applications, found out by trying.

A name proves nothing: an overlay may have renamed the ServiceAccount or left the guard out, and who
installs may have bound it to another. So we ask for what the guard alone forbids, as a dry run.
"""

import logging
import uuid
from collections.abc import Iterable

from album_operator.adapters.cluster import Cluster, application_path
from album_operator.adapters.cluster_refusals import NotFoundError
from album_operator.domain.errors import OutsideError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref

LOG = logging.getLogger(__name__)

PROBE = "album.dev/guard-probe"
"""A label no release needs; with a value of this moment it is a change in any case."""

HELD = "album-operator may not change"
"""In each refusal of manifests/base/application-guard.yaml, and in no other."""


async def prove_guard(cluster: Cluster, application: Ref) -> None:
    """Find the guard to refuse us a change of an Application; nothing is changed either way.

    Raises:
        TransientError: `GuardMissing` where it would have been done.
        OutsideError: the API server could not be asked, or refuses for another reason.
    """
    path = application_path(application.namespace, application.name)
    try:
        await cluster.try_merge(path, {"metadata": {"labels": {PROBE: uuid.uuid4().hex}}})
    except NotFoundError:
        return  # Gone since it was looked at: there is nothing to guard.
    except OutsideError as error:
        if HELD in error.message:
            return
        raise
    raise TransientError(
        Reason.GUARD_MISSING,
        f"The API server would let the operator change more of Application {application} than a "
        "release needs (a dry run; nothing was changed), so no guard holds its ServiceAccount. "
        "Apply manifests/base/application-guard.yaml for it; or, where the cluster has no "
        "ValidatingAdmissionPolicy, an admin sets ALBUM_REQUIRE_GUARD=false. The operator then "
        "goes on by itself.",
    )


async def find_unguarded(cluster: Cluster, namespaces: Iterable[str]) -> str | None:
    """Tell of the first namespace with an Application in which no guard holds us.

    Where there is no Application there is nothing to change, and where one cannot be asked about
    nothing is proved: both are asked for again before a release begins.
    """
    for namespace in namespaces:
        try:
            listed = await cluster.get(application_path(namespace), limit="1")
            for raw in listed["items"]:
                await prove_guard(cluster, Ref(namespace, raw["metadata"]["name"]))
        except OutsideError as error:
            if error.reason is Reason.GUARD_MISSING:
                return error.message
            LOG.warning("Whether a guard holds us in namespace %s: %s", namespace, error)
    return None
