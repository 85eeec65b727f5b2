"""What outweighs a release's edits, in its Applications and beside the edited files."""

from collections.abc import Collection, Mapping

from album_operator.decisions import manifests
from album_operator.decisions.helm_values import Files
from album_operator.decisions.overrides import Outweighing, files_of, inline_texts
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ApplicationSeen
from album_operator.domain.verdict import Halt
from album_operator.ports import Reader
from album_operator.render import proposal
from album_operator.steps.case import Case

Applications = Mapping[Ref, ApplicationSeen | None]


def paths(resolved: Resolved, applications: Applications) -> frozenset[str]:
    """Give the files to look at beside those that are edited; most are not there."""
    found = (files_of(one, resolved) for one in applications.values() if one is not None)
    return frozenset().union(*found)


async def check(
    reader: Reader,
    case: Case,
    resolved: Resolved,
    applications: Applications,
    data: Mapping[str, bytes],
) -> Halt | None:
    """Refuse a release of which an Application would never run a value.

    Args:
        reader: reads YAML.
        case: the release.
        resolved: what it does, by the repositories as they were found.
        applications: its Applications, as they were found.
        data: bytes by path of the files that are there.

    Raises:
        TransientError: they could not be read now.
    """
    wanted = proposal.wanted_values(resolved, case.digest or UNKNOWN_DIGEST)
    for application in filter(None, applications.values()):
        there = {path: data[path] for path in files_of(application, resolved) if path in data}
        files = Files(there, await _read(reader, case, there.values()))
        texts = inline_texts(application, files)
        files = Files(there, {**files.plain, **await _read(reader, case, texts)})
        refused = Outweighing(application, resolved, wanted, files).check()
        if refused is not None:
            return refused
    return None


async def check_manifests(
    reader: Reader,
    case: Case,
    resolved: Resolved,
    applications: Applications,
    data: Mapping[str, bytes],
) -> Halt | None:
    """Refuse a release of which the image could not be proved in an Application that it names.

    Args:
        reader: reads YAML.
        case: the release.
        resolved: what it does, by the repositories as they were found.
        applications: its Applications, as they were found.
        data: bytes by path of the edited files.

    Raises:
        TransientError: they could not be read now.
    """
    asked = [edit for edit in resolved.config.edits if manifests.may_be_in_manifest(edit)]
    plain = await _read(reader, case, {data[edit.path] for edit in asked})
    found = {edit: manifests.find_child(edit, plain[data[edit.path]]) for edit in asked}
    children = {edit: child for edit, child in found.items() if child}
    seen = filter(None, applications.values())
    refused = (manifests.check(application, resolved, children) for application in seen)
    return next(filter(None, refused), None)


async def _read(reader: Reader, case: Case, texts: Collection[bytes]) -> Mapping[bytes, object]:
    return {text: await reader.read(case.namespace, text) for text in texts}
