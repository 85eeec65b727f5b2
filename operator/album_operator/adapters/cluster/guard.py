"""Whether the API server holds us to the guard on Applications, found out by trying.

A name proves nothing: an overlay may have renamed the ServiceAccount or left the guard out, and who
installs may have bound it to another. So we ask for what the guard alone forbids, as a dry run.
"""

import asyncio
import logging
import uuid
from collections.abc import Collection

from album_operator.adapters.cluster.cluster import Cluster, application_path
from album_operator.adapters.cluster.refusals import NotFoundError
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


class GuardAtStart:
    """Keeps releases from being served until the guard was found to hold, or nothing is there.

    Asked once with that end: from then on it is proved anew before each release begins.
    """

    def __init__(self, cluster: Cluster, namespaces: Collection[str]) -> None:
        """Prepare to ask.

        Args:
            cluster: the API server.
            namespaces: with Applications; none where no guard is required.
        """
        self._cluster = cluster
        self._namespaces = namespaces
        self._one_at_a_time = asyncio.Lock()
        self._is_over = not namespaces

    async def find_obstacle(self) -> str | None:
        """Say where no guard holds us; None where one does, or there is nothing it would guard.

        An Application that cannot be asked about proves nothing, and is no obstacle here.
        """
        async with self._one_at_a_time:
            for namespace in () if self._is_over else self._namespaces:
                try:
                    listed = await self._cluster.get(application_path(namespace), limit="1")
                    for raw in listed["items"]:
                        await prove_guard(self._cluster, Ref(namespace, raw["metadata"]["name"]))
                except OutsideError as error:
                    if error.reason is Reason.GUARD_MISSING:
                        return error.message
                    LOG.warning("Whether a guard holds us in namespace %s: %s", namespace, error)
            self._is_over = True
            return None
