"""Whether builder and operator can have a credential for the registry of an image."""

from collections.abc import Collection

from album_operator.domain.build_parts import WHOLE, parts_of
from album_operator.domain.credential_errors import missing_secret
from album_operator.domain.images import registry_named, registry_of
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.registry_access import DOCKER_CONFIG, RegistryAccess, is_of_a_cloud
from album_operator.domain.release import BuildType, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt


def check_identity(resolved: Resolved) -> Halt | None:
    """Refuse a build without a push Secret whose engine has no identity for the registry."""
    build = resolved.build
    if build.type is BuildType.KANIKO and is_of_a_cloud(build.image):
        return None
    return Halt(
        Reason.CREDENTIALS_MISSING,
        f"spec.build.pushSecretRef of AlbumPipeline {resolved.pipeline.name} names no Secret. As "
        f"whom its Pod runs, Kaniko pushes to registries of Amazon, Google and Azure alone, and "
        f"BuildKit to none; {registry_of(build.image)} is asked for a user.",
        "Name a Secret there",
    )


def check_registry(
    ref: Ref, found: RegistryAccess | None, image: str, programs: Collection[str]
) -> Halt | None:
    """Refuse a push Secret that is missing or has nothing for the image's registry.

    Args:
        ref: the Secret.
        found: what it is for, by any of the registries' names; None: it is missing.
        image: the image that is built.
        programs: credential helpers the builder has.
    """
    if found is None:
        return Halt.of(missing_secret(ref, "registry"))
    if found.unreadable:
        more = "No builder reads a Secret with such an entry, for whichever registry."
        return _unreadable(ref, min(found.unreadable), more)
    host = registry_of(image)
    program = found.program_for(host)
    if program:
        return None if program in programs else _no_program(ref, host, program, programs)
    return None if found.has_entry(host) else _no_entry(ref, found, host)


def check_index(ref: Ref, found: RegistryAccess | None, resolved: Resolved) -> Halt | None:
    """Refuse a push Secret that leaves the credential to a program, where the operator pushes too.

    Args:
        ref: the Secret.
        found: what it is for, by any of the registries' names; None: it is missing.
        resolved: what the release does.
    """
    host = registry_of(resolved.build.image)
    program = found.program_for(host) if found is not None else ""
    if not program or WHOLE in parts_of(resolved):
        return None
    return Halt(
        Reason.CREDENTIALS_MISSING,
        f"Secret {ref} leaves the credential for {host} to a program, docker-credential-{program}. "
        "Kaniko builds several platforms by a Job each, and the operator, which has no such "
        "programs, pushes their index.",
        f"{_anew(ref)}, or set one platform in spec.build.platforms",
    )


def check_reader(ref: Ref, found: RegistryAccess | None, image: str) -> Halt | None:
    """Refuse a Secret to ask the registry with that is missing or has nothing for it.

    The operator has no credential helpers: what a Secret leaves to them is no credential for it.

    Args:
        ref: the Secret.
        found: what it is for, by any of the registries' names; None: it is missing.
        image: the image that is released.
    """
    if found is None:
        return Halt.of(missing_secret(ref, "registry"))
    host = registry_of(image)
    if found.has_entry(host):
        return None
    ours = [one for one in found.unreadable if registry_named(one) == host]
    return _unreadable(ref, ours[0]) if ours else _no_entry(ref, found, host)


def _unreadable(ref: Ref, host: str, more: str = "") -> Halt:
    said = (
        f"Secret {ref} has an entry for {host} in its key {DOCKER_CONFIG} whose `auth` is not "
        "`user:password` in base64, with its padding."
    )
    return Halt(Reason.CREDENTIALS_MISSING, f"{said} {more}".rstrip(), _anew(ref))


def _no_entry(ref: Ref, found: RegistryAccess, host: str) -> Halt:
    return Halt(
        Reason.HOST_NOT_ALLOWED,
        f"Secret {ref} has no credential for the registry {host}, only for "
        f"{join_words(sorted(found.hosts)) or 'none'}.",
        f"Add one to its {DOCKER_CONFIG} or correct spec.build.image of the pipeline",
    )


def _no_program(ref: Ref, host: str, program: str, programs: Collection[str]) -> Halt:
    known = join_words(sorted(programs))
    return Halt(
        Reason.CREDENTIALS_MISSING,
        f"Secret {ref} leaves the credential for {host} to a program, docker-credential-{program} "
        f"(credsStore or credHelpers), which the builder does not have; it has {known or 'none'}.",
        _anew(ref),
    )


def _anew(ref: Ref) -> str:
    return (
        f"Make the Secret anew with kubectl create secret docker-registry -n {ref.namespace} "
        f"{ref.name}"
    )
