"""Endpoint addresses: what HNS chooses, fills in and refuses."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, address, code, network_document, subnet


def _addresses(caller: Caller, endpoint: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get("Endpoint", endpoint)["IpConfigurations"]
    return found


@pytest.mark.parametrize("kind", ["NAT", "L2Bridge", "L2Tunnel", "Overlay", "Transparent", "Internal"])
def test_an_endpoint_without_an_address_gets_one_of_the_subnet(caller: Caller, kind: str) -> None:
    (found,) = _addresses(caller, caller.endpoint(caller.network(kind)))
    assert ipaddress.ip_address(found["IpAddress"]) in ipaddress.ip_network("10.9.3.0/24")
    assert found["PrefixLength"] == 24
    assert found["IpSubnetId"]


def test_the_choice_is_not_the_lowest_free_address(caller: Caller) -> None:
    network = caller.network(prefix="10.9.0.0/16")
    chosen = [_addresses(caller, caller.endpoint(network))[0]["IpAddress"] for _ in range(8)]
    assert chosen != [f"10.9.0.{number}" for number in range(2, 10)]


def test_a_missing_prefix_length_is_the_subnets(caller: Caller) -> None:
    network = caller.network(prefix="10.8.0.0/22")
    (found,) = _addresses(caller, caller.endpoint(network, IpConfigurations=[address("10.8.3.7")]))
    assert (found["IpAddress"], found["PrefixLength"]) == ("10.8.3.7", 22)


def test_a_given_prefix_length_is_kept(caller: Caller) -> None:
    network = caller.network()
    (found,) = _addresses(caller, caller.endpoint(network, IpConfigurations=[address("10.9.3.7", 25)]))
    assert found["PrefixLength"] == 25


@pytest.mark.parametrize(
    ("wanted", "hresult"),
    [
        pytest.param("10.9.4.7", 0x803B001E, id="in none of the subnets"),
        pytest.param("not-an-address", 0x803B001E, id="no address at all"),
        pytest.param("10.9.3.0", 0x803B002F, id="the network address"),
        pytest.param("10.9.3.255", 0x803B002F, id="the broadcast address"),
        pytest.param("10.9.3.1", 0x803B002F, id="the gateway"),
        pytest.param("10.9.3.50", 0x80071392, id="held by another local endpoint"),
        pytest.param("fd00::7", 0x803B001E, id="another family"),
    ],
)
def test_an_address_is_refused(caller: Caller, wanted: str, hresult: int) -> None:
    network = caller.network()
    caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])
    with pytest.raises(Failed, match=code(hresult)):
        caller.endpoint(network, IpConfigurations=[address(wanted)])
    assert len(caller.ids("Endpoint")) == 1


@pytest.mark.parametrize(
    "option",
    ["duplicate_address_hresult", "reserved_address_hresult", "gateway_address_hresult"],
)
def test_the_codes_that_are_not_known_are_options(caller: Caller, simulator: Simulator, option: str) -> None:
    simulator.set_options(**{option: 0x80070057})
    network = caller.network()
    caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])
    wanted = {"duplicate": "10.9.3.50", "reserved": "10.9.3.255", "gateway": "10.9.3.1"}[
        option.split("_", maxsplit=1)[0]
    ]
    with pytest.raises(Failed, match=code(0x80070057)):
        caller.endpoint(network, IpConfigurations=[address(wanted)])
    simulator.set_options(**{option: 0})
    caller.endpoint(network, IpConfigurations=[address(wanted)])


def test_networks_do_not_share_their_addresses(caller: Caller) -> None:
    for name in ("one", "two"):
        caller.endpoint(caller.network(name=name), IpConfigurations=[address("10.9.3.50")])
    assert len(caller.ids("Endpoint")) == 2


def test_a_network_without_a_subnet_has_no_address_to_give(caller: Caller) -> None:
    network = caller.network("Internal", prefix="")
    assert _addresses(caller, caller.endpoint(network)) == []
    with pytest.raises(Failed, match=code(0x803B0005)):
        caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])


class TestRemoteEndpoints:
    """A remote endpoint stands for one of another node, on the same addresses."""

    REMOTE: ClassVar[dict[str, Any]] = {"Flags": 1, "MacAddress": "02-11-22-33-44-55"}

    def test_one_may_hold_a_local_ones_address(self, caller: Caller) -> None:
        network = caller.network("Overlay")
        caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])
        caller.endpoint(network, IpConfigurations=[address("10.9.3.50")], **self.REMOTE)

    def test_a_local_one_may_take_its_address(self, caller: Caller) -> None:
        network = caller.network("Overlay")
        caller.endpoint(network, IpConfigurations=[address("10.9.3.50")], **self.REMOTE)
        caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])

    def test_two_may_hold_one_address_unless_told_otherwise(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        network = caller.network("Overlay")
        for _ in range(2):
            caller.endpoint(network, IpConfigurations=[address("10.9.3.50")], **self.REMOTE)
        simulator.set_options(duplicate_remote_hresult=0x80071392)
        with pytest.raises(Failed, match=code(0x80071392)):
            caller.endpoint(network, IpConfigurations=[address("10.9.3.50")], **self.REMOTE)

    def test_it_may_lie_outside_the_subnets(self, caller: Caller) -> None:
        network = caller.network("Overlay")
        endpoint = caller.endpoint(network, IpConfigurations=[address("10.200.0.9")], **self.REMOTE)
        assert _addresses(caller, endpoint) == [{"IpAddress": "10.200.0.9", "PrefixLength": 32}]

    @pytest.mark.parametrize("missing", ["MacAddress", "IpConfigurations"])
    def test_it_must_say_what_it_stands_for(self, caller: Caller, missing: str) -> None:
        members = {**self.REMOTE, "IpConfigurations": [address("10.9.3.50")]}
        del members[missing]
        with pytest.raises(Failed, match=code(0x803B000C)):
            caller.endpoint(caller.network("Overlay"), **members)

    def test_v2_says_that_it_is_remote_and_v1_too(self, caller: Caller) -> None:
        network = caller.network("Overlay")
        endpoint = caller.endpoint(network, IpConfigurations=[address("10.9.3.50")], **self.REMOTE)
        document = caller.get("Endpoint", endpoint)
        assert document["Flags"] & 1
        assert document["Health"]["Extra"]["Resources"]["Allocators"][0]["IsLocal"] is False
        assert caller.get("Endpoint", endpoint, 1)["IsRemoteEndpoint"] is True


def test_a_released_address_can_be_had_again(caller: Caller) -> None:
    network = caller.network()
    caller.delete("Endpoint", caller.endpoint(network, IpConfigurations=[address("10.9.3.50")]))
    caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])


def test_a_released_address_stays_set_aside_where_the_option_says_so(
    caller: Caller, simulator: Simulator
) -> None:
    simulator.set_options(address_reuse_after_calls=6)
    network = caller.network()
    caller.delete("Endpoint", caller.endpoint(network, IpConfigurations=[address("10.9.3.50")]))
    with pytest.raises(Failed, match=code(0x80071392)):
        caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])
    for _ in range(6):
        caller.ids("Network")
    caller.endpoint(network, IpConfigurations=[address("10.9.3.50")])


def test_every_address_but_the_reserved_ones_can_be_had_and_then_none(caller: Caller) -> None:
    network = caller.network(prefix="10.9.3.0/28")
    found = {_addresses(caller, caller.endpoint(network))[0]["IpAddress"] for _ in range(13)}
    assert found == {f"10.9.3.{number}" for number in range(2, 15)}
    with pytest.raises(Failed, match=code(0x803B002F)):
        caller.endpoint(network)


def test_a_small_prefix_reserves_no_ends(caller: Caller) -> None:
    document = network_document("Internal", "net", "10.9.3.0/31")
    network = caller.create("Network", document)
    caller.endpoint(network, IpConfigurations=[address("10.9.3.0")])


def test_an_entry_without_an_address_counts_for_nothing(caller: Caller) -> None:
    assert len(_addresses(caller, caller.endpoint(caller.network(), IpConfigurations=[{}]))) == 1


class TestReservations:
    """Flags of subnets and IP subnets move what is reserved."""

    @staticmethod
    def _network(caller: Caller, **more: Any) -> str:
        document = network_document("L2Bridge", "net")
        document["Ipams"] = [{"Type": "Static", "Subnets": [subnet("10.9.3.0/24", **more)]}]
        return caller.create("Network", document)

    def test_the_gateway_is_free_with_the_subnets_flag(self, caller: Caller) -> None:
        caller.endpoint(self._network(caller, Flags=1), IpConfigurations=[address("10.9.3.1")])

    def test_the_flag_is_unknown_before_its_schema(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(hns_version="11.10")
        with pytest.raises(Failed, match=code(0x803B002F)):
            caller.endpoint(self._network(caller, Flags=1), IpConfigurations=[address("10.9.3.1")])

    @pytest.mark.parametrize(
        ("flags", "free", "held"),
        [
            pytest.param(1, "10.9.3.0", "10.9.3.255", id="only the broadcast address is held"),
            pytest.param(2, "10.9.3.255", "10.9.3.0", id="only the network address is held"),
        ],
    )
    def test_an_ip_subnets_flags_say_which_ends_are_held(
        self, caller: Caller, flags: int, free: str, held: str
    ) -> None:
        network = self._network(caller, IpSubnets=[{"IpAddressPrefix": "10.9.3.0/24", "Flags": flags}])
        caller.endpoint(network, IpConfigurations=[address(free)])
        with pytest.raises(Failed, match=code(0x803B002F)):
            caller.endpoint(network, IpConfigurations=[address(held)])

    def test_an_address_outside_the_ip_subnets_is_outside_the_network(self, caller: Caller) -> None:
        network = self._network(caller, IpSubnets=[{"IpAddressPrefix": "10.9.3.128/25"}])
        with pytest.raises(Failed, match=code(0x803B001E)):
            caller.endpoint(network, IpConfigurations=[address("10.9.3.7")])

    def test_the_ip_subnet_asked_for_is_the_one_given(self, caller: Caller) -> None:
        twice = [{"IpAddressPrefix": "10.9.3.0/24"}, {"IpAddressPrefix": "10.9.3.0/24"}]
        network = self._network(caller, IpSubnets=twice)
        second = caller.get("Network", network)["Ipams"][0]["Subnets"][0]["IpSubnets"][1]["ID"]
        endpoint = caller.endpoint(
            network, IpConfigurations=[{"IpAddress": "10.9.3.7", "IpSubnetId": second.upper()}]
        )
        assert _addresses(caller, endpoint)[0]["IpSubnetId"] == second


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        pytest.param("9.2", False, id="Windows Server 2019 as released"),
        pytest.param("9.3", True, id="back-ported to 2019"),
        pytest.param("10.3", False, id="the next line lacks it"),
        pytest.param("10.4", True, id="and gets it"),
        pytest.param("15.4", True, id="everything later"),
    ],
)
def test_an_address_alone_as_the_prefix_depends_on_the_version(
    caller: Caller, simulator: Simulator, version: str, taken: bool
) -> None:
    simulator.set_options(hns_version=version)
    network = caller.network()
    if taken:
        caller.endpoint(network, IpConfigurations=[address("10.9.3.7", 32)])
    else:
        with pytest.raises(Failed, match=code(0x803B0030)):
            caller.endpoint(network, IpConfigurations=[address("10.9.3.7", 32)])


def test_a_prefix_longer_than_the_address_is_refused(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B0030)):
        caller.endpoint(caller.network(), IpConfigurations=[address("10.9.3.7", 33)])


class TestDualStack:
    """One IPv4 and one IPv6 address, on l2bridge."""

    @staticmethod
    def _network(caller: Caller) -> str:
        return caller.create("Network", network_document("L2Bridge", "net", "10.9.3.0/24", "fd00:9::/64"))

    def test_an_endpoint_without_addresses_gets_one_of_each(self, caller: Caller) -> None:
        endpoint = caller.endpoint(self._network(caller))
        found = [ipaddress.ip_address(item["IpAddress"]).version for item in _addresses(caller, endpoint)]
        assert found == [4, 6]
        assert [route["DestinationPrefix"] for route in caller.get("Endpoint", endpoint)["Routes"]] == [
            "0.0.0.0/0",
            "::/0",
        ]

    def test_an_endpoint_with_one_family_keeps_that(self, caller: Caller) -> None:
        endpoint = caller.endpoint(self._network(caller), IpConfigurations=[address("10.9.3.7")])
        assert len(_addresses(caller, endpoint)) == 1

    def test_by_option_hns_adds_the_other_family(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(dual_stack_completes=True)
        endpoint = caller.endpoint(self._network(caller), IpConfigurations=[address("10.9.3.7")])
        assert len(_addresses(caller, endpoint)) == 2

    def test_two_addresses_of_one_family_are_refused_unless_told_otherwise(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        network = self._network(caller)
        both = [address("10.9.3.7"), address("10.9.3.8")]
        with pytest.raises(Failed, match=code(0x803B000C)):
            caller.endpoint(network, IpConfigurations=both)
        simulator.set_options(second_address_hresult=0)
        assert len(_addresses(caller, caller.endpoint(network, IpConfigurations=both))) == 2

    def test_the_v1_view_has_both(self, caller: Caller) -> None:
        both = [address("10.9.3.7"), address("fd00:9::7")]
        document = caller.get("Endpoint", caller.endpoint(self._network(caller), IpConfigurations=both), 1)
        assert (document["IPAddress"], document["IPv6Address"]) == ("10.9.3.7", "fd00:9::7")
        assert (document["GatewayAddress"], document["GatewayAddressV6"]) == ("10.9.3.1", "fd00:9::1")
