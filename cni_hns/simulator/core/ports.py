"""Host ports that endpoints map ("PortMapping" policy): one holder per port, protocol and address.

Two endpoints with one external port and protocol: the second is refused with 0x803B0013 (hcsshim's tests do
it on an overlay network). A port that the host itself holds is refused in the same way (reported to
hcsshim).
"""

from __future__ import annotations

from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.errors import MAPPING_NOT_SUPPORTED, PORT_ALREADY_EXISTS, Refused
from cni_hns.simulator.core.prefixes import IPV4, IPV6, address
from cni_hns.simulator.core.store import State

__all__ = ["map_ports", "unmap_ports"]

# NatFlags
_NAT_IPV6 = 2


def map_ports(state: State, kind: str, endpoint: str, policies: list[Document]) -> None:
    """Hold the external ports of these policies for the endpoint.

    Raises:
        Refused: 0x803B0013, a port is held; 0x803B0016, by option, the network type maps none.
    """
    for policy in policies:
        if policy["Type"] == "PortMapping":
            if kind in state.options.mapping_refused_on:
                raise Refused(MAPPING_NOT_SUPPORTED, kind)
            _map(state, endpoint, policy["Settings"])


def unmap_ports(state: State, endpoint: str) -> None:
    """Let go of every port of the endpoint."""
    state.run("DELETE FROM ports WHERE endpoint = ?", endpoint)


def _map(state: State, endpoint: str, settings: Document) -> None:
    protocol, port = settings["Protocol"], settings["ExternalPort"]
    vip = settings.get("VIP", "")
    flags = settings.get("Flags", 0)
    family = IPV6 if flags & _NAT_IPV6 or _is_ipv6(vip) else IPV4
    for held, first, last in state.options.excluded_ports:
        if held == protocol and first <= port <= last:
            raise Refused(PORT_ALREADY_EXISTS, f"the host holds {port}")
    for other_vip, holder in state.rows(
        "SELECT vip, endpoint FROM ports WHERE protocol = ? AND port = ? AND family = ?",
        protocol,
        port,
        family,
    ):
        # No VIP is the management address; two different VIPs do not meet.
        if other_vip == vip:
            raise Refused(PORT_ALREADY_EXISTS, f"{holder} holds {port}")
    state.run("INSERT INTO ports VALUES (?, ?, ?, ?, ?)", protocol, port, family, vip, endpoint)


def _is_ipv6(text: str) -> bool:
    value = address(text)
    return value is not None and value.version == IPV6
