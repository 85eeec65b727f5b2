"""What an Application must be like before a release may touch it."""

from collections.abc import Collection
from dataclasses import replace

from album_operator.domain.applications import (
    CONSENT,
    ApplicationSeen,
    ApplicationSource,
    ConsentedApplication,
)
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.names import is_same_repository, missing_alias
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

Others = Collection[ApplicationSeen | None]
"""All the Applications that a release names."""


def admit(
    ref: Ref,
    seen: ApplicationSeen | None,
    others: Others,
    resolved: Resolved,
    pipeline: Ref,
    *,
    consent: bool,
) -> ConsentedApplication | Halt:
    """Refuse an Application that is not there, runs something else, or has not consented.

    Args:
        ref: the Application the release names.
        seen: the Application, or None.
        others: all that it names.
        resolved: what the release does.
        pipeline: the release's pipeline, which the consent must name.
        consent: whether the operator asks for consent at all.
    """
    there = check(ref, seen, others, resolved)
    return there if isinstance(there, Halt) else ask(ref, there, pipeline, consent=consent)


def check(
    ref: Ref, seen: ApplicationSeen | None, others: Others, resolved: Resolved
) -> ApplicationSeen | Halt:
    """Refuse an Application that is not there or runs something else; it is only read then."""
    if seen is None:
        return _missing(ref)
    if find_source(seen, resolved) is None and find_parent(seen, others, resolved) is None:
        return Halt(
            Reason.APPLICATION_MISMATCH,
            f"Application {ref} does not take its manifests from branch "
            f"{resolved.config.base_branch} of {resolved.config.repository} at a path with "
            f"{resolved.config.edits[0].path}, so the change would never reach it.",
            "Correct the Application's source or the pipeline" + _or_tell(seen, resolved),
        )
    return seen


def _or_tell(seen: ApplicationSeen, resolved: Resolved) -> str:
    """Say how an admin lets two hosts be one, where the hosts alone differ, or who renders it."""
    ours = resolved.config.repository
    if any(_is_ours(source, resolved) for source in seen.sources):
        return ""
    missing = (missing_alias(source.repository, ours) for source in seen.sources)
    alias = next(filter(None, missing), None)
    if alias is None:
        made = f"its ApplicationSet {seen.made_by}" if seen.made_by is not None else "it"
        return (
            ", or name beside it, under spec.apps[].applications there, the app of apps that "
            f"renders {made} from that file"
        )
    return (
        f", or have an admin add {alias} to the operator's ALBUM_HOST_ALIASES if that is one host"
    )


def ask(
    ref: Ref, seen: ApplicationSeen | None, pipeline: Ref, *, consent: bool
) -> ConsentedApplication | Halt:
    """Ask whether an Application, as it was seen, lets a pipeline change it."""
    if seen is None:
        return _missing(ref)
    if consent and str(pipeline) not in seen.consents:
        return Halt(
            Reason.NOT_AUTHORIZED,
            f"Application {ref} does not let AlbumPipeline {pipeline} change it.",
            f"Its owner can allow it: kubectl annotate application -n {ref.namespace} {ref.name} "
            f"{CONSENT}={','.join(sorted({*seen.consents, str(pipeline)}))} --overwrite",
            ending=f"; then {SET_RETRY} on the release.",
        )
    return ConsentedApplication(seen)


def switched_off(ref: Ref) -> Halt:
    """Say that an Application's owner keeps it from syncing by itself."""
    return Halt(
        Reason.AUTO_SYNC_DISABLED,
        f"Application {ref} has spec.syncPolicy.automated.enabled: false, so it would never sync "
        "by itself, and that switch is its owner's.",
        "Remove it",
    )


def find_source(seen: ApplicationSeen, resolved: Resolved) -> ApplicationSource | None:
    """Find the source of an Application that holds what the release edits."""
    for source in seen.sources:
        if (
            _is_ours(source, resolved)
            and _follows(source.target_revision, resolved.config.base_branch)
            and any(_holds(source.path, edit.path) for edit in resolved.config.edits)
        ):
            return source
    return None


def find_parent(
    seen: ApplicationSeen, others: Others, resolved: Resolved
) -> ApplicationSeen | None:
    """Find the app of apps that renders an Application from what the release edits.

    Args:
        seen: the Application; one that takes the edited files itself has none.
        others: all that the release names.
        resolved: what it does.
    """
    if find_source(seen, resolved) is not None:
        return None
    named = (other for other in others if other is not None)
    known = (other for other in named if other.status_of(seen) is not None)
    return next((other for other in known if find_source(other, resolved) is not None), None)


def errors_of(seen: ApplicationSeen) -> str:
    """Give what Argo CD says is wrong with an Application, as one more sentence; empty for none."""
    errors = "; ".join(f"{kind}: {text}" for kind, text in sorted(seen.conditions.items()))
    return f" Argo CD says: {errors}." if errors else ""


def name_alike(seen: ApplicationSeen, resolved: Resolved, aliases: HostAliases) -> ApplicationSeen:
    """Let an Application call the config repository as the release does.

    Args:
        seen: the Application, which may call it by another name of its host.
        resolved: what the release does.
        aliases: which hosts are one, as an admin tells.
    """
    ours = resolved.config.repository
    sources = tuple(
        replace(source, repository=ours) if _is_ours(source, resolved, aliases) else source
        for source in seen.sources
    )
    return replace(seen, sources=sources)


def _is_ours(
    source: ApplicationSource, resolved: Resolved, aliases: HostAliases = NO_ALIASES
) -> bool:
    """Tell whether a source is in the config repository; forges do not tell case apart."""
    config = resolved.config
    is_forge = config.forge_type is not None
    return is_same_repository(source.repository, config.repository, aliases, ignores_case=is_forge)


def _missing(ref: Ref) -> Halt:
    return Halt(
        Reason.APPLICATION_NOT_FOUND,
        f"Application {ref} does not exist.",
        "Create it, or name the right one under spec.apps[].applications of the pipeline",
    )


def _follows(target_revision: str, branch: str) -> bool:
    return target_revision.removeprefix("refs/heads/") in {"", "HEAD", branch}


def _holds(folder: str, path: str) -> bool:
    folder = folder.strip("/").removeprefix("./")
    # A source without a path (a `ref` source that only lends values files) holds every file.
    return folder in {"", "."} or path.startswith(f"{folder}/")
