"""The proxy that builds go through, where an admin keeps it in a Secret of their namespaces."""

from album_operator.domain.proxies import HTTPS_PROXY
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Halt


def check_proxy(ref: Ref, keys: frozenset[str] | None) -> Halt | None:
    """Refuse a build whose proxy is in a Secret that lacks: its Pod would wait for it for ever.

    Args:
        ref: the Secret, which an admin names for all namespaces.
        keys: that it has; None: it is missing.
    """
    if keys is not None and HTTPS_PROXY in keys:
        return None
    name = f"-n {ref.namespace} {ref.name}"
    if keys is None:
        lacks = "does not exist"
        remedy = f"Create it (kubectl create secret generic {name} --from-literal={HTTPS_PROXY}=…)"
    else:
        lacks = f"has no key `{HTTPS_PROXY}`"
        patch = f'{{"stringData":{{"{HTTPS_PROXY}":"…"}}}}'
        remedy = f"Add it (kubectl patch secret {name} -p '{patch}')"
    return Halt(
        Reason.CREDENTIALS_MISSING,
        f"Secret {ref} with the proxy of builds {lacks}; the operator's ALBUM_BUILD_PROXY_SECRET "
        "names it.",
        remedy,
    )
