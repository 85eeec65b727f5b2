"""What an Application must be like before a release may touch it."""

from collections.abc import Collection
from dataclasses import replace

from album_operator.decisions import hydration
from album_operator.decisions.mismatch import mismatch
from album_operator.decisions.sources import is_in_config, may_be_in_manifest, may_take, takes
from album_operator.domain.applications import (
    CONSENT,
    INVALID,
    ApplicationSeen,
    ApplicationSource,
    ConsentedApplication,
)
from album_operator.domain.argocd import ResolvedApplicationSelector, ResolvedArgoCD
from album_operator.domain.hosts import HostAliases
from album_operator.domain.images import renamed
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

Others = Collection[ApplicationSeen | None]
"""All the Applications that a release names."""

MOST = 16
"""Applications that a release may have, named or found."""


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


def check_selected(
    refs: Collection[Ref], selector: ResolvedApplicationSelector, app: str
) -> Halt | None:
    """Refuse labels that no Application has, or more than a release may have."""
    field = f"applicationSelector of app {app} in the pipeline"
    if not refs:
        return Halt(
            Reason.APPLICATION_NOT_FOUND,
            f"No Application in namespace {selector.namespace} has the labels {selector}.",
            f"Label it (kubectl label application -n {selector.namespace} NAME "
            f"{str(selector).replace(',', ' ')}), or correct {field} or argocd.namespace there",
        )
    if len(refs) > MOST:
        return Halt(
            Reason.APPLICATION_MISMATCH,
            f"More than {MOST} Applications in namespace {selector.namespace} have the labels "
            f"{selector}, and a release has at most {MOST}.",
            f"Narrow {field}, or make several apps of it",
        )
    return None


def check(
    ref: Ref, seen: ApplicationSeen | None, others: Others, resolved: Resolved
) -> ApplicationSeen | Halt:
    """Refuse an Application that is not there or runs something else; it is only read then."""
    if seen is None:
        return _missing(ref)
    if seen.is_deleted:
        return Halt(
            Reason.APPLICATION_NOT_FOUND,
            f"Application {ref} is being deleted.",
            "Create it anew once it is gone, or name another one under spec.apps[].applications of "
            "the pipeline",
        )
    if find_source(seen, resolved) is None and find_parent(seen, others, resolved) is None:
        return mismatch(ref, seen, resolved)
    return seen


def check_valid(ref: Ref, seen: ApplicationSeen | None) -> Halt | None:
    """Refuse an Application that Argo CD does not take itself: it would sync nothing of it.

    Its spec is of no use, or its project is not there or forbids its repository or destination
    (`ValidatePermissions`): that passes by no wait. Errors of a comparison may.
    """
    said = seen.conditions.get(INVALID) if seen is not None else None
    if said is None:
        return None
    return Halt(
        Reason.APPLICATION_INVALID,
        f"Argo CD syncs nothing of Application {ref}: {said}.",
        "Correct the Application or its project",
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
    """Find the source of an Application that takes what the release edits, or else may take it.

    What a source reaches beside its folder by itself is found out before the first write, in
    `reach`, and is not asked again.
    """
    config = resolved.config
    ours = _followers(seen, resolved)
    may = (source for source in ours if may_take(source, seen.sources, config))
    return _find_taker(seen, resolved) or next(may, None)


def takes_itself(seen: ApplicationSeen, resolved: Resolved) -> bool:
    """Tell whether a source of an Application names what the release edits, or has it below it."""
    return _find_taker(seen, resolved) is not None


def find_parent(
    seen: ApplicationSeen, others: Others, resolved: Resolved
) -> ApplicationSeen | None:
    """Find the app of apps that renders an Application from what the release edits.

    Args:
        seen: the Application; one that takes the edited files itself has none.
        others: all that the release names.
        resolved: what it does.
    """
    if takes_itself(seen, resolved):
        return None
    named = (other for other in others if other is not None)
    known = [other for other in named if other.status_of(seen) is not None]
    sure = next((other for other in known if takes_itself(other, resolved)), None)
    # Which of two reaches a file beside its folder, the edit tells: one of a source is the app of
    # apps' to render.
    if sure is None and (
        find_source(seen, resolved) is None or any(map(may_be_in_manifest, resolved.config.edits))
    ):
        return next((other for other in known if find_source(other, resolved) is not None), None)
    return sure


def _followers(seen: ApplicationSeen, resolved: Resolved) -> list[ApplicationSource]:
    """Give the sources that move with the branch that a release changes."""
    branch = resolved.config.base_branch
    return [one for one in seen.sources if is_in_config(one, resolved) and one.follows(branch)]


def _find_taker(seen: ApplicationSeen, resolved: Resolved) -> ApplicationSource | None:
    config = resolved.config
    paths = {edit.path for edit in config.edits}
    for source in _followers(seen, resolved):
        if any(takes(source, seen.sources, config, path) for path in paths):
            return source
    return None


def errors_of(seen: ApplicationSeen) -> str:
    """Give what Argo CD says is wrong with an Application, as more sentences; empty for none."""
    errors = "; ".join(f"{kind}: {text}" for kind, text in sorted(seen.conditions.items()))
    said = f" Argo CD says: {errors}." if errors else ""
    return said + hydration.tell(seen)


def with_default_branch(
    seen: ApplicationSeen, resolved: Resolved, default_branch: str
) -> ApplicationSeen:
    """Tell an Application what `HEAD` of the config repository stands for."""
    sources = tuple(
        replace(source, default_branch=default_branch) if is_in_config(source, resolved) else source
        for source in seen.sources
    )
    return replace(seen, sources=sources)


def name_alike(seen: ApplicationSeen, resolved: Resolved, aliases: HostAliases) -> ApplicationSeen:
    """Let an Application call the config repository and images as the release does.

    Args:
        seen: the Application, which may call it by another name of its host.
        resolved: what the release does.
        aliases: which hosts are one, as an admin tells.
    """
    ours = resolved.config.repository
    sources = tuple(
        replace(source, repository=ours) if is_in_config(source, resolved, aliases) else source
        for source in seen.sources
    )
    images = (_original(image, resolved.argocd) for image in seen.images)
    return replace(seen, sources=sources, images=tuple(images))


def _original(image: str, argocd: ResolvedArgoCD) -> str:
    """Give the name of an image before a webhook of the cluster rewrote its registry."""
    for registry in argocd.rewritten_registries:
        before = renamed(image, registry.rewritten, registry.original)
        if before != image:
            return before
    return image


def _missing(ref: Ref) -> Halt:
    return Halt(
        Reason.APPLICATION_NOT_FOUND,
        f"Application {ref} does not exist.",
        "Create it, or name the right one under spec.apps[].applications of the pipeline",
    )
