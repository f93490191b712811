"""MAC addresses: pools, choice, and what a caller gives."""

from __future__ import annotations

import re

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, address, code


def _mac(caller: Caller, network: str, **members: object) -> str:
    return str(caller.get("Endpoint", caller.endpoint(network, **members))["MacAddress"])


def _pool(start: str, end: str) -> dict[str, object]:
    return {"Ranges": [{"StartMacAddress": start, "EndMacAddress": end}]}


def test_without_a_pool_hns_makes_one_of_4096_addresses(caller: Caller) -> None:
    (found,) = caller.get("Network", caller.network())["MacPool"]["Ranges"]
    start, end = found["StartMacAddress"], found["EndMacAddress"]
    assert re.fullmatch(r"00-15-5D-[0-9A-F]{2}-[0-9A-F]0-00", start)
    assert end == start[:-5] + start[-5] + "F-FF"


def test_an_endpoint_gets_an_address_of_the_pool(caller: Caller) -> None:
    network = caller.network(MacPool=_pool("00-15-5D-52-C0-00", "00-15-5D-52-CF-FF"))
    mac = _mac(caller, network)
    assert re.fullmatch(r"00-15-5D-52-C[0-9A-F]-[0-9A-F]{2}", mac)


@pytest.mark.parametrize("given", ["0e-2a-0a-09-03-07", "0E:2A:0A:09:03:07", "0E-2A-0A-09-03-07"])
def test_a_given_mac_is_echoed_as_it_was_sent(caller: Caller, given: str) -> None:
    assert _mac(caller, caller.network(), MacAddress=given) == given


def test_what_is_no_mac_is_refused(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B000C)):
        caller.endpoint(caller.network(), MacAddress="0e-2a")


def test_every_mac_of_a_small_pool_can_be_had_and_then_none(caller: Caller, simulator: Simulator) -> None:
    network = caller.network(MacPool=_pool("00-15-5D-00-00-01", "00-15-5D-00-00-03"))
    assert {_mac(caller, network) for _ in range(3)} == {f"00-15-5D-00-00-0{number}" for number in (1, 2, 3)}
    simulator.set_options(mac_pool_exhausted_hresult=0x80070057)
    with pytest.raises(Failed, match=code(0x80070057)):
        caller.endpoint(network)


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(_pool("00-15-5D-00-00-03", "00-15-5D-00-00-01"), id="the wrong way round"),
        pytest.param(_pool("00-15-5D", "00-15-5D-00-00-01"), id="no MAC"),
    ],
)
def test_a_bad_pool_is_refused(caller: Caller, pool: dict[str, object]) -> None:
    with pytest.raises(Failed, match=code(0x803B000A)):
        caller.network(MacPool=pool)


def test_two_endpoints_may_have_one_mac_unless_told_otherwise(caller: Caller, simulator: Simulator) -> None:
    network = caller.network()
    for _ in range(2):
        caller.endpoint(network, MacAddress="0E-2A-00-00-00-01")
    simulator.set_options(duplicate_mac_hresult=0x80070057)
    with pytest.raises(Failed, match=code(0x80070057)):
        caller.endpoint(network, MacAddress="0e:2a:00:00:00:01")
    caller.endpoint(
        network, MacAddress="0E-2A-00-00-00-01", Flags=1, IpConfigurations=[address("10.200.0.1")]
    )
