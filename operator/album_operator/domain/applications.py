"""What a look at Argo CD's Applications found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from album_operator.domain.release import Ref

CONSENT = "album.dev/authorized-pipeline"
"""Annotation of an Application: the pipelines its owner lets change it."""

GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"
"""Annotation of an Application: the paths its manifests are made of, with `;` between them; from
its source's path or, behind a slash, from the root (Argo CD, `high_availability.md`)."""

INVALID = "InvalidSpecError"
"""Type of the condition that says that Argo CD takes nothing of an Application
(`application/v1alpha1/types.go`)."""

HEAD = "HEAD"
"""Target revision that stands for the repository's default branch, as an empty one does."""


WAITS = "waiting for healthy state"
"""How the message of a sync begins that waits for a wave (gitops-engine, `sync_context.go`)."""


@dataclass(frozen=True)
class ApplicationSource:
    """Where an Application takes its manifests from.

    Attributes:
        place: where the Application has it, such as `spec.sources[1]`.
        ref: name by which other sources take values files from it; empty for none.
        helm: what it says of values and parameters, as the Application has it.
        kustomize: what it says of images and components, likewise.
        directory: what it says of plain manifests, likewise.
        tool: what renders it, `Helm`, `Kustomize`, `Directory` or `Plugin`; empty where neither
            the Application nor Argo CD tells yet.
        default_branch: what its `HEAD` stands for; empty where that was not asked.
    """

    repository: str
    path: str
    target_revision: str
    revision: str | None = None
    place: str = "spec.source"
    ref: str = ""
    helm: Mapping[str, object] = field(default_factory=dict)
    kustomize: Mapping[str, object] = field(default_factory=dict)
    directory: Mapping[str, object] = field(default_factory=dict)
    tool: str = ""
    default_branch: str = ""

    def follows(self, branch: str) -> bool:
        """Tell whether it moves with a branch; with any by `HEAD` where nobody knows which it is.

        No tag, commit or range of versions does (Argo CD, `tracking_strategies.md`).
        """
        if self.target_revision in {"", HEAD}:
            return self.default_branch in {"", branch}
        return self.target_revision.removeprefix("refs/heads/") == branch


@dataclass(frozen=True)
class Hydration:
    """How manifests that Argo CD made of a dry source get to where an Application syncs from.

    Attributes:
        repository: that it syncs from.
        branch: that it syncs from.
        path: folder of the manifests there.
        revision: commit there that it was last compared to, None for none.
        staged_on: branch that they are pushed to instead, for others to merge; empty for none.
        failure: why they could not be made; empty where they could.
    """

    repository: str
    branch: str
    path: str
    revision: str | None = None
    staged_on: str = ""
    failure: str = ""


@dataclass(frozen=True)
class ResourceSeen:
    """A resource of an Application that is not as it is to be.

    Attributes:
        name: kind, namespace and name, such as `apps/Deployment shop/backend`.
        status: its sync status.
        requires_pruning: it is in the repository no longer.
        health: empty where the Application does not tell.
        message: what its health is about.
    """

    name: str
    status: str
    requires_pruning: bool = False
    health: str = ""
    message: str = ""


@dataclass(frozen=True)
class OperationSeen:
    """The last or running sync operation of an Application.

    Attributes:
        phase: `Running`, `Terminating`, `Succeeded`, `Failed` or `Error`.
        revisions: revisions it synced to, one per source.
        is_of_spec: it synced the sources that the spec has now.
        attempt: of which release's attempt it is, as `render.operation` marks it; empty for none.
        retries: how often it was begun again because it had failed.
        self_heals: how many syncs of this revision there were because of differences alone.
        failures: what it could not apply, and hooks that failed, each with Argo CD's words.
    """

    phase: str
    revisions: tuple[str, ...]
    message: str
    finished_at: datetime | None = None
    is_of_spec: bool = False
    attempt: str = ""
    retries: int = 0
    self_heals: int = 0
    failures: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """Its message after a colon, as the end of a sentence; one that just began has none."""
        words = self.message.strip().rstrip(".")
        return f": {words}." if words else "."

    @property
    def holds_up(self) -> bool:
        """Whether it may go on for long, if it runs: nothing else is synced before it ends."""
        return self.retries > 0 or self.message.startswith(WAITS)


