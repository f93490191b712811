"""Which place a CNI_NETNS, or a row of the ledger, means. HNS V1 is loaded for who needs it only."""

from __future__ import annotations

from cni_hns.attachment.in_namespace import Namespace
from cni_hns.cni.errors import BAD_VARIABLE, CniError
from cni_hns.cni.namespace import docker_netns, namespace_fault, namespace_guid
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.place import Place
    from cni_hns.hcn.views import EndpointView
    from cni_hns.ledger import AttachmentRow

__all__ = ["asked", "named", "of_row", "of_view"]


def asked(netns: str, container_id: str, *, hns_v1: bool) -> Place:
    """The place that an ADD or CHECK means; `hns_v1`: whether the configuration lets it be a container.

    Raises: CniError, code 4.
    """
    docker = docker_netns(netns)
    if docker is None:
        return Namespace(namespace_guid(netns))
    if not hns_v1:
        raise CniError(
            BAD_VARIABLE,
            namespace_fault(netns, hns_v1=False) or "",
            "only win-bridge's and win-overlay's configurations without apiVersion 2 let HNS V1 do it",
        )
    return _container(container_id, docker)


def named(netns: str, container_id: str) -> Place | None:
    """The place that a DEL names, whatever the configuration says by now; None for what is none."""
    docker = docker_netns(netns)
    if docker is not None:
        return _container(container_id, docker)
    try:
        return Namespace(namespace_guid(netns)) if netns else None
    except CniError:
        return None


def of_row(row: AttachmentRow) -> Place | None:
    """The place of an attachment that was added; None where that is not known."""
    if row.v1_netns is not None:
        return _container(row.key.container_id, row.v1_netns)
    return Namespace(row.namespace_id) if row.namespace_id else None


def of_view(view: EndpointView, container_id: str) -> Place | None:
    """Where an endpoint is that no row names; None where it is nowhere."""
    if view.namespace is not None:
        return Namespace(view.namespace)
    return _container(container_id, "none") if view.containers else None


def _container(container_id: str, netns: str) -> Place:
    from cni_hns.attachment.in_container import Container

    return Container(container_id, netns)
