"""What the build of a release needs: its Secrets, and what an admin lets its Pod do."""

from album_operator.decisions import (
    build_engine,
    build_proxy,
    build_secrets,
    push_access,
)
from album_operator.decisions.build_pod import check_pod
from album_operator.domain.release import BuildType, Ref
from album_operator.domain.verdict import Halt
from album_operator.steps.case import Case
from album_operator.steps.findings import Findings
from album_operator.steps.world import World


async def check_build(world: World, case: Case, found: Findings) -> None:
    """Check the engine, the Pod, and the Secrets; a rollback builds nothing."""
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
