"""Plugins of others in a file: those that have no build for Windows, and names that are nearly a plugin's.

Source: containernetworking/plugins, plugins/linux_only.txt and build_windows.sh.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any

from . import fields
from .findings import Finding
from .recognise import NAMES, dialect_of
from .spelling import near

__all__ = ["for_linux_only", "of_the_chain", "without_windows_build"]

_INSTEAD = {
    "portmap": "this plugin maps ports by itself, with the capability portMappings",
    "bandwidth": "this plugin limits bandwidth by itself, with the capability bandwidth",
    "tuning": "this plugin sets the MAC address (capability mac) and the MTU (mtu) by itself",
    "firewall": "write ACL entries into this plugin's policies",
    "sbr": "",
    "vrf": "",
}
_MAIN = ("bridge", "dummy", "host-device", "ipvlan", "loopback", "macvlan", "ptp", "tap", "vlan")
_IPAM = ("dhcp",)
_LINUX_ONLY = (*_INSTEAD, *_MAIN, *_IPAM)
_OTHERS = ("flannel", "host-local", "static")


def for_linux_only(name: object) -> bool:
    """Whether that is a plugin of which there is a build for Linux only."""
    return isinstance(name, str) and name.lower().removesuffix(".exe") in _LINUX_ONLY


def without_windows_build(name: str) -> str:
    """What becomes of a configuration that names such a plugin, and what to write instead."""
    bare = name.lower().removesuffix(".exe")
    instead = _INSTEAD.get(bare, "")
    return (
        f"{fields.shown(name)} has no build for Windows: every ADD fails there (libcni: failed to find "
        f'plugin "{name}" in path). Take it out{f"; {instead}" if instead else ""}'
    )


def of_the_chain(document: Mapping[str, Any]) -> list[Finding]:
    """Of the plugins in a list that are not ours: those that Windows cannot have, and misspelt names."""
    plugins = document.get("plugins")
    found = []
    for index, plugin in enumerate(plugins if isinstance(plugins, list) else []):
        name = fields.fold(plugin).get("type") if isinstance(plugin, Mapping) else None
        if not isinstance(name, str) or not name or dialect_of(plugin) is not None:
            continue
        path = f"plugins[{index}].type"
        guess = near(name, (*NAMES, *_OTHERS, *_LINUX_ONLY))
        if for_linux_only(name):
            found.append(Finding(path, without_windows_build(name), "warning"))
        elif guess and guess.lower() != name.lower().removesuffix(".exe"):
            message = f'{fields.shown(name)} is another program; did you mean "{guess}"?'
            found.append(Finding(path, message, "warning"))
    return found
