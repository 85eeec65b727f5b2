"""What all steps need, looked at before anything is written anywhere."""

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace

from album_operator.decisions import build, build_proxy, build_secrets, propose, push_access
from album_operator.decisions import preflight as decision
from album_operator.decisions.build_pod import check_pod
from album_operator.domain.names import normal_url
from album_operator.domain.places import ForgePlace
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, Delivery, Ref
from album_operator.domain.seen import (
    ApplicationSeen,
    ConfigBranch,
    ConfigSeen,
    Edited,
    PullRequestSeen,
    PullRequestState,
    RepositorySeen,
    SourceSeen,
)
from album_operator.domain.verdict import Done, Halt, Wait
from album_operator.render import proposal, pull_request, sync_policy
from album_operator.steps import image, overrides
from album_operator.steps.case import Case
from album_operator.steps.editing import edit
from album_operator.steps.world import World


@dataclass(frozen=True)
class _Look:
    """Repositories, Applications and image as they are; no forge where none is asked."""

    source: SourceSeen
    config: ConfigSeen
    applications: Mapping[Ref, ApplicationSeen | None]
    forge: ForgePlace | None
    repository: RepositorySeen | None
    image: ImageSeen | None


@dataclass(frozen=True)
class Checked:
    """That nothing is missing, and what was found out on the way.

    Attributes:
        done: with the record that has `resolved`.
        config: the config repository.
        edited: what the edits make of it.
        applications: the Applications, as they are.
        image: what the registry has under the tag.
    """

    done: Done
    config: ConfigSeen
    edited: Edited
    applications: Mapping[Ref, ApplicationSeen | None]
    image: ImageSeen | None


async def decide(world: World, case: Case) -> Done | Wait | Halt:
    """Look at all a release will need, and take its branch: from then on others wait for it."""
    checked = await check(world, case)
    verdict = checked if isinstance(checked, Halt) else checked.done
    is_taken = isinstance(verdict, Halt) and verdict.reason is Reason.BRANCH_TAKEN
    has_branch = case.resolved.config.delivery is Delivery.PULL_REQUEST
    if has_branch and (is_taken or isinstance(verdict, Done)):
        return _claim_branch(world, case, is_taken=is_taken) or verdict
    return verdict


def _claim_branch(world: World, case: Case, *, is_taken: bool) -> Wait | None:
    config = case.resolved.config
    branch = ConfigBranch(normal_url(config.repository), config.branch)
    claim = world.index.claim(case.release.ref, branch)
    return decision.check_branch(case.release, case.record, case.resolved, claim, is_taken=is_taken)


async def check(world: World, case: Case) -> Checked | Halt:
    """Look at all a release will need."""
    refused = await _check_build(world, case)
    if refused is not None:
        return refused
    look = await _look(world, case)
    refused = _check_repositories(case, look)
    if refused is not None:
        return refused
    found = await _find_pull_request(world, case, look)
    edited = await edit(world.editor, case, look.config.files)
    if edited.files and found is not None and found.state is PullRequestState.CLOSED:
        return propose.closed(found)
    applications = look.applications
    seen = decision.PreflightSeen(
        source=look.source,
        config=look.config,
        current=edited.current,
        applications=applications,
        switched_off=frozenset(
            ref
            for ref, found in applications.items()
            if found is not None and sync_policy.is_disabled(found.sync_policy)
        ),
        image=look.image,
    )
    verdict = decision.decide(
        case.release,
        case.record,
        case.resolved,
        seen,
        consent=world.settings.require_consent,
        aliases=world.settings.host_aliases,
    )
    verdict = await _check_place(world, case, look, verdict)
    # Last of all: who may not release there anyway waits for nobody's branch.
    if isinstance(verdict, Done) and edited.files:
        verdict = _check_free(case, look.config, found, verdict)
    if isinstance(verdict, Halt):
        return verdict
    if world.settings.require_guard:
        await asyncio.gather(*map(world.applications.prove_guard, applications))
    return Checked(verdict, look.config, edited, applications, look.image)


async def _check_place(world: World, case: Case, look: _Look, verdict: Done | Halt) -> Done | Halt:
    """Refuse edits of a place from which no Application that is named would run or show them."""
    if isinstance(verdict, Halt) and verdict.reason is not Reason.APPLICATION_MISMATCH:
        return verdict
    config = replace(case.resolved.config, base_branch=look.config.base_branch)
    resolved = replace(case.resolved, config=config)
    place = overrides.Place(case, resolved, look.applications, look.config.files)
    refused = await place.check_manifests(world.editor)
    if refused is None and isinstance(verdict, Done):
        refused = await place.check(world.editor)
    return refused or verdict


