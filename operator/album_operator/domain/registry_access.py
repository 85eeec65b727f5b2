"""Which registries a builder can push to: by a Docker configuration, or as whom its Pod runs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from album_operator.domain.images import registry_named, registry_of

DOCKER_CONFIG = ".dockerconfigjson"
"""Key of a Secret of the type `kubernetes.io/dockerconfigjson`."""

KANIKO_PROGRAMS = frozenset({"acr-env", "ecr-login", "gcr"})
"""Credential helpers in kaniko's image (osscontainertools/kaniko, `deploy/Dockerfile`)."""

_OF_CLOUDS = re.compile(
    r"([0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.(com(\.cn)?|eu)|on\.aws)|public\.ecr\.aws"
    r"|gcr\.io|[a-z0-9.-]+\.(gcr\.io|pkg\.dev)|[a-z0-9-]+\.azurecr\.(io|cn|de|us))"
)


@dataclass(frozen=True)
class RegistryAccess:
    """What a Docker configuration has for which registries; no credential itself.

    Attributes:
        hosts: of the entries with a credential.
        programs: credential helper by host, `ecr-login` for `docker-credential-ecr-login`.
        store: the one for all other hosts, empty for none. What a program is for is not read from
            the entries (docker/cli, `cli/config/configfile`).
        unreadable: hosts of the entries whose `auth` no builder can read, for which it reads none
            of the others either.
    """

    hosts: frozenset[str]
    programs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    store: str = ""
    unreadable: frozenset[str] = frozenset()

    def program_for(self, registry: str) -> str:
        """Give the program that is asked for a registry's credential, empty for none."""
        by_name = {registry_named(host): program for host, program in self.programs.items()}
        return by_name.get(registry, self.store)

    def has_entry(self, registry: str) -> bool:
        """Tell whether a credential for a registry stands in it."""
        return registry in map(registry_named, self.hosts - self.unreadable)


def is_of_a_cloud(image: str) -> bool:
    """Tell whether kaniko pushes an image as whom its Pod runs, without any configuration.

    It asks Amazon, Google and Azure for their own registries (`pkg/creds/creds.go`, and the host
    patterns of the helpers it has built in).
    """
    return _OF_CLOUDS.fullmatch(registry_of(image)) is not None
