"""The part of an AlbumPipeline that says which Applications there are, and how they sync."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from album_operator.api.build_pod import LABEL_KEYS, LabelValue
from album_operator.api.model import MapList, Model, Rule, obeys
from album_operator.api.places import RegistryPlace
from album_operator.api.types import (
    Between,
    Duration,
    Label,
    Name,
    ObjectName,
    OlderImages,
    SyncType,
    Text,
)


class SyncPolicy(Model):
    """Sync policy the Applications get. A field that is left out is left as it is."""

    self_heal: bool | None = Field(
        None,
        description=(
            "Sets automated.selfHeal: whether Argo CD undoes changes made in the cluster by hand."
        ),
    )
    apply_out_of_sync_only: bool | None = Field(
        None,
        description="Sets the sync option ApplyOutOfSyncOnly; other sync options are kept.",
    )
    prune: bool | None = Field(
        None,
        description=(
            "Sets automated.prune: whether Argo CD deletes what is no longer in the repository."
        ),
    )


Settle = Annotated[Duration, Between("0s", "1h", "60s")]
Timeout = Annotated[Duration, Between("10s", "24h", "15m")]


class RewrittenRegistry(Model):
    """A registry of which images run under another name."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.from != self.to",
            "from and to are the same place: leave the item out, or write what Pods have into to.",
            ".to",
        ),
    )

    original: RegistryPlace = Field(
        alias="from", description="The registry, or a place in it, as edits write it."
    )
    rewritten: RegistryPlace = Field(
        alias="to", description="What Pods have in its stead; what follows it stays the same."
    )


class ArgoCD(Model):
    """The Applications and how they are to sync."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.sync) || self.sync == 'Automated' || !has(self.syncPolicy) || "
            "!(has(self.syncPolicy.prune) || "
            "has(self.syncPolicy.selfHeal) && !self.syncPolicy.selfHeal || "
            "has(self.syncPolicy.applyOutOfSyncOnly) && !self.syncPolicy.applyOutOfSyncOnly)",
            "with sync Operation or Observe no sync policy is set: leave syncPolicy out.",
            ".syncPolicy",
        ),
        Rule(
            "!has(self.notice) || !self.notice || !has(self.sync) || self.sync != 'Observe'",
            "with sync Observe nothing of the Applications is changed: leave notice out.",
            ".notice",
        ),
    )

    namespace: Label = Field(
        "argocd",
        description="Namespace of the Application an app has by convention; argocd by default.",
    )
    sync: SyncType = Field(
        "Automated",
        description=(
            "Who syncs: Argo CD by itself, with the sync policy below (Automated); the operator, "
            "by one sync for each release that needs one (Operation); or others, and the operator "
            "changes nothing of the Applications and only watches (Observe)."
        ),
    )
    sync_policy: SyncPolicy = Field(
        default_factory=lambda: SyncPolicy(self_heal=True, apply_out_of_sync_only=True),
        description=(
            "Sync policy the Applications get. If you write it, only the fields you write are set; "
            "selfHeal and applyOutOfSyncOnly are true if you do not."
        ),
        json_schema_extra={"default": {"selfHeal": True, "applyOutOfSyncOnly": True}},
    )
    settle: Settle = Field(
        timedelta(seconds=60),
        description=(
            "How long the app must stay Healthy before the release counts as deployed; 60s by "
            "default."
        ),
        json_schema_extra={"default": "60s"},
    )
    timeout: Timeout = Field(
        timedelta(minutes=15),
        description=(
            "How long after the merge the app may take to run the new version; 15m by default."
        ),
        json_schema_extra={"default": "15m"},
    )
    older_images: OlderImages = Field(
        "Refuse",
        description=(
            "What other versions of the image are beside the released one: a rollout that is not "
            "over (Refuse, default), or Pods that ended and that Argo CD goes on to list (Ignore)."
        ),
    )
    rewritten_registries: Annotated[list[RewrittenRegistry], MapList("to")] = Field(
        default_factory=list,
        max_length=16,
        description="Registries that a webhook of the cluster rewrites in Pods, by mirrors.",
    )
    notice: bool = Field(
        False,
        description=(
            "Show a notice on the Applications' pages in Argo CD while the release waits for a "
            "person to merge its pull request."
        ),
    )


class ApplicationRef(Model):
    """An Argo CD Application."""

    namespace: Label = Field(description="Namespace of the Application.")
    name: ObjectName = Field(description="Name of the Application.")


MatchLabels = Annotated[dict[str, LabelValue], Field(min_length=1, max_length=16), LABEL_KEYS]


class ApplicationSelector(Model):
    """Which Argo CD Applications run an app, by their labels."""

    match_labels: MatchLabels = Field(
        description="Labels that an Application in argocd.namespace must have, each with its value."
    )


class ResolvedApplicationSelector(Model):
    """By which labels the Applications were found, and where."""

    namespace: Annotated[Name, obeys(Label)] = Field(description="Namespace of the Applications.")
    match_labels: Annotated[
        dict[str, Annotated[Text, obeys(LabelValue)]], Field(max_length=16), obeys(MatchLabels)
    ] = Field(description="Labels they have.")


class ResolvedApplication(Model):
    """An Argo CD Application."""

    namespace: Annotated[Name, obeys(Label)] = Field(description="Namespace of the Application.")
    name: Annotated[Name, obeys(ObjectName)] = Field(description="Name of the Application.")


class ResolvedRewrittenRegistry(Model):
    """A registry of which images run under another name."""

    original: Annotated[Name, obeys(RegistryPlace)] = Field(
        alias="from", description="The registry as edits write it."
    )
    rewritten: Annotated[Name, obeys(RegistryPlace)] = Field(
        alias="to", description="What Pods have in its stead."
    )


class ResolvedArgoCD(Model):
    """The Applications and how they are to sync."""

    sync: SyncType | None = Field(None, description="Who syncs; Automated if unset.")
    self_heal: bool | None = Field(None, description="automated.selfHeal; unset leaves it alone.")
    apply_out_of_sync_only: bool | None = Field(
        None, description="Sync option ApplyOutOfSyncOnly; unset leaves it alone."
    )
    prune: bool | None = Field(None, description="automated.prune; unset leaves it alone.")
    settle: Annotated[Duration, obeys(Settle)] = Field(
        description="How long the app must stay Healthy."
    )
    timeout: Annotated[Duration, obeys(Timeout)] = Field(
        description="How long after the merge the app may take."
    )
    older_images: OlderImages | None = Field(
        None, description="What other versions of the image beside ours are; Refuse if unset."
    )
    rewritten_registries: Annotated[list[ResolvedRewrittenRegistry], MapList("to")] = Field(
        default_factory=list,
        max_length=16,
        description="Registries of which images run under another name.",
    )
    applications: Annotated[list[ResolvedApplication], MapList("namespace", "name")] = Field(
        max_length=16, description="The Applications that run the app."
    )
    application_selector: ResolvedApplicationSelector | None = Field(
        None, description="How they were found, if not by their names."
    )
    notice: bool = Field(False, description="Whether their pages tell what is waited for.")