def _check_free(
    case: Case, seen: ConfigSeen, found: PullRequestSeen | None, done: Done
) -> Done | Halt:
    """Refuse a branch that cannot be ours, whatever digest the image will have."""
    resolved = done.record.resolved or case.resolved
    there = seen.branch.message if seen.branch is not None else ""
    ours = pull_request.commit_message(case.release, resolved, pull_request.digest_in(there))
    is_ours = there.strip() == ours.strip()
    return decision.check_free(resolved, seen, found, is_ours=is_ours) or done


async def _check_build(world: World, case: Case) -> Halt | None:
    engine = world.settings.engine
    refused = build.check_engine(case.resolved, privileged=engine.allow_privileged)
    refused = refused or check_pod(case.release, case.resolved, engine.pods)
    if refused is not None:
        return refused
    refused = await _check_read(world, case)
    if refused is not None or case.resolved.build.type is BuildType.EXTERNAL:
        return refused
    return (
        await _check_push(world, case)
        or await _check_proxy(world, case)
        or await _check_secrets(world, case)
    )


async def _check_secrets(world: World, case: Case) -> Halt | None:
    names = {secret.secret_ref.name for secret in case.resolved.build.secrets}
    keys = {name: await world.secrets.find_keys(Ref(case.namespace, name)) for name in names}
    return build_secrets.check_secrets(case.namespace, case.resolved, keys)


async def _check_read(world: World, case: Case) -> Halt | None:
    wish = case.resolved.build
    if not wish.read_secret_name:
        return None
    secret = Ref(case.namespace, wish.read_secret_name)
    found = await world.secrets.find_registry_access(secret)
    return push_access.check_reader(secret, found, wish.image)


async def _check_push(world: World, case: Case) -> Halt | None:
    wish = case.resolved.build
    if not wish.push_secret_name:
        return push_access.check_identity(case.resolved)
    secret = Ref(case.namespace, wish.push_secret_name)
    found = await world.secrets.find_registry_access(secret)
    programs = world.settings.engine.programs_of(wish.type)
    return push_access.check_registry(secret, found, wish.image, programs)


async def _check_proxy(world: World, case: Case) -> Halt | None:
    name = world.settings.engine.network.proxy_secret
    if name is None:
        return None
    secret = Ref(case.namespace, name)
    return build_proxy.check_proxy(secret, await world.secrets.find_keys(secret))


async def _look(world: World, case: Case) -> _Look:
    wish = case.resolved
    forge = None
    if wish.config.delivery is Delivery.PULL_REQUEST:
        forge = await case.access.to_forge(wish)
    dockerfile = posixpath.normpath(f"{wish.build.context_dir}/{wish.build.dockerfile}")
    source_place = await case.access.to_source(wish)
    config_place = await case.access.to_config(wish)
    applications = await case.find_applications(world.applications, world.settings.host_aliases)
    edited = proposal.edited_paths(wish.config.edits)
    # Asked for together: what lies in the same folders, or is not there, costs nothing more.
    paths = {*edited, *overrides.paths(wish, applications)}
    source, config, repository, found = await asyncio.gather(
        world.source.look(source_place, wish.source.tag, dockerfile),
        world.config.look(
            config_place,
            wish.config.base_branch or None,
            paths,
            wish.config.branch if forge is not None else None,
        ),
        _find_forge_repository(world, forge, wish.config.branch),
        image.look(world, case),
    )
    return _Look(source, config, applications, forge, repository, found)


async def _find_forge_repository(
    world: World, forge: ForgePlace | None, branch: str
) -> RepositorySeen | None:
    # Public repositories are read without the token, so this is the first use of one.
    return await world.pull_requests.get_repository(forge, branch) if forge is not None else None


def _check_repositories(case: Case, look: _Look) -> Halt | None:
    refused = decision.check_source(case.resolved, look.source) or decision.check_config(
        case.resolved, look.config
    )
    if refused is not None or look.repository is None:
        return refused
    return decision.check_forge(case.release, case.resolved, look.repository)


async def _find_pull_request(world: World, case: Case, look: _Look) -> PullRequestSeen | None:
    if look.forge is None:
        return None
    branch = case.resolved.config.branch
    return await world.pull_requests.find(look.forge, branch, look.config.base_branch)
