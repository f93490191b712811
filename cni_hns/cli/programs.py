"""The executables that a runtime starts for a configuration: which of them the plugin folders lack.

Source: CNI SPEC, section 3, and libcni's search (on Windows `<type>.exe`, then `<type>`, in each folder of
CNI_PATH).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.dialects import fields
from cni_hns.dialects.essentials import ipam_kind
from cni_hns.dialects.findings import Finding
from cni_hns.dialects.flannel import hand_on, is_flannel
from cni_hns.dialects.recognise import NATIVE, dialect_of, is_native

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["PEERS", "missing_programs", "programs_of", "stands_in_for"]

PEERS = ("win-bridge", "win-overlay", "nat", "sdnbridge", "sdnoverlay")


def stands_in_for(name: str) -> bool:
    """Whether this program, under that file name, is the plugin that configurations of the name ask for."""
    return not is_native({"type": name})


def missing_programs(
    document: Mapping[str, Any], folders: Sequence[str], expected: Iterable[str] = ()
) -> list[Finding]:
    """An error for each program of the file that no folder has; `expected` ones are about to be put there."""
    there = {name.lower() for name in expected} if os.name == "nt" else set(expected)
    return [
        Finding(needed.path, _said(needed, folders))
        for needed in _needed(document)
        if not any(_is_there(name, folders, there) for name in _file_names(needed.name))
    ]


def programs_of(document: Mapping[str, Any]) -> list[str]:
    """The names of all programs that a runtime starts for the file, IPAM's and flannel's among them."""
    return [needed.name for needed in _needed(document)]


class _Needed(NamedTuple):
    """A program's name, where it stands in the file, and whether it has to be an IPAM plugin."""

    path: str
    name: str
    gives_addresses: bool = False


def _file_names(name: str) -> list[str]:
    return [f"{name}.exe", name] if os.name == "nt" else [name]


def _is_there(name: str, folders: Sequence[str], expected: set[str]) -> bool:
    named = name.lower() if os.name == "nt" else name
    return named in expected or any(os.path.isfile(os.path.join(folder, name)) for folder in folders)


def _said(needed: _Needed, folders: Sequence[str]) -> str:
    where = " and in ".join(folders)
    missing = f"{_file_names(needed.name)[0]} is missing in {where}"
    bare = needed.name.lower().removesuffix(".exe")
    if needed.gives_addresses:
        return f"{missing}: put the IPAM plugin there, or correct the name"
    if bare == NATIVE:
        return f"{missing}: put it there by cni-hns install"
    if stands_in_for(needed.name):
        return f"{missing}: put this program there under that name by cni-hns install --as {bare}"
    return f"{missing}: put that plugin there, or take it out of the configuration"


def _needed(document: Mapping[str, Any]) -> Iterator[_Needed]:
    if "plugins" not in document:
        yield from _of_plugin(document, "")
        return
    plugins = document["plugins"]
    for index, plugin in enumerate(plugins if isinstance(plugins, list) else []):
        if isinstance(plugin, Mapping):
            yield from _of_plugin(plugin, f"plugins[{index}].")


def _of_plugin(plugin: Mapping[str, Any], prefix: str) -> Iterator[_Needed]:
    yield from _named(plugin.get("type"), f"{prefix}type")
    if is_flannel(plugin):
        yield from _named(hand_on(plugin).config.get("type"), f"{prefix}delegate.type")
        return
    value = fields.fold(plugin).get("ipam")
    if not isinstance(value, Mapping):
        return
    kind, program = ipam_kind(fields.fold(value))
    if kind == "delegate" or (kind == "builtin" and dialect_of(plugin) is None):
        for needed in _named(program, f"{prefix}ipam.type"):
            yield needed._replace(gives_addresses=True)


def _named(name: object, path: str) -> Iterator[_Needed]:
    """What is no file name is a fault that the checks of the configuration find."""
    if isinstance(name, str) and name and not any(char in name for char in '/\\:*?"<>|'):
        yield _Needed(path, name)
