"""The external IPAM plugin of a configuration, asked what each verb has to ask it."""

from __future__ import annotations

import os

from cni_hns.cni.errors import BAD_VARIABLE, INVALID_CONFIG, NOT_READY, CniError
from cni_hns.dialects.essentials import ipam_source
from cni_hns.ipam.allocate import Allocated
from cni_hns.ipam.delegate import Delegate, find_plugin
from cni_hns.typed import TYPE_CHECKING, Any
from cni_hns.verbs.secrets import secrets_of

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.ledger import AttachmentKey
    from cni_hns.verbs.addition import Addition
    from cni_hns.verbs.node import Node
    from cni_hns.verbs.undo import Undo

__all__ = ["add", "check", "collect", "delete", "status"]


def add(adding: Addition, undo: Undo) -> None:
    """Ask the plugin for addresses, routes and DNS; its DEL is what undoes even a failed ADD.

    Raises:
        CniError: the plugin's own, code 4 where there is none, code 7 where it gave no address.
    """
    request, node = adding.request, adding.node
    plugin = _delegate(request, node, adding.plan.ipam.type, adding.key, request.variables.netns)
    # One that is not there has given nothing: its DEL would only fail as well.
    find_plugin(plugin.type, plugin.path)
    undo.push(f'the addresses of IPAM plugin "{plugin.type}"', plugin.delete)
    result = plugin.add()
    if not result.ips:
        raise CniError(
            INVALID_CONFIG,
            f'IPAM plugin "{plugin.type}" gave no address',
            "give it a range; without any ipam the HNS network assigns addresses itself",
        )
    adding.allocated = [
        Allocated(address, int(prefix), one.gateway, "")
        for one in result.ips
        for address, _, prefix in [one.address.partition("/")]
    ]
    adding.ipam_routes = [
        {"dst": route.dst, "gw": route.gw, "priority": route.priority or None} for route in result.routes
    ]
    adding.ipam_dns = result.dns._asdict()


def delete(request: Request, node: Node, key: AttachmentKey, netns: str) -> None:
    """Pass DEL on, where the configuration has an external plugin. Raises: CniError."""
    plugin_type = external_type(request.config)
    if plugin_type is not None:
        _delegate(request, node, plugin_type, key, netns).delete()


def check(plan: AttachmentPlan, request: Request, node: Node, key: AttachmentKey) -> None:
    """Pass CHECK on. Raises: CniError, what the plugin found."""
    if plan.ipam.kind == "delegate":
        _delegate(request, node, plan.ipam.type, key, request.variables.netns).check()


def collect(request: Request, node: Node) -> None:
    """Pass GC on. Raises: CniError."""
    plugin_type = external_type(request.config)
    if plugin_type is not None:
        _delegate(request, node, plugin_type, None, "").collect()


def status(plan: AttachmentPlan, request: Request, node: Node) -> None:
    """Pass STATUS on. Raises: CniError, why the plugin could give no address; code 50 where there is none."""
    if plan.ipam.kind != "delegate":
        return
    plugin = _delegate(request, node, plan.ipam.type, None, "")
    try:
        find_plugin(plugin.type, plugin.path)
    except CniError as fault:
        if fault.code != BAD_VARIABLE:
            raise
        raise CniError(NOT_READY, fault.msg, fault.details) from fault
    plugin.status()


def external_type(config: dict[str, Any]) -> str | None:
    """The external plugin's name; None where this plugin or HNS assigns. Lenient: DEL has no plan."""
    source = ipam_source(config)
    return source.type if source.kind == "delegate" else None


def _delegate(
    request: Request, node: Node, plugin_type: str, key: AttachmentKey | None, netns: str
) -> Delegate:
    variables = request.variables
    own = {"CNI_CONTAINERID": "", "CNI_IFNAME": "", "CNI_NETNS": netns, "CNI_ARGS": ""}
    own["CNI_PATH"] = os.pathsep.join(variables.path)
    if key is not None:
        own.update(CNI_CONTAINERID=key.container_id, CNI_IFNAME=key.ifname)
        # A repair deletes other attachments than the one that the arguments are for.
        if (key.container_id, key.ifname) == (variables.container_id, variables.ifname):
            own["CNI_ARGS"] = variables.args
    return Delegate(
        type=plugin_type,
        path=variables.path,
        config=request.raw,
        version=request.version,
        variables=own,
        secrets=secrets_of(request),
        deadline=node.deadline,
    )
