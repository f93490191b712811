"""Giving up the node's network where its podCIDR is another one by now: never while a pod is on it.

Rule: what only this node's agent and kube-proxy have on the network goes with it; all else is a pod's.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import NotFound
from cni_hns.binding.reading import member
from cni_hns.cluster import conflist, host_endpoint, network, source_vip
from cni_hns.cluster.network_faults import HeldByPods

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cni_hns.cluster.network_faults import Unfitting
    from cni_hns.cluster.wanted import NetworkWanted
    from cni_hns.node.node import Node

__all__ = ["held_by", "make_way", "may_be_remade", "remove"]


def make_way(
    fault: Unfitting,
    wanted: NetworkWanted,
    pod_cidrs: Sequence[str],
    node: Node,
    *,
    folder: str,
    file_name: str,
) -> None:
    """No pod comes to the network any more, those that are there can go, and once they are gone so is it.

    The file in `folder` first says what the network will be: so an ADD is refused from now on, and a DEL is
    not. It goes when the last pod has gone; whoever makes the network anew writes it as its last step.

    Raises:
        HeldByPods: the network stays until they are gone.
        NetworkFault, OSError, ServiceError, LedgerFault: the next call goes on from there.
    """
    if conflist.is_written(folder, file_name):
        needed = network.prefixes(wanted, pod_cidrs, node)
        conflist.write(folder, file_name, conflist.document_for(wanted, needed))
    holders = held_by(node, fault.name, fault.network_id)
    if holders:
        raise HeldByPods(fault.name, holders)
    conflist.withdraw(folder, file_name)
    remove(node, fault.name, fault.network_id)


def held_by(node: Node, name: str, network_id: str) -> list[str]:
    """What keeps this network from being made anew, a line for each pod or endpoint; none: nothing does.

    Raises: ServiceError, LedgerFault: it cannot be told, so nothing may be removed.
    """
    return [*_attachments(node, name, network_id), *_endpoints(node, name, network_id)]


def may_be_remade(node: Node, name: str, network_id: str) -> bool:
    """Whether nothing is on the network but what the agent and kube-proxy have there."""
    return not held_by(node, name, network_id)


def remove(node: Node, name: str, network_id: str) -> None:
    """The network, what the agent has on it, and the reservation for kube-proxy are gone.

    kube-proxy's endpoints of other nodes' pods go with the network; it makes them on the next one when it is
    started again.

    Raises:
        HeldByPods: nothing was removed.
        ServiceError, LedgerFault: the next call goes on from there.
    """
    holders = held_by(node, name, network_id)
    if holders:
        raise HeldByPods(name, holders)
    host_endpoint.remove(name, node)
    source_vip.remove(name, node)
    with contextlib.suppress(NotFound):
        node.hcn.networks.delete(network_id)
    network.forget(node, name)


def _attachments(node: Node, name: str, network_id: str) -> Iterator[str]:
    for row in node.ledger.attachments():
        is_on_it = row.hcn_network_id == network_id or (
            row.hcn_network_id is None and row.key.network == name
        )
        if is_on_it and row.phase != "tombstone":
            yield row.words()


def _endpoints(node: Node, name: str, network_id: str) -> Iterator[str]:
    """Those that no row names are pods', too: another plugin's, or of a ledger that was lost."""
    known = node.ledger.endpoint_ids() | {source_vip.own_id(name), host_endpoint.own_id(name)}
    kept = set(source_vip.reserved(name, node))
    for one in node.hns.endpoints():
        if str(member(one, "VirtualNetwork")).lower() != network_id or member(one, "IsRemoteEndpoint"):
            continue
        guid = str(member(one, "ID")).lower()
        if guid not in known and not _is_kube_proxys(one, kept):
            yield f'endpoint "{member(one, "Name")}" ({guid}, {member(one, "IPAddress")})'


def _is_kube_proxys(endpoint: dict[str, Any], kept: set[str]) -> bool:
    """The source VIP that it made by itself has the address that is kept for it."""
    return member(endpoint, "IPAddress") in kept
