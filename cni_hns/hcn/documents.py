"""The documents that verbs send, built from plain values: small fixed shapes that need no model at run time.

The models of `cni_hns.hcn.models` are the truth of what HNS takes; tests hold what is made here against them.
https://learn.microsoft.com/windows-server/networking/technologies/hcn/hcn-json-document-schemas
"""

from __future__ import annotations

import json

from cni_hns.typed import Any

__all__ = ["add_endpoint", "add_policies", "query", "remove_endpoint"]


def query(filter_by: dict[str, Any] | None = None, schema_major: int = 2) -> dict[str, Any]:
    """A HostComputeQuery. The schema version decides the shape of the answer; the filter is JSON in JSON."""
    document: dict[str, Any] = {"SchemaVersion": {"Major": schema_major, "Minor": 0}, "Flags": 0}
    if filter_by:
        document["Filter"] = json.dumps(filter_by)
    return document


def add_endpoint(endpoint_id: str) -> dict[str, Any]:
    """The request that puts an endpoint into a namespace."""
    return _namespace_request("Add", endpoint_id)


def remove_endpoint(endpoint_id: str) -> dict[str, Any]:
    """The request that takes an endpoint out of a namespace."""
    return _namespace_request("Remove", endpoint_id)


def add_policies(policies: list[dict[str, Any]]) -> dict[str, Any]:
    """The request that gives an endpoint these policies besides its own."""
    return {"ResourceType": "Policy", "RequestType": "Add", "Settings": {"Policies": policies}}


def _namespace_request(change: str, endpoint_id: str) -> dict[str, Any]:
    return {"ResourceType": "Endpoint", "RequestType": change, "Settings": {"EndpointId": endpoint_id}}
