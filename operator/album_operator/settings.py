"""The operator's settings, read once from the environment; every bad variable is named at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from album_operator.domain.build_pod import SAFE_RULES, PodRules
from album_operator.domain.build_slots import BuildLimits
from album_operator.domain.builds import BuildKitMode
from album_operator.domain.candidacy import LONGEST_LEASE, Candidacy
from album_operator.domain.collectors import Collector
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.images import DOCKER_HUB, registry_named
from album_operator.domain.proxies import Proxies
from album_operator.domain.quantities import amount_of
from album_operator.domain.release import Resources
from album_operator.logs import LogFormat, LogLevel
from album_operator.render import resources
from album_operator.render.engines import EngineSettings, Mirror
from album_operator.render.network import JobNetwork
from album_operator.render.resources import DISK
from album_operator.variables import (
    NAME,
    OBJECT,
    Variables,
    as_count,
    as_ip_address,
    as_object_name,
    as_path,
    as_port,
    as_size,
)

NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
MIRROR = re.compile(rf"({NAME.pattern}=)?{NAME.pattern}(/[A-Za-z0-9._-]+)*")

KEY = r"([a-z0-9][a-z0-9.-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*"
LABEL = re.compile(rf"{KEY}(=[A-Za-z0-9._-]*)?")
"""A label or taint: its key, or the key and one value."""

PROGRAM = re.compile(r"[a-z0-9][a-z0-9-]*")
ACCOUNT = re.compile(r"([a-z0-9][a-z0-9-]*/)?[a-z0-9][a-z0-9.-]*")

KANIKO_IMAGE = "ghcr.io/osscontainertools/kaniko:v1.28.3"
BUILDKIT_IMAGE = "docker.io/moby/buildkit:v0.34.2"
ROOTLESS_IMAGE = f"{BUILDKIT_IMAGE}-rootless"

LEAST_MEMORY = 32 * 1024 * 1024
"""With less, git does not read folders the field has."""

SHORTEST_LEASE = 3
"""Seconds: two tries of a second each, and a margin."""

SECRET_LENGTH = 16
"""Fewest characters of a secret for webhooks."""


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
        most_in_flight: how many releases of a namespace may be in flight at once.
        most_triggered: how many releases triggers may make in a namespace within an hour.
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
        health_port: TCP port of `/healthz` and `/readyz`.
        metrics_port: TCP port of `/metrics`.
        webhook_port: TCP port of the webhook receiver.
        webhook_secret_file: file with what webhooks are signed with; None: none are received.
        notifications_file: file that names whom releases are told to; None: nobody.
        notification_hosts: `host[:port]` that pipelines may have their releases told to.
        log_format: how lines of the log are written.
        log_level: the least a line of the operator must be to be written.
        host_aliases: other names of the hosts of repositories.
        candidacy: how it stands for election; None: it works without one.
        collector: where traces are sent; None: nowhere.
    """

    namespaces: tuple[str, ...]
    argocd_namespaces: tuple[str, ...]
    engine: EngineSettings
    build_limits: BuildLimits
    most_in_flight: int
    most_triggered: int
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
    metrics_port: int
    webhook_port: int
    webhook_secret_file: Path | None
    notifications_file: Path | None
    notification_hosts: frozenset[str]
    log_format: LogFormat
    log_level: LogLevel
    host_aliases: HostAliases = NO_ALIASES
    candidacy: Candidacy | None = None
    collector: Collector | None = None


def _memory(text: str) -> int | None:
    found = as_size(text)
    return found if found is not None and found >= LEAST_MEMORY else None


