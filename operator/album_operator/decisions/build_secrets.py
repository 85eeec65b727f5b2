"""Whether the secrets a Dockerfile's steps ask for are there, and may be given to them."""

from collections.abc import Mapping

from album_operator.domain.places import APP_KEYS
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

GIT_KEYS = frozenset({"token", "identity", *APP_KEYS})
"""One of these beside `url`, and a Secret is a credential for git or a forge."""


def check_secrets(
    namespace: str, resolved: Resolved, keys: Mapping[str, frozenset[str] | None]
) -> Halt | None:
    """Refuse a build secret that its Pod would wait for, or that is the operator's own.

    Args:
        namespace: of the release.
        resolved: what it does.
        keys: of each Secret by its name, those that have a value; None: it is missing.
    """
    for secret in resolved.build.secrets:
        ref, key = Ref(namespace, secret.secret_ref.name), secret.secret_ref.key
        known = keys[ref.name]
        field = f"spec.build.secrets[{secret.name}].secretRef"
        if known is None:
            return Halt(
                Reason.CREDENTIALS_MISSING,
                f"{field}: Secret {ref} does not exist.",
                f"Create it (kubectl create secret generic -n {namespace} {ref.name} "
                f"--from-file={key}=…)",
            )
        if "url" in known and known & GIT_KEYS:
            return Halt(
                Reason.HOST_NOT_ALLOWED,
                f"{field}: Secret {ref} is a credential for git or a forge, which goes to the host "
                "in its `url` and into no build.",
                "Name a Secret of its own there",
            )
        if key not in known:
            return Halt(
                Reason.CREDENTIALS_MISSING,
                f"{field}: Secret {ref} has no key `{key}`.",
                f"Add it (kubectl patch secret -n {namespace} {ref.name} "
                f'-p \'{{"stringData":{{"{key}":"…"}}}}\')',
            )
    return None
