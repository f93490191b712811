"""Networks: made, found, deleted ("HcnCreateNetwork", "HcnDeleteNetwork")."""

from __future__ import annotations

import json

from cni_hns.simulator.core import adapters, events
from cni_hns.simulator.core.documents import Document, new_guid
from cni_hns.simulator.core.errors import (
    DEGRADED,
    NETWORK_ALREADY_EXISTS,
    NETWORK_NOT_FOUND,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.identity import chosen_id
from cni_hns.simulator.core.macs import below, dashed
from cni_hns.simulator.core.network_documents import read_network
from cni_hns.simulator.core.removal import remove_endpoint
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.v1_input import is_v1, network_from_v1
from cni_hns.simulator.core.versions import has_feature

__all__ = ["create", "delete", "load", "management_address", "save", "usable"]

# The switch has no port of the host, so no management address ever appears.
_DISABLE_HOST_PORT = 1024


def create(state: State, argument: str, given: Document) -> str:
    """Make a network; its ID.

    Raises:
        Refused: the name is taken (0x803B0010), the document does not fit its type, or no adapter is there
        for it.
    """
    v1 = is_v1(given)
    network = read_network(state, network_from_v1(given) if v1 else given, v1)
    name, kind = network["Name"], network["Type"]
    # The document is read first: a caller that lost a race and sends nonsense hears of the nonsense.
    if name and _name_taken(state, name):
        raise Refused(NETWORK_ALREADY_EXISTS, name)
    network["ID"] = chosen_id(state, "networks", argument, network)
    network["v1"] = v1
    adapter = None
    if kind in adapters.EXTERNAL_TYPES:
        chosen = adapters.choose(state, kind, network["Policies"])
        adapter = chosen["name"]
        network["adapter"], network["address"] = adapter, chosen.get("address", "")
        network["LayeredOn"] = adapters.layer_of(network["Policies"]) or new_guid()
    if kind == "Overlay":
        network["router_mac"] = dashed(0x00155D000000 | below(1 << 24))
    state.run(
        "INSERT INTO networks VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
        network["ID"],
        name,
        kind,
        adapter,
        network["Flags"],
        state.seq,
        json.dumps(network),
    )
    events.happened(state, events.NETWORK_PRE_CREATE, network["ID"])
    events.happened(state, events.NETWORK_CREATE, network["ID"])
    return str(network["ID"])


def delete(state: State, guid: str) -> None:
    """Delete a network; the endpoints in it vanish with it (hcsshim's tests delete only the network).

    Raises:
        Refused: 0x803B0001, there is none.
    """
    load(state, guid)
    for endpoint, containers in state.rows("SELECT id, containers FROM endpoints WHERE network = ?", guid):
        if containers != "[]":
            refuse_unless_zero(state.options.network_delete_in_use_hresult, f"{endpoint} is in use")
    events.happened(state, events.NETWORK_PRE_DELETE, guid)
    for (endpoint,) in state.rows("SELECT id FROM endpoints WHERE network = ?", guid):
        remove_endpoint(state, endpoint)
    state.run("DELETE FROM networks WHERE id = ?", guid)
    state.run("DELETE FROM addresses WHERE network = ?", guid)
    events.happened(state, events.NETWORK_DELETE, guid)


def load(state: State, guid: str) -> Document:
    """The network as HNS keeps it.

    Raises:
        Refused: 0x803B0001, there is none.
    """
    row = state.row("SELECT document FROM networks WHERE id = ?", guid)
    if row is None:
        raise Refused(NETWORK_NOT_FOUND, guid)
    document: Document = json.loads(row[0])
    return document


def usable(state: State, guid: str) -> Document:
    """The network, for whoever opens it or makes something in it.

    Raises:
        Refused: 0x803B0001, there is none; 0x803B0017, it is degraded (reported to WSL).
    """
    network = load(state, guid)
    if network.get("degraded"):
        raise Refused(DEGRADED, guid)
    return network


def _name_taken(state: State, name: str) -> bool:
    """By a network, or by what a half-deleted one left behind: nobody can see that (reported to moby)."""
    return (
        state.row("SELECT 1 FROM networks WHERE name = ?", name) is not None
        or state.row("SELECT 1 FROM ghosts WHERE name = ?", name) is not None
    )


def save(state: State, network: Document) -> None:
    """Keep a changed network."""
    state.run("UPDATE networks SET document = ? WHERE id = ?", json.dumps(network), network["ID"])


def management_address(state: State, network: Document) -> str:
    """The host's address on an external network; "" until it has appeared.

    Creating such a network moves the host's address to a virtual adapter, and the address shows up only
    some time after the call has returned (flannel polls for it). Here time is counted in calls.
    """
    if "address" not in network:
        return ""
    if network["Flags"] & _DISABLE_HOST_PORT and has_feature("DisableHostPort", state.version):
        return ""
    row = state.row("SELECT made_at FROM networks WHERE id = ?", network["ID"])
    made_at = row[0] if row else 0
    if state.seq < made_at + state.options.management_address_after_calls:
        return ""
    return str(network["address"])
