"""A release as the steps of one pass know it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from album_operator.decisions.application import name_alike
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import Sync
from album_operator.domain.hosts import HostAliases
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.record import Record
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.ports import Applications
from album_operator.steps.access import Access


@dataclass(frozen=True)
class Case:
    """A release, what it achieved, and what it does.

    Attributes:
        resolved: what the status says it does; before it does, what the conventions make of it.
        access: where its repositories are, with their credentials.
        looks: what this pass found under the image's tag, until a step has made use of it.
        current: its AlbumPipeline as it is now, which only says whether it is held; None where
            that is gone.
    """

    release: Release
    record: Record
    resolved: Resolved
    access: Access
    looks: dict[str, ImageSeen | None] = field(default_factory=dict)
    current: Pipeline | None = None

    @property
    def namespace(self) -> str:
        """Namespace of the release, and of all Secrets it uses."""
        return self.release.ref.namespace

    @property
    def pipeline(self) -> Ref:
        """The AlbumPipeline it follows."""
        return Ref(self.namespace, self.resolved.pipeline.name)

    @property
    def writes_applications(self) -> bool:
        """Whether it changes Applications, for which it needs their consent."""
        return self.resolved.argocd.sync is not Sync.OBSERVE

    @property
    def digest(self) -> str:
        """`sha256:…` of its image, empty where there is none yet."""
        return self.record.image.digest if self.record.image is not None else ""

    def of_application(self, ref: Ref) -> "Case":
        """Give the case with this one of its Applications alone."""
        argocd = replace(self.resolved.argocd, applications=(ref,))
        return replace(self, resolved=replace(self.resolved, argocd=argocd))

    async def find_applications(
        self, applications: Applications, aliases: HostAliases
    ) -> Mapping[Ref, ApplicationSeen | None]:
        """Read each Application it names; None for one that does not exist.

        Args:
            applications: the port.
            aliases: which hosts are one, as an admin tells.
        """
        refs = self.resolved.argocd.applications
        found = {ref: await applications.find(ref) for ref in refs}
        there = [seen for seen in found.values() if seen is not None]
        # After the one that renders it: what that one has synced is there then.
        for child in there:
            if any(seen.status_of(child) is not None for seen in there):
                found[child.ref] = await applications.find(child.ref)
        return {
            ref: seen and name_alike(seen, self.resolved, aliases) for ref, seen in found.items()
        }
