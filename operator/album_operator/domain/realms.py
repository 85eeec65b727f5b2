"""Which servers a registry may send us to for a token, with the credential that is for itself."""

ELSEWHERE = {".scw.cloud": "api.scaleway.com"}
"""Hosts of realms by ends of registries' names, where the two share no domain.

Source: the answers of these registries to `GET /v2/`.
"""

SHARED = frozenset({"azurecr.io", "github.io", "jfrog.io", "pkg.dev", "amazonaws.com"})
"""Domains below which anybody can have a name; each registry there is its own realm."""

COUNTRY_WIDE = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "or", "org"})
"""Names below a country's that are nobody's own, such as `co.uk`."""


def is_own_realm(registry: str, realm: str) -> bool:
    """Tell whether a credential for a registry may be shown to a server that makes its tokens.

    That is the registry's own host on any port, one below it, the one right above it or one beside
    it (`gitlab.com` and `auth.docker.io` for `registry.gitlab.com` and `registry-1.docker.io`), or
    one of a few that are known.

    Args:
        registry: `host[:port]`.
        realm: `host[:port]`.
    """
    host, server = _host(registry), _host(realm)
    if server == host:
        return True
    if any(host.endswith(end) and server == there for end, there in ELSEWHERE.items()):
        return True
    if not _is_name(host):
        return False
    _, _, above = host.partition(".")
    is_neighbour = server == above or server.partition(".")[2] == above
    return server.endswith(f".{host}") or (is_neighbour and _is_of_one(above))


def _is_of_one(domain: str) -> bool:
    """Tell whether all names below a domain are given by one owner."""
    first, _, rest = domain.partition(".")
    is_shared = any(domain == shared or domain.endswith(f".{shared}") for shared in SHARED)
    is_of_country = len(rest) == 2 and first in COUNTRY_WIDE
    return bool(rest) and not is_shared and not is_of_country


def _host(server: str) -> str:
    name = server.lower()
    return name.partition("]")[0] if name.startswith("[") else name.partition(":")[0]


def _is_name(host: str) -> bool:
    return "." in host and not host.rpartition(".")[2].isdigit()
