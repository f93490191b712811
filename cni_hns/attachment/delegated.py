"""The external IPAM plugin of a configuration: from a request to what it is asked, and to what it gave."""

from __future__ import annotations

import os

from cni_hns.cni.errors import BAD_VARIABLE, INVALID_CONFIG, NOT_READY, CniError
from cni_hns.dialects.essentials import ipam_source
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cni_hns.attachment.addresses import Given
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.cni.request import Request
    from cni_hns.ipam.delegate import Delegate
    from cni_hns.node.node import Node

__all__ = [
    "addresses_of",
    "external_type",
    "plugin_for_network",
    "plugin_of",
    "require_plugin",
    "require_ready",
]


def plugin_of(attachment: Attachment, netns: str) -> Delegate | None:
    """The plugin, to be asked for this attachment; None where this plugin or HNS assigns."""
    variables = attachment.request.variables
    key = attachment.key
    own = {"CNI_CONTAINERID": key.container_id, "CNI_IFNAME": key.ifname, "CNI_NETNS": netns}
    # A repair deletes other attachments than the one that the arguments are for.
    if (key.container_id, key.ifname) == (variables.container_id, variables.ifname):
        own["CNI_ARGS"] = variables.args
    return _plugin(attachment.request, attachment.node, own)


def plugin_for_network(request: Request, node: Node) -> Delegate | None:
    """The plugin, to be asked for the whole network (GC, STATUS); None where there is none."""
    return _plugin(request, node, {})


def require_plugin(attachment: Attachment) -> None:
    """Raises: CniError, where CNI_PATH has no such plugin; nothing is asked."""
    from cni_hns.ipam.delegate import find_plugin

    plugin_type = external_type(attachment.request.config)
    if plugin_type is not None:
        find_plugin(plugin_type, attachment.request.variables.path)


def external_type(config: dict[str, Any]) -> str | None:
    """The external plugin's name; None where this plugin or HNS assigns. Lenient: DEL has no plan."""
    source = ipam_source(config)
    return source.type if source.kind == "delegate" else None


def addresses_of(plugin: Delegate) -> Given:
    """Ask the plugin for addresses, routes and DNS; its DEL is what undoes even a failed ADD.

    Raises:
        CniError: the plugin's own, code 7 where it gave no address.
    """
    from cni_hns.attachment.addresses import Given, addresses_in

    result = plugin.add()
    if not result.ips:
        raise CniError(
            INVALID_CONFIG,
            f'IPAM plugin "{plugin.type}" gave no address',
            "give it a range; without any ipam the HNS network assigns addresses itself",
        )
    return Given(
        addresses=addresses_in(result),
        routes=[
            {"dst": route.dst, "gw": route.gw, "priority": route.priority or None} for route in result.routes
        ],
        dns=result.dns._asdict(),
    )


def require_ready(plugin: Delegate) -> None:
    """Pass STATUS on. Raises: CniError, why the plugin could give no address; code 50 where there is none."""
    from cni_hns.ipam.delegate import find_plugin

    try:
        find_plugin(plugin.type, plugin.path)
    except CniError as fault:
        if fault.code != BAD_VARIABLE:
            raise
        raise CniError(NOT_READY, fault.msg, fault.details) from fault
    plugin.status()


def _plugin(request: Request, node: Node, own: dict[str, str]) -> Delegate | None:
    plugin_type = external_type(request.config)
    if plugin_type is None:
        return None
    from cni_hns.attachment.secrets import secrets_of
    from cni_hns.ipam.delegate import Delegate

    variables = request.variables
    nobody = {"CNI_CONTAINERID": "", "CNI_IFNAME": "", "CNI_NETNS": "", "CNI_ARGS": ""}
    return Delegate(
        type=plugin_type,
        path=variables.path,
        config=request.raw,
        version=request.version,
        variables={**nobody, **own, "CNI_PATH": os.pathsep.join(variables.path)},
        secrets=secrets_of(request),
        deadline=node.deadline,
        log=node.log,
    )
