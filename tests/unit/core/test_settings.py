"""Settings from the environment, and all that is wrong with them at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from album_operator.adapters.git.limits import FETCH_BYTES, MEMORY_BYTES
from album_operator.domain.build_pod import SAFE_RULES, PodRules
from album_operator.domain.build_slots import BuildLimits
from album_operator.domain.builds import BuildKitMode
from album_operator.domain.candidacy import Candidacy
from album_operator.domain.collectors import Collector
from album_operator.domain.proxies import Proxies, Proxy
from album_operator.domain.registry_access import KANIKO_PROGRAMS
from album_operator.domain.release import BuildType, Resources
from album_operator.render import resources
from album_operator.render.engines import Mirror
from album_operator.render.network import JobNetwork
from album_operator.settings import (
    BUILDKIT_IMAGE,
    KANIKO_IMAGE,
    SettingsError,
    read_settings,
    read_webhook_secrets,
)

LEAST = {"ALBUM_NAMESPACES": "album", "ALBUM_OPERATOR_IMAGE": "album-operator:1"}


def test_two_variables_are_enough() -> None:
    settings = read_settings(LEAST)

    assert settings.namespaces == ("album",)
    assert settings.argocd_namespaces == ("argocd",)
    assert settings.engine.operator_image == "album-operator:1"
    assert settings.engine.kaniko_image == KANIKO_IMAGE
    assert settings.engine.buildkit_image == BUILDKIT_IMAGE
    assert settings.engine.registry_mirrors == ()
    assert settings.engine.buildkit is None
    assert settings.engine.pods == SAFE_RULES
    assert settings.engine.build_resources == resources.BUILD
    assert settings.engine.fetch_resources == resources.FETCH
    assert settings.build_limits == BuildLimits(5)
    assert (settings.most_in_flight, settings.most_triggered) == (200, 300)
    assert settings.insecure_hosts == frozenset()
    assert settings.require_consent
    assert settings.require_guard
    assert settings.merge_poll == timedelta(seconds=30)
    assert settings.cache_folder.is_absolute()
    assert settings.cache_bytes == 512 * 1024 * 1024
    assert (settings.fetch_bytes, settings.git_memory) == (FETCH_BYTES, MEMORY_BYTES)
    assert settings.health_port == 8080
    assert settings.webhook_port == 8081
    assert settings.metrics_port == 8082
    assert settings.webhook_secret_file is None
    assert settings.notifications_file is None
    assert settings.notification_hosts == frozenset()
    assert settings.proxies == Proxies()
    assert settings.ca_file is None
    assert settings.engine.network == JobNetwork()
    assert settings.candidacy is None


@pytest.mark.parametrize(
    ("mode", "allowed", "runs", "image"),
    [
        ("Privileged", "false", None, BUILDKIT_IMAGE),
        ("Privileged", "true", BuildKitMode.PRIVILEGED, BUILDKIT_IMAGE),
        ("UserNamespace", "true", BuildKitMode.USER_NAMESPACE, BUILDKIT_IMAGE),
        ("Rootless", "false", BuildKitMode.ROOTLESS, f"{BUILDKIT_IMAGE}-rootless"),
    ],
)
def test_how_buildkit_runs_is_one_setting_and_root_of_the_node_takes_two(
    mode: str, allowed: str, runs: BuildKitMode | None, image: str
) -> None:
    settings = read_settings(
        {**LEAST, "ALBUM_BUILDKIT_MODE": mode, "ALBUM_ALLOW_PRIVILEGED_BUILDS": allowed}
    )

    assert settings.engine.buildkit is runs
    assert settings.engine.buildkit_image == image


def test_every_variable_is_read(tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text("sixteen letters!")
    settings = read_settings(
        {
            "ALBUM_NAMESPACES": "album, team-a,",
            "ALBUM_ARGOCD_NAMESPACES": "argocd,cd",
            "ALBUM_OPERATOR_IMAGE": " registry:5000/album-operator:1 ",
            "ALBUM_KANIKO_IMAGE": "kaniko:2",
            "ALBUM_BUILDKIT_IMAGE": "buildkit:3",
            "ALBUM_BUILDKIT_MODE": "Rootless",
            "ALBUM_ALLOW_PRIVILEGED_BUILDS": "true",
            "ALBUM_REGISTRY_MIRRORS": "172.18.0.1:5000, quay.io=mirror.example.org/quay",
            "ALBUM_BUILDS_PER_NAMESPACE": "12",
            "ALBUM_BUILDS": "40",
            "ALBUM_RELEASES_PER_NAMESPACE": "30",
            "ALBUM_TRIGGERED_RELEASES_PER_HOUR": "20",
            "ALBUM_BUILD_REQUESTS": "memory=1Gi",
            "ALBUM_BUILD_LIMITS": "memory=8Gi, ephemeral-storage=50Gi",
            "ALBUM_FETCH_LIMITS": "memory=2Gi",
            "ALBUM_BUILD_SERVICE_ACCOUNTS": "builder, team-a/pusher",
            "ALBUM_BUILD_PRIORITY_CLASSES": "low",
            "ALBUM_BUILDKIT_CREDENTIAL_HELPERS": "ecr-login",
            "ALBUM_BUILD_NODE_SELECTORS": "",
            "ALBUM_BUILD_TOLERATIONS": "dedicated=builds,example.org/spot",
            "ALBUM_INSECURE_HOSTS": "172.18.0.1:3000,[fd00::1]:3000",
            "ALBUM_ALLOWED_HOSTS": "gitea.gitea.svc",
            "ALBUM_HOST_ALIASES": "gitea.gitea.svc:3000=Git.example.org, a.svc=h:8443/Git",
            "ALBUM_REQUIRE_CONSENT": "False",
            "ALBUM_REQUIRE_GUARD": "false",
            "ALBUM_MERGE_POLL_SECONDS": "0.5",
            "ALBUM_CACHE_DIR": "/var/cache/album",
            "ALBUM_CACHE_BYTES": "1000000",
            "ALBUM_FETCH_BYTES": "2000000",
            "ALBUM_GIT_MEMORY_BYTES": "40000000",
            "ALBUM_LEASE_NAMESPACE": "album-system",
            "ALBUM_LEASE_NAME": "team-album-operator",
            "ALBUM_LEASE_SECONDS": "60",
            "ALBUM_LEASE_RENEW_SECONDS": "40",
            "ALBUM_LEASE_RETRY_SECONDS": "2.5",
            "ALBUM_POD_NAME": "album-operator-1",
            "ALBUM_POD_IP": "fd00::7",
            "ALBUM_HEALTH_PORT": "9000",
            "ALBUM_WEBHOOK_PORT": "9001",
            "ALBUM_METRICS_PORT": "9002",
            "ALBUM_WEBHOOK_SECRET_FILE": str(secret_file),
            "ALBUM_NOTIFICATION_HOSTS": "hooks.slack.com,events.example.org:8443",
            "ALBUM_NOTIFICATIONS_FILE": "/etc/album-operator/notifications/sinks.yaml",
            "HTTPS_PROXY": "http://ann:word@proxy.example.org:3128",
            "NO_PROXY": ".svc,10.0.0.0/8",
            "ALBUM_BUILD_PROXY_SECRET": "album-proxy",
            "ALBUM_CA_FILE": "/etc/ca.crt",
            "ALBUM_BUILD_CA_CONFIGMAP": "company.ca",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example.org",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20word",
        }
    )

    assert settings.namespaces == ("album", "team-a")
    assert settings.argocd_namespaces == ("argocd", "cd")
    assert settings.engine.operator_image == "registry:5000/album-operator:1"
    assert settings.engine.kaniko_image == "kaniko:2"
    assert settings.engine.buildkit_image == "buildkit:3"
    assert settings.engine.registry_mirrors == (
        Mirror("172.18.0.1:5000"),
        Mirror("mirror.example.org/quay", "quay.io"),
    )
    assert settings.build_limits == BuildLimits(12, 40)
    assert (settings.most_in_flight, settings.most_triggered) == (30, 20)
    assert settings.engine.buildkit is BuildKitMode.ROOTLESS
    assert settings.engine.allow_privileged
    assert settings.engine.build_resources == Resources(
        {"memory": "1Gi"}, {"memory": "8Gi", "ephemeral-storage": "50Gi"}
    )
    assert settings.engine.programs_of(BuildType.BUILDKIT) == {"ecr-login"}
    assert settings.engine.programs_of(BuildType.KANIKO) == KANIKO_PROGRAMS
    assert settings.engine.pods == PodRules(
        service_accounts=frozenset({"builder", "team-a/pusher"}),
        priority_classes=frozenset({"low"}),
        node_selectors=frozenset(),
        tolerations=frozenset({"dedicated=builds", "example.org/spot"}),
    )
    assert settings.engine.fetch_resources == Resources(resources.FETCH.requests, {"memory": "2Gi"})
    assert settings.insecure_hosts == frozenset({"172.18.0.1:3000", "[fd00::1]:3000"})
    assert settings.engine.insecure_hosts == settings.insecure_hosts
    assert settings.allowed_hosts == frozenset({"gitea.gitea.svc"})
    assert settings.engine.allowed_hosts == settings.allowed_hosts
    assert settings.host_aliases.homes == {
        "gitea.gitea.svc:3000": "git.example.org",
        "a.svc": "h:8443/Git",
    }
    assert not settings.require_consent
    assert not settings.require_guard
    assert settings.merge_poll == timedelta(milliseconds=500)
    assert settings.cache_folder == Path("/var/cache/album")
    assert settings.cache_bytes == 1_000_000
    assert settings.fetch_bytes == 2_000_000
    assert settings.git_memory == 40_000_000
    assert settings.health_port == 9000
    assert settings.metrics_port == 9002
    assert settings.webhook_port == 9001
    assert settings.webhook_secret_file == secret_file
    sinks = Path("/etc/album-operator/notifications/sinks.yaml")
    assert settings.notifications_file == sinks
    assert settings.notification_hosts == {"hooks.slack.com", "events.example.org:8443"}
    proxies = Proxies(Proxy("proxy.example.org:3128", "ann", "word"), ("svc", "10.0.0.0/8"))
    assert settings.proxies == proxies
    assert settings.ca_file == Path("/etc/ca.crt")
    assert settings.engine.network == JobNetwork(proxies, "album-proxy", "company.ca")
    assert settings.collector == Collector(
        "https://otlp.example.org", {"authorization": "Bearer word"}
    )
    assert settings.candidacy == Candidacy(
        "album-system", "team-album-operator", "album-operator-1", "fd00::7", 60, 40, 2.5
    )


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({})

    assert "ALBUM_NAMESPACES" in str(caught.value)
    assert "ALBUM_OPERATOR_IMAGE" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALBUM_LEASE_NAMESPACE", "Album"),
        ("ALBUM_LEASE_SECONDS", "2"),
        ("ALBUM_LEASE_SECONDS", "10.5"),
        ("ALBUM_LEASE_SECONDS", "3601"),
        ("ALBUM_LEASE_RENEW_SECONDS", "15"),
        ("ALBUM_LEASE_RETRY_SECONDS", "0.5"),
        ("ALBUM_LEASE_RETRY_SECONDS", "6"),
        ("ALBUM_POD_IP", "10.0.0.1:80"),
        ("ALBUM_NAMESPACES", "Album"),
        ("ALBUM_NAMESPACES", "album,../etc"),
        ("ALBUM_ARGOCD_NAMESPACES", "a_b"),
        ("ALBUM_REGISTRY_MIRRORS", "http://mirror"),
        ("ALBUM_REGISTRY_MIRRORS", "quay.io="),
        ("ALBUM_REGISTRY_MIRRORS", "a=b=c"),
        ("ALBUM_INSECURE_HOSTS", "git.example.org/path"),
        ("ALBUM_ALLOWED_HOSTS", "https://git.example.org"),
        ("HTTPS_PROXY", "https://proxy.example.org:3128"),
        ("HTTPS_PROXY", "proxy.example.org"),
        ("NO_PROXY", "10.0.0.0/40"),
        ("ALBUM_BUILD_PROXY_SECRET", "Album"),
        ("ALBUM_CA_FILE", "ca.crt"),
        ("ALBUM_BUILD_CA_CONFIGMAP", "../ca"),
        ("ALBUM_HOST_ALIASES", "gitea.gitea.svc"),
        ("ALBUM_HOST_ALIASES", "=git.example.org"),
        ("ALBUM_HOST_ALIASES", "gitea.gitea.svc="),
        ("ALBUM_HOST_ALIASES", "http://gitea.gitea.svc=git.example.org"),
        ("ALBUM_HOST_ALIASES", "gitea.gitea.svc/git=git.example.org"),
        ("ALBUM_HOST_ALIASES", "gitea.gitea.svc=git.example.org/../x?y"),
        ("ALBUM_HOST_ALIASES", "a.svc=b.example.org,a.svc=c.example.org"),
        ("ALBUM_HOST_ALIASES", "a.svc=b.example.org,b.example.org=c.example.org"),
        ("ALBUM_HOST_ALIASES", "github.com=git.example.org"),
        ("ALBUM_REQUIRE_CONSENT", "yes"),
        ("ALBUM_REQUIRE_GUARD", "no"),
        ("ALBUM_ALLOW_PRIVILEGED_BUILDS", "1"),
        ("ALBUM_BUILDKIT_MODE", "rootless"),
        ("ALBUM_LOG_FORMAT", "logfmt"),
        ("ALBUM_LOG_LEVEL", "verbose"),
        ("ALBUM_BUILDS_PER_NAMESPACE", "0"),
        ("ALBUM_BUILDS", "0"),
        ("ALBUM_RELEASES_PER_NAMESPACE", "0"),
        ("ALBUM_TRIGGERED_RELEASES_PER_HOUR", "0"),
        ("ALBUM_BUILDS", "all"),
        ("ALBUM_BUILDS_PER_NAMESPACE", "-1"),
        ("ALBUM_BUILDS_PER_NAMESPACE", "10000"),
        ("ALBUM_BUILD_REQUESTS", "none"),
        ("ALBUM_BUILD_REQUESTS", "cpu=0"),
        ("ALBUM_BUILD_REQUESTS", "cpu=1,cpu=2"),
        ("ALBUM_BUILD_REQUESTS", "memory=5Gi"),
        ("ALBUM_BUILD_LIMITS", "cpu=4;memory=4Gi"),
        ("ALBUM_BUILD_LIMITS", "memory=4Gi"),
        ("ALBUM_BUILD_LIMITS", "ephemeral-storage=-1Gi"),
        ("ALBUM_BUILD_LIMITS", "gpu=1,ephemeral-storage=1Gi"),
        ("ALBUM_BUILD_SERVICE_ACCOUNTS", "a/b/c"),
        ("ALBUM_BUILD_PRIORITY_CLASSES", "High"),
        ("ALBUM_BUILDKIT_CREDENTIAL_HELPERS", "../x"),
        ("ALBUM_BUILD_NODE_SELECTORS", "*"),
        ("ALBUM_BUILD_TOLERATIONS", "dedicated:NoSchedule"),
        ("ALBUM_FETCH_LIMITS", "ephemeral-storage=1Gi"),
        ("ALBUM_FETCH_LIMITS", "memory=1GB"),
        ("ALBUM_MERGE_POLL_SECONDS", "0"),
        ("ALBUM_MERGE_POLL_SECONDS", "-1"),
        ("ALBUM_MERGE_POLL_SECONDS", "30s"),
        ("ALBUM_CACHE_DIR", "cache"),
        ("ALBUM_CACHE_BYTES", "0"),
        ("ALBUM_CACHE_BYTES", "512Mi"),
        ("ALBUM_FETCH_BYTES", "0"),
        ("ALBUM_GIT_MEMORY_BYTES", "64Mi"),
        ("ALBUM_GIT_MEMORY_BYTES", "33554431"),
        ("ALBUM_HEALTH_PORT", "0"),
        ("ALBUM_HEALTH_PORT", "65536"),
        ("ALBUM_HEALTH_PORT", "http"),
        ("ALBUM_HEALTH_PORT", "\u00b2"),
        ("ALBUM_WEBHOOK_PORT", "0"),
        ("ALBUM_METRICS_PORT", "0"),
        ("ALBUM_WEBHOOK_SECRET_FILE", "secret"),
        ("ALBUM_NOTIFICATIONS_FILE", "sinks.yaml"),
        ("ALBUM_NOTIFICATION_HOSTS", "https://hooks.slack.com"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({**LEAST, name: value})


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({**LEAST, "ALBUM_HEALTH_PORT": "x", "ALBUM_REQUIRE_CONSENT": "maybe"})

    assert "ALBUM_HEALTH_PORT: `x`" in str(caught.value)
    assert "ALBUM_REQUIRE_CONSENT: `maybe`" in str(caught.value)


def test_who_stands_for_election_needs_a_name() -> None:
    with pytest.raises(SettingsError, match="ALBUM_POD_NAME is not set"):
        read_settings({**LEAST, "ALBUM_LEASE_NAMESPACE": "album-system"})


def test_a_wrong_name_of_a_pod_is_not_called_absent() -> None:
    set_to = {"ALBUM_LEASE_NAMESPACE": "album-system", "ALBUM_POD_NAME": "One"}
    with pytest.raises(SettingsError, match="`One` is not a name of a Pod") as caught:
        read_settings({**LEAST, **set_to})

    assert "is not set" not in str(caught.value)


def test_probes_metrics_and_webhooks_need_a_port_each(tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text("sixteen letters!")
    same = {**LEAST, "ALBUM_WEBHOOK_PORT": "8080"}

    assert read_settings(same).webhook_secret_file is None
    with pytest.raises(SettingsError, match="ALBUM_WEBHOOK_PORT: `8080` is ALBUM_HEALTH_PORT too"):
        read_settings({**same, "ALBUM_WEBHOOK_SECRET_FILE": str(secret_file)})
    with pytest.raises(SettingsError, match="ALBUM_METRICS_PORT: `8080` is ALBUM_HEALTH_PORT too"):
        read_settings({**LEAST, "ALBUM_METRICS_PORT": "8080"})


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file"),
        (b"", "holds 0 lines"),
        (b"\n \n", "holds 0 lines"),
        (b"fifteen letters", "fewer than 16 characters"),
        (b"sixteen letters!\nfifteen letters", "fewer than 16 characters"),
        (b"\n".join([b"sixteen letters!"] * 3), "holds 3 lines"),
        (b"sixteen letters\xff", "not UTF-8"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_refused_without_a_word_of_it(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    secret_file = tmp_path / "secret"
    if content is not None:
        secret_file.write_bytes(content)

    with pytest.raises(SettingsError, match=f"ALBUM_WEBHOOK_SECRET_FILE: .*{fault}") as caught:
        read_settings({**LEAST, "ALBUM_WEBHOOK_SECRET_FILE": str(secret_file)})
    assert "letters" not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["sixteen letters!\nanother sixteen!\n", "\r\nsixteen letters!\r\nanother sixteen!"]
)
def test_a_secret_file_holds_one_secret_a_line(tmp_path: Path, content: str) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(content, newline="")
    assert read_webhook_secrets(secret_file) == (b"sixteen letters!", b"another sixteen!")
