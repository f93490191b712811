"""The documents of schema 1, which Docker's and the older clients of vmcompute.dll send.

There is no page of it; the members are those of Microsoft's client (hcsshim's `ContainerConfig`). What a
container may use, and what it is connected to, means the same as in schema 2.
"""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core.compute.reading import document_in, text_of, texts_of
from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.errors import HCS_INVALID_JSON, Refused

__all__ = ["as_schema_2", "is_of_schema_1"]

_PROCESSOR = {"Count": "ProcessorCount", "Weight": "ProcessorWeight", "Maximum": "ProcessorMaximum"}
_MEMBERS = (
    "SchemaVersion",
    "SystemType",
    "Owner",
    "HostName",
    "MemoryMaximumInMB",
    "MappedDirectories",
    "MappedPipes",
    "HvPartition",
    "EndpointList",
    "AllowUnqualifiedDNSQuery",
    "DNSSearchList",
    "NetworkSharedContainerName",
    "TerminateOnLastHandleClosed",
    *_PROCESSOR.values(),
)


def is_of_schema_1(text: str | None) -> bool:
    """Schema 2 names itself, schema 1 does not. Raises: Refused: 0x8037010D, not JSON or not an object."""
    return "SchemaVersion" not in document_in(text, "SchemaVersion")


def as_schema_2(text: str | None) -> Document:
    """The same container as a document of schema 2, which still says that it is of schema 1.

    Raises:
        Refused: 0x8037010D, it is no container's.
    """
    given = document_in(text, *_MEMBERS)
    if text_of(given, "SystemType").lower() != "container":
        raise Refused(HCS_INVALID_JSON, f"SystemType is {given.get('SystemType')!r}")
    processor = {name: given[member] for name, member in _PROCESSOR.items() if given.get(member)}
    memory = {"SizeInMB": given.get("MemoryMaximumInMB")}
    container: dict[str, Any] = {
        "GuestOs": {"HostName": text_of(given, "HostName")},
        **({"Processor": processor} if processor else {}),
        **({"Memory": memory} if memory["SizeInMB"] else {}),
        **{name: given[name] for name in ("MappedDirectories", "MappedPipes") if given.get(name)},
        "Networking": {
            "AllowUnqualifiedDnsQuery": given.get("AllowUnqualifiedDNSQuery") is True,
            "DnsSearchList": text_of(given, "DNSSearchList"),
            "NetworkSharedContainerName": text_of(given, "NetworkSharedContainerName"),
            "NetworkAdapters": texts_of(given, "EndpointList"),
        },
    }
    return {
        "Owner": text_of(given, "Owner"),
        "SchemaVersion": {"Major": 1, "Minor": 0},
        "HvPartition": given.get("HvPartition") is True,
        "ShouldTerminateOnLastHandleClosed": given.get("TerminateOnLastHandleClosed") is True,
        "Container": container,
    }
