"""Host ports that endpoints map ("PortMapping" policy): one holder per port, protocol and address.

Two endpoints with one external port and protocol: the second is refused with 0x803B0013 (hcsshim's tests do
it on an overlay network). A port that the host itself holds is refused in the same way (reported to
hcsshim). Docker leaves the external port out and reads in the answer which one it was given.
"""

from __future__ import annotations

from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.errors import MAPPING_NOT_SUPPORTED, PORT_ALREADY_EXISTS, Refused
from cni_hns.simulator.core.macs import below
from cni_hns.simulator.core.prefixes import IPV4, IPV6, address
from cni_hns.simulator.core.store import State

__all__ = ["map_ports", "unmap_ports"]

# NatFlags
_NAT_IPV6 = 2
# A mapping without a protocol, as Microsoft's module sends it, takes both.
_BOTH = (6, 17)
# Windows' dynamic ports.
_FIRST_DYNAMIC, _DYNAMIC = 49152, 16384


def map_ports(state: State, kind: str, endpoint: str, policies: list[Document]) -> None:
    """Hold the external ports of these policies for the endpoint; a policy without one gets one.

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
    protocols = (settings["Protocol"],) if settings.get("Protocol") else _BOTH
    vip = settings.get("VIP", "")
    family = IPV6 if settings.get("Flags", 0) & _NAT_IPV6 or _is_ipv6(vip) else IPV4
    port = settings.get("ExternalPort") or _free(state, protocols, family, vip)
    settings["ExternalPort"] = port
    for protocol in protocols:
        holder = _holder(state, protocol, port, family, vip)
        if holder is not None:
            raise Refused(PORT_ALREADY_EXISTS, f"{holder} holds {port}")
        state.run("INSERT INTO ports VALUES (?, ?, ?, ?, ?, NULL)", protocol, port, family, vip, endpoint)


def _free(state: State, protocols: tuple[int, ...], family: int, vip: str) -> int:
    for _ in range(_DYNAMIC):
        port = _FIRST_DYNAMIC + below(_DYNAMIC)
        if all(_holder(state, protocol, port, family, vip) is None for protocol in protocols):
            return port
    raise Refused(PORT_ALREADY_EXISTS, "no dynamic port is left")


def _holder(state: State, protocol: int, port: int, family: int, vip: str) -> str | None:
    for held, first, last in state.options.excluded_ports:
        if held == protocol and first <= port <= last:
            return "the host"
    # No VIP is the management address; two different VIPs do not meet.
    row = state.row(
        "SELECT endpoint FROM ports WHERE protocol = ? AND port = ? AND family = ? AND vip = ?",
        protocol,
        port,
        family,
        vip,
    )
    return str(row[0]) if row else None


def _is_ipv6(text: str) -> bool:
    value = address(text)
    return value is not None and value.version == IPV6
