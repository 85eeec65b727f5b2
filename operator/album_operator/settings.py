"""The operator's settings, read once from the environment; every bad variable is named at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from album_operator.domain.build_pod import SAFE_RULES, PodRules
from album_operator.domain.build_slots import BuildLimits
from album_operator.domain.hosts import NO_ALIASES, HostAliases, find_faults
from album_operator.domain.images import DOCKER_HUB, registry_named
from album_operator.domain.proxies import DIRECTLY, Proxies, ProxyVariablesError, read_proxies
from album_operator.domain.quantities import amount_of
from album_operator.domain.release import Resources
from album_operator.render import resources
from album_operator.render.engines import EngineSettings, Mirror
from album_operator.render.network import JobNetwork
from album_operator.render.resources import DISK

NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
BYTES = re.compile(r"[0-9]{1,15}")
COUNT = re.compile(r"[0-9]{1,4}")
PORT = re.compile(r"[0-9]{1,5}")
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
NAME = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
MIRROR = re.compile(rf"({NAME.pattern}=)?{NAME.pattern}(/[A-Za-z0-9._-]+)*")
HOME = re.compile(rf"{NAME.pattern}(/[A-Za-z0-9._~-]+)*")

KEY = r"([a-z0-9][a-z0-9.-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*"
LABEL = re.compile(rf"{KEY}(=[A-Za-z0-9._-]*)?")
"""A label or taint: its key, or the key and one value."""

PROGRAM = re.compile(r"[a-z0-9][a-z0-9-]*")
ACCOUNT = re.compile(r"([a-z0-9][a-z0-9-]*/)?[a-z0-9][a-z0-9.-]*")
OBJECT = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")

KANIKO_IMAGE = "ghcr.io/osscontainertools/kaniko:v1.28.2"
BUILDKIT_IMAGE = "docker.io/moby/buildkit:v0.34.2"

LEAST_MEMORY = 32 * 1024 * 1024
"""With less, git does not read folders the field has."""

SECRET_LENGTH = 16
"""Fewest characters of a secret for webhooks."""


T = TypeVar("T")


class SettingsError(Exception):
    """One or more variables of the environment cannot be used; the message lists them all."""


@dataclass(frozen=True)
class Settings:
    """How this operator works.

    Attributes:
        namespaces: namespaces whose releases it serves.
        argocd_namespaces: namespaces whose Applications it watches for wake-ups.
        engine: images, registries, privileges and bounds of the build Jobs.
        build_limits: how many build Jobs run at once.
        insecure_hosts: `host[:port]` of git servers and registries that may be spoken to in plain
            HTTP.
        allowed_hosts: `host[:port]` of git servers, forges and registries that may be at an address
            of the node or the cluster.
        proxies: through which git and forges are gone to.
        ca_file: PEM file with certificate authorities that are trusted beside the image's.
        require_consent: whether an Application must name the pipeline it lets change it.
        require_guard: whether the API server must hold us to the guard on Applications.
        merge_poll: how often a waiting pull request is asked for.
        watch_idle: how long a watch of the API server may be silent before it counts as dead.
        cache_folder: where git keeps what it has fetched of config repositories.
        cache_bytes: most bytes it keeps there.
        fetch_bytes: most bytes that git may bring at once from a repository.
        git_memory: bytes of memory that one process of git may have.
        health_port: TCP port of `/healthz`, `/readyz` and `/metrics`.
        webhook_port: TCP port of the webhook receiver.
        webhook_secret_file: file with what webhooks are signed with; None: none are received.
        host_aliases: other names of the hosts of repositories.
    """

    namespaces: tuple[str, ...]
    argocd_namespaces: tuple[str, ...]
    engine: EngineSettings
    build_limits: BuildLimits
    insecure_hosts: frozenset[str]
    allowed_hosts: frozenset[str]
    proxies: Proxies
    ca_file: Path | None
    require_consent: bool
    require_guard: bool
    merge_poll: timedelta
    watch_idle: timedelta
    cache_folder: Path
    cache_bytes: int
    fetch_bytes: int
    git_memory: int
    health_port: int
    webhook_port: int
    webhook_secret_file: Path | None
    host_aliases: HostAliases = NO_ALIASES


class _Reader:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        value = self._environment.get(name, "").strip() or default
        if not value:
            self.faults.append(f"{name} is not set")
        return value

    def words(self, name: str, default: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        value = self._environment.get(name, default)
        words = tuple(word.strip() for word in value.split(",") if word.strip())
        for word in words:
            if not pattern.fullmatch(word):
                self.faults.append(f"{name}: `{word}` is not of the form {pattern.pattern}")
        return words

    def aliases(self, name: str) -> HostAliases:
        """Read `host[:port]=host[:port][/path]` by commas, the name that counts on the right."""
        pairs = []
        for word in self.words(name, "", re.compile(r".+")):
            alias, equals, home = word.partition("=")
            if equals and NAME.fullmatch(alias) and HOME.fullmatch(home):
                host, slash, path = home.partition("/")
                pairs.append((alias.lower(), f"{host.lower()}{slash}{path}"))
            else:
                form = "host[:port]=host[:port][/path], the name that counts on the right"
                self.faults.append(f"{name}: `{word}` is not of the form {form}")
        self.faults.extend(f"{name}: {fault}" for fault in find_faults(pairs))
        return HostAliases(dict(pairs))

    def mirrors(self, name: str) -> tuple[Mirror, ...]:
        """Read `[host[:port]=]host[:port][/path]` by commas, the mirror on the right."""
        mirrors = []
        for word in self.words(name, "", MIRROR):
            registry, _, place = word.rpartition("=")
            mirrors.append(Mirror(place, registry_named(registry or DOCKER_HUB)))
        return tuple(mirrors)

    def parsed(
        self, name: str, default: str, parse: Callable[[str], T | None], form: str
    ) -> T | None:
        value = self._environment.get(name, "").strip() or default
        result = parse(value)
        if result is None:
            self.faults.append(f"{name}: `{value}` is not {form}")
        return result

    def optional(self, name: str, parse: Callable[[str], T | None], form: str) -> T | None:
        is_set = self._environment.get(name, "").strip()
        return self.parsed(name, "", parse, form) if is_set else None

    def proxies(self, secret: str | None) -> Proxies:
        """Read the proxy, whose password no Job may show.

        Args:
            secret: name of the Secret that Jobs have theirs from.
        """
        try:
            proxies = read_proxies(self._environment)
        except ProxyVariablesError as error:
            self.faults.append(str(error))
            return DIRECTLY
        if proxies.proxy is not None and proxies.proxy.username and secret is None:
            self.faults.append(
                "HTTPS_PROXY holds a user, whom build Jobs would show to whoever may read them: "
                "name in ALBUM_BUILD_PROXY_SECRET a Secret of their namespaces that has its own "
                "HTTPS_PROXY"
            )
        return proxies

    def amounts(self, name: str, default: Mapping[str, str]) -> Mapping[str, str]:
        """Read amounts of the resources that have a default, or of some of them."""
        text = ",".join(f"{resource}={amount}" for resource, amount in default.items())

        def parse(value: str) -> Mapping[str, str] | None:
            pairs = [pair.strip().partition("=") for pair in value.split(",")]
            found = {resource: amount for resource, _, amount in pairs}
            is_right = len(found) == len(pairs) and found.keys() <= default.keys()
            return found if is_right and all(map(_is_amount, found.values())) else None

        return self.parsed(name, text, parse, f"of the form {text}, or a part of it") or {}


def _is_amount(text: str) -> bool:
    try:
        return amount_of(text) > 0
    except ValueError:
        return False


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _seconds(text: str) -> timedelta | None:
    if not SECONDS.fullmatch(text) or float(text) <= 0:
        return None
    return timedelta(seconds=float(text))


def _absolute(text: str) -> Path | None:
    return Path(text) if Path(text).is_absolute() else None


def _object(text: str) -> str | None:
    return text if OBJECT.fullmatch(text) else None


def _bytes(text: str) -> int | None:
    return int(text) if BYTES.fullmatch(text) and int(text) > 0 else None


def _count(text: str) -> int | None:
    return int(text) if COUNT.fullmatch(text) and int(text) > 0 else None


def _memory(text: str) -> int | None:
    size = _bytes(text)
    return size if size is not None and size >= LEAST_MEMORY else None


def _port(text: str) -> int | None:
    return int(text) if PORT.fullmatch(text) and 0 < int(text) < 65536 else None


def read_webhook_secrets(file: Path) -> tuple[bytes, ...]:
    """Read the secrets webhooks may be signed with: one a line, two while they are rotated.

    Raises:
        SettingsError: the file cannot be read or holds something else, of which nothing is said.
    """
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8") from None
    secrets = [line.strip() for line in text.split("\n") if line.strip()]
    if not 1 <= len(secrets) <= 2:
        raise SettingsError(f"{file} holds {len(secrets)} lines: one secret a line, at most two")
    if any(len(secret) < SECRET_LENGTH for secret in secrets):
        raise SettingsError(f"{file} holds a secret of fewer than {SECRET_LENGTH} characters")
    return tuple(secret.encode() for secret in secrets)


def _read_engine(
    read: _Reader, insecure_hosts: frozenset[str], allowed_hosts: frozenset[str]
) -> EngineSettings:
    privileged = read.parsed("ALBUM_ALLOW_PRIVILEGED_BUILDS", "false", _boolean, "true or false")
    requests = read.amounts("ALBUM_BUILD_REQUESTS", resources.BUILD.requests)
    limits = read.amounts("ALBUM_BUILD_LIMITS", resources.BUILD.limits)
    if limits and DISK not in limits:
        read.faults.append(f"ALBUM_BUILD_LIMITS: {DISK} is missing, which also bounds the volumes")
    for name in sorted({*requests} & {*limits}):
        if amount_of(requests[name]) > amount_of(limits[name]):
            read.faults.append(f"ALBUM_BUILD_REQUESTS: {name} is above that of ALBUM_BUILD_LIMITS")
    fetch = read.amounts("ALBUM_FETCH_LIMITS", resources.FETCH.limits)
    secret = read.optional("ALBUM_BUILD_PROXY_SECRET", _object, "a name of a Secret")
    authorities = read.optional("ALBUM_BUILD_CA_CONFIGMAP", _object, "a name of a ConfigMap")
    return EngineSettings(
        operator_image=read.text("ALBUM_OPERATOR_IMAGE"),
        kaniko_image=read.text("ALBUM_KANIKO_IMAGE", KANIKO_IMAGE),
        buildkit_image=read.text("ALBUM_BUILDKIT_IMAGE", BUILDKIT_IMAGE),
        registry_mirrors=read.mirrors("ALBUM_REGISTRY_MIRRORS"),
        insecure_hosts=insecure_hosts,
        allowed_hosts=allowed_hosts,
        allow_privileged=privileged is True,
        build_resources=Resources(requests, limits),
        fetch_resources=Resources(resources.FETCH.requests, fetch),
        network=JobNetwork(read.proxies(secret), secret, authorities),
        pods=_read_pods(read),
        buildkit_programs=frozenset(read.words("ALBUM_BUILDKIT_CREDENTIAL_HELPERS", "", PROGRAM)),
    )


def _read_pods(read: _Reader) -> PodRules:
    selectors = ",".join(sorted(SAFE_RULES.node_selectors))
    return PodRules(
        frozenset(read.words("ALBUM_BUILD_SERVICE_ACCOUNTS", "", ACCOUNT)),
        frozenset(read.words("ALBUM_BUILD_PRIORITY_CLASSES", "", OBJECT)),
        frozenset(read.words("ALBUM_BUILD_NODE_SELECTORS", selectors, LABEL)),
        frozenset(read.words("ALBUM_BUILD_TOLERATIONS", "", LABEL)),
    )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Args:
        environment: such as `os.environ`.

    Raises:
        SettingsError: naming every variable that is missing or wrong.
    """
    read = _Reader(environment)
    namespaces = read.words("ALBUM_NAMESPACES", "", NAMESPACE)
    if not namespaces:
        read.faults.append("ALBUM_NAMESPACES is not set: name the namespaces to serve, by commas")
    argocd_namespaces = read.words("ALBUM_ARGOCD_NAMESPACES", "argocd", NAMESPACE)
    insecure_hosts = frozenset(read.words("ALBUM_INSECURE_HOSTS", "", HOST))
    allowed_hosts = frozenset(read.words("ALBUM_ALLOWED_HOSTS", "", HOST))
    host_aliases = read.aliases("ALBUM_HOST_ALIASES")
    consent = read.parsed("ALBUM_REQUIRE_CONSENT", "true", _boolean, "true or false")
    guard = read.parsed("ALBUM_REQUIRE_GUARD", "true", _boolean, "true or false")
    poll = read.parsed("ALBUM_MERGE_POLL_SECONDS", "30", _seconds, "a number of seconds above 0")
    idle = read.parsed("ALBUM_WATCH_IDLE_SECONDS", "70", _seconds, "a number of seconds above 0")
    folder = read.parsed("ALBUM_CACHE_DIR", "/tmp/album-operator", _absolute, "an absolute path")  # noqa: S108 - its owner is checked
    builds = read.parsed("ALBUM_BUILDS_PER_NAMESPACE", "5", _count, "a number from 1 to 9999")
    overall = read.optional("ALBUM_BUILDS", _count, "a number from 1 to 9999")
    size = read.parsed("ALBUM_CACHE_BYTES", "536870912", _bytes, "a number of bytes above 0")
    fetch = read.parsed("ALBUM_FETCH_BYTES", "268435456", _bytes, "a number of bytes above 0")
    memory = read.parsed(
        "ALBUM_GIT_MEMORY_BYTES", "50331648", _memory, f"a number of bytes from {LEAST_MEMORY} on"
    )
    port = read.parsed("ALBUM_HEALTH_PORT", "8080", _port, "a TCP port")
    webhook_port = read.parsed("ALBUM_WEBHOOK_PORT", "8081", _port, "a TCP port")
    secret_file = read.optional("ALBUM_WEBHOOK_SECRET_FILE", _absolute, "an absolute path")
    if secret_file and port and webhook_port == port:
        read.faults.append(f"ALBUM_WEBHOOK_PORT: `{port}` is ALBUM_HEALTH_PORT too")
    if secret_file:
        try:
            read_webhook_secrets(secret_file)
        except SettingsError as error:
            read.faults.append(f"ALBUM_WEBHOOK_SECRET_FILE: {error}")
    ca_file = read.optional("ALBUM_CA_FILE", _absolute, "an absolute path")
    engine = _read_engine(read, insecure_hosts, allowed_hosts)
    if (
        read.faults
        or consent is None
        or guard is None
        or poll is None
        or idle is None
        or folder is None
        or size is None
        or builds is None
        or fetch is None
        or memory is None
        or port is None
        or webhook_port is None
    ):
        raise SettingsError("; ".join(read.faults))
    return Settings(
        namespaces=namespaces,
        argocd_namespaces=argocd_namespaces,
        engine=engine,
        build_limits=BuildLimits(builds, overall),
        insecure_hosts=insecure_hosts,
        allowed_hosts=allowed_hosts,
        proxies=engine.network.proxies,
        ca_file=ca_file,
        require_consent=consent,
        require_guard=guard,
        merge_poll=poll,
        watch_idle=idle,
        cache_folder=folder,
        cache_bytes=size,
        fetch_bytes=fetch,
        git_memory=memory,
        health_port=port,
        webhook_port=webhook_port,
        webhook_secret_file=secret_file,
        host_aliases=host_aliases,
    )
