"""The functions of the service by name: what each does with its texts.

An argument is a text, or None for NULL; in place of a handle stands the GUID of the object that it is for.
"""

from __future__ import annotations

from collections.abc import Callable

from cni_hns.simulator.core import (
    endpoint_changes,
    endpoints,
    loadbalancers,
    namespaces,
    network_changes,
    networks,
    queries,
    rest,
    routes,
    statistics,
    systems,
)
from cni_hns.simulator.core.documents import Document, parse, written
from cni_hns.simulator.core.store import State

__all__ = ["WORK", "Work"]

Work = Callable[[State, list[str | None]], str]


def _document(arguments: list[str | None]) -> Document:
    return parse(arguments[-1])


def _network_create(state: State, arguments: list[str | None]) -> str:
    return networks.create(state, arguments[0] or "", _document(arguments))


def _endpoint_create(state: State, arguments: list[str | None]) -> str:
    return endpoints.create(state, arguments[0] or "", arguments[1] or "", _document(arguments))


def _namespace_create(state: State, arguments: list[str | None]) -> str:
    return namespaces.create(state, arguments[0] or "", _document(arguments))


def _load_balancer_create(state: State, arguments: list[str | None]) -> str:
    return loadbalancers.create(state, arguments[0] or "", _document(arguments))


def _route_create(state: State, arguments: list[str | None]) -> str:
    return routes.create(state, arguments[0] or "", _document(arguments))


def _opening(load: Callable[[State, str], object]) -> Work:
    def work(state: State, arguments: list[str | None]) -> str:
        load(state, arguments[0] or "")
        return arguments[0] or ""

    return work


def _deleting(delete: Callable[[State, str], None]) -> Work:
    def work(state: State, arguments: list[str | None]) -> str:
        delete(state, arguments[0] or "")
        return ""

    return work


def _modifying(modify: Callable[[State, str, Document], None]) -> Work:
    def work(state: State, arguments: list[str | None]) -> str:
        modify(state, arguments[0] or "", _document(arguments))
        return ""

    return work


def _querying(family: str) -> Work:
    def work(state: State, arguments: list[str | None]) -> str:
        return written(queries.view(state, family, arguments[0] or "", arguments[1]))

    return work


def _enumerating(family: str) -> Work:
    def work(state: State, arguments: list[str | None]) -> str:
        return written(queries.select(state, family, arguments[0]))

    return work


def _statistics(state: State, arguments: list[str | None]) -> str:
    return written(statistics.statistics_of(state, arguments[0] or ""))


def _addresses(state: State, arguments: list[str | None]) -> str:
    return written(statistics.addresses_of(state, arguments[0] or ""))


def _hns_call(state: State, arguments: list[str | None]) -> str:
    return rest.answer(state, arguments[0] or "", arguments[1] or "", arguments[2] or "")


def _delete_endpoint(state: State, guid: str) -> None:
    endpoints.delete(state, guid)


def _system_modify(state: State, arguments: list[str | None]) -> str:
    systems.modify(state, arguments[0] or "", arguments[1])
    return ""


def _registering(_state: State, _arguments: list[str | None]) -> str:
    return ""


WORK: dict[str, Work] = {
    "HcnCreateNetwork": _network_create,
    "HcnCreateEndpoint": _endpoint_create,
    "HcnCreateNamespace": _namespace_create,
    "HcnCreateLoadBalancer": _load_balancer_create,
    "HcnCreateSdnRoute": _route_create,
    "HcnOpenNetwork": _opening(networks.usable),
    "HcnOpenEndpoint": _opening(endpoints.load),
    "HcnOpenNamespace": _opening(namespaces.load),
    "HcnOpenLoadBalancer": _opening(loadbalancers.load),
    "HcnOpenSdnRoute": _opening(routes.load),
    "HcnModifyNetwork": _modifying(network_changes.modify),
    "HcnModifyEndpoint": _modifying(endpoint_changes.modify),
    "HcnModifyNamespace": _modifying(namespaces.modify),
    "HcnModifyLoadBalancer": _modifying(loadbalancers.modify),
    "HcnModifySdnRoute": _modifying(routes.modify),
    "HcnDeleteNetwork": _deleting(networks.delete),
    "HcnDeleteEndpoint": _deleting(_delete_endpoint),
    "HcnDeleteNamespace": _deleting(namespaces.delete),
    "HcnDeleteLoadBalancer": _deleting(loadbalancers.delete),
    "HcnDeleteSdnRoute": _deleting(routes.delete),
    **{f"HcnQuery{family}Properties": _querying(family) for family in queries.FAMILIES},
    **{f"HcnEnumerate{family}s": _enumerating(family) for family in queries.FAMILIES},
    "HcnQueryEndpointStats": _statistics,
    "HcnQueryEndpointAddresses": _addresses,
    "HNSCall": _hns_call,
    "HcnRegisterServiceCallback": _registering,
    "HcnUnregisterServiceCallback": _registering,
    "HcsOpenComputeSystem": _opening(systems.opened),
    "HcsModifyComputeSystem": _system_modify,
}
