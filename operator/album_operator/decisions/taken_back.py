"""ManagedElsewhere: who takes the sync policy of an Application back, and the lines that let it be.

Each was tried with Argo CD 3.6.1. The annotation `argocd.argoproj.io/ignore-differences` of an
Application holds against an app of apps that respects ignored differences, and against no
ApplicationSet.
"""

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Halt

POLICY = "/spec/syncPolicy"
KEPT = (
    POLICY,
    "/metadata/annotations/album.dev~1previous-sync-policy",
    "/metadata/annotations/album.dev~1applied-sync-policy",
)
"""JSON pointers (RFC 6901) to what the operator writes into an Application and keeps there."""

LEAVE = "set spec.argocd.syncPolicy: {} in the pipeline, which leaves the policy alone"


def refuse(ref: Ref, seen: ApplicationSeen | None) -> Halt:
    """Say that somebody takes the policy back, and what is to be written where.

    Args:
        ref: the Application.
        seen: as it is now, None where it is gone.
    """
    who, remedy = (
        "whoever writes it",
        "Set selfHeal and ApplyOutOfSyncOnly=true where it is written",
    )
    if seen is not None and seen.made_by is not None:
        who = f"ApplicationSet {seen.made_by}, which makes it"
        pointers = ", ".join(KEPT)
        remedy = f"Add to it spec.ignoreApplicationDifferences: [{{jsonPointers: [{pointers}]}}]"
    elif seen is not None and seen.rendered_by:
        who = f"Application {seen.rendered_by}, which renders it"
        remedy = (
            "Add to that one spec.ignoreDifferences: [{group: argoproj.io, kind: Application, "
            f"name: {ref.name}, jsonPointers: [{POLICY}]}}] and spec.syncPolicy.syncOptions: "
            "[RespectIgnoreDifferences=true], or set selfHeal and ApplyOutOfSyncOnly=true where "
            "it has this one from"
        )
    return Halt(
        Reason.MANAGED_ELSEWHERE,
        f"The sync policy that the operator has set in Application {ref} was taken back, most "
        f"likely by {who}.",
        f"{remedy}, or {LEAVE}",
    )
