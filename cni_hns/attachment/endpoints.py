"""One endpoint in HNS, as the verbs look at it and take it away.

Rule 1: "not there" is HNS's own word for it (`NotFound`); any other failure says nothing of the endpoint.
Rule 2: an endpoint is deleted by the ID that this plugin chose or a peer's name led to, never by address.
"""

from __future__ import annotations

from cni_hns.binding.errors import NotFound, ServiceError, Unreachable
from cni_hns.hcn.views import EndpointView
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cni_hns.attachment.place import Place
    from cni_hns.node.node import Node

__all__ = ["Removal", "delete", "detach_and_delete", "look_at", "unseen_detach", "whereabouts"]

# The functions that take an endpoint out of a namespace, or out of a container.
_DETACHING = ("HcnModifyNamespace", "HcsModifyComputeSystem")


def look_at(node: Node, endpoint_id: str, place: Place | None = None) -> EndpointView | None:
    """The endpoint as HNS shows it, None where HNS says that there is none; through the API of its place.

    Raises:
        ServiceError: for every other failure; it says nothing about whether the endpoint exists.
    """
    try:
        endpoints = place.family(node) if place is not None else node.hcn.endpoints
        return EndpointView.of(endpoints.get(endpoint_id))
    except NotFound:
        return None


def delete(node: Node, place: Place | None, endpoint_id: str) -> bool:
    """Delete the endpoint; False where HNS has none of this ID.

    Raises:
        ServiceError: HNS failed.
    """
    try:
        (place.family(node) if place is not None else node.hcn.endpoints).delete(endpoint_id)
    except NotFound:
        return False
    return True


def whereabouts(view: EndpointView) -> str:
    """Where it is, for a message."""
    if view.namespace is None and view.containers:
        return f"container {', '.join(view.containers)}"
    return f"namespace {view.namespace or 'none'}"


class Removal(NamedTuple):
    """An endpoint that is not there any more."""

    was_there: bool
    unseen: Unreachable | None = None
    """The detach whose end nobody saw. HNS may still do it: then it takes what has this ID by then."""


def detach_and_delete(node: Node, place: Place | None, endpoint_id: str) -> Removal:
    """Both, going on past a failed detach, which is a fault only while the endpoint is still there.

    Raises:
        ServiceError: it is still there. Of two faults it is the one after which HNS may still go on.
    """
    detach_fault: ServiceError | None = None
    if place is not None:
        try:
            place.take_out(node, endpoint_id)
        except ServiceError as fault:
            detach_fault = fault
    try:
        was_there = delete(node, place, endpoint_id)
    except ServiceError as fault:
        unseen = unseen_detach(detach_fault)
        if unseen is not None and not isinstance(fault, Unreachable):
            unseen.add_note(f"after that: {fault}")
            raise unseen from fault
        if detach_fault is not None:
            fault.add_note(f"before that: {detach_fault}")
        raise
    if detach_fault is not None:
        node.log.event(f"the endpoint was deleted without a detach: {detach_fault}", "warning")
    return Removal(was_there, unseen_detach(detach_fault))


def unseen_detach(fault: ServiceError | None) -> Unreachable | None:
    """This fault of a detach, if HNS may still do it: it went away when it was asked, and not before."""
    return fault if isinstance(fault, Unreachable) and fault.operation in _DETACHING else None
