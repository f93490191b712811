"""The node's own network: made as its pods are added to it, adopted where it fits, else left as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cni_hns.binding.errors import ServiceError
from cni_hns.cluster import conflist
from cni_hns.cluster import network as networks
from cni_hns.cluster.network import ClusterNetwork
from cni_hns.cluster.network_faults import NetworkFault, NotWhole, TooOld, Unfitting
from cni_hns.cluster.patience import Waiting
from cni_hns.cluster.wanted import NetworkWanted, default_name
from tests.harness import SimulatedNode
from tests.unit.cluster.simulated import BRIDGE, OVERLAY, POD_CIDR, node_of, turned

BOTH = (POD_CIDR, "fd00:244:3::/64")


def ensured(
    node: SimulatedNode,
    wanted: NetworkWanted = OVERLAY,
    cidrs: Sequence[str] = (POD_CIDR,),
    waiting: Waiting | None = None,
) -> ClusterNetwork:
    with node_of(node) as opened:
        return networks.ensure(wanted, cidrs, opened, waiting or turned())


def test_an_overlay_network_is_made_as_flannels_peers_expect_it(node: SimulatedNode) -> None:
    made = ensured(node)
    (document,) = node.simulator.dump()["networks"]
    assert made == ClusterNetwork(
        document["ID"], "flannel.4096", "overlay", (POD_CIDR,), "192.0.2.10", made.dr_mac, 4096
    )
    assert made.dr_mac.startswith("00-15-5D-")
    (subnet,) = document["Ipams"][0]["Subnets"]
    assert subnet["IpAddressPrefix"] == POD_CIDR
    assert subnet["Routes"] == [{"NextHop": "10.244.3.1", "DestinationPrefix": "0.0.0.0/0"}]
    assert subnet["Policies"] == [{"Type": "VSID", "Settings": {"IsolationId": 4096}}]
    assert [one["Type"] for one in document["Policies"]] == [
        "NetAdapterName",
        "HostRoute",
        "ProviderAddress",
        "DrMacAddress",
    ]


def test_the_network_is_persistent_so_that_a_restart_of_hns_costs_no_pod(node: SimulatedNode) -> None:
    made = ensured(node)
    node.simulator.restart_hns()
    assert ensured(node) == made


def test_a_second_call_makes_and_changes_nothing(node: SimulatedNode) -> None:
    made = ensured(node)
    node.simulator.reset_journal()
    assert ensured(node) == made
    assert not {"HcnCreateNetwork", "HcnModifyNetwork", "HcnDeleteNetwork"} & set(node.calls())


@pytest.mark.needs("VxlanPort")
def test_another_vxlan_port_is_a_policy_of_the_network(node: SimulatedNode) -> None:
    wanted = OVERLAY._replace(vxlan_port=8472)
    ensured(node, wanted)
    (document,) = node.simulator.dump()["networks"]
    assert {"Type": "VxlanPort", "Settings": {"Port": 8472}} in document["Policies"]
    ensured(node, wanted)


@pytest.mark.needs("DualStack")
def test_l2bridge_has_both_families_where_hns_can(node: SimulatedNode) -> None:
    assert ensured(node, BRIDGE, BOTH).prefixes == BOTH
    (document,) = node.simulator.dump()["networks"]
    assert [one["IpAddressPrefix"] for one in document["Ipams"][0]["Subnets"]] == [*BOTH]


def test_l2bridge_has_ipv4_alone_on_an_hns_without_ipv6(node: SimulatedNode) -> None:
    node.simulator.set_options(hns_version="9.3")
    assert ensured(node, BRIDGE, BOTH).prefixes == (POD_CIDR,)


def test_overlay_has_ipv4_alone(node: SimulatedNode) -> None:
    assert ensured(node, OVERLAY, BOTH).prefixes == (POD_CIDR,)


@pytest.mark.parametrize("cidrs", [(), ("fd00:244:3::/64",)], ids=["none", "IPv6 alone"])
def test_without_an_ipv4_pod_cidr_nothing_is_made(node: SimulatedNode, cidrs: Sequence[str]) -> None:
    with pytest.raises(NetworkFault, match="no IPv4 podCIDR"):
        ensured(node, BRIDGE, cidrs)
    assert node.simulator.dump()["networks"] == []


def test_an_hns_that_is_too_old_is_told_before_anything_is_made(node: SimulatedNode) -> None:
    node.simulator.set_options(hns_version="10.2")
    with pytest.raises(TooOld, match=r"version 10\.2.*VxlanPort \(needs HNS 10\.3 or later\)"):
        ensured(node, OVERLAY._replace(vxlan_port=8472))
    assert node.simulator.dump()["networks"] == []


def test_an_hns_before_overlay_routes_is_told(node: SimulatedNode) -> None:
    node.simulator.set_options(hns_version="9.1")
    with pytest.raises(TooOld, match="RemoteSubnetRoute"):
        ensured(node)


def test_loopback_is_left_out_where_hns_cannot_do_it(node: SimulatedNode) -> None:
    node.simulator.set_options(hns_version="10.1")
    made = ensured(node)
    assert not made.can_loop_back
    assert "loopbackDSR" not in conflist.document(OVERLAY, made)["plugins"][0]


def test_settings_that_no_network_can_have_are_told_all_at_once(node: SimulatedNode) -> None:
    with pytest.raises(NetworkFault) as told:
        ensured(node, OVERLAY._replace(vsid=7, cluster_cidrs=("10.244.0.0/33",)))
    assert "vsid" in told.value.what
    assert "10.244.0.0/33" in told.value.what
    assert node.simulator.dump()["networks"] == []


def test_it_is_waited_for_until_hns_shows_the_hosts_address(node: SimulatedNode) -> None:
    node.simulator.set_options(management_address_after_calls=40)
    waiting = turned()
    assert ensured(node, waiting=waiting).management_ip == "192.0.2.10"
    assert 0 < waiting.now() < 45


def test_a_network_without_the_hosts_address_is_told_after_its_time_and_stays(node: SimulatedNode) -> None:
    node.simulator.set_options(management_address_after_calls=10**6)
    with pytest.raises(NotWhole, match=r"no address of the host \(ManagementIP\) after 45 s"):
        ensured(node)
    node.simulator.set_options(management_address_after_calls=0)
    (document,) = node.simulator.dump()["networks"]
    assert ensured(node).id == document["ID"]


def test_an_interface_that_has_not_come_is_told_with_its_address(node: SimulatedNode) -> None:
    ensured(node)
    node.simulator.adapters = [{"name": "Ethernet", "kind": "physical", "address": "192.0.2.77"}]
    with pytest.raises(NotWhole, match=r"interface of the host with its address 192\.0\.2\.10"):
        ensured(node)


def planted(kind: str = "Overlay", **changes: Any) -> dict[str, Any]:
    """The network as flannel makes it."""
    subnet = {
        "IpAddressPrefix": POD_CIDR,
        "Routes": [{"NextHop": "10.244.3.1", "DestinationPrefix": "0.0.0.0/0"}],
        "Policies": [{"Type": "VSID", "Settings": {"IsolationId": 4096}}],
        **changes,
    }
    ipams = [{"Type": "Static", "Subnets": [subnet]}]
    return {"Name": "flannel.4096", "Type": kind, "Flags": 8, "Ipams": ipams}


def test_a_network_that_flannel_made_is_taken_as_it_is(node: SimulatedNode) -> None:
    there = node.simulator.plant("network", planted())
    assert ensured(node).id == there
    (document,) = node.simulator.dump()["networks"]
    assert document["Flags"] == 8


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(planted("L2Bridge"), "its type is L2Bridge, this node needs Overlay", id="type"),
        pytest.param(
            planted(
                IpAddressPrefix="10.244.9.0/24",
                Routes=[{"NextHop": "10.244.9.1", "DestinationPrefix": "0.0.0.0/0"}],
            ),
            "its subnets are 10.244.9.0/24, the podCIDRs of this node are 10.244.3.0/24",
            id="prefix",
        ),
        pytest.param(
            planted(Policies=[{"Type": "VSID", "Settings": {"IsolationId": 5000}}]),
            "its virtual subnet id is 5000, the settings say 4096",
            id="virtual subnet id",
        ),
        pytest.param(
            planted(Routes=[{"NextHop": "10.244.3.2", "DestinationPrefix": "0.0.0.0/0"}]),
            "the gateway of 10.244.3.0/24 is 10.244.3.2, this node needs 10.244.3.1",
            id="gateway",
        ),
    ],
)
def test_a_network_of_others_that_does_not_fit_is_left_and_each_difference_told(
    node: SimulatedNode, document: dict[str, Any], words: str
) -> None:
    there = node.simulator.plant("network", document)
    with pytest.raises(Unfitting) as told:
        ensured(node)
    assert words in told.value.differences
    assert (told.value.network_id, told.value.is_ours) == (there, False)
    assert not {"HcnModifyNetwork", "HcnCreateNetwork", "HcnDeleteNetwork"} & set(node.calls())
    assert [one["ID"] for one in node.simulator.dump()["networks"]] == [there]


def test_an_own_network_of_an_earlier_pod_cidr_is_known_as_ones_own(node: SimulatedNode) -> None:
    made = ensured(node)
    with pytest.raises(Unfitting) as told:
        ensured(node, cidrs=("10.244.9.0/24",))
    assert (told.value.network_id, told.value.is_ours) == (made.id, True)
    assert "drain this node" in told.value.next_step


def test_an_own_network_is_known_though_hns_does_not_tell_the_owner(node: SimulatedNode) -> None:
    made = ensured(node)
    with node.simulator.store.transaction() as state:
        state.run("""UPDATE networks SET document = json_set(document, '$.Owner', '')""")
    with pytest.raises(Unfitting) as told:
        ensured(node, cidrs=("10.244.9.0/24",))
    assert (told.value.network_id, told.value.is_ours) == (made.id, True)


def test_a_network_that_was_made_just_before_a_kill_is_known_as_ones_own(node: SimulatedNode) -> None:
    node.simulator.inject(function="HcnQueryNetworkProperties", hresult=0x800706BE, count=0)
    with pytest.raises(ServiceError):
        ensured(node)
    node.simulator.clear_faults()
    with node.simulator.store.transaction() as state:
        state.run("""UPDATE networks SET document = json_set(document, '$.Owner', '')""")
    with pytest.raises(Unfitting) as told:
        ensured(node, OVERLAY._replace(vsid=5000))
    assert told.value.is_ours


@pytest.mark.parametrize(("mode", "name"), [("overlay", "flannel.5000"), ("l2bridge", "cbr0")])
def test_the_names_are_those_that_installers_of_kube_proxy_look_for(mode: str, name: str) -> None:
    assert default_name(mode, 5000) == name