def _read_mirrors(read: Variables) -> tuple[Mirror, ...]:
    """Read `[host[:port]=]host[:port][/path]` by commas, the mirror on the right."""
    mirrors = []
    for word in read.words("ALBUM_REGISTRY_MIRRORS", "", MIRROR):
        registry, _, place = word.rpartition("=")
        mirrors.append(Mirror(place, registry_named(registry or DOCKER_HUB)))
    return tuple(mirrors)


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
    read: Variables, insecure_hosts: frozenset[str], allowed_hosts: frozenset[str]
) -> EngineSettings:
    requests = read.amounts("ALBUM_BUILD_REQUESTS", resources.BUILD.requests)
    limits = read.amounts("ALBUM_BUILD_LIMITS", resources.BUILD.limits)
    if limits and DISK not in limits:
        read.faults.append(f"ALBUM_BUILD_LIMITS: {DISK} is missing, which also bounds the volumes")
    for name in sorted({*requests} & {*limits}):
        if amount_of(requests[name]) > amount_of(limits[name]):
            read.faults.append(f"ALBUM_BUILD_REQUESTS: {name} is above that of ALBUM_BUILD_LIMITS")
    fetch = read.amounts("ALBUM_FETCH_LIMITS", resources.FETCH.limits)
    secret = read.optional("ALBUM_BUILD_PROXY_SECRET", as_object_name, "a name of a Secret")
    authorities = read.optional("ALBUM_BUILD_CA_CONFIGMAP", as_object_name, "a name of a ConfigMap")
    mode = read.choice("ALBUM_BUILDKIT_MODE", BuildKitMode.PRIVILEGED)
    buildkit = ROOTLESS_IMAGE if mode is BuildKitMode.ROOTLESS else BUILDKIT_IMAGE
    return EngineSettings(
        operator_image=read.text("ALBUM_OPERATOR_IMAGE"),
        kaniko_image=read.text("ALBUM_KANIKO_IMAGE", KANIKO_IMAGE),
        buildkit_image=read.text("ALBUM_BUILDKIT_IMAGE", buildkit),
        registry_mirrors=_read_mirrors(read),
        insecure_hosts=insecure_hosts,
        allowed_hosts=allowed_hosts,
        buildkit_mode=mode,
        allow_privileged=read.boolean("ALBUM_ALLOW_PRIVILEGED_BUILDS", default=False),
        build_resources=Resources(requests, limits),
        fetch_resources=Resources(resources.FETCH.requests, fetch),
        network=JobNetwork(read.proxies(secret), secret, authorities),
        pods=_read_pods(read),
        buildkit_programs=frozenset(read.words("ALBUM_BUILDKIT_CREDENTIAL_HELPERS", "", PROGRAM)),
    )


def _read_pods(read: Variables) -> PodRules:
    selectors = ",".join(sorted(SAFE_RULES.node_selectors))
    return PodRules(
        frozenset(read.words("ALBUM_BUILD_SERVICE_ACCOUNTS", "", ACCOUNT)),
        frozenset(read.words("ALBUM_BUILD_PRIORITY_CLASSES", "", OBJECT)),
        frozenset(read.words("ALBUM_BUILD_NODE_SELECTORS", selectors, LABEL)),
        frozenset(read.words("ALBUM_BUILD_TOLERATIONS", "", LABEL)),
    )


def _read_candidacy(read: Variables) -> Candidacy | None:
    namespace = read.optional("ALBUM_LEASE_NAMESPACE", as_object_name, "a name of a namespace")
    form = f"a whole number of seconds from {SHORTEST_LEASE} to {LONGEST_LEASE}"
    lease = read.parsed("ALBUM_LEASE_SECONDS", "15", _lease, form)
    renew = read.time("ALBUM_LEASE_RENEW_SECONDS", "10").total_seconds()
    retry = read.time("ALBUM_LEASE_RETRY_SECONDS", "2").total_seconds()
    if renew >= lease:
        read.faults.append(
            f"ALBUM_LEASE_RENEW_SECONDS: {renew:g} is not below ALBUM_LEASE_SECONDS, after which "
            "another operator leads"
        )
    if not 1 <= retry <= renew / 2:
        read.faults.append(
            f"ALBUM_LEASE_RETRY_SECONDS: {retry:g} is not from 1 to half of "
            "ALBUM_LEASE_RENEW_SECONDS, so that one lost answer ends nothing"
        )
    name = read.parsed("ALBUM_LEASE_NAME", "album-operator", as_object_name, "a name of a Lease")
    identity = read.optional("ALBUM_POD_NAME", as_object_name, "a name of a Pod")
    address = read.optional("ALBUM_POD_IP", as_ip_address, "an IP address")
    if namespace is None:
        return None
    if identity is None and not read.is_set("ALBUM_POD_NAME"):
        read.faults.append("ALBUM_POD_NAME is not set: it tells who holds the Lease")
    return Candidacy(namespace, name, identity or "", address or "", lease, renew, retry)


