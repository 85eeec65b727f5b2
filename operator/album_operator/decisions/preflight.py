"""Before the first write: everything a release will need exists and may be used."""

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from album_operator.decisions import application, image
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.claims import BranchClaim
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.misses import join
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState, RepositorySeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName, StepRecord
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, Mode, ProofBy, Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen, ConfigSeen, SourceSeen
from album_operator.domain.templates import BRANCH_FIELD
from album_operator.domain.verdict import Done, Halt, Wait

UNTIL_LET_GO = timedelta(minutes=5)
"""Until the next look whether a branch is free: whoever lets it go wakes who waits for it."""

UNTIL_CERTAIN = timedelta(seconds=2)

NAME_IT_OTHERWISE = f"set {BRANCH_FIELD} of the pipeline"


def check_source(resolved: Resolved, seen: SourceSeen) -> Halt | None:
    """Refuse a tag that does not exist or has no Dockerfile."""
    source, build = resolved.source, resolved.build
    if seen.is_no_commit:
        return Halt(
            Reason.TAG_NOT_FOUND,
            f"Tag {source.tag} of {source.repository} stands for a tree or a file, and not for a "
            "commit.",
            "Put it at a commit",
        )
    if seen.commit is None:
        return Halt(
            Reason.TAG_NOT_FOUND,
            f"Tag {source.tag} does not exist in {source.repository}.",
            "Push it",
        )
    if not seen.has_dockerfile and build.type is not BuildType.EXTERNAL:
        path = posixpath.normpath(f"{build.context_dir}/{build.dockerfile}")
        of = f"of tag {source.tag} ({seen.commit[:12]}) in {source.repository}"
        if seen.is_in_submodule:
            return _check_submodule(resolved, f"{path} is in a submodule {of}")
        return Halt(
            Reason.DOCKERFILE_NOT_FOUND,
            f"{path} is no file {of}.",
            f"Correct contextDir or dockerfile of app {resolved.app} in the pipeline, or release "
            "a tag that has it",
        )
    return None


def _check_submodule(resolved: Resolved, what: str) -> Halt | None:
    """Refuse a Dockerfile of a submodule that nobody wants fetched; else its fetch will tell."""
    if resolved.build.source is not None and resolved.build.source.submodules:
        return None
    return Halt(
        Reason.DOCKERFILE_NOT_FOUND,
        f"{what}, and its files are not fetched.",
        f"Set spec.build.source.submodules: true in the pipeline, or correct contextDir or "
        f"dockerfile of app {resolved.app}",
    )


def check_image(
    wish: Resolved, source: SourceSeen, seen: ImageSeen | None, aliases: HostAliases = NO_ALIASES
) -> Halt | None:
    """Refuse an image that is there under the tag, unless it is the one to be released.

    Args:
        wish: the conventions' answer.
        source: the repository that is built, with the commit.
        seen: what the registry has under the image's tag; None also where it is not asked.
        aliases: which hosts are one, as an admin tells.
    """
    if seen is None or source.commit is None:
        return None
    resolved = replace(wish, source=replace(wish.source, commit=source.commit))
    judged = image.judge(resolved, seen, aliases)
    return judged if isinstance(judged, Halt) else None


def check_forge(release: Release, resolved: Resolved, seen: RepositorySeen) -> Halt | None:
    """Refuse a config repository that its forge would let nobody, or not us, push to.

    A plan pushes nothing, so that a token that may only read will do for it.
    """
    config = resolved.config
    if seen.is_archived:
        return Halt(
            Reason.REPOSITORY_ARCHIVED,
            f"{config.repository} is archived, so nothing can be proposed there.",
            "Take it out of the archive or correct spec.config.repository of the pipeline",
        )
    must_push = release.mode is Mode.APPLY and config.forge_secret_name == config.secret_name
    if must_push and not seen.may_push:
        return Halt(
            Reason.CREDENTIALS_REFUSED,
            f"The user of Secret {config.secret_name} may read {config.repository} and not push "
            "to it.",
            "Give that user the right to write, or put another token into the Secret",
        )
    # Another Secret's user may be bound by other rules than the one who asked.
    if seen.signing_rule is not None and config.forge_secret_name == config.secret_name:
        return Halt(
            Reason.PUSH_REFUSED,
            f"{config.repository} would refuse branch {config.branch}: {seen.signing_rule.name} "
            "wants signed commits there, and the operator's are not signed.",
            seen.signing_rule.way_out,
        )
    return None


