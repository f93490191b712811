"""Which of the node's adapters an external network takes.

Sources: "Container network drivers" (each external network type sits on a physical adapter) and reports: a
virtual adapter is refused with 0x80070057 (antrea), no usable adapter with 0x803B0006 (SDN, hcsshim).
"""

from __future__ import annotations

import json

from cni_hns.simulator.core.documents import Document, guid_of
from cni_hns.simulator.core.errors import (
    ADAPTER_NOT_FOUND,
    ELEMENT_NOT_FOUND,
    LAYER_NOT_FOUND,
    PARAMETER_INCORRECT,
    Refused,
)
from cni_hns.simulator.core.store import State

__all__ = ["EXTERNAL_TYPES", "adapter_named", "choose", "layer_of"]

EXTERNAL_TYPES = ("L2Bridge", "L2Tunnel", "Overlay", "Transparent")


def choose(state: State, kind: str, policies: list[Document]) -> Document:
    """The adapter for a new external network; one over a layer has that layer's, whatever is on it already.

    Raises:
        Refused: 0x80070057 for a virtual one or one with another switch, 0x803B0006 for none; 0x803B0003, no
        such layer.
    """
    layer = layer_of(policies)
    if layer:
        return _under(state, layer)
    wanted = _wanted(policies)
    adapter = _asked_for(state, wanted) if wanted else _first_free(state, kind)
    if wanted and not _is_free(state, adapter, kind):
        raise Refused(state.options.adapter_conflict_hresult, f"{adapter['name']} has another switch")
    # A transparent network on an adapter without a valid address: element not found (reported to hcsshim).
    if kind == "Transparent" and not adapter.get("address"):
        raise Refused(ELEMENT_NOT_FOUND, f"{adapter['name']} has no address")
    return adapter


def layer_of(policies: list[Document]) -> str:
    """The layer that the network is to lie on; "" for one of its own."""
    for policy in policies:
        if policy["Type"] == "LayerConstraint":
            return guid_of(policy["Settings"]["LayerId"])
    return ""


def _under(state: State, layer: str) -> Document:
    for (text,) in state.rows("SELECT document FROM networks WHERE adapter IS NOT NULL"):
        network = json.loads(text)
        if network["LayeredOn"] == layer:
            return adapter_named(state, network["adapter"]) or {"name": network["adapter"]}
    raise Refused(LAYER_NOT_FOUND, layer)


def adapter_named(state: State, name: str) -> Document | None:
    """The adapter of this name, in any case."""
    for adapter in _adapters(state):
        if adapter["name"].lower() == name.lower():
            return adapter
    return None


def _adapters(state: State) -> list[Document]:
    adapters: list[Document] = state.options.adapters
    return adapters


def _wanted(policies: list[Document]) -> tuple[str, str] | None:
    """What names the adapter: its name, its alias, or its address."""
    for policy in policies:
        settings = policy["Settings"]
        if policy["Type"] == "NetAdapterName":
            return "name", settings["NetworkAdapterName"]
        if policy["Type"] == "InterfaceConstraint" and settings.get("InterfaceAlias"):
            return "name", settings["InterfaceAlias"]
        if policy["Type"] == "ProviderAddress":
            return "address", settings["ProviderAddress"]
    return None


def _asked_for(state: State, wanted: tuple[str, str]) -> Document:
    member, value = wanted
    if member == "name" and value.lower().startswith("vethernet"):
        raise Refused(PARAMETER_INCORRECT, f"{value} is a virtual adapter")
    for adapter in _adapters(state):
        if str(adapter.get(member, "")).lower() == value.lower():
            if adapter["kind"] == "virtual":
                raise Refused(PARAMETER_INCORRECT, f"{value} is a virtual adapter")
            if adapter["kind"] == "physical":
                return adapter
    raise Refused(ADAPTER_NOT_FOUND, f"no physical adapter with {member} {value}")


def _first_free(state: State, kind: str) -> Document:
    for adapter in _adapters(state):
        if adapter["kind"] == "physical" and _is_free(state, adapter, kind):
            return adapter
    raise Refused(ADAPTER_NOT_FOUND, f"no physical adapter is free for {kind}")


def _is_free(state: State, adapter: Document, kind: str) -> bool:
    """An adapter carries one external switch, of one kind; overlay networks surely share theirs."""
    row = state.row("SELECT type FROM networks WHERE adapter = ? LIMIT 1", adapter["name"])
    if row is None:
        return True
    return row[0] == kind and (kind == "Overlay" or state.options.adapter_shared_by_one_kind)
