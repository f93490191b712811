"""win-bridge 1.9.0, as released, on the simulated node: it ends as on a real one.

The program knows nothing of the simulated HNS; what it relies on (order of calls, shapes, codes for what is
not there) has to be as it is on Windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cni_hns.simulator.server import serve
from tests.clients.windows_peer import Peer, finished
from tests.harness import SimulatedNode, container_id
from tests.lane import Lane

CONFIG: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "name": "l2br0",
    "type": "win-bridge",
    "apiVersion": 2,
    "ipMasqNetwork": "10.50.0.0/16",
    "loopbackDSR": True,
    "capabilities": {"dns": True, "portMappings": True},
    "dns": {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]},
    "policies": [
        {
            "name": "EndpointPolicy",
            "value": {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.0/12"]}},
        },
        {
            "name": "EndpointPolicy",
            "value": {
                "Type": "SDNRoute",
                "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True},
            },
        },
    ],
}
SUBNET = {
    "IpAddressPrefix": "10.50.7.0/24",
    "Routes": [{"NextHop": "10.50.7.1", "DestinationPrefix": "0.0.0.0/0"}],
}


def with_ipam(**more: Any) -> dict[str, Any]:
    return {
        **CONFIG,
        "ipam": {"type": "host-local", "subnet": "10.50.7.0/24", "rangeStart": "10.50.7.10"},
        **more,
    }


def plant(node: SimulatedNode, kind: str = "L2Bridge") -> str:
    subnets = [{"Type": "Static", "Subnets": [SUBNET]}]
    return node.simulator.plant("network", {"Name": "l2br0", "Type": kind, "Ipams": subnets})


@pytest.fixture
def bridge(node: SimulatedNode, lane: Lane, wine: None) -> Iterator[Peer]:
    with serve(str(node.folder)) as address:
        yield Peer(lane, "win-bridge", node, address, with_ipam())


@pytest.fixture
def network(node: SimulatedNode) -> str:
    return plant(node)


class TestAdd:
    """The endpoint is what a real node would have."""

    def test_the_result_and_the_endpoint(self, bridge: Peer, network: str) -> None:
        container, namespace = container_id(), bridge.node.namespace()
        answer = bridge.call("ADD", container, namespace)
        assert answer.exit_code == 0, answer.stdout
        endpoint = bridge.endpoints()[f"{container}_l2br0"]
        assert answer.document == {
            "cniVersion": "1.0.0",
            "interfaces": [{"name": f"{container}_l2br0", "mac": endpoint["MacAddress"]}],
            "ips": [{"address": "10.50.7.10/24", "gateway": "10.50.7.2"}],
            "dns": {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]},
        }
        assert endpoint["HostComputeNetwork"] == network
        assert endpoint["HostComputeNamespace"] == namespace
        assert bridge.node.in_namespace(namespace) == {endpoint["ID"]}
        assert endpoint["Routes"] == [{"NextHop": "10.50.7.2", "DestinationPrefix": "0.0.0.0/0"}]
        assert endpoint["Dns"] == {"Search": ["svc.cluster.local"], "ServerList": ["10.96.0.10"]}
        assert [(policy["Type"], policy["Settings"]) for policy in endpoint["Policies"]] == [
            ("OutBoundNAT", {"Exceptions": ["10.96.0.0/12"]}),
            ("SDNRoute", {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}),
            ("OutBoundNAT", {"Exceptions": ["10.50.0.0/16"]}),
            ("OutBoundNAT", {"Destinations": ["10.50.7.10"]}),
        ]
        assert bridge.reserved() == ["10.50.7.10"]

    def test_runtime_config_reaches_the_endpoint(self, bridge: Peer, network: str) -> None:
        runtime = {
            "dns": {"servers": ["10.96.0.11"], "searches": ["a.svc.cluster.local"]},
            "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
        }
        answer = bridge.call("ADD", container_id(), bridge.node.namespace(), runtimeConfig=runtime)
        assert answer.exit_code == 0, answer.stdout
        (endpoint,) = bridge.endpoints().values()
        assert endpoint["Dns"] == {"Search": ["a.svc.cluster.local"], "ServerList": ["10.96.0.11"]}
        (mapping,) = [one for one in endpoint["Policies"] if one["Type"] == "PortMapping"]
        assert (mapping["Settings"]["ExternalPort"], mapping["Settings"]["InternalPort"]) == (8080, 80)

    def test_again_it_gives_the_same(self, bridge: Peer, network: str) -> None:
        container, namespace = container_id(), bridge.node.namespace()
        first = bridge.call("ADD", container, namespace)
        assert bridge.call("ADD", container, namespace) == first
        assert len(bridge.endpoints()) == 1
        assert bridge.reserved() == ["10.50.7.10"]

    def test_eight_pods_at_once(self, bridge: Peer, network: str) -> None:
        pods = [(container_id(), bridge.node.namespace()) for _ in range(8)]
        answers = [finished(one) for one in [bridge.start("ADD", *pod) for pod in pods]]
        assert [answer.exit_code for answer in answers] == [0] * 8
        assert len({address for answer in answers for address in answer.addresses}) == 8
        ended = [finished(one) for one in [bridge.start("DEL", *pod) for pod in pods]]
        assert [answer.exit_code for answer in ended] == [0] * 8
        assert (bridge.endpoints(), bridge.reserved()) == ({}, [])

    def test_without_the_network_it_fails_in_its_words_and_keeps_no_address(self, bridge: Peer) -> None:
        answer = bridge.call("ADD", container_id(), bridge.node.namespace())
        assert answer.exit_code == 1
        assert "l2br0" in answer.words
        assert "not found" in answer.words
        assert bridge.reserved() == []

    def test_on_another_kind_of_network_it_fails_in_its_words(self, bridge: Peer) -> None:
        plant(bridge.node, "Transparent")
        answer = bridge.call("ADD", container_id(), bridge.node.namespace())
        assert (answer.exit_code, answer.document["msg"]) == (
            1,
            "network l2br0 is of unexpected type: Transparent",
        )

    def test_in_a_namespace_that_is_gone_it_undoes_everything(self, bridge: Peer, network: str) -> None:
        answer = bridge.call("ADD", container_id(), "12345678-1234-1234-1234-123456789abc")
        assert answer.exit_code == 1
        assert "failed to add HostComputeEndpoint" in answer.words
        assert (bridge.endpoints(), bridge.reserved()) == ({}, [])


class TestDel:
    """Nothing is left, and it may be done again."""

    def test_it_removes_everything_and_twice_is_no_error(self, bridge: Peer, network: str) -> None:
        container, namespace = container_id(), bridge.node.namespace()
        assert bridge.call("ADD", container, namespace).exit_code == 0
        for _ in range(2):
            assert bridge.call("DEL", container, namespace) == ({}, 0, "")
            assert (bridge.endpoints(), bridge.reserved()) == ({}, [])
            assert bridge.node.in_namespace(namespace) == set()

    def test_the_namespace_may_be_gone(self, bridge: Peer, network: str) -> None:
        container, namespace = container_id(), bridge.node.namespace()
        assert bridge.call("ADD", container, namespace).exit_code == 0
        bridge.node.simulator.remove(namespace)
        assert bridge.call("DEL", container, "") == ({}, 0, "")
        assert (bridge.endpoints(), bridge.reserved()) == ({}, [])

    def test_with_a_running_container(self, bridge: Peer, network: str) -> None:
        container, namespace = container_id(), bridge.node.namespace()
        assert bridge.call("ADD", container, namespace).exit_code == 0
        bridge.node.simulator.start_container(namespace, container)
        bridge.node.simulator.stop_container(container)
        assert bridge.call("DEL", container, namespace) == ({}, 0, "")
        assert bridge.endpoints() == {}


def test_without_hns_it_says_so(bridge: Peer, network: str) -> None:
    """0x800706BA is the RPC server that is not there."""
    bridge.address = "127.0.0.1:1"
    answer = bridge.call("ADD", container_id(), bridge.node.namespace())
    assert answer.exit_code == 1
    assert "0x6ba" in answer.words.lower()


def test_our_plugin_removes_what_it_made(bridge: Peer, network: str) -> None:
    """The switch: a pod that win-bridge attached goes with our DEL, its reservation too."""
    container, namespace = container_id(), bridge.node.namespace()
    assert bridge.call("ADD", container, namespace).exit_code == 0
    config = with_ipam()
    config["ipam"]["dataDir"] = str(bridge.reservations.parent)
    answer = bridge.node.call("DEL", config, container, namespace)
    assert (answer.exit_code, answer.stdout) == (0, ""), answer.words
    assert (bridge.endpoints(), bridge.reserved()) == ({}, [])


class TestV1:
    """apiVersion 1, Docker's way: the endpoint is put into a running container by hand."""

    @pytest.fixture
    def v1(self, bridge: Peer, network: str) -> Peer:
        policies = [
            {
                "name": "EndpointPolicy",
                "value": {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"]},
            }
        ]
        bridge.config.update(apiVersion=1, policies=policies, loopbackDSR=False)
        return bridge

    def test_a_sandbox_lives_and_goes(self, v1: Peer) -> None:
        container = container_id()
        v1.node.simulator.run_container(container)
        answer = v1.call("ADD", container, "none")
        assert answer.exit_code == 0, answer.stdout
        assert answer.addresses == ["10.50.7.10/24"]
        endpoint = v1.endpoints()[f"{container}_l2br0"]
        assert endpoint["Health"]["Extra"]["SharedContainers"] == [container]
        assert endpoint["State"] == 2
        assert v1.call("ADD", container, "none").addresses == answer.addresses
        assert v1.call("DEL", container, "none").exit_code == 0
        assert (v1.endpoints(), v1.reserved()) == ({}, [])

    def test_a_workload_shares_the_endpoint_of_its_sandbox(self, v1: Peer) -> None:
        sandbox, workload = container_id(), container_id()
        for container in (sandbox, workload):
            v1.node.simulator.run_container(container)
        first = v1.call("ADD", sandbox, "none")
        second = v1.call("ADD", workload, f"container:{sandbox}")
        assert (second.exit_code, second.addresses) == (0, first.addresses), second.stdout
        (endpoint,) = v1.endpoints().values()
        assert endpoint["Health"]["Extra"]["SharedContainers"] == [sandbox, workload]

    def test_without_the_container_everything_is_undone(self, v1: Peer) -> None:
        answer = v1.call("ADD", container_id(), "none")
        assert answer.exit_code == 1
        assert "failed to attach container" in answer.words
        assert (v1.endpoints(), v1.reserved()) == ({}, [])

    def test_a_namespace_of_containerd_is_refused_as_on_a_real_node(self, v1: Peer) -> None:
        answer = v1.call("ADD", container_id(), v1.node.namespace())
        assert answer.exit_code == 1
        assert v1.endpoints() == {}
