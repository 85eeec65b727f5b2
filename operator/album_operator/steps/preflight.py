"""What all steps need, looked at before anything is written anywhere."""

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace

from album_operator.decisions import (
    application,
    build_checks,
    build_engine,
    build_proxy,
    build_secrets,
    propose,
    push_access,
    rollback,
)
from album_operator.decisions import preflight as decision
from album_operator.decisions.build_pod import check_pod
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import Sync
from album_operator.domain.claims import ConfigBranch
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.names import normal_url
from album_operator.domain.places import ForgePlace, GitPlace
from album_operator.domain.pull_requests import (
    Checks,
    PullRequestSeen,
    PullRequestState,
    RepositorySeen,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, Delivery, Mode, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen, Edited, SourceSeen
from album_operator.domain.verdict import Done, Halt, Wait
from album_operator.render import proposal, pull_request, sync_policy
from album_operator.steps import image, overrides, reach
from album_operator.steps.build_checks import look as look_at_checks
from album_operator.steps.case import Case
from album_operator.steps.editing import Tried, try_edits
from album_operator.steps.findings import Findings
from album_operator.steps.world import World


@dataclass(frozen=True)
class _Look:
    """All that was looked at, as it is; None for what was not to be told.

    Attributes:
        applications: None for one that does not exist; empty where not all could be read.
        place: where the config repository is; None where its credential is missing.
        repository: the config repository as its forge shows it; None where none is asked.
        pull_request: the one there is for the release's branch, None also where there is none.
        image: what the registry has under the tag; None also where it has nothing, or is not asked.
    """

    source: SourceSeen | None
    config: ConfigSeen | None
    applications: Mapping[Ref, ApplicationSeen | None]
    place: GitPlace | None
    repository: RepositorySeen | None
    pull_request: PullRequestSeen | None
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
        checks: of the source commit, as of `build_checks.find_unpassed`.
    """

    done: Done
    config: ConfigSeen
    edited: Edited
    applications: Mapping[Ref, ApplicationSeen | None]
    image: ImageSeen | None
    checks: Mapping[str, Checks] | None


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
    """Look at all a release will need, as far as it can be told, and tell all that it lacks."""
    found = Findings()
    await _check_build(world, case, found)
    case = await _with_applications(world, case, found)
    look = await _look(world, case, found)
    brought = None
    if case.release.rollback_of is not None:
        brought = await _check_brought(world, case, look, found)
    elif look.source is not None:
        found.note(decision.check_source(case.resolved, look.source))
        aliases = world.settings.host_aliases
        found.note(decision.check_image(case.resolved, look.source, look.image, aliases))
    checks = await _check_checks(world, case, look, found)
    edited = await _check_change(world, case, look, found)
    halt = found.tell()
    if halt is not None:
        return halt
    source = look.source if brought is None else SourceSeen(brought.commit)
    if source is None or look.config is None or edited is None:
        raise AssertionError("what could not be looked at is told")
    done = decision.decide(case.record, case.resolved, source, look.config, look.image)
    if brought is not None:
        done = replace(done, record=replace(done.record, image=brought.image))
    # Last of all: who may not release there anyway waits for nobody's branch.
    taken = _check_free(case, look, done) if edited.files else None
    if taken is not None:
        return taken
    if world.settings.require_guard and case.writes_applications:
        await asyncio.gather(*map(world.applications.prove_guard, look.applications))
    return Checked(done, look.config, edited, look.applications, look.image, checks)


async def _check_checks(
    world: World, case: Case, look: _Look, found: Findings
) -> Mapping[str, Checks] | None:
    """Ask for the checks that are required, so that it is known that they may be asked for.

    What a rollback brings back has run: nothing holds it up.
    """
    if look.source is None or look.source.commit is None:
        return None
    seen = await found.ask(look_at_checks(world, case, look.source.commit))
    # Once it has begun, a release waits: what fails may be run again.
    if case.release.mode is Mode.PLAN:
        found.note(build_checks.refuse(case.resolved, seen))
    return seen


async def _check_brought(
    world: World, case: Case, look: _Look, found: Findings
) -> rollback.Brought | None:
    """Check what a rollback brings back, and give it."""
    others = await found.ask(world.releases.list_of_app(case.pipeline, case.resolved.app))
    if others is None or not image.was_asked(case):
        return None
    aliases = world.settings.host_aliases
    judged = rollback.judge(case.release, case.resolved, others, look.image, aliases)
    found.note(judged if isinstance(judged, Halt) else None)
    return None if isinstance(judged, Halt) else judged


async def _with_applications(world: World, case: Case, found: Findings) -> Case:
    """Find the Applications of a release whose pipeline does not name them."""
    argocd = case.resolved.argocd
    selector = argocd.application_selector
    if selector is None:
        return case
    refs = await found.ask(world.applications.select(selector, application.MOST))
    if refs is None:
        return case
    refused = application.check_selected(refs, selector, case.resolved.app)
    found.note(refused)
    named = () if refused is not None else tuple(refs)
    argocd = replace(argocd, applications=named)
    return replace(case, resolved=replace(case.resolved, argocd=argocd))


async def _check_change(world: World, case: Case, look: _Look, found: Findings) -> Edited | None:
    """Check what the release would change, where, and whether anything would run it."""
    resolved, seen, tried = case.resolved, look.config, None
    if look.repository is not None:
        found.note(decision.check_forge(case.release, resolved, look.repository))
    if seen is not None:
        resolved = decision.with_base(resolved, seen)
        digest = case.digest or UNKNOWN_DIGEST
        tried = await found.ask(try_edits(world.editor, case.release, resolved, digest, seen))
    if tried is not None:
        proposed = look.pull_request
        if tried.edited.files and proposed and proposed.state is PullRequestState.CLOSED:
            found.note(propose.closed(proposed))
        found.note(tried.refused)
    await _check_applications(world, replace(case, resolved=resolved), look, tried, found)
    return tried.edited if tried is not None else None


async def _check_applications(
    world: World, case: Case, look: _Look, tried: Tried | None, found: Findings
) -> None:
    """Check the Applications, and what is told in them and beside the edited files."""
    has_place = tried is not None and tried.has_place
    refused = decision.check_applications(
        case.release,
        case.resolved,
        look.applications,
        consent=world.settings.require_consent and case.writes_applications,
        has_place=has_place,
    )
    unreached: Mapping[Ref, Halt] = {}
    if has_place and look.place is not None and look.config is not None:
        checked = reach.check(world, case, look.place, look.config, look.applications)
        unreached = await found.ask(checked) or {}
    bad = {*refused, *unreached}
    free = {ref: seen for ref, seen in look.applications.items() if seen and ref not in bad}
    place = overrides.Place(case, look.applications, look.config.files if look.config else {})
    unproved = await found.ask(place.check_manifests(world.editor)) if has_place else None
    if unproved is not None:
        # It says more of an Application that renders something else.
        told = (*refused.values(), *unreached.values())
        halts = (one for halt in told for one in halt.misses or (halt,))
        others = [one for one in halts if one.reason is not Reason.APPLICATION_MISMATCH]
        found.note(*others, unproved)
        return
    found.note(*refused.values(), *unreached.values())
    if case.resolved.argocd.sync is Sync.AUTOMATED:
        is_off = (ref for ref, seen in free.items() if sync_policy.is_disabled(seen.sync_policy))
        found.note(*map(application.switched_off, is_off))
    if tried is not None and tried.refused is None:
        found.note(await found.ask(replace(place, applications=free).check(world.editor)))


def _check_free(case: Case, look: _Look, done: Done) -> Halt | None:
    """Refuse a branch that cannot be ours, whatever digest the image will have."""
    resolved, seen = done.record.resolved, look.config
    if resolved is None or seen is None:
        raise AssertionError("it was found out what the release does")
    there = seen.branch.message if seen.branch is not None else ""
    ours = pull_request.commit_message(case.release, resolved, pull_request.digest_in(there))
    is_ours = there.strip() == ours.strip()
    return decision.check_free(resolved, seen, look.pull_request, is_ours=is_ours)


async def _check_build(world: World, case: Case, found: Findings) -> None:
    if case.release.rollback_of is not None:
        found.note(await found.ask(_check_read(world, case)))
        return
    engine = world.settings.engine
    found.note(build_engine.check_engine(case.resolved, engine.buildkit))
    found.note(check_pod(case.release, case.resolved, engine.pods))
    found.note(await found.ask(_check_read(world, case)))
    if case.resolved.build.type is BuildType.EXTERNAL:
        return
    found.note(await found.ask(_check_push(world, case)))
    found.note(await found.ask(_check_proxy(world, case)))
    found.note(await found.ask(_check_secrets(world, case)))


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
    halt = push_access.check_registry(secret, found, wish.image, programs)
    return halt or push_access.check_index(secret, found, case.resolved)


async def _check_proxy(world: World, case: Case) -> Halt | None:
    name = world.settings.engine.network.proxy_secret
    if name is None:
        return None
    secret = Ref(case.namespace, name)
    return build_proxy.check_proxy(secret, await world.secrets.find_keys(secret))


async def _look(world: World, case: Case, found: Findings) -> _Look:
    wish = case.resolved
    forge = None
    if wish.config.delivery is Delivery.PULL_REQUEST:
        forge = await found.ask(case.access.to_forge(wish))
    source_place = None
    if case.release.rollback_of is None:
        source_place = await found.ask(case.access.to_source(wish))
    config_place = await found.ask(case.access.to_config(wish))
    aliases = world.settings.host_aliases
    applications = await found.ask(case.find_applications(world.applications, aliases)) or {}
    source, config, repository, there = await asyncio.gather(
        found.ask(_find_source(world, case, source_place)),
        found.ask(_find_config(world, case, config_place, applications)),
        found.ask(_find_forge_repository(world, forge, wish.config.branch)),
        found.ask(image.look(world, case)),
    )
    proposed = None
    if forge is not None and repository is not None and config is not None and config.base_commit:
        branch = wish.config.branch
        look = world.pull_requests.find(forge, branch, config.base_branch)
        proposed = await found.ask(look)
    if config is not None:
        applications = _with_default_branch(wish, applications, config.default_branch)
    return _Look(source, config, applications, config_place, repository, proposed, there)


def _with_default_branch(
    wish: Resolved, seen: Mapping[Ref, ApplicationSeen | None], branch: str
) -> Mapping[Ref, ApplicationSeen | None]:
    return {
        ref: one and application.with_default_branch(one, wish, branch) for ref, one in seen.items()
    }


async def _find_source(world: World, case: Case, place: GitPlace | None) -> SourceSeen | None:
    wish = case.resolved
    dockerfile = posixpath.normpath(f"{wish.build.context_dir}/{wish.build.dockerfile}")
    if place is None:
        return None
    return await world.source.look(place, wish.source.tag, dockerfile)


async def _find_config(
    world: World,
    case: Case,
    place: GitPlace | None,
    applications: Mapping[Ref, ApplicationSeen | None],
) -> ConfigSeen | None:
    wish = case.resolved
    if place is None:
        return None
    edited = proposal.edited_paths(wish.config.edits)
    # Asked for together: what lies in the same folders, or is not there, costs nothing more.
    paths = {*edited, *overrides.paths(wish, applications)}
    has_branch = wish.config.delivery is Delivery.PULL_REQUEST
    branch = wish.config.branch if has_branch else None
    return await world.config.look(place, wish.config.base_branch or None, paths, branch)


async def _find_forge_repository(
    world: World, forge: ForgePlace | None, branch: str
) -> RepositorySeen | None:
    # Public repositories are read without the token, so this is the first use of one.
    return await world.pull_requests.get_repository(forge, branch) if forge is not None else None
