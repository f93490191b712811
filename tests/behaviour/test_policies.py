"""Policies of endpoints, networks and subnets: from a configuration to what HNS then has, and back."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.simulator.core.policy_types import ENDPOINT, NETWORK, Policy
from tests.behaviour.scene import add, configured, last, network, policies_of, refused
from tests.harness import SimulatedNode, container_id
from tests.unit.dialects.policy_inventory import INVENTORY, Row, at


def _needing(row: Row, table: dict[str, Policy]) -> Any:
    policy = table[row.kind]
    features = [policy.feature] if policy.feature else []
    schema = max([policy.schema, *(since for field, since in policy.newer.items() if field in row.sample)])
    return pytest.param(row, id=row.kind, marks=pytest.mark.needs(*features, schema=schema))


OF_ENDPOINTS = [_needing(row, ENDPOINT) for row in at("endpoint")]
# A layer is that of another network, which a test of its own makes.
OF_NETWORKS = [_needing(row, NETWORK) for row in at("network") if row.kind != "LayerConstraint"]
OF_SUBNETS = [pytest.param(row, id=row.kind) for row in at("subnet")]
GATED = [pytest.param(row, id=row.kind) for row in INVENTORY if row.needs]


def with_policy(row: Row, level: str, mode: str = "") -> dict[str, Any]:
    """A native configuration that makes its network, with this policy at its place."""
    mode = mode or row.mode
    if level == "endpoint":
        return configured(mode, policies=[row.policy])
    if level == "network":
        return configured(mode, network=network(mode, policies=[row.policy]))
    subnet = {"prefix": "10.88.0.0/24", "gateway": "10.88.0.1", "policies": [row.policy]}
    return configured(mode, network=network(mode, subnet))


def made(node: SimulatedNode) -> dict[str, Any]:
    """The HCN network as HNS shows it."""
    found: dict[str, Any] = node.hcn.networks.get(node.network_id("pods"))
    return found


class TestEndpoints:
    """ADD gives the endpoint the policy, and CHECK looks for it."""

    @pytest.mark.parametrize("row", OF_ENDPOINTS)
    def test_the_endpoint_has_it(self, node: SimulatedNode, row: Row) -> None:
        config, container, namespace = with_policy(row, "endpoint"), container_id(), node.namespace()
        answer = node.call("ADD", config, container, namespace)
        assert answer.exit_code == 0, answer.words
        assert row.policy in last(node).policies

        asked = {**config, "prevResult": answer.document}
        assert node.call("CHECK", asked, container, namespace).exit_code == 0
        with node.hcn.endpoints.open(last(node).id) as endpoint:
            taken = {"Policies": [row.policy]}
            endpoint.modify({"ResourceType": "Policy", "RequestType": "Remove", "Settings": taken})
        assert f"policy {row.kind}" in node.call("CHECK", asked, container, namespace).words

        assert node.call("DEL", config, container, namespace).exit_code == 0
        node.assert_clean()

    def test_the_runtimes_bandwidth_goes_before_a_configured_one(self, node: SimulatedNode) -> None:
        (row,) = [row for row in at("endpoint") if row.kind == "QOS"]
        add(node, with_policy(row, "endpoint"))
        assert policies_of(last(node), "QOS") == [row.sample]
        add(node, {**with_policy(row, "endpoint"), "runtimeConfig": {"bandwidth": {"egressRate": 8000}}})
        limits = [policies_of(view, "QOS") for view in node.endpoints()]
        assert [{"MaximumOutgoingBandwidthInBytes": 1000}] in limits


class TestNetworks:
    """ADD makes the network with the policy."""

    @pytest.mark.parametrize("row", OF_NETWORKS)
    def test_the_network_has_it(self, node: SimulatedNode, row: Row) -> None:
        add(node, with_policy(row, "network"))
        assert row.policy in made(node)["Policies"]

    def test_the_network_lies_on_the_layer_of_another(self, node: SimulatedNode) -> None:
        add(node, configured("l2bridge", name="below"))
        layer = node.hcn.networks.get(node.network_id("below"))["Health"]["Extra"]["LayeredOn"]
        subnet = {"prefix": "10.89.0.0/24"}
        policy = {"Type": "LayerConstraint", "Settings": {"LayerId": layer}}
        add(node, configured("l2bridge", network=network("l2bridge", subnet, policies=[policy])))
        assert policy in made(node)["Policies"]

    @pytest.mark.parametrize("mode", ["l2bridge", "l2tunnel", "nat", "overlay", "transparent"])
    @pytest.mark.parametrize("row", OF_SUBNETS)
    def test_the_subnet_has_it(self, node: SimulatedNode, row: Row, mode: str) -> None:
        config = with_policy(row, "subnet", mode)
        if row.kind == "VSID":
            config["network"].pop("vsid", None)
        add(node, config)
        assert row.policy in made(node)["Ipams"][0]["Subnets"][0]["Policies"]

    def test_one_that_hns_refuses_for_a_subnet_is_an_error_and_leaves_nothing(
        self, node: SimulatedNode
    ) -> None:
        node.simulator.set_options(isolation_refused_on=["NAT"])
        (row,) = [row for row in at("subnet") if row.kind == "VLAN"]
        assert "0x803B000D" in refused(node, with_policy(row, "subnet", "nat"), 100).words
        assert node.hcn.networks.ids() == []


class TestTooOldAnHns:
    """The error names the policy, the versions that have it and the one that is there; nothing is made."""

    @pytest.mark.parametrize("row", GATED)
    def test_the_policy_is_named_with_both_versions(self, node: SimulatedNode, row: Row) -> None:
        level = "endpoint" if "endpoint" in row.levels else "network"
        node.simulator.set_options(hns_version=row.too_old)
        answer = refused(node, with_policy(row, level), 7)
        assert f"the HNS of this node is version {row.too_old} and cannot do: " in answer.words
        assert row.kind in answer.words
        assert f"(needs HNS {row.needs})" in answer.words
        assert node.hcn.networks.ids() == []

    def test_a_subnets_vlan_is_as_old_as_hcn(self, node: SimulatedNode) -> None:
        node.simulator.set_options(hns_version="9.2")
        (row,) = [row for row in at("subnet") if row.kind == "VLAN"]
        add(node, with_policy(row, "subnet"))


class TestPeers:
    """What is written for other plugins arrives at HNS in HCN's form."""

    @staticmethod
    def sdnbridge(*entries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        return {
            "cniVersion": "0.3.0",
            "name": "pods",
            "type": "sdnbridge",
            "ipam": {"type": "host-local", "subnet": "10.88.0.0/24"},
            "AdditionalArgs": [{"Name": name, "Value": value} for name, value in entries],
        }

    @pytest.mark.needs("L4Proxy")
    def test_v1s_proxy(self, node: SimulatedNode) -> None:
        proxy = {"IP": "169.254.169.254", "Port": "80", "Destination": "10.64.1.1:988"}
        add(node, self.sdnbridge(("EndpointPolicy", {"Type": "PROXY", **proxy})))
        assert policies_of(last(node), "L4Proxy") == [proxy]

    @pytest.mark.parametrize(
        "value",
        [
            {"Type": "VLAN", "Settings": {"IsolationId": 7}},
            {"Type": "VLAN", "VLAN": 7},
            {"Type": "Isolation", "VLAN": 7, "VSID": 0},
        ],
        ids=["HCN", "flat", "Isolation"],
    )
    def test_a_vlan_of_the_network(self, node: SimulatedNode, value: dict[str, Any]) -> None:
        add(node, self.sdnbridge(("NetworkPolicy", value)))
        (subnet,) = made(node)["Ipams"][0]["Subnets"]
        assert subnet["Policies"] == [{"Type": "VLAN", "Settings": {"IsolationId": 7}}]

    def test_a_virtual_subnet_off_overlay(self, node: SimulatedNode) -> None:
        add(node, self.sdnbridge(("NetworkPolicy", {"Type": "VSID", "VSID": 5000})))
        (subnet,) = made(node)["Ipams"][0]["Subnets"]
        assert subnet["Policies"] == [{"Type": "VSID", "Settings": {"IsolationId": 5000}}]
