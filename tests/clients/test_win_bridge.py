"""win-bridge 1.9.0, as released, on the simulated node: it ends as on a real one.

The program knows nothing of the simulated HNS; what it relies on (order of calls, shapes, codes for what is
not there) has to be as it is on Windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cni_hns.simulator.server import serve
from tests.clients.windows_peer import Peer, finished
from tests.harness import Answer, SimulatedNode, container_id
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

    def test_ours_asks_hns_for_the_same_endpoint(self, v1: Peer) -> None:
        """And for the same result, but for the words of CNI's own: the interface is called CNI_IFNAME."""
        route = {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}
        v1.config["policies"].append({"name": "EndpointPolicy", "value": route})
        v1.config["runtimeConfig"] = {
            "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]
        }
        theirs, result = self._asked_for(v1, v1.call)
        ours, ours_result = self._asked_for(v1, lambda *call: v1.node.call(call[0], ours_of(v1), *call[1:]))
        # Theirs has a policy for each list of exceptions, ours one for all of them.
        assert _exceptions(theirs) == _exceptions(ours) == ["10.50.0.0/16", "10.96.0.0/12"]
        assert theirs == ours
        for name in ("ips", "dns"):
            assert [{**one, "interface": 0} for one in listed(result[name])] == [
                {**one, "interface": 0} for one in listed(ours_result[name])
            ]

    def _asked_for(self, v1: Peer, call: Callable[..., Answer]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Of the endpoint in its V1 shape what the plugin decides, and the result; then it is deleted."""
        container = container_id()
        v1.node.simulator.run_container(container)
        answer = call("ADD", container, "none")
        assert answer.exit_code == 0, answer.stdout
        (endpoint,) = v1.node.hns.endpoints()
        assert endpoint["SharedContainers"] == [container]
        assert endpoint["Name"] == f"{container}_l2br0"
        names = (
            "IPAddress",
            "PrefixLength",
            "GatewayAddress",
            "DNSSuffix",
            "DNSServerList",
            "Policies",
            "State",
        )
        assert call("DEL", container, "none").exit_code == 0
        assert v1.node.hns.endpoints() == []
        return {name: endpoint[name] for name in names}, answer.document

    def test_our_plugin_goes_on_where_the_peer_began(self, v1: Peer) -> None:
        """The switch: its sandbox, asked for again by our ADD, a workload of ours, our DEL of both."""
        sandbox, workload = container_id(), container_id()
        for container in (sandbox, workload):
            v1.node.simulator.run_container(container)
        assert v1.call("ADD", sandbox, "none").exit_code == 0
        config = ours_of(v1)
        config["ipam"]["dataDir"] = str(v1.reservations.parent)
        again = v1.node.call("ADD", config, sandbox, "none")
        assert (again.addresses, len(v1.endpoints())) == (["10.50.7.10/24"], 1), again.words
        added = v1.node.call("ADD", config, workload, f"container:{sandbox}")
        assert added.addresses == ["10.50.7.10/24"], added.words
        (endpoint,) = v1.node.hns.endpoints()
        assert endpoint["SharedContainers"] == [sandbox, workload]
        assert v1.node.call("DEL", config, workload, f"container:{sandbox}").exit_code == 0
        assert v1.node.hns.endpoints()[0]["SharedContainers"] == [sandbox]
        assert v1.node.call("DEL", config, sandbox, "none").exit_code == 0
        assert (v1.endpoints(), v1.reserved()) == ({}, [])

    def test_the_peer_removes_what_ours_made(self, v1: Peer) -> None:
        """And back: the endpoint has the name that it looks for."""
        sandbox, workload = container_id(), container_id()
        for container in (sandbox, workload):
            v1.node.simulator.run_container(container)
        assert v1.node.call("ADD", ours_of(v1), sandbox, "none").exit_code == 0
        assert v1.call("ADD", workload, f"container:{sandbox}").exit_code == 0
        assert v1.call("DEL", workload, f"container:{sandbox}").exit_code == 0
        assert v1.node.hns.endpoints()[0]["SharedContainers"] == [sandbox]
        assert v1.call("DEL", sandbox, "none").exit_code == 0
        assert v1.endpoints() == {}


def ours_of(peer: Peer) -> dict[str, Any]:
    """The peer's configuration with a folder of our own for host-local."""
    ipam = {**peer.config["ipam"], "dataDir": str(peer.node.folder / "ours")}
    return {**peer.config, "ipam": ipam}


def listed(part: Any) -> list[dict[str, Any]]:
    return part if isinstance(part, list) else [part]


def _exceptions(endpoint: dict[str, Any]) -> list[str]:
    """Take the policies out, but for the others in order of their type; the exceptions of outbound NAT."""
    policies = endpoint["Policies"]
    endpoint["Policies"] = sorted(
        (policy for policy in policies if "ExceptionList" not in policy), key=lambda policy: policy["Type"]
    )
    return sorted(one for policy in policies for one in policy.get("ExceptionList", []))
