"""An endpoint's counters, as `HcnQueryEndpointStats` and V1's /endpointstats give them."""

from __future__ import annotations

from cni_hns.binding.reading import member
from cni_hns.typed import Any, NamedTuple

__all__ = ["EndpointStatistics"]


class EndpointStatistics(NamedTuple):
    """Totals since the endpoint was attached; received is what came to the pod."""

    endpoint: str
    bytes_received: int
    bytes_sent: int
    packets_received: int
    packets_sent: int
    dropped_incoming: int
    dropped_outgoing: int

    @classmethod
    def of(cls, document: dict[str, Any]) -> EndpointStatistics:
        """Read the service's document; a missing counter is 0."""
        return cls(
            endpoint=str(member(document, "EndpointId") or "").lower(),
            bytes_received=_count(document, "BytesReceived"),
            bytes_sent=_count(document, "BytesSent"),
            packets_received=_count(document, "PacketsReceived"),
            packets_sent=_count(document, "PacketsSent"),
            dropped_incoming=_count(document, "DroppedPacketsIncoming"),
            dropped_outgoing=_count(document, "DroppedPacketsOutgoing"),
        )


def _count(document: dict[str, Any], name: str) -> int:
    value = member(document, name)
    return value if isinstance(value, int) else 0
