"""Making an HCN network may interrupt the node: what an ADD will fail with is found out before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.behaviour.scene import MODES, configured
from tests.harness import SimulatedNode, container_id

pytestmark = pytest.mark.not_in(
    "windows", reason="the steps are the same there, and each start takes longest"
)

_RANGES: dict[str, Any] = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]}
_ONE: dict[str, Any] = {
    "type": "cni-hns",
    "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.9", "rangeEnd": "10.88.0.9"}]],
}


def _is_refused(node: SimulatedNode, config: dict[str, Any], code: int, words: str, **more: Any) -> None:
    """The ADD fails, and neither a network nor anything else was made."""
    node.simulator.reset_journal()
    namespace = more.pop("namespace", None) or node.namespace()
    answer = node.call("ADD", config, container_id(), namespace, **more)
    assert (answer.exit_code, answer.document["code"]) == (1, code), answer.words
    assert words in answer.words
    assert node.hcn.networks.ids() == []
    assert "HcnCreateNetwork" not in node.calls()
    node.assert_clean()


@pytest.mark.parametrize("mode", MODES)
class TestANetworkIsNotMade:
    @pytest.mark.parametrize(
        ("wanted", "code", "words"),
        [
            pytest.param("10.99.0.5", 101, "is in no range set", id="outside"),
            pytest.param("10.88.0.1", 101, "10.88.0.1", id="the gateway"),
            pytest.param("10.88.0.255", 101, "10.88.0.255", id="the broadcast address"),
        ],
    )
    def test_for_an_address_that_cannot_be_had(
        self, node: SimulatedNode, mode: str, wanted: str, code: int, words: str
    ) -> None:
        _is_refused(node, configured(mode, ipam=_RANGES), code, words, args=f"IP={wanted}")

    def test_for_an_address_outside_the_subnets_where_hns_assigns(
        self, node: SimulatedNode, mode: str
    ) -> None:
        config = configured(mode)
        del config["ipam"]
        # Endpoints of a transparent network have theirs from a DHCP server: none can be asked for.
        code, words = (4, "DHCP") if mode == "transparent" else (7, "10.99.0.5")
        _is_refused(node, config, code, words, args="IP=10.99.0.5")

    def test_for_a_namespace_that_does_not_exist(self, node: SimulatedNode, mode: str) -> None:
        missing = "5f0c3b1e-0000-1111-2222-33334444abcd"
        _is_refused(node, configured(mode, ipam=_RANGES), 100, missing, namespace=missing)

    def test_for_a_range_that_is_used_up(self, node: SimulatedNode, mode: str) -> None:
        reserve = ["ipam", "reserve", "--network", "pods", "--owner", "host", "--address", "10.88.0.9"]
        assert node.command(*reserve).exit_code == 0
        answer = node.call("ADD", configured(mode, ipam=_ONE), container_id(), node.namespace())
        assert (answer.exit_code, answer.document["code"]) == (1, 101), answer.words
        assert node.hcn.networks.ids() == []

    def test_for_an_ipam_plugin_that_is_not_there(self, node: SimulatedNode, mode: str) -> None:
        _is_refused(node, configured(mode, ipam={"type": "no-such-ipam"}, dns={}), 4, "no-such-ipam")


@pytest.mark.parametrize("mode", MODES)
def test_what_can_be_done_is_done_at_the_same_address(node: SimulatedNode, mode: str) -> None:
    """Trying it out beforehand takes nothing: the first address is still the first."""
    answer = node.call("ADD", configured(mode, ipam=_RANGES), container_id(), node.namespace())
    assert answer.exit_code == 0, answer.words
    assert answer.addresses == ["10.88.0.2/24"]
    assert len(node.leases()) == 1
