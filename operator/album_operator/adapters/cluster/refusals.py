"""What the API server's refusals mean: which pass by themselves, and what a person must mend."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from album_operator.domain.errors import OutsideError, StaleError, TerminalError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.remedy import SET_RETRY

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, GONE = 401, 403, 404, 409, 410

RETRIED = frozenset({408, 429})
"""What may pass beside all from 500 on."""

SAID_LENGTH = 512

LONGEST_WAIT = timedelta(minutes=5)
"""Most of a `Retry-After` that is believed."""

OBJECTS = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/[^/]+/namespaces/(?P<namespace>[^/]+)/(?P<plural>[^/]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?"
)

RBAC_WORDS = re.compile(r'User "[^"]*" cannot ')
"""How the API server begins what a user may not do (apiserver's `responsewriters`)."""

ADMISSION_WORDS = re.compile(r"denied (the )?request")
"""Said by webhooks, with any code, and by ValidatingAdmissionPolicies."""

MANIFESTS = {"argoproj.io": "manifests/argocd", "coordination.k8s.io": "manifests/base"}
INSTALLS = {"argoproj.io": "Argo CD", "album.dev": "the CRDs of crds/"}


class NotFoundError(StaleError):
    """The API server has no such object; it does know the kind."""


class ConflictError(StaleError):
    """The object changed since it was read, or exists already."""


class GoneError(TransientError):
    """The resource version asked for is too old to watch from."""


@dataclass(frozen=True)
class Right:
    """What a request needs to be allowed, as a SelfSubjectAccessReview asks for it.

    Attributes:
        group: API group, empty for the core's.
        resource: plural, with the subresource after a slash.
    """

    namespace: str
    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        group = f"{self.group}/" if self.group else ""
        return f"{self.verb} {group}{self.resource} in namespace {self.namespace}"


@dataclass(frozen=True)
class Refusal:
    """An answer that is none.

    Attributes:
        path: what was asked.
        code: HTTP status.
        status: the Kubernetes `Status` of the body; empty where there is none, because something
            in between answered.
        retry_after: the header, None for none.
    """

    path: str
    code: int
    status: Mapping[str, Any]
    retry_after: str | None = None

    @property
    def said(self) -> str:
        """The other side's own words."""
        words = str(self.status.get("message") or f"HTTP status {self.code}")
        return head(words, SAID_LENGTH).rstrip(". ")

    def is_of_object(self) -> bool:
        """Tell a missing object from a kind, or a namespace, that is not known.

        Only the first has a `Status` that names the very object.
        """
        asked = OBJECTS.fullmatch(self.path)
        details = self.status.get("details")
        name = details.get("name") if isinstance(details, Mapping) else None
        return bool(
            asked
            and asked["name"]
            and self.status.get("reason") == "NotFound"
            and name == unquote(asked["name"])
        )


def right_for(method: str, path: str, *, watch: bool) -> Right | None:
    """Give what a request needs; None where it is about no namespace."""
    asked = OBJECTS.fullmatch(path)
    if asked is None:
        return None
    reads = "get" if asked["name"] else "watch" if watch else "list"
    resource = asked["plural"] + (f"/{asked['sub']}" if asked["sub"] else "")
    writes = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    verb = writes.get(method, reads)
    return Right(unquote(asked["namespace"]), verb, asked["group"] or "", resource)


def error_of(refusal: Refusal) -> OutsideError:
    """Say what a refusal means, as long as the rights are in order."""
    said = refusal.said
    if refusal.code == NOT_FOUND:
        return _not_found(refusal)
    if refusal.code == CONFLICT:
        return ConflictError(Reason.CLUSTER_UNAVAILABLE, f"The object changed meanwhile: {said}.")
    if refusal.code == GONE:
        return GoneError(Reason.CLUSTER_UNAVAILABLE, f"The watch is too old: {said}.")
    if ADMISSION_WORDS.search(said):
        return _denied(said)
    if refusal.code == UNAUTHORIZED:
        return _unavailable(f"The API server does not take the operator's token now: {said}.")
    if refusal.code == FORBIDDEN:
        if refusal.status and not RBAC_WORDS.search(said):
            return _denied(said)
        return _unavailable(f"The API server refuses what it says is allowed: {said}.")
    if refusal.code in RETRIED or refusal.code >= 500 or not refusal.status:
        digits = refusal.retry_after or ""
        wait = timedelta(seconds=int(digits[:9])) if digits.isdecimal() else timedelta()
        return _unavailable(f"The API server cannot answer now: {said}.", min(wait, LONGEST_WAIT))
    return TerminalError(
        Reason.REJECTED,
        f"The API server takes this for wrong: {said}.",
        "Correct what it names in the pipeline or the release",
        ending=f", then {SET_RETRY}; if it names nothing of yours, the CRDs may be of another "
        "version than the operator.",
    )


def forbidden(refusal: Refusal, right: Right) -> TransientError:
    """Say that a right is missing, as the API server has confirmed."""
    manifests = MANIFESTS.get(right.group, "manifests/namespace")
    return TransientError(
        Reason.FORBIDDEN,
        f"The API server refused the operator: {refusal.said}. Its ServiceAccount may not {right}: "
        f"give it the Role and RoleBinding of {manifests} there. The operator then goes on by "
        "itself.",
    )


def _not_found(refusal: Refusal) -> OutsideError:
    if refusal.is_of_object():
        return NotFoundError(
            Reason.CLUSTER_UNAVAILABLE, f"The API server has no {refusal.path}: {refusal.said}."
        )
    asked = OBJECTS.fullmatch(refusal.path)
    install = INSTALLS.get(asked["group"] or "") if asked else None
    hint = f" If that lasts, install {install}." if install else ""
    return _unavailable(f"The API server does not know {refusal.path} now: {refusal.said}.{hint}")


def _denied(said: str) -> TransientError:
    return TransientError(
        Reason.ADMISSION_DENIED,
        f"A rule of the cluster refuses this (a policy, a webhook, a quota): {said}. Whoever runs "
        "the cluster changes the rule, or you change what it names; the operator tries again by "
        "itself.",
    )


def _unavailable(message: str, wait: timedelta | None = None) -> TransientError:
    return TransientError(Reason.CLUSTER_UNAVAILABLE, message, wait)
