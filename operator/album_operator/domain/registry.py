"""What a registry holds, and with what it may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from album_operator.domain.images import DOCKER_HUB, registry_of
from album_operator.domain.names import server_of

DOCKER_HUB_API = "registry-1.docker.io"
"""Host of Docker Hub's own API; `docker.io` itself is a page (distribution/reference)."""


@dataclass(frozen=True)
class RegistryCredential:
    """A user of one registry.

    Attributes:
        secret: name of the Secret it came from, for messages.
        registry: the registry it is for, by the one name that `registry_named` gives.
        password: or token that stands for one; left out of `repr`.
        identity_token: refresh token of OAuth 2 in their stead (distribution's "oauth"), empty
            where there is none; left out of `repr`.
        registry_token: what the registry itself is shown in their stead, likewise.
        others: all registries the Secret has entries for: where one of them makes the tokens of
            this one, it may be shown the credential.
    """

    secret: str
    registry: str
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    others: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ImagePlace:
    """A repository of images, and who asks for it.

    Attributes:
        repository: `host[:port]/path` without tag or digest, in full (`images.in_full`).
        credential: shown to its own registry only; None: what anybody may read.
        namespace: of the release that asks, whose share of the operator's work that takes.
        insecure: the registry speaks plain HTTP.
    """

    repository: str
    credential: RegistryCredential | None = None
    namespace: str = ""
    insecure: bool = False

    @property
    def registry(self) -> str:
        """`host[:port]` of its registry, by the one name that is used here."""
        return registry_of(self.repository)

    @property
    def path(self) -> str:
        """Name of the repository in its registry."""
        return self.repository.partition("/")[2]

    @property
    def url(self) -> str:
        """Base of the registry's API, no slash at the end."""
        host = DOCKER_HUB_API if self.registry == DOCKER_HUB else self.registry
        return f"{'http' if self.insecure else 'https'}://{host}"

    @property
    def server(self) -> str:
        """`host:port` the API is at."""
        return server_of(self.url)


@dataclass(frozen=True)
class ImageSeen:
    """An image as its registry has it.

    Attributes:
        digest: of the manifest that was asked for: `sha256:` and 64 hex digits, computed of the
            bytes that came.
        labels: of its configuration; of an index, those on which all its images agree.
        platforms: of its images, such as `linux/amd64`; of attestations there are none.
        images: digests of the images of an index; none of an image itself.
    """

    digest: str
    labels: Mapping[str, str]
    platforms: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
