"""What outweighs a release's edits, in its Applications and beside the edited files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from album_operator.decisions import manifests
from album_operator.decisions.helm_values import Files
from album_operator.decisions.overrides import Outweighing, files_of, inline_texts
from album_operator.decisions.sources import may_be_in_manifest
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.release import Edit, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from album_operator.ports import Reader
from album_operator.render import proposal
from album_operator.steps.case import Case

Applications = Mapping[Ref, ApplicationSeen | None]


def paths(resolved: Resolved, applications: Applications) -> frozenset[str]:
    """Give the files to look at beside those that are edited; most are not there."""
    found = (files_of(one, resolved) for one in applications.values() if one is not None)
    return frozenset().union(*found)


@dataclass(frozen=True)
class Place:
    """Where a release's values go to.

    Attributes:
        case: the release, with what it does by the repositories as they were found.
        applications: its Applications, as they were found.
        data: bytes by path of the edited files, and of those of `paths` that are there.
    """

    case: Case
    applications: Applications
    data: Mapping[str, bytes]

    async def check(self, reader: Reader) -> Halt | None:
        """Refuse a release of which an Application would never run a value.

        Raises:
            TransientError: what is beside it could not be read now.
        """
        wanted = proposal.wanted_values(self.case.resolved, self.case.digest or UNKNOWN_DIGEST)
        children = await self._find_children(reader)
        for application in filter(None, self.applications.values()):
            own = {edit for edit, child in children.items() if child == application.name}
            asked = files_of(application, self.case.resolved)
            there = {path: self.data[path] for path in asked if path in self.data}
            files = Files(there, await self._read(reader, there.values()))
            texts = inline_texts(application, files)
            files = Files(there, {**files.plain, **await self._read(reader, texts)})
            refused = Outweighing(application, self.case.resolved, wanted, files, own).check()
            if refused is not None:
                return refused
        return None

    async def check_manifests(self, reader: Reader) -> Halt | None:
        """Refuse a release of which the image could not be proved in an Application that it names.

        Raises:
            TransientError: the edited files could not be read now.
        """
        children = await self._find_children(reader)
        seen = [one for one in self.applications.values() if one is not None]
        refused = (manifests.check(one, seen, self.case.resolved, children) for one in seen)
        return next(filter(None, refused), None)

    async def _find_children(self, reader: Reader) -> Mapping[Edit, str]:
        """Name the Applications whose manifests edits are in."""
        asked = filter(may_be_in_manifest, self.case.resolved.config.edits)
        texts = {edit: self.data[edit.path] for edit in asked}
        plain = await self._read(reader, set(texts.values()))
        found = {edit: manifests.find_child(edit, plain[text]) for edit, text in texts.items()}
        return {edit: child for edit, child in found.items() if child}

    async def _read(self, reader: Reader, texts: Collection[bytes]) -> Mapping[bytes, object]:
        return {text: await reader.read(self.case.namespace, text) for text in texts}
