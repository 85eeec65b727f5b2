"""The NetworkPolicies of `manifests/network`: what the API server takes them for, flow by flow."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

import pytest
import yaml

from album_operator.adapters.servers.networks import METADATA
from album_operator.domain.build_pod import PodWish
from album_operator.render.job import EngineSettings, render_job
from tests.fakes.builders import RELEASE, RESOLVED
from tests.integration.manifests.applications import MANIFESTS, Raw
from tests.integration.manifests.conftest import Installed
from tests.unit.docs.documents import fences, read, section

NETWORK = MANIFESTS / "network"


@dataclass(frozen=True)
class Flow:
    """A connection to or from a Pod.

    Attributes:
        peer: address of the other side, or the labels of a Pod of the same namespace.
        namespace: labels of the other side's namespace, where it is a Pod of another one.
        port: where it goes to.
        protocol: of the transport.
        ports: names of the called Pod's ports.
    """

    peer: str | Raw
    port: int
    protocol: str = "TCP"
    ports: Mapping[str, int] = field(default_factory=dict)
    namespace: Mapping[str, str] | None = None


def _admits(policy: Raw, direction: str, flow: Flow) -> bool:
    """Tell whether one policy lets a flow through, by the rules of `networking.k8s.io/v1`.

    A direction that `policyTypes` names is closed but for what a rule opens; a rule opens what one
    of its peers and one of its ports fits, where none of a kind is written all of it.
    """
    assert direction.title() in policy["policyTypes"]
    sides = "from" if direction == "ingress" else "to"
    return any(
        (not rule.get(sides) or any(_is_peer(one, flow) for one in rule[sides]))
        and (not rule.get("ports") or any(_is_port(one, flow) for one in rule["ports"]))
        for rule in policy.get(direction, [])
    )


def _is_peer(rule: Raw, flow: Flow) -> bool:
    peer = flow.peer
    if (chosen := rule.get("namespaceSelector")) is not None:
        return flow.namespace is not None and (
            chosen["matchLabels"].items() <= flow.namespace.items()
        )
    if not isinstance(peer, str):
        selected = rule.get("podSelector")
        return selected is not None and selected["matchLabels"].items() <= peer.items()
    block, address = rule.get("ipBlock"), ip_address(peer)
    return block is not None and (
        address in ip_network(block["cidr"])
        and not any(address in ip_network(each) for each in block.get("except", []))
    )


def _is_port(rule: Raw, flow: Flow) -> bool:
    first: int = flow.ports[rule["port"]] if isinstance(rule["port"], str) else rule["port"]
    last: int = rule.get("endPort", first)
    return rule["protocol"] == flow.protocol and first <= flow.port <= last


def _stored(installed: Installed, *source: str, text: str | None = None) -> Raw:
    """Give a policy as the API server would store it, with its defaults."""
    options = ("apply", "--dry-run=server", "-o", "json", *source)
    applied: Raw = json.loads(installed.server.run_kubectl(*options, stdin=text))
    return applied


@pytest.fixture(scope="module")
def operator(installed: Installed) -> Raw:
    return _stored(installed, "-k", str(NETWORK / "operator"))


@pytest.fixture(scope="module")
def builds(installed: Installed) -> Raw:
    return _stored(installed, "-k", str(NETWORK / "builds"))


def _template() -> Raw:
    text = (MANIFESTS / "base" / "deployment.yaml").read_text()
    template: Raw = yaml.safe_load(text)["spec"]["template"]
    return template


def _ports() -> dict[str, int]:
    (container,) = _template()["spec"]["containers"]
    return {port["name"]: port["containerPort"] for port in container["ports"]}


PUBLIC = ("140.82.121.4", "2606:50c0:8000::154")
PRIVATE = ("10.96.0.1", "172.18.0.2", "192.168.7.9", "100.64.0.1", "fd00:10:96::1")
NODE_LOCAL_DNS = "169.254.20.10"
API_SERVERS = [("10.0.0.9", 6443), ("10.96.0.1", 443), ("192.168.49.2", 8443), ("34.1.2.3", 443)]


def test_each_is_of_the_namespace_of_what_it_holds(operator: Raw, builds: Raw) -> None:
    assert operator["metadata"]["namespace"] == "album-system"
    assert builds["metadata"]["namespace"] == "album"
    selected = operator["spec"]["podSelector"]["matchLabels"]
    assert selected.items() <= _template()["metadata"]["labels"].items()


def test_no_pipeline_takes_its_builds_out_of_the_policy(builds: Raw) -> None:
    selected = builds["spec"]["podSelector"]["matchLabels"]
    wish = PodWish(labels=dict.fromkeys(selected, "mine"))
    build = replace(RESOLVED.build, pod=wish)
    engine = EngineSettings("album-operator:0.1.0", "kaniko:v1", "buildkit:v1")
    job = render_job(RELEASE, replace(RESOLVED, build=build), 1, engine)
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert selected
    assert selected.items() <= labels.items()


@pytest.mark.parametrize("resolver", ["10.96.0.10", NODE_LOCAL_DNS, "fd00:10:96::a"])
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_names_are_looked_up_wherever_the_name_server_is(
    operator: Raw, builds: Raw, resolver: str, protocol: str
) -> None:
    for policy in (operator, builds):
        for port in (53, 5353):
            assert _admits(policy["spec"], "egress", Flow(resolver, port, protocol))
        assert not _admits(policy["spec"], "egress", Flow(resolver, 123, "UDP"))


@pytest.mark.parametrize(("address", "port"), API_SERVERS)
def test_the_operator_gets_to_the_api_server_before_and_after_its_address_is_replaced(
    operator: Raw, address: str, port: int
) -> None:
    assert _admits(operator["spec"], "egress", Flow(address, port))


@pytest.mark.parametrize("port", [443, 6443])
def test_the_operator_gets_to_an_api_server_that_is_a_pod_or_node_for_the_network(
    operator: Raw, port: int
) -> None:
    assert _admits(operator["spec"], "egress", Flow({"component": "kube-apiserver"}, port))


@pytest.mark.parametrize("address", [*PUBLIC, *PRIVATE])
@pytest.mark.parametrize("port", [22, 80, 443, 2222, 3000, 3128, 5000])
def test_the_operator_gets_to_forges_registries_and_proxies(
    operator: Raw, address: str, port: int
) -> None:
    assert _admits(operator["spec"], "egress", Flow(address, port))


@pytest.mark.parametrize("address", [*sorted(map(str, METADATA)), "169.254.169.254", "fe80::1"])
def test_nobody_gets_to_a_metadata_service(operator: Raw, builds: Raw, address: str) -> None:
    for policy in (operator, builds):
        for port in (80, 988, 8080):
            assert not _admits(policy["spec"], "egress", Flow(address, port))


@pytest.mark.parametrize("port", [22, 80, 443])
def test_a_build_gets_to_the_internet_and_into_no_private_network(builds: Raw, port: int) -> None:
    for address in PUBLIC:
        assert _admits(builds["spec"], "egress", Flow(address, port))
    for address in PRIVATE:
        assert not _admits(builds["spec"], "egress", Flow(address, port))
    assert not _admits(builds["spec"], "egress", Flow({"app": "neighbour"}, port))
    assert not _admits(builds["spec"], "egress", Flow(PUBLIC[0], 25))


@pytest.mark.parametrize(("address", "port"), API_SERVERS[:-1])
def test_a_build_gets_to_no_api_server_of_a_private_network(
    builds: Raw, address: str, port: int
) -> None:
    assert not _admits(builds["spec"], "egress", Flow(address, port))


def test_probes_and_webhooks_get_to_the_operator_and_nothing_else(operator: Raw) -> None:
    ports = _ports()
    for port in range(8000, 8100):
        flow = Flow(PRIVATE[1], port, ports=ports)
        is_open = port in {ports["health"], ports["webhooks"]}
        assert _admits(operator["spec"], "ingress", flow) == is_open


def test_metrics_are_for_the_namespaces_that_are_labelled_for_them(operator: Raw) -> None:
    ports = _ports()
    asked = Flow({"app": "prometheus"}, ports["metrics"], ports=ports)
    for labels, is_let in (({"metrics": "enabled"}, True), ({"team": "shop"}, False)):
        flow = replace(asked, namespace=labels)
        assert _admits(operator["spec"], "ingress", flow) == is_let
    assert not _admits(operator["spec"], "ingress", asked)


def test_a_standby_hands_webhooks_on_to_the_pod_that_leads(operator: Raw) -> None:
    labels, ports = _template()["metadata"]["labels"], _ports()
    assert _admits(operator["spec"], "egress", Flow(labels, ports["webhooks"], ports=ports))
    assert not _admits(operator["spec"], "egress", Flow({"app": "x"}, 8081, ports=ports))


def test_nobody_gets_to_a_build(builds: Raw) -> None:
    for peer in (PUBLIC[0], PRIVATE[1], {"app": "neighbour"}):
        assert not _admits(builds["spec"], "ingress", Flow(peer, 80))


def test_the_rule_of_the_install_page_lets_builds_into_a_private_network(
    installed: Installed, builds: Raw
) -> None:
    (shown,) = fences(section(read("docs/install.md"), "Network policies"))
    ours = _stored(installed, "-f", "-", text=shown.text)
    assert ours["spec"]["podSelector"] == builds["spec"]["podSelector"]
    assert ours["metadata"]["namespace"] == builds["metadata"]["namespace"]
    assert _admits(ours["spec"], "egress", Flow("10.20.0.5", 443))
    assert not _admits(ours["spec"], "egress", Flow("10.21.0.5", 443))
