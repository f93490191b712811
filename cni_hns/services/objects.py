"""Services and EndpointSlices as `kubectl get svc,endpointslices -A -o json` saves them.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/
Only what kube-proxy looks at is read; members that are not known here are left alone.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from cni_hns.binding.reading import is_address
from cni_hns.services.frontend import protocol_number

__all__ = ["ClusterService", "Member", "NotObjects", "Objects", "ServicePort", "objects_of"]

_SERVICE_NAME = "kubernetes.io/service-name"
_OTHER_PROXY = "service.kubernetes.io/service-proxy-name"
_PRESERVE = "preserve-destination"
_NO_CLUSTER_IP = ("", "None")


class NotObjects(ValueError):
    """The text is no list of Kubernetes objects; `str()` says where it is not."""


class ServicePort(NamedTuple):
    """`target` is the pods' port; 0 where it is a name, which each pod may give another number."""

    name: str
    protocol: int
    port: int
    node_port: int
    target: int


class Member(NamedTuple):
    """One endpoint of a slice, for one port of the service. `target` is its own number of that port."""

    address: str
    node: str
    target: int
    is_ready: bool
    is_serving: bool
    is_terminating: bool


class ClusterService(NamedTuple):
    """A Service that kube-proxy serves, and its endpoints by port name and family."""

    namespace: str
    name: str
    cluster_ips: tuple[str, ...]
    external_ips: tuple[str, ...]
    ingress_ips: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    is_internal_local: bool
    is_external_local: bool
    has_affinity: bool
    preserves_destination: bool
    health_check_port: int
    members: dict[tuple[str, bool], list[Member]]

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"


class Objects(NamedTuple):
    """The Services of a file. `is_whole`: it has the one that every cluster has, so all are there."""

    services: list[ClusterService]

    @property
    def is_whole(self) -> bool:
        return any(one.full_name == "default/kubernetes" for one in self.services)

    def named(self, full_name: str) -> ClusterService | None:
        return next((one for one in self.services if one.full_name == full_name), None)


class _Read(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class _Metadata(_Read):
    name: str
    namespace: str = "default"
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Port(_Read):
    name: str | None = None
    protocol: str | None = None
    port: int | None = None
    node_port: int | None = None
    target_port: int | str | None = None


class _Spec(_Read):
    cluster_ip: str = Field(default="", alias="clusterIP")
    cluster_ips: list[str] | None = Field(default=None, alias="clusterIPs")
    external_ips: list[str] | None = Field(default=None, alias="externalIPs")
    ports: list[_Port] | None = None
    type: str = "ClusterIP"
    internal_traffic_policy: str | None = None
    external_traffic_policy: str | None = None
    session_affinity: str | None = None
    health_check_node_port: int | None = None


class _Ingress(_Read):
    ip: str | None = None


class _Balancer(_Read):
    ingress: list[_Ingress] | None = None


class _Status(_Read):
    load_balancer: _Balancer = _Balancer()


class _Service(_Read):
    metadata: _Metadata
    spec: _Spec
    status: _Status = _Status()


class _Conditions(_Read):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class _Endpoint(_Read):
    addresses: list[str]
    conditions: _Conditions = _Conditions()
    node_name: str | None = None


class _Slice(_Read):
    metadata: _Metadata
    address_type: str
    endpoints: list[_Endpoint] | None = None
    ports: list[_Port] | None = None


def objects_of(text: str) -> Objects:
    """The Services in the text with their endpoints; headless ones and other proxies' are left out.

    Raises:
        NotObjects: it is no JSON, no List, or an object has another shape.
    """
    try:
        document = json.loads(text)
        items = document["items"] if document.get("kind", "").endswith("List") else [document]
        services = [_Service.model_validate(one) for one in items if one["kind"] == "Service"]
        slices = [_Slice.model_validate(one) for one in items if one["kind"] == "EndpointSlice"]
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(one) for one in first["loc"])
        raise NotObjects(f"{fault.title.strip('_')}: {place}: {first['msg']}") from fault
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise NotObjects("it is no JSON list of Kubernetes objects") from fault
    return Objects([_read(one, slices) for one in services if _is_served(one)])


def _is_served(service: _Service) -> bool:
    spec = service.spec
    is_other = _OTHER_PROXY in (service.metadata.labels or {})
    return spec.type != "ExternalName" and spec.cluster_ip not in _NO_CLUSTER_IP and not is_other


def _read(service: _Service, slices: list[_Slice]) -> ClusterService:
    meta, spec = service.metadata, service.spec
    own = [
        one
        for one in slices
        if one.metadata.namespace == meta.namespace
        and (one.metadata.labels or {}).get(_SERVICE_NAME) == meta.name
    ]
    annotation = (meta.annotations or {}).get(_PRESERVE, "")
    return ClusterService(
        namespace=meta.namespace,
        name=meta.name,
        cluster_ips=_addresses(spec.cluster_ips or [spec.cluster_ip]),
        external_ips=_addresses(spec.external_ips or []),
        ingress_ips=_addresses([one.ip or "" for one in service.status.load_balancer.ingress or ()]),
        ports=tuple(_port(one) for one in spec.ports or ()),
        is_internal_local=spec.internal_traffic_policy == "Local",
        is_external_local=spec.external_traffic_policy == "Local",
        has_affinity=spec.session_affinity == "ClientIP",
        preserves_destination=annotation.lower() == "true",
        health_check_port=spec.health_check_node_port or 0,
        members=_members(own),
    )


def _addresses(texts: list[str]) -> tuple[str, ...]:
    """An ingress may have a host name instead, of which kube-proxy makes nothing."""
    return tuple(one for one in texts if is_address(one))


def _port(port: _Port) -> ServicePort:
    target = port.target_port if isinstance(port.target_port, int) else 0
    protocol = protocol_number(port.protocol or "TCP") or 0
    return ServicePort(port.name or "", protocol, port.port or 0, port.node_port or 0, target)


def _members(slices: list[_Slice]) -> dict[tuple[str, bool], list[Member]]:
    found: dict[tuple[str, bool], list[Member]] = {}
    for one in slices:
        # A slice of host names is for nobody's load balancer.
        usable = [each for each in one.endpoints or () if _addresses(each.addresses[:1])]
        for port in one.ports or ():
            members = found.setdefault((port.name or "", one.address_type == "IPv6"), [])
            members += [_member(endpoint, port.port or 0) for endpoint in usable]
    return found


def _member(endpoint: _Endpoint, target: int) -> Member:
    """A condition that is not given: ready, serving as it is ready, and not terminating (the API's page)."""
    conditions = endpoint.conditions
    ready = conditions.ready is not False
    serving = ready if conditions.serving is None else conditions.serving
    # kube-proxy takes the first; the others are not for it.
    address = endpoint.addresses[0]
    return Member(address, endpoint.node_name or "", target, ready, serving, bool(conditions.terminating))