def check_config(resolved: Resolved, seen: ConfigSeen) -> Halt | None:
    """Refuse a config repository without the base branch or a file to edit."""
    config = resolved.config
    if seen.base_commit is None:
        return Halt(
            Reason.BASE_BRANCH_NOT_FOUND,
            f"Branch {seen.base_branch or '(default)'} does not exist in {config.repository}.",
            "Correct spec.config.branch of the pipeline or push the branch",
        )
    paths = dict.fromkeys(edit.path for edit in config.edits)
    return join(_check_file(resolved, seen, path) for path in paths)


def _check_file(resolved: Resolved, seen: ConfigSeen, path: str) -> Halt | None:
    config = resolved.config
    if path in seen.not_files:
        return Halt(
            Reason.VALUES_NOT_EDITABLE,
            f"{path} on branch {seen.base_branch} of {config.repository} is a "
            f"{seen.not_files[path]}, and only regular files are edited.",
            f"Name the file itself under edits of app {resolved.app} in the pipeline",
        )
    if path not in seen.files:
        return Halt(
            Reason.VALUES_FILE_NOT_FOUND,
            f"{path} does not exist on branch {seen.base_branch} of {config.repository}.",
            f"Correct edits[].path of app {resolved.app} in the pipeline or add the file",
        )
    return None


def in_the_way(resolved: Resolved, obstacle: str) -> Halt:
    """Refuse a branch that git cannot make: another one has the name of a folder of its name."""
    config = resolved.config
    return Halt(
        Reason.BRANCH_TAKEN,
        f"Branch {config.branch} cannot be made in {config.repository}: git has no branch beside "
        f"one that is called like its folder, and {obstacle} is there.",
        f"Delete or rename {obstacle}, or {NAME_IT_OTHERWISE}",
    )


def check_free(
    resolved: Resolved,
    seen: ConfigSeen,
    pull_request: PullRequestSeen | None = None,
    *,
    is_ours: bool,
) -> Halt | None:
    """Refuse a branch that cannot be made, or holds what for certain is not this release's.

    Args:
        resolved: what the release will do.
        seen: the config repository with the branch.
        pull_request: from that branch into the base.
        is_ours: the branch may hold this release's commit, of whichever image.
    """
    if seen.obstacle is not None:
        return in_the_way(resolved, seen.obstacle)
    return None if seen.branch is None or is_ours else taken(resolved, seen.branch, pull_request)


def taken(resolved: Resolved, branch: BranchSeen, pull_request: PullRequestSeen | None) -> Halt:
    """Refuse a branch that holds another commit than this release's.

    Without its branch an open pull request is closed, and a closed one is a "no" to whatever is
    proposed from a branch of that name.
    """
    said = (
        f"Branch {resolved.config.branch} of {resolved.config.repository} holds a commit that is "
        f"not this release's ({branch.commit[:12]} by {branch.author_name})."
    )
    remedy = f"Delete or rename the branch, or {NAME_IT_OTHERWISE}, if another pipeline needs it"
    if pull_request is not None and pull_request.state is PullRequestState.OPEN:
        said = f"{said} It has the open pull request #{pull_request.number}: {pull_request.url}."
        remedy = f"Merge that and delete the branch, or {NAME_IT_OTHERWISE}"
    return Halt(Reason.BRANCH_TAKEN, said, remedy)


