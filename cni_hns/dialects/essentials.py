"""The little that DEL and GC read of a configuration, which may be changed or broken by now.

Rule: nothing here raises and nothing is validated: what an ADD made has to go with whatever configuration
is there.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from . import fields

__all__ = ["BUILT_IN", "IpamSource", "host_local_folder", "ipam_kind", "ipam_source"]

BUILT_IN = ("cni-hns", "host-local")

HOST_LOCAL_FOLDER = "/var/lib/cni/networks"


class IpamSource(NamedTuple):
    """Who gave the address.

    `kind` is one of IpamPlan's kinds; "dhcp" is called "hns" here, as neither leaves anything to release.
    `type` is the plugin's name. `host_local_folder` is where host-local may hold addresses of this network,
    if it may.
    """

    kind: str
    type: str
    host_local_folder: str | None


def ipam_source(config: Mapping[str, Any]) -> IpamSource:
    """The source of addresses in a configuration of any dialect."""
    value = fields.fold(config).get("ipam")
    ipam = fields.fold(value) if isinstance(value, Mapping) else {}
    kind, plugin = ipam_kind(ipam)
    folder = host_local_folder(plugin, ipam.get("datadir")) if kind == "builtin" else None
    return IpamSource(kind, plugin, folder)


def ipam_kind(ipam: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, type) of an `ipam` object with folded keys."""
    plugin = ipam.get("type")
    if not isinstance(plugin, str) or not plugin:
        return "hns", ""
    bare = plugin.lower().removesuffix(".exe")
    if bare in BUILT_IN and ipam.get("delegate") is not True:
        return "builtin", bare
    return "delegate", plugin


def host_local_folder(plugin: str, configured: object) -> str | None:
    """The folder whose reservations are taken over: the configured one, else host-local's own default."""
    try:
        return fields.absolute_path(configured)
    except ValueError:
        return HOST_LOCAL_FOLDER if plugin == "host-local" else None
