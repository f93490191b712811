"""Docker-style runtimes: HNS V1 makes the endpoint of a sandbox container, and its workloads share it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.docker import Container, bridge, node_with, overlay
from tests.behaviour.ipam_plugin import FakeIpam
from tests.behaviour.scene import policies_of
from tests.harness import SimulatedNode, container_id, l2bridge
from tests.packaging import wait_for_wines_services

DIALECTS = {"win-bridge": bridge, "win-overlay": overlay}


@pytest.fixture(params=DIALECTS)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return DIALECTS[request.param]()


@pytest.fixture
def either(node: SimulatedNode, config: dict[str, Any]) -> SimulatedNode:
    return node_with(node, config)


@pytest.fixture
def pods(node: SimulatedNode) -> SimulatedNode:
    return node_with(node, bridge())


class TestASandbox:
    """CNI_NETNS none: an endpoint of its own."""

    def test_its_endpoint_is_in_the_container(self, either: SimulatedNode, config: dict[str, Any]) -> None:
        sandbox = Container(either, config).add()
        (view,) = either.endpoints()
        assert (view.id, view.name, view.containers, view.namespace) == (
            sandbox.endpoint,
            f"{sandbox.id}_pods",
            [sandbox.id],
            None,
        )
        assert view.addresses == [(sandbox.address, 24)]
        gateway = "10.88.0.2" if config["type"] == "win-bridge" else "10.88.0.1"
        assert view.routes == [("0.0.0.0/0", gateway)]
        (interface,) = sandbox.result["interfaces"]
        assert (interface["name"], interface["sandbox"]) == ("eth0", "none")
        assert sandbox.result["dns"]["search"] == ["svc.cluster.local", "cluster.local"]
        assert [lease.address for lease in either.leases()] == [sandbox.address]

    def test_it_is_made_through_v1(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge())
        pods.simulator.reset_journal()
        sandbox.add()
        called = [call for call in pods.simulator.journal() if not call.function.startswith("HcnEnumerate")]
        assert [
            (call.function, call.object) for call in called if call.function.startswith(("HNS", "Hcs"))
        ] == [
            ("HcsOpenComputeSystem", sandbox.id),
            ("HNSCall", "POST /endpoints/"),
            ("HcsOpenComputeSystem", sandbox.id),
            ("HcsModifyComputeSystem", sandbox.id),
            ("HNSCall", f"GET /endpoints/{sandbox.endpoint}"),
        ]
        assert {call.function for call in called if call.function.startswith("Hcn")} <= {
            "HcnOpenEndpoint",
            "HcnEnumerateEndpoints",
            "HcnEnumerateNetworks",
            "HcnOpenNetwork",
            "HcnQueryNetworkProperties",
        }

    def test_it_goes_without_a_trace_and_twice(self, either: SimulatedNode, config: dict[str, Any]) -> None:
        sandbox = Container(either, config).add()
        for _ in range(2):
            sandbox.done("DEL")
            either.assert_clean()

    @pytest.mark.parametrize("ended", [False, True], ids=["runs", "has ended"])
    @pytest.mark.parametrize("netns", ["none", "", "5f0c3b1e-0000-4111-8222-333344445555"])
    def test_del_needs_neither_the_netns_nor_the_container(
        self, pods: SimulatedNode, netns: str, ended: bool
    ) -> None:
        sandbox = Container(pods, bridge()).add()
        if ended:
            pods.simulator.stop_container(sandbox.id)
        sandbox.done("DEL", netns)
        pods.assert_clean()

    def test_del_works_with_whatever_the_configuration_says_by_then(self, pods: SimulatedNode) -> None:
        for later in ({"apiVersion": 2}, {"type": "cni-hns"}, {"policies": "nonsense"}):
            sandbox = Container(pods, bridge()).add()
            pods.simulator.reset_journal()
            sandbox.done("DEL", **later)
            assert "HcsModifyComputeSystem" in pods.calls()
            pods.assert_clean()

    def test_a_container_that_does_not_run_is_refused(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge(), runs=False)
        answer = sandbox.call("ADD")
        assert answer.document["code"] == 100
        assert f"container {sandbox.id} does not run" in answer.words
        pods.assert_clean()

    def test_one_that_ends_during_the_add_leaves_nothing(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge())
        pods.simulator.inject(function="HcsModifyComputeSystem", hresult=0xC0370105)
        assert sandbox.call("ADD").document["code"] == 100
        pods.assert_clean()

    def test_the_same_again_gives_the_same(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        sandbox.assert_alive()
        pods.simulator.stop_container(sandbox.id)
        assert sandbox.call("ADD").document == sandbox.result  # runtimes ask for the result in this way

    def test_an_endpoint_that_was_taken_out_is_put_back(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        pods.hns.request("POST", f"/endpoints/{sandbox.endpoint}/detach", _container(sandbox.id))
        assert sandbox.shares() == [[]]
        assert sandbox.call("CHECK").document["code"] == 104
        assert sandbox.call("ADD").document == sandbox.result
        assert sandbox.shares() == [[sandbox.id]]

    def test_an_endpoint_that_hns_lost_is_made_again_as_it_was(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        pods.simulator.remove(sandbox.endpoint)
        assert sandbox.call("CHECK").document["code"] == 104
        assert sandbox.call("ADD").document == sandbox.result
        sandbox.assert_alive()

    def test_hns_may_choose_addresses(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge(ipam=None)).add()
        sandbox.assert_alive()
        assert [lease.origin for lease in pods.leases()] == ["hns"]
        sandbox.done("DEL")
        pods.assert_clean()

    def test_an_address_that_hns_refuses_is_gone_round(self, pods: SimulatedNode) -> None:
        pods.foreign("other", "10.88.0.3")
        assert Container(pods, bridge()).add().address == "10.88.0.4"


class TestAWorkload:
    """CNI_NETNS container:<id>: the endpoint of that container, shared."""

    @pytest.fixture
    def sandbox(self, pods: SimulatedNode) -> Container:
        return Container(pods, bridge()).add()

    def test_it_gets_the_endpoint_of_its_sandbox(self, either: SimulatedNode, config: dict[str, Any]) -> None:
        sandbox = Container(either, config).add()
        workload = Container(either, config, sandbox).add()
        assert workload.shares() == [[sandbox.id, workload.id]]
        assert workload.result["ips"] == sandbox.result["ips"]
        assert workload.result["interfaces"][0]["sandbox"] == f"container:{sandbox.id}"
        assert len(either.leases()) == 1
        for each in (sandbox, workload):
            each.assert_alive()

    def test_its_del_only_detaches(self, pods: SimulatedNode, sandbox: Container) -> None:
        workload = Container(pods, bridge(), sandbox).add()
        for _ in range(2):
            workload.done("DEL")
            assert workload.shares() == [[sandbox.id]]
        sandbox.assert_alive()
        assert [row.key.container_id for row in pods.rows()] == [sandbox.id]

    @pytest.mark.parametrize("netns", [None, "", "none"], ids=["as it was", "empty", "none"])
    def test_the_row_and_not_the_netns_says_whose_the_endpoint_is(
        self, pods: SimulatedNode, sandbox: Container, netns: str | None
    ) -> None:
        workload = Container(pods, bridge(), sandbox).add()
        pods.simulator.stop_container(workload.id)
        workload.done("DEL", netns)
        sandbox.assert_alive()

    def test_the_sandbox_may_go_first(self, pods: SimulatedNode, sandbox: Container) -> None:
        workload = Container(pods, bridge(), sandbox).add()
        sandbox.done("DEL")
        assert pods.endpoints() == []
        assert workload.call("CHECK").document["code"] == 104
        workload.done("DEL")
        pods.assert_clean()

    def test_without_its_sandbox_it_is_refused(self, pods: SimulatedNode) -> None:
        other = Container(pods, bridge())
        answer = Container(pods, bridge(), other).call("ADD")
        assert answer.document["code"] == 100
        assert f"container {other.id} of CNI_NETNS has no endpoint" in answer.words
        pods.assert_clean()

    def test_one_that_has_ended_gets_the_answer_all_the_same(
        self, pods: SimulatedNode, sandbox: Container
    ) -> None:
        """As the peers: the answer is what the runtime wants to know."""
        workload = Container(pods, bridge(), sandbox, runs=False).add()
        assert workload.result["ips"] == sandbox.result["ips"]
        assert workload.shares() == [[sandbox.id]]
        workload.done("DEL")
        sandbox.assert_alive()

    def test_a_remade_endpoint_is_shared_again(self, pods: SimulatedNode, sandbox: Container) -> None:
        workload = Container(pods, bridge(), sandbox).add()
        pods.simulator.remove(sandbox.endpoint)
        assert sandbox.call("ADD").document == sandbox.result
        assert workload.call("ADD").document == workload.result
        assert workload.shares() == [[sandbox.id, workload.id]]

    def test_another_place_is_another_request(self, pods: SimulatedNode, sandbox: Container) -> None:
        workload = Container(pods, bridge(), sandbox).add()
        answer = workload.call("ADD", "none")
        assert answer.document["code"] == 7
        assert f"container:{sandbox.id}" in answer.words
        sandbox.assert_alive()
        workload.assert_alive()

    def test_an_external_ipam_plugin_hears_of_the_sandbox_only(
        self, pods: SimulatedNode, tmp_path: Path
    ) -> None:
        plugin = FakeIpam(tmp_path / "plugins")
        config = bridge(ipam={"type": "fake-ipam"})
        sandbox = Container(pods, config)
        workload = Container(pods, config, sandbox)
        for container, command in [(sandbox, "ADD"), (workload, "ADD"), (workload, "DEL"), (sandbox, "DEL")]:
            answer = pods.call(command, config, container.id, container.netns, path=plugin.path)
            assert answer.exit_code == 0, answer.words
        assert plugin.commands == ["ADD", "DEL"]
        assert plugin.calls[1]["variables"]["CNI_NETNS"] == "none"
        pods.assert_clean()


class TestWhichApi:
    @pytest.mark.parametrize("version", [1, None, 0], ids=["1", "absent", "0"])
    def test_with_the_guid_of_a_namespace_it_is_hcn(self, pods: SimulatedNode, version: int | None) -> None:
        namespace, container = pods.namespace(), container_id()
        answer = pods.call("ADD", bridge(apiVersion=version), container, namespace)
        assert answer.exit_code == 0, answer.words
        assert len(pods.in_namespace(namespace)) == 1
        assert "HcsModifyComputeSystem" not in pods.calls()

    def test_without_apiversion_a_container_gets_v1(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge(apiVersion=None)).add()
        assert sandbox.shares() == [[sandbox.id]]

    @pytest.mark.parametrize("asked", [bridge(apiVersion=2), l2bridge()], ids=["apiVersion 2", "native"])
    @pytest.mark.parametrize("netns", ["none", f"container:{'ab' * 32}"])
    def test_other_configurations_have_no_v1(
        self, pods: SimulatedNode, asked: dict[str, Any], netns: str
    ) -> None:
        answer = pods.call("ADD", asked, container_id(), netns)
        assert answer.document["code"] == 4
        assert "must be the GUID of an HCN namespace" in answer.words
        pods.assert_clean()

    @pytest.mark.parametrize("netns", ["None", "container:", "container:../x", "host", "container"])
    def test_what_is_no_place_is_refused(self, pods: SimulatedNode, netns: str) -> None:
        answer = pods.call("ADD", bridge(), container_id(), netns)
        assert answer.document["code"] == 4
        assert "none or container:<id>" in answer.words


class TestWhatV1CanSay:
    def test_policies_are_those_of_v1(self, pods: SimulatedNode) -> None:
        ports = [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": "192.0.2.10"}]
        settings = {"capabilities": {"portMappings": True}, "runtimeConfig": {"portMappings": ports}}
        route = {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}
        policies = [{"name": "EndpointPolicy", "value": route}]
        config = bridge(ipMasqNetwork="10.50.0.0/16", loopbackDSR=True, policies=policies, **settings)
        sandbox = Container(pods, config).add()
        (v1,) = pods.hns.endpoints()
        assert v1["Policies"] == [
            route,
            {"Type": "OutBoundNAT", "ExceptionList": ["10.50.0.0/16"]},
            {"Type": "OutBoundNAT", "Destinations": [sandbox.address]},
            {"Type": "NAT", "Protocol": "TCP", "InternalPort": 80, "ExternalPort": 8080},
        ]
        sandbox.assert_alive()

    def test_an_overlay_endpoint_has_its_mac_and_the_hosts_address(self, node: SimulatedNode) -> None:
        sandbox = Container(node_with(node, overlay()), overlay()).add()
        (view,) = node.endpoints()
        assert view.mac == "0E-2A-0A-58-00-" + f"{int(sandbox.address.rpartition('.')[2]):02X}"
        assert policies_of(view, "ProviderAddress") == [{"ProviderAddress": "192.0.2.10"}]
        assert policies_of(view, "OutBoundNAT") == [{"Exceptions": ["10.88.0.0/24"]}]

    def test_a_policy_that_v1_does_not_have_is_refused_by_its_name(self, pods: SimulatedNode) -> None:
        policy = {"Type": "EncapOverhead", "Settings": {"Overhead": 50}}
        config = bridge(policies=[{"name": "EndpointPolicy", "value": policy}])
        answer = Container(pods, config).call("ADD")
        assert answer.document["code"] == 7
        assert "HNS V1 has no policy EncapOverhead" in answer.words
        pods.assert_clean()


class TestWithoutARow:
    """What a peer made, or a ledger that was lost."""

    def test_a_lost_sandbox_is_deleted_by_name(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge())
        pods.hns.request("POST", "/endpoints/", _peers_endpoint(pods, sandbox))
        sandbox.done("DEL")
        pods.assert_clean()

    @pytest.mark.parametrize("attached", [True, False], ids=["in the container", "taken out"])
    def test_an_add_of_a_peers_sandbox_gives_it_no_second_endpoint(
        self, pods: SimulatedNode, attached: bool
    ) -> None:
        sandbox = Container(pods, bridge())
        made = pods.hns.request("POST", "/endpoints/", _peers_endpoint(pods, sandbox))["ID"].lower()
        if attached:
            pods.hns.request("POST", f"/endpoints/{made}/attach", _container(sandbox.id))
        sandbox.add()
        assert sandbox.address == "10.88.0.77"
        assert sandbox.shares() == [[sandbox.id]]
        assert [lease.address for lease in pods.leases()] == ["10.88.0.77"]
        sandbox.assert_alive()
        workload = Container(pods, bridge(), sandbox).add()
        workload.done("DEL")
        sandbox.done("DEL")
        pods.assert_clean()

    def test_a_workload_of_a_peers_sandbox_shares_and_lets_go(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge())
        made = pods.hns.request("POST", "/endpoints/", _peers_endpoint(pods, sandbox))
        workload = Container(pods, bridge(), sandbox).add()
        workload.assert_alive()
        assert workload.shares() == [[workload.id]]
        workload.done("DEL")
        assert [view.id for view in pods.endpoints()] == [made["ID"].lower()]
        assert workload.shares() == [[]]

    def test_a_lost_workload_is_taken_out_and_its_sandbox_stays(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        workload = Container(pods, bridge(), sandbox).add()
        pods.lose_ledger()
        workload.done("DEL")
        assert workload.shares() == [[sandbox.id]]
        sandbox.done("DEL")
        pods.assert_clean()

    def test_a_rebuilt_ledger_knows_the_api(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        assert pods.command("ledger", "rebuild", "--force").exit_code == 0
        (row,) = pods.rows()
        assert (row.v1_netns, row.namespace_id, row.endpoint_id) == ("none", None, sandbox.endpoint)
        sandbox.done("CHECK")
        sandbox.done("DEL")
        pods.assert_clean()


class TestGc:
    def test_what_is_not_valid_goes_and_the_rest_stays(self, pods: SimulatedNode) -> None:
        config = bridge(cniVersion="1.1.0")
        kept, lost = Container(pods, config).add(), Container(pods, config).add()
        workload, other = Container(pods, config, kept).add(), Container(pods, config, kept).add()
        valid = {"cni.dev/valid-attachments": [kept.entry, other.entry]}
        assert pods.call("GC", {**config, **valid}).exit_code == 0
        assert {row.key.container_id for row in pods.rows()} == {kept.id, other.id}
        assert kept.shares() == [[kept.id, other.id]]
        assert lost.endpoint not in {view.id for view in pods.endpoints()}
        assert workload.call("DEL").exit_code == 0
        for each in (kept, other):
            each.assert_alive()

    def test_a_peers_endpoint_that_a_valid_workload_shares_stays(self, pods: SimulatedNode) -> None:
        config = bridge(cniVersion="1.1.0")
        sandbox = Container(pods, config)
        pods.hns.request("POST", "/endpoints/", _peers_endpoint(pods, sandbox))
        workload = Container(pods, config, sandbox).add()
        assert pods.call("GC", {**config, "cni.dev/valid-attachments": [workload.entry]}).exit_code == 0
        workload.assert_alive()


class TestContainersThatAreGone:
    """Nobody told their end: as pods whose namespaces are gone."""

    @pytest.fixture(autouse=True)
    def settled_hns(self) -> None:
        wait_for_wines_services()

    def test_a_sandbox_that_has_ended_goes(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        pods.simulator.stop_container(sandbox.id)
        _looked_at_twice(pods)
        pods.assert_clean()

    def test_one_whose_workload_lives_stays(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        workload = Container(pods, bridge(), sandbox).add()
        pods.simulator.stop_container(sandbox.id)
        _looked_at_twice(pods)
        assert {row.key.container_id for row in pods.rows()} == {sandbox.id, workload.id}
        assert workload.shares() == [[workload.id]]

    def test_a_workload_that_has_ended_goes_and_leaves_its_sandbox_alone(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        workload = Container(pods, bridge(), sandbox).add()
        pods.simulator.stop_container(workload.id)
        _looked_at_twice(pods)
        assert [row.key.container_id for row in pods.rows()] == [sandbox.id]
        sandbox.assert_alive()

    def test_an_hcs_that_cannot_say_takes_nothing(self, pods: SimulatedNode) -> None:
        sandbox = Container(pods, bridge()).add()
        pods.simulator.inject(function="HcsOpenComputeSystem", object=sandbox.id, hresult=0xC037011E, count=0)
        _looked_at_twice(pods)
        pods.simulator.clear_faults()
        sandbox.assert_alive()


def _looked_at_twice(node: SimulatedNode) -> None:
    """Two verbs look at every attachment, more than a minute apart."""
    for _ in range(2):
        with contextlib.closing(sqlite3.connect(node.ledger_path)) as ledger, ledger:
            ledger.execute("UPDATE attachments SET look_at = 0, gone_at = gone_at - 61")
        assert node.call("DEL", bridge(), container_id(), "").exit_code == 0


def _container(container: str) -> str:
    return f'{{"ContainerId": "{container}", "SystemType": "Container"}}'


def _peers_endpoint(node: SimulatedNode, sandbox: Container) -> str:
    """As win-bridge asks for it: HNS chooses the ID."""
    network = node.network_id("pods")
    return f'{{"Name": "{sandbox.id}_pods", "VirtualNetwork": "{network}", "IPAddress": "10.88.0.77"}}'
