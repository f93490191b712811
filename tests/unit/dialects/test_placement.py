"""An address in its HCN subnet, and the gateway that it has there."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.dialects.placement import Address, EndpointFault, gateways, out_of_reach, placed
from cni_hns.dialects.plan import AttachmentPlan

from .configurations import BRIDGE, network_view, plan_of
from .test_foreign import FLANNELS_DELEGATE, SDNBRIDGE

NETWORK = network_view("10.1.0.0/16 10.1.0.1")
DELEGATED = {"type": "static"}
SPARE = {
    "optionalFlags": {"gatewayFromAdditionalRoutes": True},
    "additionalRoutes": [{"Dst": "0.0.0.0/0", "GW": "10.1.0.9"}],
    "ipam": DELEGATED,
}


def gateway(plan: AttachmentPlan, address: Address) -> str | None:
    return gateways(plan, NETWORK, [placed(NETWORK, address)]).get(4)


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        pytest.param("10.1.7.5/24", "10.1.7.2", id="a part of the HCN subnet"),
        pytest.param("10.1.7.5/16", "10.1.0.2", id="the HCN subnet"),
        pytest.param("10.1.7.5/8", "10.1.0.2", id="more than the HCN subnet"),
        pytest.param("10.1.7.5/32", "10.1.0.2", id="an address alone"),
    ],
)
def test_the_bridge_gateway_of_a_peer_is_the_third_of_what_ipam_answered(
    answered: str, expected: str
) -> None:
    ip, _, length = answered.partition("/")
    plan = plan_of(FLANNELS_DELEGATE, ipam=DELEGATED)
    assert gateway(plan, Address(ip, int(length), "10.1.7.1")) == expected


def test_the_bridge_gateway_of_ours_is_the_third_of_the_hcn_subnet() -> None:
    plan = plan_of(BRIDGE, gatewayFrom="bridge", network={"mode": "l2bridge"}, ipam=DELEGATED)
    assert gateway(plan, Address("10.1.7.5", 24)) == "10.1.0.2"


@pytest.mark.parametrize(
    ("changes", "answered", "expected"),
    [
        pytest.param({"ipam": DELEGATED}, "10.1.0.7", "10.1.0.7", id="what IPAM answered"),
        pytest.param({"ipam": DELEGATED}, "10.9.0.7", "10.1.0.1", id="not from outside the subnet"),
        pytest.param({"ipam": DELEGATED}, None, "10.1.0.1", id="none: the HCN network's"),
        pytest.param(SPARE, "10.1.0.7", "10.1.0.7", id="additional routes come after IPAM"),
        pytest.param(SPARE, None, "10.1.0.9", id="and before the HCN network"),
    ],
)
def test_the_gateway_of_sdnbridge(changes: dict[str, Any], answered: str | None, expected: str) -> None:
    plan = plan_of(SDNBRIDGE, **{"optionalFlags": {}, **changes})
    assert gateway(plan, Address("10.1.7.5", 16, answered)) == expected


def test_no_pod_is_its_own_gateway() -> None:
    plan = plan_of(FLANNELS_DELEGATE, ipam=DELEGATED)
    with pytest.raises(EndpointFault, match="also the gateway"):
        gateway(plan, Address("10.1.7.2", 24))


def test_a_network_without_subnets_has_everything_in_reach() -> None:
    assert out_of_reach(network_view(), ["10.1.0.1"]) == []
    assert out_of_reach(NETWORK, ["10.1.0.1", "10.2.0.1", "10.2.0.1"]) == ["10.2.0.1"]
