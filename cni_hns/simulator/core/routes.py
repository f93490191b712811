"""SDN routes ("HcnCreateSdnRoute": bound by hcsshim and Microsoft's SDN module, without a page)."""

from __future__ import annotations

import json

from cni_hns.simulator.core.documents import Document, folded, guid_of, list_of
from cni_hns.simulator.core.errors import ELEMENT_NOT_FOUND, ENDPOINT_NOT_FOUND, INVALID_POLICY, Refused
from cni_hns.simulator.core.identity import birth, chosen_id
from cni_hns.simulator.core.network_documents import read_schema_version
from cni_hns.simulator.core.policies import endpoint_policies
from cni_hns.simulator.core.store import State

__all__ = ["create", "delete", "load", "modify"]


def create(state: State, argument: str, given: Document) -> str:
    """Make an SDN route; its ID.

    Raises:
        Refused: 0x803B0002, it names an endpoint that is not there; 0x803B000D, it holds no route.
    """
    document = _read(state, given)
    document["ID"] = chosen_id(state, "routes", argument, document)
    state.run("INSERT INTO routes VALUES (?, ?)", document["ID"], json.dumps(document))
    return str(document["ID"])


def load(state: State, guid: str) -> Document:
    """The SDN route as HNS keeps it.

    Raises:
        Refused: 0x80070490, there is none.
    """
    row = state.row("SELECT document FROM routes WHERE id = ?", guid)
    if row is None:
        raise Refused(ELEMENT_NOT_FOUND, f"SDN route {guid}")
    document: Document = json.loads(row[0])
    return document


def delete(state: State, guid: str) -> None:
    """Delete an SDN route."""
    load(state, guid)
    state.run("DELETE FROM routes WHERE id = ?", guid)


def modify(state: State, guid: str, given: Document) -> None:
    """Change an SDN route: a whole document, or a request with settings."""
    before = load(state, guid)
    request = folded(given, ("RequestType", "Settings"))
    settings = request.get("Settings")
    wanted = settings if isinstance(settings, dict) and "RequestType" in request else given
    after = {**before, **_read(state, {**before, **wanted}), "ID": guid}
    state.run("UPDATE routes SET document = ? WHERE id = ?", json.dumps(after), guid)


def _read(state: State, given: Document) -> Document:
    # The schema calls the list Routes, hcsshim Setting: both are read.
    document = folded(
        given,
        ("ID", "HostComputeEndpoints", "Routes", "HostComputeNetwork", "SchemaVersion"),
        {"setting": "Routes"},
    )
    members = [guid_of(guid) for guid in list_of(document, "HostComputeEndpoints", str)]
    for guid in members:
        if state.row("SELECT 1 FROM endpoints WHERE id = ?", guid) is None:
            raise Refused(ENDPOINT_NOT_FOUND, guid)
    wrapped = [{"Type": "SDNRoute", "Settings": item} for item in list_of(document, "Routes")]
    if not wrapped:
        raise Refused(INVALID_POLICY, "no Routes")
    return {
        "ID": document.get("ID", ""),
        "HostComputeEndpoints": members,
        "Routes": [policy["Settings"] for policy in endpoint_policies(state, wrapped)],
        "HostComputeNetwork": document.get("HostComputeNetwork", ""),
        "SchemaVersion": read_schema_version(document),
        **birth(state),
    }