def check_branch(
    release: Release,
    record: Record,
    resolved: Resolved,
    claim: BranchClaim,
    *,
    is_taken: bool = False,
) -> Wait | None:
    """Let a release wait while its branch is another's, instead of building in vain.

    It waits and does not stop: the other one's merge, or its end, is all that is needed, and often
    both are wanted, such as one version for two stages in one repository. Only one of the same
    namespace is named, for tenants are told nothing of each other. `is_taken` says that the branch
    holds what is not this release's.
    """
    config = resolved.config
    branch = f"Branch {config.branch} of {config.repository}"
    if claim.holder is not None:
        is_ours_to_name = claim.holder.namespace == release.ref.namespace
        who = f"AlbumRelease {claim.holder}" if is_ours_to_name else "one of another namespace"
        return Wait(
            Reason.BRANCH_TAKEN,
            f"{branch} belongs to another release in flight, {who}. This release goes on by itself "
            "once that one is merged or has ended; one that is not wanted can be cancelled "
            f"(spec.cancel). By {BRANCH_FIELD} a pipeline has branches of its own.",
            UNTIL_LET_GO,
            is_poll=True,
        )
    if not claim.is_certain and (is_taken or record.reason is Reason.BRANCH_TAKEN):
        return Wait(
            Reason.BRANCH_TAKEN,
            f"{branch} is taken; the operator, just started, finds out whether another release in "
            "flight has it.",
            UNTIL_CERTAIN,
            is_poll=True,
        )
    return None


def decide(
    record: Record,
    wish: Resolved,
    source: SourceSeen,
    config: ConfigSeen,
    there: ImageSeen | None = None,
) -> Done:
    """Fix what the release will do, once nothing is missing.

    Args:
        record: what it achieved so far.
        wish: the conventions' answer, from `conventions.resolve`.
        source: the repository that is built, with the commit.
        config: the config repository.
        there: what the registry has under the image's tag; None also where it is not asked.
    """
    seen = replace(wish.source, commit=source.commit or "", committed_at=source.committed_at)
    resolved = replace(with_base(wish, config), source=seen)
    return Done(
        _with_image(replace(record, resolved=resolved), resolved, there),
        Reason.PENDING,
        f"{resolved.app} {resolved.version} is tag {resolved.source.tag} at "
        f"{resolved.source.commit[:12]}.",
    )


def with_base(wish: Resolved, seen: ConfigSeen) -> Resolved:
    """Name the branches that nobody named as the config repository has them."""
    config = wish.config
    branch = config.branch or seen.base_branch
    return replace(wish, config=replace(config, base_branch=seen.base_branch, branch=branch))


def check_applications(
    release: Release,
    resolved: Resolved,
    seen: Mapping[Ref, ApplicationSeen | None],
    *,
    consent: bool,
    has_place: bool,
    unreached: Mapping[Ref, Halt],
) -> Mapping[Ref, Halt]:
    """Refuse Applications that are not there, run something else, or have not consented.

    Nobody is to consent for one that takes nothing of what is edited.

    Args:
        release: the release.
        resolved: what it will do.
        seen: each Application it names, None where it does not exist.
        consent: whether Applications must have consented.
        has_place: branch and files of the edits are there, so that a source can be told from one
            that has them not.
        unreached: those that take nothing of what is edited, as `steps.reach` found.

    Returns:
        Those that are refused.
    """
    pipeline, others = Ref(release.ref.namespace, resolved.pipeline.name), seen.values()
    refused: dict[Ref, Halt] = {}
    for ref, found in seen.items():
        there = application.check(ref, found, others, resolved) if has_place else found
        asked = unreached.get(ref) or application.ask(ref, found, pipeline, consent=consent)
        checks = (there, application.check_valid(ref, found), asked)
        halt = join(one for one in checks if isinstance(one, Halt))
        if halt is not None:
            refused[ref] = halt
    return refused


def _with_image(record: Record, resolved: Resolved, there: ImageSeen | None) -> Record:
    """Keep an image of an earlier attempt only if this attempt would end up with the very same."""
    known, build = record.image, resolved.build
    if known is None:
        return record
    is_same = (known.reference, known.revision) == (build.image, resolved.source.commit)
    if build.proof is ProofBy.REGISTRY:
        is_same = is_same and there is not None and there.digest == known.digest
    if is_same:
        return record
    steps = tuple(
        StepRecord(step.name) if step.name is StepName.IMAGE_READY else step
        for step in record.steps
    )
    return replace(record, image=None, build=None, steps=steps)
