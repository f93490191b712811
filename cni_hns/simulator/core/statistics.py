"""An endpoint's counters and addresses (hcsshim's V1 types; undocumented in V2)."""

from __future__ import annotations

from cni_hns.simulator.core import endpoints
from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.store import State

__all__ = ["addresses_of", "statistics_of"]

_COUNTERS = (
    "BytesReceived",
    "BytesSent",
    "PacketsReceived",
    "PacketsSent",
    "DroppedPacketsIncoming",
    "DroppedPacketsOutgoing",
)


def statistics_of(state: State, guid: str) -> Document:
    """The counters: zero, since no packet ever passes here.

    Raises:
        Refused: 0x803B0002, no such endpoint.
    """
    endpoints.load(state, guid)
    return {**dict.fromkeys(_COUNTERS, 0), "EndpointId": guid.upper(), "InstanceId": guid.upper()}


def addresses_of(state: State, guid: str) -> list[Document]:
    """The addresses, one entry each."""
    kept = endpoints.load(state, guid).document
    return [
        {
            "EndpointId": guid.upper(),
            "IPAddress": item["IpAddress"],
            "PrefixLength": item["PrefixLength"],
            "MacAddress": kept["MacAddress"],
        }
        for item in kept["IpConfigurations"]
    ]
