"""Network configuration files as a runtime reads them, and what it makes of them for one plugin.

Source: CNI SPEC, section 1, "Network configuration format"; section 3, "Deriving request configuration from
plugin configuration"; where the two differ, what libcni really sends: `capabilities` stays in.
"""

from __future__ import annotations

import json
import ntpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cni_hns.conformance.versions import KNOWN, order

__all__ = [
    "CHAINED",
    "INTERFACE",
    "IPAM",
    "KINDS",
    "ConfigurationFault",
    "PluginConfiguration",
    "read_configuration",
]

INTERFACE = "interface"
IPAM = "ipam"
CHAINED = "chained"
KINDS = (INTERFACE, IPAM, CHAINED)


class ConfigurationFault(Exception):
    """The file cannot be used; `str()` says why."""


@dataclass(frozen=True)
class PluginConfiguration:
    """One plugin's part of a network configuration."""

    name: str
    version: str
    """What a runtime selects: the newest known one in `cniVersion` and `cniVersions`."""
    plugin: Mapping[str, Any]
    kind: str
    before: tuple[Mapping[str, Any], ...] = ()
    """The plugins before it in the list."""

    @property
    def capabilities(self) -> set[str]:
        declared = self.plugin.get("capabilities")
        return {key for key, on in declared.items() if on is True} if isinstance(declared, dict) else set()

    def earlier(self) -> list[PluginConfiguration]:
        """The plugins before a chained one, each as a runtime starts it."""
        listed = self.before if self.kind == CHAINED else ()
        return [
            PluginConfiguration(self.name, self.version, plugin, CHAINED if index else INTERFACE)
            for index, plugin in enumerate(listed)
        ]

    def request(self, version: str, runtime_config: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the plugin gets on stdin."""
        document = {**self.plugin, "name": self.name, "cniVersion": version}
        if runtime_config is not None:
            document["runtimeConfig"] = dict(runtime_config)
        return document


def read_configuration(
    path: str, program: str, type_: str | None = None, kind: str | None = None
) -> PluginConfiguration:
    """The part of the file that is `program`'s: the plugin of that name, or the one that uses it for IPAM.

    Raises:
        ConfigurationFault: it cannot be read, is none, or has no part for this program.
    """
    document = _read(path)
    name = document.get("name")
    if not (isinstance(name, str) and name):
        raise ConfigurationFault(f'"{path}" has no "name"')
    listed = document.get("plugins")
    plugins = listed if "plugins" in document else [document]
    if not (isinstance(plugins, list) and plugins and all(isinstance(one, dict) for one in plugins)):
        raise ConfigurationFault(f'"{path}": "plugins" is not a list of objects')
    position, found = _choose(path, plugins, program, type_)
    return PluginConfiguration(
        name=name,
        version=_selected(document),
        plugin=plugins[position],
        kind=kind or (CHAINED if found == INTERFACE and position > 0 else found),
        before=tuple(plugins[:position]),
    )


def _read(path: str) -> dict[str, Any]:
    try:
        document = json.loads(Path(path).read_bytes().decode("utf-8"))
    except OSError as fault:
        raise ConfigurationFault(f'"{path}" cannot be read: {fault.strerror or fault}') from fault
    except ValueError as fault:
        raise ConfigurationFault(f'"{path}" is not JSON: {fault}') from fault
    if not isinstance(document, dict):
        raise ConfigurationFault(f'"{path}" is not a JSON object')
    return document


def _choose(path: str, plugins: list[dict[str, Any]], program: str, type_: str | None) -> tuple[int, str]:
    """The plugin's position, and whether the program is the plugin itself or its IPAM."""
    wanted = _bare(type_ or program)
    for position, plugin in enumerate(plugins):
        if _bare(plugin.get("type")) == wanted:
            return position, INTERFACE
    for position, plugin in enumerate(plugins):
        ipam = plugin.get("ipam")
        if isinstance(ipam, dict) and _bare(ipam.get("type")) == wanted:
            return position, IPAM
    if len(plugins) == 1 and type_ is None:
        return 0, INTERFACE
    types = ", ".join(str(plugin.get("type")) for plugin in plugins)
    raise ConfigurationFault(
        f'"{path}" has plugins of type {types}, none of "{wanted}": choose one with --type'
    )


def _bare(name: object) -> str:
    """A program's name without folder and `.exe`; both separators, since the plugin may be a Windows one."""
    return ntpath.basename(name).lower().removesuffix(".exe") if isinstance(name, str) else ""


def _selected(document: Mapping[str, Any]) -> str:
    offered = document.get("cniVersions")
    stated = document.get("cniVersion")
    candidates = [*(offered if isinstance(offered, list) else []), stated]
    known = sorted((one for one in candidates if one in KNOWN), key=order)
    if known:
        return str(known[-1])
    # None at all is the oldest, as in libcni; an unknown one is left for the plugin to refuse.
    return stated if isinstance(stated, str) and stated else KNOWN[0]