def _lease(text: str) -> int | None:
    found = as_count(text)
    return found if found is not None and SHORTEST_LEASE <= found <= LONGEST_LEASE else None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Args:
        environment: such as `os.environ`.

    Raises:
        SettingsError: naming every variable that is missing or wrong.
    """
    read = Variables(environment)
    namespaces = read.words("ALBUM_NAMESPACES", "", NAMESPACE)
    if not namespaces:
        read.faults.append("ALBUM_NAMESPACES is not set: name the namespaces to serve, by commas")
    insecure_hosts = frozenset(read.words("ALBUM_INSECURE_HOSTS", "", HOST))
    allowed_hosts = frozenset(read.words("ALBUM_ALLOWED_HOSTS", "", HOST))
    engine = _read_engine(read, insecure_hosts, allowed_hosts)
    settings = Settings(
        namespaces=namespaces,
        argocd_namespaces=read.words("ALBUM_ARGOCD_NAMESPACES", "argocd", NAMESPACE),
        engine=engine,
        build_limits=BuildLimits(
            read.parsed("ALBUM_BUILDS_PER_NAMESPACE", "5", as_count, "a number from 1 to 9999"),
            read.optional("ALBUM_BUILDS", as_count, "a number from 1 to 9999"),
        ),
        most_in_flight=read.parsed(
            "ALBUM_RELEASES_PER_NAMESPACE", "200", as_count, "a number from 1 to 9999"
        ),
        most_triggered=read.parsed(
            "ALBUM_TRIGGERED_RELEASES_PER_HOUR", "300", as_count, "a number from 1 to 9999"
        ),
        insecure_hosts=insecure_hosts,
        allowed_hosts=allowed_hosts,
        proxies=engine.network.proxies,
        ca_file=read.optional("ALBUM_CA_FILE", as_path, "an absolute path"),
        require_consent=read.boolean("ALBUM_REQUIRE_CONSENT", default=True),
        require_guard=read.boolean("ALBUM_REQUIRE_GUARD", default=True),
        merge_poll=read.time("ALBUM_MERGE_POLL_SECONDS", "30"),
        watch_idle=read.time("ALBUM_WATCH_IDLE_SECONDS", "70"),
        cache_folder=read.parsed(
            "ALBUM_CACHE_DIR",
            "/tmp/album-operator",  # noqa: S108 - its owner is checked
            as_path,
            "an absolute path",
        ),
        cache_bytes=read.size("ALBUM_CACHE_BYTES", "536870912"),
        fetch_bytes=read.size("ALBUM_FETCH_BYTES", "268435456"),
        git_memory=read.parsed(
            "ALBUM_GIT_MEMORY_BYTES",
            "50331648",
            _memory,
            f"a number of bytes from {LEAST_MEMORY} on",
        ),
        health_port=read.parsed("ALBUM_HEALTH_PORT", "8080", as_port, "a TCP port"),
        metrics_port=read.parsed("ALBUM_METRICS_PORT", "8082", as_port, "a TCP port"),
        webhook_port=read.parsed("ALBUM_WEBHOOK_PORT", "8081", as_port, "a TCP port"),
        webhook_secret_file=read.optional("ALBUM_WEBHOOK_SECRET_FILE", as_path, "an absolute path"),
        notifications_file=read.optional("ALBUM_NOTIFICATIONS_FILE", as_path, "an absolute path"),
        notification_hosts=frozenset(read.words("ALBUM_NOTIFICATION_HOSTS", "", HOST)),
        log_format=read.choice("ALBUM_LOG_FORMAT", LogFormat.TEXT),
        log_level=read.choice("ALBUM_LOG_LEVEL", LogLevel.INFO),
        host_aliases=read.aliases("ALBUM_HOST_ALIASES"),
        candidacy=_read_candidacy(read),
        collector=read.collector(),
    )
    _check_ports(read, settings)
    _check_webhooks(read, settings)
    if read.faults:
        raise SettingsError("; ".join(read.faults))
    return settings


def _check_ports(read: Variables, settings: Settings) -> None:
    taken = {settings.health_port: "ALBUM_HEALTH_PORT"}
    asked = {"ALBUM_METRICS_PORT": settings.metrics_port}
    if settings.webhook_secret_file is not None:
        asked["ALBUM_WEBHOOK_PORT"] = settings.webhook_port
    for name, port in asked.items():
        if (other := taken.setdefault(port, name)) != name:
            read.faults.append(f"{name}: `{port}` is {other} too")


def _check_webhooks(read: Variables, settings: Settings) -> None:
    file = settings.webhook_secret_file
    if file is None:
        return
    try:
        read_webhook_secrets(file)
    except SettingsError as error:
        read.faults.append(f"ALBUM_WEBHOOK_SECRET_FILE: {error}")
