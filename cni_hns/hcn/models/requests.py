"""What is asked of an object or of all objects: queries and changes.

https://learn.microsoft.com/virtualization/api/hcn/HNS_Schema
"""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from cni_hns.hcn.models.objects import Dns, HostComputeLoadBalancer, IpSubnet, Subnet
from cni_hns.hcn.models.policies import EndpointPolicy, NetworkPolicy
from cni_hns.schema import Boolean, Document, Guid, Number, Schema, Word, word

__all__ = [
    "EndpointModifyRequest",
    "EndpointPolicies",
    "Extension",
    "HostComputeQuery",
    "IpSubnets",
    "LoadBalancerModifyRequest",
    "ModifyRequest",
    "NamespaceContainer",
    "NamespaceEndpoint",
    "NamespaceModifyRequest",
    "NetworkModifyRequest",
    "NetworkPolicies",
    "Port",
    "RequestType",
    "Subnets",
]


class HostComputeQuery(Document):
    """A query: the schema version selects the shape of the answer. `filter` is itself a JSON text."""

    schema_version: Schema = Schema()
    flags: Annotated[int, Field(ge=0, le=1)] = 0
    filter: str = ""

    @field_validator("filter")
    @classmethod
    def _is_an_object(cls, text: str) -> str:
        if text and not isinstance(json.loads(text), dict):
            raise ValueError("a filter is the text of a JSON object")
        return text


class RequestType(Word):
    """What to do with the resource."""

    ADD = "Add"
    REMOVE = "Remove"
    UPDATE = "Update"
    REFRESH = "Refresh"
    RESET = "Reset"


RequestWord = Annotated[RequestType | str | Number, word(RequestType)]


class NetworkPolicies(Document):
    """Policies to add to, remove from or change on a network."""

    policies: tuple[NetworkPolicy, ...] = ()


class EndpointPolicies(Document):
    """Policies to add to, remove from or replace on an endpoint."""

    policies: tuple[EndpointPolicy, ...] = ()


class Extension(Document):
    """A switch extension."""

    needed: ClassVar[tuple[str, ...]] = ("Id",)

    id: Guid = ""
    is_enabled: Boolean = False


class Subnets(Document):
    """Subnets to add, or to remove by their IDs (schema 2.6)."""

    subnets: tuple[Subnet, ...] = ()


class IpSubnets(Document):
    """Parts of a subnet to add or remove (schema 2.6)."""

    needed: ClassVar[tuple[str, ...]] = ("SubnetId",)

    subnet_id: Guid = ""
    ip_subnets: tuple[IpSubnet, ...] = ()


class Port(Document):
    """A port of a virtual machine; its NIC is called "<machine id>--<endpoint id>"."""

    port_id: Guid = ""
    virtual_nic_name: str = ""
    virtual_machine_id: Guid = ""


class NamespaceEndpoint(Document):
    """An endpoint to put into a namespace, or to take out of it."""

    needed: ClassVar[tuple[str, ...]] = ("EndpointId",)

    endpoint_id: Guid = ""


class NamespaceContainer(Document):
    """A container to register in a namespace; the Host Compute System does it by itself."""

    needed: ClassVar[tuple[str, ...]] = ("ContainerId",)

    container_id: str = ""


class ModifyRequest(Document):
    """A change of one resource of an object; its `Settings` have the model that the resource has."""

    needed: ClassVar[tuple[str, ...]] = ("ResourceType", "RequestType")
    table: ClassVar[tuple[tuple[str, type[Document]], ...]] = ()

    resource_uri: str = ""
    # By name, or by its position in the table.
    resource_type: str | int = ""
    request_type: RequestWord = RequestType.ADD
    settings: SerializeAsAny[Document] = Document()

    @field_validator("resource_type")
    @classmethod
    def _by_name(cls, value: str | int) -> str | int:
        if isinstance(value, int):
            return cls.table[value][0] if 0 <= value < len(cls.table) else value
        return next((name for name, _ in cls.table if name.lower() == value.lower()), value)

    @field_validator("settings", mode="before")
    @classmethod
    def _by_resource(cls, value: Any, info: ValidationInfo) -> Any:
        model = dict(cls.table).get(info.data.get("resource_type", ""), Document)
        return model.model_validate(value)


class NetworkModifyRequest(ModifyRequest):
    """A change of a network."""

    table = (
        ("DNS", Dns),
        ("Extension", Extension),
        ("Policy", NetworkPolicies),
        ("Subnet", Subnets),
        ("IPSubnet", IpSubnets),
    )


class EndpointModifyRequest(ModifyRequest):
    """A change of an endpoint. Update replaces all policies of the kinds given, Add appends."""

    table = (("Port", Port), ("Policy", EndpointPolicies))


class NamespaceModifyRequest(ModifyRequest):
    """A change of a namespace."""

    table = (("Container", NamespaceContainer), ("Endpoint", NamespaceEndpoint))


class LoadBalancerModifyRequest(HostComputeLoadBalancer):
    """A load balancer is changed by sending it whole."""
