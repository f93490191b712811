"""What the service says of itself, and whether it answers at all.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ServiceProperties
"""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core.compute.reading import optional_in, texts_of, word_of
from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    HCS_ACCESS_DENIED,
    HCS_SERVICE_DISCONNECT,
    Refused,
)
from cni_hns.simulator.core.store import State

__all__ = ["demand_service", "generation_of", "service_properties"]

_TYPES = ("Basic", "CpuGroup", "ProcessorTopology", "ContainerCredentialGuard", "QoSCapabilities")

# The build from which a Windows release reads this schema 2.x ("Schema version map").
_SCHEMAS = ((22545, 7), (22000, 6), (20348, 5), (19041, 3), (18362, 2), (0, 1))


def service_properties(state: State, query: str | None) -> Document:
    """The answers in the order of the types that are asked for; without any the basic information.

    Raises:
        Refused: 0x80004001, what is not simulated.
    """
    wanted = texts_of(optional_in(query, "PropertyTypes"), "PropertyTypes") or ["Basic"]
    return {"Properties": [_answer(state, word_of(one, "PropertyTypes", _TYPES)) for one in wanted]}


def demand_service(state: State, generation: int | None) -> None:
    """Whether the service answers this caller, and for a handle of this run of it.

    Raises:
        Refused: 0x8037011B, not an administrator; 0x8037011E, a handle from before the service was started
        again.
    """
    if not state.options.elevated:
        raise Refused(HCS_ACCESS_DENIED)
    if generation is not None and generation != generation_of(state):
        raise Refused(HCS_SERVICE_DISCONNECT, "the service was started again")


def generation_of(state: State) -> int:
    """Which run of the service this is."""
    row = state.row("SELECT generation FROM compute")
    return int(row[0]) if row else 0


def _answer(state: State, kind: str) -> Any:
    if kind == "Basic":
        minor = next(minor for build, minor in _SCHEMAS if state.options.windows_build >= build)
        return {"SupportedSchemaVersions": [{"Major": 1, "Minor": 0}, {"Major": 2, "Minor": minor}]}
    if kind == "QoSCapabilities":
        return {"ProcessorQoSSupported": True}
    raise Refused(E_NOTIMPL, kind)
