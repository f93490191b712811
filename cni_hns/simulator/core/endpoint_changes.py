"""Changing an endpoint ("ModifyEndpointSettingRequest"), and attaching it to what is no container."""

from __future__ import annotations

from cni_hns.simulator.core import endpoints
from cni_hns.simulator.core.documents import Document, enum_name, folded, guid_of, list_of
from cni_hns.simulator.core.errors import (
    DEGRADED,
    ENDPOINT_ALREADY_ATTACHED,
    ENDPOINT_NOT_ATTACHED,
    INVALID_REMOTE_OPERATION,
    POLICY_NOT_FOUND,
    REQUEST_UNSUPPORTED,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.network_changes import REQUEST_TYPES
from cni_hns.simulator.core.networks import load as load_network
from cni_hns.simulator.core.policies import endpoint_policies, refuse_repeated
from cni_hns.simulator.core.ports import map_ports, unmap_ports
from cni_hns.simulator.core.store import State

__all__ = ["attach", "detach", "modify", "set_policies", "share", "unshare"]

# In the order of the enum's numbers; the others of the schema belong to the inside of a virtual machine.
_RESOURCES = ("Port", "Policy")


def modify(state: State, guid: str, given: Document) -> None:
    """Change the endpoint as the request says.

    Raises:
        Refused: 0x803B0015 for what cannot be changed here, and what the change itself can be refused for.
    """
    endpoint = endpoints.load(state, guid)
    if endpoint.state == endpoints.DEGRADED_STATE:
        raise Refused(DEGRADED, guid)
    request = folded(given, ("ResourceType", "RequestType", "Settings"))
    resource = enum_name(request.get("ResourceType", 0), _RESOURCES, REQUEST_UNSUPPORTED)
    kind = enum_name(request.get("RequestType", 0), REQUEST_TYPES, REQUEST_UNSUPPORTED)
    settings = request.get("Settings", {})
    settings = settings if isinstance(settings, dict) else {}
    if resource == "Policy":
        given_policies = endpoint_policies(state, list_of(folded(settings, ("Policies",)), "Policies"))
        set_policies(state, endpoint, _changed(state, endpoint.document["Policies"], kind, given_policies))
    elif kind == "Add":
        port = folded(settings, ("PortId", "VirtualNicName", "VirtualMachineId"))
        for name in ("PortId", "VirtualMachineId"):
            if port.get(name):
                guid_of(port[name])
        attach(state, guid, f"vm {port.get('VirtualMachineId', '')}")
    elif kind == "Remove":
        detach(state, guid)
    else:
        raise Refused(REQUEST_UNSUPPORTED, f"Port {kind}")


def set_policies(state: State, endpoint: endpoints.Endpoint, policies: list[Document]) -> None:
    """Give the endpoint these policies instead of its own; the host ports change hands with them."""
    document = endpoint.document
    kind = load_network(state, endpoint.network)["Type"]
    unmap_ports(state, document["ID"])
    map_ports(state, kind, document["ID"], policies)
    document["Policies"] = policies
    endpoints.save(state, document)


def attach(state: State, guid: str, user: str) -> None:
    """Give the endpoint a port at the host or at a virtual machine.

    Raises:
        Refused: 0x803B0014, it has one (flannel and calico take this as done); a remote endpoint has none.
    """
    endpoint = _attachable(state, guid)
    if endpoint.state not in (endpoints.CREATED, endpoints.DETACHED):
        raise Refused(ENDPOINT_ALREADY_ATTACHED, guid)
    endpoints.set_state(state, guid, endpoints.ATTACHED, [])
    endpoint.document["user"] = user
    endpoints.save(state, endpoint.document)


def detach(state: State, guid: str) -> None:
    """Take the endpoint's port away.

    Raises:
        Refused: 0x803B0034, it has none.
    """
    endpoint = endpoints.load(state, guid)
    if endpoint.state in (endpoints.CREATED, endpoints.DETACHED):
        raise Refused(ENDPOINT_NOT_ATTACHED, guid)
    endpoints.set_state(state, guid, endpoints.DETACHED, [])
    endpoint.document.pop("user", None)
    endpoints.save(state, endpoint.document)


def share(state: State, guid: str, container: str) -> None:
    """Give the endpoint to one more container: Docker's way, where a pod's containers share one.

    Raises:
        Refused: 0x803B0014, this container, the host or a virtual machine has it.
    """
    endpoint = _attachable(state, guid)
    used_otherwise = not endpoint.containers and endpoint.state not in (endpoints.CREATED, endpoints.DETACHED)
    if used_otherwise or container in endpoint.containers:
        raise Refused(ENDPOINT_ALREADY_ATTACHED, guid)
    _set_users(state, guid, [*endpoint.containers, container])


def unshare(state: State, guid: str, container: str) -> None:
    """Take the endpoint from one container.

    Raises:
        Refused: the code of the option `v1_detach_absent_hresult`, this container does not have it.
    """
    users = endpoints.load(state, guid).containers
    if container not in users:
        refuse_unless_zero(state.options.v1_detach_absent_hresult, f"{guid} is not {container}'s")
    _set_users(state, guid, [user for user in users if user != container])


def _set_users(state: State, guid: str, users: list[str]) -> None:
    number = {0: endpoints.DETACHED, 1: endpoints.ATTACHED}.get(len(users), state.options.state_of_shared)
    endpoints.set_state(state, guid, number, users)


def _attachable(state: State, guid: str) -> endpoints.Endpoint:
    endpoint = endpoints.load(state, guid)
    if endpoint.remote:
        raise Refused(INVALID_REMOTE_OPERATION, guid)
    if endpoint.state == endpoints.DEGRADED_STATE:
        raise Refused(DEGRADED, guid)
    return endpoint


def _changed(state: State, policies: list[Document], kind: str, given: list[Document]) -> list[Document]:
    """Add appends; Update replaces all of the given kinds; Remove removes equal ones (Azure's model)."""
    if kind == "Add":
        refuse_repeated(state, "endpoint", [*policies, *given])
        return [*policies, *given]
    if kind == "Update":
        kinds = {policy["Type"] for policy in given}
        return [policy for policy in policies if policy["Type"] not in kinds] + given
    if kind != "Remove":
        raise Refused(REQUEST_UNSUPPORTED, f"Policy {kind}")
    left = list(policies)
    for policy in given:
        if policy not in left:
            raise Refused(POLICY_NOT_FOUND, f"{policy}")
        left.remove(policy)
    return left
