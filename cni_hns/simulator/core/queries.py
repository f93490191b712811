"""Queries ("HostComputeQuery"): which shape is asked for, and which objects a filter selects.

The filter is a text that holds a JSON object; its keys are property names, V1's for an endpoint's network,
compared by equality. Enumerate answers with the GUIDs of what matches, whatever the schema version.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from cni_hns.simulator.core import views_v1, views_v2
from cni_hns.simulator.core.documents import Document, folded, number_of, object_of, parse
from cni_hns.simulator.core.errors import INVALID_JSON, PARAMETER_INCORRECT, Refused
from cni_hns.simulator.core.store import State

__all__ = ["FAMILIES", "Family", "select", "view"]

_View = Callable[[State, str], Document]


class Family(NamedTuple):
    """One kind of object: its table and its two views."""

    table: str
    v2: _View
    v1: _View


FAMILIES = {
    "Network": Family("networks", views_v2.network, views_v1.network),
    "Endpoint": Family("endpoints", views_v2.endpoint, views_v1.endpoint),
    "Namespace": Family("namespaces", views_v2.namespace, views_v1.namespace),
    "LoadBalancer": Family("loadbalancers", views_v2.load_balancer_view, views_v1.policy_list),
    "SdnRoute": Family("routes", views_v2.sdn_route, views_v1.policy_list),
}

# Properties that have an index; all others are compared in the documents.
_INDEXED = {
    "networks": {"id": "id", "name": "name"},
    "endpoints": {
        "id": "id",
        "name": "name",
        "virtualnetwork": "network",
        "hostcomputenetwork": "network",
        "hostcomputenamespace": "namespace",
    },
    "namespaces": {"id": "id"},
    "loadbalancers": {"id": "id"},
    "routes": {"id": "id"},
}
# Microsoft's own WSL asks for an endpoint with a NULL query, and reads V1's members from the answer.
_V1_WITHOUT_A_QUERY = "Endpoint"
_STATES = tuple(str(number) for number in range(7))
_GUID_COLUMNS = ("id", "network", "namespace")


def view(state: State, family: str, guid: str, query: str | None) -> Document:
    """The object in the shape that the query asks for: schema major 1 is V1's, everything else V2's.

    An endpoint is shown in V1's to who asks without any query.
    """
    kind = FAMILIES[family]
    wanted = _read(state, query)
    old = _version(state, wanted) == 1 or (query is None and family == _V1_WITHOUT_A_QUERY)
    return (kind.v1 if old else kind.v2)(state, guid)


def select(state: State, family: str, query: str | None) -> list[str]:
    """The GUIDs of all objects that the query's filter selects."""
    wanted = _filter(_read(state, query))
    kind = FAMILIES[family]
    where, values, rest = _where(kind.table, wanted)
    rows = state.rows(f"SELECT id FROM {kind.table} {where} ORDER BY rowid", *values)  # noqa: S608 - our own names
    return [guid for (guid,) in rows if not rest or _matches(state, kind, guid, rest)]


def _read(state: State, query: str | None) -> Document:
    if query is None and not state.options.null_query_accepted:
        raise Refused(PARAMETER_INCORRECT, "no query")
    return folded(parse(query), ("SchemaVersion", "Flags", "Filter")) if query else {}


def _version(state: State, query: Document) -> int:
    given = folded(object_of(query, "SchemaVersion"), ("Major",))
    return number_of(given.get("Major", 0), "Major") or int(state.options.default_query_schema)


def _filter(query: Document) -> dict[str, Any]:
    text = query.get("Filter", "")
    if not isinstance(text, str):
        raise Refused(INVALID_JSON, "Filter is a text")
    return {name.lower(): value for name, value in parse(text).items()} if text else {}


def _where(table: str, wanted: dict[str, Any]) -> tuple[str, list[Any], dict[str, Any]]:
    parts: list[str] = []
    values: list[Any] = []
    rest: dict[str, Any] = {}
    for name, value in wanted.items():
        column = _INDEXED[table].get(name)
        if name == "virtualnetworkname" and table == "endpoints" and isinstance(value, str):
            parts.append("network IN (SELECT id FROM networks WHERE name = ?)")
            values.append(value)
        elif name == "state" and table == "endpoints" and str(value) in _STATES:
            parts.append("state = ?")
            values.append(int(value))
        elif column and isinstance(value, str):
            parts.append(f"{column} = ?")
            values.append(_guid_text(value) if column in _GUID_COLUMNS else value)
        else:
            rest[name] = value
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), values, rest


def _guid_text(text: str) -> str:
    return text.strip("{}").lower()


def _matches(state: State, kind: Family, guid: str, rest: dict[str, Any]) -> bool:
    """Any other property: equal in the V2 document or in the V1 one."""
    views = [_lower(kind.v2(state, guid)), _lower(kind.v1(state, guid))]
    return all(
        any(name in each and _equal(each[name], value) for each in views) for name, value in rest.items()
    )


def _lower(document: Document) -> Document:
    return {name.lower(): value for name, value in document.items()}


def _equal(kept: Any, wanted: Any) -> bool:
    if isinstance(kept, str) and isinstance(wanted, str):
        return kept == wanted or _guid_text(kept) == _guid_text(wanted)
    if isinstance(kept, dict | list) and isinstance(wanted, str):
        return bool(json.dumps(kept) == wanted)
    return bool(kept == wanted)
