"""The little that DEL and GC read of a configuration, which may be changed or broken by now.

Rule: nothing here raises and nothing is validated: what an ADD made has to go with whatever configuration
is there.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from . import fields

__all__ = ["BUILT_IN", "IpamSource", "ipam_kind", "ipam_source"]

BUILT_IN = ("cni-hns", "host-local")


class IpamSource(NamedTuple):
    """Who gave the address.

    `kind` is one of IpamPlan's kinds; "dhcp" is called "hns" here, as neither leaves anything to release.
    `type` is the plugin's name. `shared_folder`: where each lease has a file of host-local's form; empty for
    host-local's own default, None where nothing is written. `read_folders`: where others' files count too.
    """

    kind: str
    type: str
    shared_folder: str | None
    read_folders: list[str]


def ipam_source(config: Mapping[str, Any]) -> IpamSource:
    """The source of addresses in a configuration of any dialect."""
    document = fields.fold(config)
    value = document.get("ipam")
    ipam = fields.fold(value) if isinstance(value, Mapping) else {}
    kind, plugin = ipam_kind(ipam)
    if kind != "builtin":
        return IpamSource(kind, plugin, None, [])
    named = _folder(ipam.get("datadir"))
    if plugin != "host-local":
        return IpamSource(kind, plugin, None, [named] if named else [])
    if named and _is_kept_from_host_local(document):
        return IpamSource(kind, plugin, "", [named])
    return IpamSource(kind, plugin, named, [])


def ipam_kind(ipam: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, type) of an `ipam` object with folded keys."""
    plugin = ipam.get("type")
    if not isinstance(plugin, str) or not plugin:
        return "hns", ""
    bare = plugin.lower().removesuffix(".exe")
    if bare in BUILT_IN and ipam.get("delegate") is not True:
        return "builtin", bare
    return "delegate", plugin


def _folder(configured: object) -> str:
    try:
        return fields.absolute_path(configured)
    except ValueError:
        return ""


def _is_kept_from_host_local(document: Mapping[str, Any]) -> bool:
    """Whether the peer does not pass `dataDir` on: nat, sdnbridge and sdnoverlay, but with dual stack."""
    from .recognise import is_wcn

    flags = document.get("optionalflags")
    dual = fields.fold(flags).get("enabledualstack") if isinstance(flags, Mapping) else False
    return is_wcn(document) and dual is not True
