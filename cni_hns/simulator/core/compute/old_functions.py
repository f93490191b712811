"""The functions of vmcompute.dll by name, as far as they are not those of computecore.dll in all they do.

Texts are as in `functions`. What is refused has the codes of that DLL in another range.
"""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core import endpoint_changes, endpoints
from cni_hns.simulator.core import statistics as endpoint_statistics
from cni_hns.simulator.core.compute import changes, creation, functions, properties, systems
from cni_hns.simulator.core.compute.reading import document_in, optional_in, text_of, texts_of
from cni_hns.simulator.core.compute.schema1 import as_schema_2, is_of_schema_1
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import Document, guid_of, written
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    HCS_ALREADY_STOPPED,
    HCS_WRONG_STATE,
    Refused,
)
from cni_hns.simulator.core.store import State

__all__ = ["WORK"]

_DISKS = "MappedVirtualDisk"
_ENDPOINT_CHANGES = {"add": endpoint_changes.share, "remove": endpoint_changes.unshare}


def _create(state: State, arguments: list[str | None]) -> str:
    system, run, text = arguments
    if is_of_schema_1(text):
        creation.create_from(state, system or "", run or "", as_schema_2(text))
    else:
        creation.create(state, system or "", run or "", text)
    return ""


def _modify(state: State, arguments: list[str | None]) -> str:
    """A change of a resource type is of schema 1; one of a path of schema 2."""
    _, run, text = arguments
    given = document_in(text, "ResourceType", "RequestType", "Settings")
    if "ResourceType" not in given:
        changes.modify(state, run or "", text)
        return ""
    kind = (text_of(given, "RequestType") or "Add").lower()
    if text_of(given, "ResourceType").lower() != "network" or kind not in _ENDPOINT_CHANGES:
        raise Refused(E_NOTIMPL, "endpoints can be added and removed, nothing else")
    system = _connected(state, run or "")
    _ENDPOINT_CHANGES[kind](state, guid_of(given.get("Settings")), system.id)
    return ""


def _connected(state: State, run: str) -> System:
    """The system, which takes endpoints by hand now."""
    try:
        system = systems.living(state, run)
    except Refused as refusal:
        ended = refusal.hresult == HCS_ALREADY_STOPPED
        raise Refused(state.options.ended_system_hresult if ended else refusal.hresult) from refusal
    if not system.joined:
        raise Refused(HCS_WRONG_STATE, f"{system.id} is {system.state}")
    return system


def _properties(state: State, arguments: list[str | None]) -> str:
    _, run, query = arguments
    types = texts_of(optional_in(query, "PropertyTypes"), "PropertyTypes")
    newer = [one for one in types if one.lower() != _DISKS.lower()]
    found = properties.properties(state, run or "", written({"PropertyTypes": newer}))
    if newer != types:
        found["MappedVirtualDiskControllers"] = {}
    system = systems.load(state, run or "")
    if "Statistics" in found and system.of_schema_1:
        found["Statistics"]["Network"] = _network_of(state, system)
    return written(found)


def _network_of(state: State, system: System) -> list[Document]:
    """What the endpoints of the container counted: schema 2 does not tell."""
    counted: list[Any] = []
    for (guid,) in state.rows("SELECT id FROM endpoints ORDER BY rowid"):
        if system.id in endpoints.load(state, guid).containers:
            counted.append(endpoint_statistics.statistics_of(state, guid))
    return counted


WORK = {
    **functions.WORK,
    "HcsCreateComputeSystem": _create,
    "HcsModifyComputeSystem": _modify,
    "HcsGetComputeSystemProperties": _properties,
    "HcsShutdownComputeSystem": functions.WORK["HcsShutDownComputeSystem"],
}
