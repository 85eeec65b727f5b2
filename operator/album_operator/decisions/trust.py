"""Whether a status may be acted upon: what it says fits the release, itself and its pipeline."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

from album_operator.decisions import conventions
from album_operator.domain.argocd import ResolvedArgoCD
from album_operator.domain.names import AppVersion
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, Record
from album_operator.domain.release import Delivery, ExistingImage, Ref, Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.templates import branch_of
from album_operator.domain.verdict import Halt


def refuse(release: Release, fault: str) -> Halt:
    """Say that nothing of the status is acted upon, and the way out.

    Args:
        release: the release.
        fault: what is wrong, as a sentence with the field's path.
    """
    return Halt(
        Reason.STATUS_INVALID,
        f"{fault} The operator does not write that and acts on nothing of it, so somebody else may "
        "write to albumreleases/status in namespace "
        f"{release.ref.namespace}, or an operator of another version did.",
        "Take that right away, or run that version",
        ending=f", then {SET_RETRY}, which begins anew with the pipeline as it is now.",
    )


def find_contradiction(
    release: Release, record: Record, resolved: Resolved, pipeline: Pipeline | None
) -> str | None:
    """Find the first thing in a status that cannot be true.

    What the pipeline gave can be told again only while it is the same object at the same
    generation: an edited, deleted or re-created one changes nothing for a release that has begun.

    Args:
        release: the release, whose wish nobody can change.
        record: what its status says.
        resolved: what it decided to do.
        pipeline: the AlbumPipeline it names as it is now, None where it is gone.

    Returns:
        A sentence with the field's path, None where nothing contradicts.
    """
    return next(
        (
            f"status.{path} is not what {source}."
            for path, source in (
                *_against_wish(release, resolved),
                *_against_itself(record, resolved),
                *_against_applications(record, resolved.argocd),
                *_against_pipeline(release, resolved, pipeline),
            )
        ),
        None,
    )


def _against_wish(release: Release, resolved: Resolved) -> Iterator[tuple[str, str]]:
    if resolved.pipeline.name != release.pipeline:
        yield "resolved.pipeline.name", "spec.pipelineRef names"
    if release.tag is not None and resolved.source.tag != release.tag:
        yield "resolved.source.tag", "spec.tag names"
    given = AppVersion(release.app or "", release.version or "")
    if release.tag is None and AppVersion(resolved.app, resolved.version) != given:
        yield "app", "spec.app and spec.version name"


def _against_itself(record: Record, resolved: Resolved) -> Iterator[tuple[str, str]]:
    config, image = resolved.config, record.image
    branch = branch_of(resolved)
    if config.delivery is Delivery.COMMIT:
        branch = config.base_branch
    if config.branch != branch:
        yield "resolved.config.branch", "app, version, delivery and its template give"
    if not resolved.source.tag.endswith(resolved.version):
        yield "version", "status.resolved.source.tag ends with"
    if image is not None and image.reference != resolved.build.image:
        yield "image.reference", "status.resolved.build.image says"
    if image is not None:
        is_adopted = image.origin is ImageOrigin.ADOPTED
        if image.revision != (None if is_adopted else resolved.source.commit):
            yield "image.revision", "status.resolved.source.commit says"
        if is_adopted and resolved.build.existing_image is not ExistingImage.ADOPT:
            yield "image.origin", "status.resolved.build.existingImage allows"
    if record.proposal is not None and record.proposal.branch != config.branch:
        yield "config.branch", "status.resolved.config.branch says"


def _against_applications(record: Record, argocd: ResolvedArgoCD) -> Iterator[tuple[str, str]]:
    seen = {Ref(app.namespace, app.name) for app in record.applications}
    if not seen <= set(argocd.applications):
        yield "applications", "status.resolved.argocd.applications says"
    selector = argocd.application_selector
    places = {ref.namespace for ref in argocd.applications}
    if not places or (selector is not None and places != {selector.namespace}):
        yield "resolved.argocd.applications", "a pipeline can name"


def _against_pipeline(
    release: Release, resolved: Resolved, pipeline: Pipeline | None
) -> Iterator[tuple[str, str]]:
    if pipeline is None or pipeline.uid != resolved.pipeline.uid:
        return
    if resolved.pipeline.generation > pipeline.generation:
        yield "resolved.pipeline.generation", f"AlbumPipeline {pipeline.ref.name} has reached yet"
    if resolved.pipeline.generation != pipeline.generation:
        return
    source = f"AlbumPipeline {pipeline.ref.name} gives at generation {pipeline.generation}"
    wish = conventions.resolve(release, pipeline)
    if isinstance(wish, Halt):
        yield "app", source
        return
    for path in _differences(_as_looked_at(wish, resolved), resolved):
        yield f"resolved.{_in_api(path)}", source


def _as_looked_at(wish: Resolved, resolved: Resolved) -> Resolved:
    """Fill in what only the looks before the first write had told; the branch follows from that."""
    config = replace(
        wish.config,
        base_branch=wish.config.base_branch or resolved.config.base_branch,
        branch=resolved.config.branch,
    )
    seen = resolved.source
    source = replace(wish.source, commit=seen.commit, committed_at=seen.committed_at)
    found = wish.argocd.applications or resolved.argocd.applications
    argocd = replace(wish.argocd, applications=found)
    return replace(wish, source=source, config=config, argocd=argocd)


def _differences(one: object, other: object, path: str = "") -> Iterator[str]:
    """Give the paths of all fields in which two values of one dataclass differ."""
    for known in fields(one):  # type: ignore[arg-type]
        here, there = getattr(one, known.name), getattr(other, known.name)
        name = f"{path}.{known.name}".lstrip(".")
        if here != there and is_dataclass(here) and known.name != "pull_request":
            yield from _differences(here, there, name)
        elif here != there:
            yield name


def _in_api(path: str) -> str:
    """Give the path of a field of `status.resolved`; the API has no object around the policy's."""
    first, *rest = path.replace("sync_policy.", "").split("_")
    return "".join([first, *map(str.capitalize, rest)]).replace("Url", "URL")