@dataclass(frozen=True)
class ApplicationSeen:
    """An Argo CD Application.

    Attributes:
        sources: its sources with the revision each was last *compared to*.
        consents: pipelines, `<namespace>/<name>`, that its owner lets change its sync policy.
        previous_policy: JSON text of the policy it had before we came, None where never kept.
        applied_policy: JSON text of the policy as we left it, likewise.
        out_of_sync: how many of its resources differ.
        sync_policy: `spec.syncPolicy` as it is, None where absent.
        refresh_requested: a refresh is asked for and not yet done.
        images: images in the Pod specs of its resources, old and new while a rollout runs.
        health_since: when its health last changed, where Argo CD tells.
        reconciled_at: when it was last compared.
        operation: the last or running operation.
        operation_requested: an operation is asked for, or runs.
        rendered_by: the app of apps that Argo CD tracks it for, as `instance`; empty for none.
        requested_attempt: of which release's attempt it is; empty for none.
        conditions: messages of its error conditions by type, such as `ComparisonError`.
        controller_namespace: where Argo CD's controller runs, empty where it does not tell.
        is_of_spec: it was last compared with the sources that the spec has now.
        renders: the Applications among its resources, with the sync status of each.
        renders_sets: likewise the ApplicationSets.
        made_by: the ApplicationSet that makes it and keeps it, None where none does.
        hydration: how what it syncs comes from its one source; None where it syncs that itself.
        generate_paths: what its owner says that its manifests are made of.
        notice: annotations of the notice on its page, with the one that says whose it is.
        is_deleted: somebody has deleted it, and it only waits for what it deployed to go.
        project: its AppProject.
        resources: those of its resources that are not Synced and Healthy, the first of them.
        health_message: what makes it ill, as far as Argo CD tells here.
        destination: namespace of Argo CD's own cluster that it deploys to; empty for another one.
    """

    namespace: str
    name: str
    resource_version: str
    sources: tuple[ApplicationSource, ...]
    consents: frozenset[str]
    previous_policy: str | None
    sync_policy: Mapping[str, object] | None
    refresh_requested: bool
    sync_status: str
    health: str
    images: tuple[str, ...]
    health_since: datetime | None
    reconciled_at: datetime | None
    operation: OperationSeen | None
    operation_requested: bool
    conditions: Mapping[str, str]
    controller_namespace: str = ""
    is_of_spec: bool = False
    renders: Mapping[Ref, str] = field(default_factory=dict)
    renders_sets: Mapping[Ref, str] = field(default_factory=dict)
    made_by: Ref | None = None
    requested_attempt: str = ""
    hydration: Hydration | None = None
    applied_policy: str | None = None
    out_of_sync: int = 0
    rendered_by: str = ""
    generate_paths: tuple[str, ...] = ()
    is_deleted: bool = False
    project: str = ""
    resources: tuple[ResourceSeen, ...] = ()
    health_message: str = ""
    notice: Mapping[str, str] = field(default_factory=dict)
    destination: str = ""

    @property
    def ref(self) -> Ref:
        """Namespace and name."""
        return Ref(self.namespace, self.name)

    def status_of(self, other: "ApplicationSeen") -> str | None:
        """Give the sync status of an Application, or of what makes it, among the resources.

        None where it is not among them.
        """
        if other.ref in self.renders:
            return self.renders[other.ref]
        return self.renders_sets.get(other.made_by) if other.made_by is not None else None

    @property
    def lasting(self) -> "ApplicationSeen":
        """Itself without what Argo CD and its sync change all the time."""
        hydration = self.hydration
        return replace(
            self,
            resource_version="",
            sources=tuple(replace(source, revision=None) for source in self.sources),
            previous_policy=None,
            applied_policy=None,
            refresh_requested=False,
            sync_status="",
            health="",
            health_since=None,
            reconciled_at=None,
            operation=None,
            operation_requested=False,
            requested_attempt="",
            conditions={kind: said for kind, said in self.conditions.items() if kind == INVALID},
            renders=dict.fromkeys(self.renders, ""),
            renders_sets=dict.fromkeys(self.renders_sets, ""),
            hydration=hydration and replace(hydration, revision=None, failure=""),
            is_of_spec=False,
            out_of_sync=0,
            resources=(),
            health_message="",
            notice={},
        )

    @property
    def instance(self) -> str:
        """Its name where Argo CD tells those of several namespaces apart (`InstanceName`)."""
        if self.controller_namespace in {"", self.namespace}:
            return self.name
        return f"{self.namespace}_{self.name}"


@dataclass(frozen=True)
class ConsentedApplication:
    """An Application that may be patched as it was seen; made by `decisions.application.ask`.

    Without consent it is made by `decisions.give_back` alone, to take away what we left there.

    Consent and resource version are of the same look, and a patch names that version: where the
    owner moves the consent before it arrives, nothing is patched.
    """

    seen: ApplicationSeen
