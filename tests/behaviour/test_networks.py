"""Every sample of conf/, as a runtime sends it, through a pod's whole life."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.recognise import recognise
from cni_hns.hcn.views import EndpointView, NetworkView
from tests.behaviour.scene import NEEDS_DUAL_STACK
from tests.harness import ROOT, Answer, SimulatedNode, container_id

_FIRST_WITH_CHECK = "0.4.0"


class Sample(NamedTuple):
    """One sample as one runtime sends it: the plugin's object, the list's name, the version agreed on."""

    file: Path
    config: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.file.name} {self.config['cniVersion']}"


def _samples() -> list[Sample]:
    found = []
    for file in sorted((ROOT / "conf").glob("*.conf*")):
        document = json.loads(file.read_text(encoding="utf-8"))
        if "plugins" not in document:
            found.append(Sample(file, document))
            continue
        plugin = {**document["plugins"][0], "name": document["name"]}
        found += [Sample(file, {**plugin, "cniVersion": version}) for version in document["cniVersions"]]
    return found


SAMPLES = _samples()

# What the peers that join a network find there.
_THERE_BEFORE = {
    "win-bridge.conf": {"Type": "L2Bridge", "subnet": "10.93.4.0/24", "gateway": "10.93.4.1"},
    "win-bridge-v1.conf": {"Type": "L2Bridge", "subnet": "10.93.4.0/24", "gateway": "10.93.4.1"},
    "win-overlay.conf": {"Type": "Overlay", "subnet": "10.94.4.0/24", "gateway": "10.94.4.1"},
}


def _network_there(name: str, kind: str, subnet: str, gateway: str) -> dict[str, Any]:
    vsid = [{"Type": "VSID", "Settings": {"IsolationId": 4096}}] if kind == "Overlay" else []
    route = {"NextHop": gateway, "DestinationPrefix": "0.0.0.0/0"}
    subnets = [{"IpAddressPrefix": subnet, "Routes": [route], "Policies": vsid}]
    return {"Name": name, "Type": kind, "Ipams": [{"Type": "Static", "Subnets": subnets}]}


class Life:
    """A pod of one sample on a fresh node."""

    def __init__(self, node: SimulatedNode, sample: Sample) -> None:
        self.node = node
        self.config = sample.config
        there = _THERE_BEFORE.get(sample.file.name)
        if there is not None:
            document = _network_there(self.config["name"], there["Type"], there["subnet"], there["gateway"])
            node.simulator.plant("network", document)
        self.namespace, self.container = node.namespace(), container_id()

    def call(self, command: str, **more: Any) -> Answer:
        return self.node.call(command, {**self.config, **more}, self.container, self.namespace)

    def added(self, **more: Any) -> Answer:
        answer = self.call("ADD", **more)
        assert answer.exit_code == 0, answer.words
        return answer

    @property
    def endpoint(self) -> EndpointView:
        (endpoint,) = self.node.endpoints()
        return endpoint

    @property
    def network(self) -> NetworkView:
        return NetworkView.of(self.node.hcn.networks.get(self.node.network_id(self.config["name"])))


_ONE_VERSION = pytest.mark.in_process("a sample runs elsewhere in its newest version, one of them in all")


def _with_ids(samples: list[Sample]) -> list[Any]:
    newest = {sample.file: sample.config["cniVersion"] for sample in samples}
    return [pytest.param(sample, id=sample.label, marks=_marks(sample, newest)) for sample in samples]


def _marks(sample: Sample, newest: dict[Path, str]) -> list[pytest.MarkDecorator]:
    of_versions = [] if _is_run_everywhere(sample, newest) else [_ONE_VERSION]
    return [*of_versions, NEEDS_DUAL_STACK] if "dual-stack" in sample.file.name else of_versions


def _is_run_everywhere(sample: Sample, newest: dict[Path, str]) -> bool:
    return sample.file.name == "l2bridge.conflist" or sample.config["cniVersion"] == newest[sample.file]


@pytest.fixture(params=_with_ids(SAMPLES))
def life(node: SimulatedNode, request: pytest.FixtureRequest) -> Life:
    return Life(node, request.param)


def test_there_is_a_sample_for_every_mode_and_every_dialect() -> None:
    plans = [(recognise(sample.config)[0], compile_plan(sample.config)) for sample in SAMPLES]
    assert {dialect for dialect, _ in plans} == {"cni-hns", "win-bridge", "win-overlay", "wcn"}
    assert {sample.config["type"] for sample in SAMPLES} >= {"nat", "sdnbridge", "sdnoverlay"}
    native = {(plan.network.mode, plan.ipam.kind) for dialect, plan in plans if dialect == "cni-hns"}
    static = {(mode, "builtin") for mode in ("l2bridge", "l2tunnel", "nat", "overlay", "transparent")}
    assert native == static | {("transparent", "dhcp")}


def test_the_pod_gets_an_endpoint_of_the_sample_network_in_its_namespace(life: Life) -> None:
    life.added()
    plan = compile_plan(life.config)
    assert life.network.type == plan.network.hcn_type
    assert life.endpoint.network == life.network.id
    assert life.endpoint.name == f"{life.container}_{life.config['name']}"
    assert life.node.in_namespace(life.namespace) == {life.endpoint.id}


def test_the_result_is_what_hns_has(life: Life) -> None:
    document = life.added().document
    endpoint = life.endpoint
    mac = endpoint.mac.replace("-", ":").lower()
    assert document["interfaces"] == [{"name": "eth0", "mac": mac, "sandbox": life.namespace}]
    assert [one["address"] for one in document.get("ips", [])] == [
        f"{address}/{prefix}" for address, prefix in endpoint.addresses
    ]
    assert {one["interface"] for one in document.get("ips", [])} <= {0}
    assert [(one["dst"], one["gw"]) for one in document.get("routes", [])] == endpoint.routes
    assert document["dns"].get("nameservers") == endpoint.dns.get("ServerList")
    assert document["dns"].get("search") == endpoint.dns.get("Search")


def test_address_and_gateway_lie_in_one_subnet_of_the_network_and_differ(life: Life) -> None:
    document = life.added().document
    subnets = [ip_network(subnet.prefix) for subnet in life.network.subnets]
    assert len(document.get("ips", [])) == len(subnets)
    for one, subnet in zip(document.get("ips", []), subnets, strict=True):
        address, prefix = one["address"].split("/")
        assert ip_address(address) in subnet
        assert ip_address(one["gateway"]) in subnet
        assert int(prefix) == subnet.prefixlen
        assert address != one["gateway"]


def test_the_endpoint_has_the_dns_and_the_policies_of_the_sample(life: Life) -> None:
    life.added()
    dns = {key.lower(): value for key, value in life.config.get("dns", {}).items()}
    if dns:
        assert life.endpoint.dns.get("ServerList") == dns["nameservers"]
        assert life.endpoint.dns.get("Search") == dns.get("search")
    kinds = [policy["Type"] for policy in life.endpoint.policies]
    text = json.dumps(life.config)
    for word, kind in (("loopbackDSR", "OutBoundNAT"), ("SDNR", "SDNRoute"), ("verlay", "ProviderAddress")):
        assert (kind in kinds) or (word not in text), kind


def test_check_passes_right_after_the_add(life: Life) -> None:
    result = life.added().document
    answer = life.call("CHECK", prevResult=result)
    if life.config["cniVersion"] < _FIRST_WITH_CHECK:
        assert answer.document["code"] == 1
    else:
        assert (answer.exit_code, answer.stdout) == (0, ""), answer.words


def test_a_repeated_add_gives_the_same_and_makes_nothing(life: Life) -> None:
    first = life.added()
    before = life.node.endpoints(), life.node.leases()
    assert life.call("ADD") == first
    assert (life.node.endpoints(), life.node.leases()) == before


def test_del_leaves_nothing_and_a_second_one_has_nothing_to_do(life: Life) -> None:
    result = life.added().document
    prev_result = {"prevResult": result} if life.config["cniVersion"] >= _FIRST_WITH_CHECK else {}
    for _ in range(2):
        assert life.call("DEL", **prev_result) == Answer({}, 0, "")
        life.node.assert_clean()
        assert life.node.in_namespace(life.namespace) == set()


def test_two_pods_share_the_network_and_no_address(life: Life) -> None:
    life.added()
    other = life.node.call("ADD", life.config, container_id(), life.node.namespace())
    assert other.exit_code == 0, other.words
    endpoints = life.node.endpoints()
    assert len({endpoint.network for endpoint in endpoints}) == 1
    addresses = [address for endpoint in endpoints for address, _ in endpoint.addresses]
    assert len(set(addresses)) == len(addresses)
    assert len({endpoint.mac for endpoint in endpoints}) == 2


_RUNTIME: dict[str, Any] = {
    "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
    "dns": {"servers": ["198.51.100.53"], "searches": ["a.example", "b.example"], "options": ["ndots:5"]},
    "bandwidth": {"egressRate": 8_000_000, "egressBurst": 8_000_000},
    "mac": "02:11:22:33:44:55",
}


def test_every_capability_that_the_sample_declares_is_served(life: Life) -> None:
    """A runtime sends only what is declared; what it sends must not be dropped (P44)."""
    declared = {key for key, value in life.config["capabilities"].items() if value}
    runtime = {key: value for key, value in _RUNTIME.items() if key in declared}
    life.added(runtimeConfig=runtime)
    kinds = [policy["Type"] for policy in life.endpoint.policies]
    assert ("PortMapping" in kinds) == ("portMappings" in declared)
    assert ("QOS" in kinds) == ("bandwidth" in declared)
    assert (life.endpoint.mac == "02-11-22-33-44-55") == ("mac" in declared)
    assert life.endpoint.dns["ServerList"] == ["198.51.100.53"]
    assert life.endpoint.dns["Search"] == ["a.example", "b.example"]
    assert life.endpoint.dns["Options"] == ["ndots:5"]


@pytest.mark.parametrize(
    "life", _with_ids([sample for sample in SAMPLES if "ips" in sample.config["capabilities"]]), indirect=True
)
def test_a_wanted_address_is_given_where_the_sample_declares_it(life: Life) -> None:
    subnets = [ip_network(subnet["prefix"]) for subnet in life.config["network"]["subnets"]]
    wanted = [str(subnet.network_address + 120) for subnet in subnets]
    answer = life.added(runtimeConfig={"ips": wanted})
    assert [address.partition("/")[0] for address in answer.addresses] == wanted


@pytest.mark.not_in("windows", reason="the samples' log is for Windows, where it is written")
def test_a_log_for_another_system_leaves_no_file_in_the_current_folder(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    life.added()
    life.call("DEL")
    assert list(here.iterdir()) == []
