"""Namespaces: made, filled, deleted ("HcnCreateNamespace", "HcnModifyNamespace", "HcnDeleteNamespace").

A namespace has no compartment until a container lives in it; its endpoints stay Created until then.
Deleting it leaves its endpoints alive (reported to containerd and Azure), and is refused with 0x803B0015
while a container is registered in it. A missing namespace is the Win32 code "element not found" and no code
of HNS's own (reported to antrea).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from cni_hns.simulator.core import containers, endpoints, events
from cni_hns.simulator.core.documents import ZERO_GUID, Document, enum_name, folded, guid_of, text_member
from cni_hns.simulator.core.errors import (
    ELEMENT_NOT_FOUND,
    PARAMETER_INCORRECT,
    REQUEST_UNSUPPORTED,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.identity import birth, chosen_id
from cni_hns.simulator.core.network_changes import REQUEST_TYPES
from cni_hns.simulator.core.network_documents import read_schema_version
from cni_hns.simulator.core.store import State

__all__ = [
    "TYPES",
    "Namespace",
    "add_endpoint",
    "create",
    "delete",
    "load",
    "make_host_default",
    "modify",
    "remove_endpoint",
]

# In the order of the enum's numbers.
TYPES = ("Host", "HostDefault", "Guest", "GuestDefault")
_RESOURCES = ("Container", "Endpoint")

_READY = 1
# Seen on a namespace that could not be deleted; its name is not known.
_REFUSED_TO_GO = 4


class Namespace(NamedTuple):
    """One namespace with what changes in its life beside the document."""

    document: Document
    built_in: bool
    compartment: int
    state: int


def make_host_default(state: State, guid: str) -> None:
    """The host's own namespace, always there: compartment 1, no SchemaVersion (dumps of calico)."""
    document = {"ID": guid, "Type": "HostDefault", "SchemaVersion": None, **birth(state)}
    state.run(
        "INSERT INTO namespaces VALUES (?, 'HostDefault', 1, 1, ?, ?)", guid, _READY, json.dumps(document)
    )


def create(state: State, argument: str, given: Document) -> str:
    """Make a namespace; its ID. Little is enough: containerd sends SchemaVersion 0.0 alone."""
    document = folded(given, ("ID", "Owner", "Type", "SchemaVersion", "CreateWithCompartment", "IsDefault"))
    # V1 says IsDefault where V2 has a type for it.
    usual = "HostDefault" if document.get("IsDefault") is True else "Host"
    kind = enum_name(document.get("Type", usual), TYPES, PARAMETER_INCORRECT)
    guid = chosen_id(state, "namespaces", argument, document)
    kept = {
        "ID": guid,
        "Owner": text_member(document, "Owner"),
        "Type": kind,
        # What the creator sent is kept: 0.0 stays 0.0.
        "SchemaVersion": read_schema_version(document),
        **birth(state),
    }
    compartment = containers.next_compartment(state) if document.get("CreateWithCompartment") is True else 0
    state.run(
        "INSERT INTO namespaces VALUES (?, ?, 0, ?, ?, ?)", guid, kind, compartment, _READY, json.dumps(kept)
    )
    events.happened(state, events.NAMESPACE_CREATE, guid)
    return guid


def load(state: State, guid: str) -> Namespace:
    """The namespace as HNS keeps it.

    Raises:
        Refused: 0x80070490, there is none; the zero GUID is none either.
    """
    row = state.row("SELECT document, built_in, compartment, state FROM namespaces WHERE id = ?", guid)
    if row is None:
        raise Refused(ELEMENT_NOT_FOUND, f"namespace {guid}")
    return Namespace(json.loads(row[0]), bool(row[1]), row[2], row[3])


def delete(state: State, guid: str) -> None:
    """Delete the namespace; its endpoints live on in none.

    Raises:
        Refused: 0x80070490, there is none; 0x803B0015, a container is registered in it.
    """
    namespace = load(state, guid)
    if namespace.built_in:
        refuse_unless_zero(state.options.host_default_delete_hresult, "the host's own namespace")
    if containers.of_namespace(state, guid):
        mark = ("UPDATE namespaces SET state = ? WHERE id = ?", (_REFUSED_TO_GO, guid))
        raise Refused(REQUEST_UNSUPPORTED, "a container is registered in it", mark)
    state.run("UPDATE endpoints SET namespace = NULL, joined = 0 WHERE namespace = ?", guid)
    state.run("DELETE FROM namespaces WHERE id = ?", guid)
    events.happened(state, events.NAMESPACE_DELETE, guid)


def modify(state: State, guid: str, given: Document) -> None:
    """Change the namespace as the request says ("ModifyNamespaceSettingRequest")."""
    load(state, guid)
    request = folded(given, ("ResourceType", "RequestType", "Settings"))
    resource = enum_name(request.get("ResourceType", 0), _RESOURCES, REQUEST_UNSUPPORTED)
    kind = enum_name(request.get("RequestType", 0), REQUEST_TYPES, REQUEST_UNSUPPORTED)
    settings = request.get("Settings", {})
    settings = folded(settings if isinstance(settings, dict) else {}, ("EndpointId", "ContainerId"))
    if resource == "Endpoint" and kind == "Add":
        add_endpoint(state, guid, guid_of(settings.get("EndpointId")))
    elif resource == "Endpoint" and kind == "Remove":
        remove_endpoint(state, guid, guid_of(settings.get("EndpointId")))
    elif resource == "Container" and kind == "Add":
        containers.start(state, guid, text_member(settings, "ContainerId"))
    elif resource == "Container" and kind == "Remove":
        containers.unregister(state, guid, text_member(settings, "ContainerId"))
    else:
        raise Refused(REQUEST_UNSUPPORTED, f"{resource} {kind}")


def add_endpoint(state: State, guid: str, endpoint_id: str) -> None:
    """Put an endpoint into the namespace; it is attached when a container runs there, at once if one does.

    Raises:
        Refused: 0x803B0002, no such endpoint; 0x803B002B, another namespace has it; a remote one fits in
        none.
    """
    load(state, guid)
    endpoint = endpoints.load(state, endpoint_id)
    if endpoint.remote:
        refuse_unless_zero(state.options.remote_attach_hresult, f"{endpoint_id} is remote")
    if endpoint.namespace == guid:
        refuse_unless_zero(state.options.member_again_hresult, f"{endpoint_id} is there")
        return
    if endpoint.namespace:
        refuse_unless_zero(
            state.options.second_namespace_hresult, f"{endpoint_id} is in {endpoint.namespace}"
        )
    state.run("UPDATE endpoints SET namespace = ?, joined = ? WHERE id = ?", guid, state.seq, endpoint_id)
    containers.hot_add(state, guid, endpoint_id)


def remove_endpoint(state: State, guid: str, endpoint_id: str) -> None:
    """Take an endpoint out of the namespace.

    Raises:
        Refused: 0x80070490 (or as the option says), it is not there.
    """
    row = state.row("SELECT namespace, containers FROM endpoints WHERE id = ?", endpoint_id)
    if guid == ZERO_GUID or row is None or row[0] != guid:
        refuse_unless_zero(state.options.remove_absent_hresult, f"{endpoint_id} is not in it")
        return
    state.run("UPDATE endpoints SET namespace = NULL, joined = 0 WHERE id = ?", endpoint_id)
    if row[1] != "[]":
        endpoints.set_state(state, endpoint_id, endpoints.DETACHED, [])
