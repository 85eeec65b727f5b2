"""What a registry holds, and with what it may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from album_operator.domain.images import registry_of


@dataclass(frozen=True)
class RegistryCredential:
    """A user of one registry.

    Attributes:
        secret: name of the Secret it came from, for messages.
        registry: the registry it is for, by the one name that `registry_named` gives.
        password: or token that stands for one; left out of `repr`.
        identity_token: refresh token of OAuth 2 in their stead (distribution's "oauth"), empty
            where there is none; left out of `repr`.
    """

    secret: str
    registry: str
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


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


@dataclass(frozen=True)
class ImageSeen:
    """An image as its registry has it.

    Attributes:
        digest: of the manifest that was asked for: `sha256:` and 64 hex digits, computed of the
            bytes that came.
        labels: of its configuration; of an index, those on which all its images agree.
        platforms: of its images, such as `linux/amd64`; of attestations there are none.
    """

    digest: str
    labels: Mapping[str, str]
    platforms: tuple[str, ...] = ()
