"""Network configuration files as a runtime reads them: a single object, or our plugin out of a list.

Source: CNI SPEC, section 1, "Network configuration format", section 3, "Deriving execution configuration".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cni_hns.cli.failure import Failure
from cni_hns.cni.configuration import read_document
from cni_hns.cni.errors import CniError
from cni_hns.cni.protocol import SUPPORTED
from cni_hns.dialects.findings import ConfigFault
from cni_hns.dialects.recognise import recognise

__all__ = ["plugin_configuration", "read_bytes"]


def read_bytes(path: str) -> bytes:
    """What the file holds.

    Raises:
        Failure: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as fault:
        raise Failure(f'"{path}" cannot be read: {fault.strerror or fault}') from fault


def plugin_configuration(path: str) -> dict[str, Any]:
    """What this plugin gets on stdin from a runtime that loads the file.

    Raises:
        Failure: the file cannot be used, or names no plugin that this program stands for.
    """
    try:
        document = read_document(read_bytes(path))
    except CniError as fault:
        raise Failure(str(fault).replace("on stdin", f'in "{path}"')) from fault
    if "plugins" not in document:
        return {**document, "cniVersion": _newest_version(document)}
    plugins = document["plugins"]
    for plugin in plugins if isinstance(plugins, list) else []:
        if isinstance(plugin, dict) and _is_ours(plugin):
            return {**plugin, "name": document.get("name"), "cniVersion": _newest_version(document)}
    raise Failure(f'"{path}" lists no plugin that this program stands for: see "plugins[].type"')


def _newest_version(document: dict[str, Any]) -> str:
    """The version that a runtime of today selects: the newest in `cniVersions`, else `cniVersion`."""
    offered = document.get("cniVersions")
    known = [version for version in SUPPORTED if isinstance(offered, list) and version in offered]
    written = document.get("cniVersion")
    return known[-1] if known else written if isinstance(written, str) else ""


def _is_ours(plugin: dict[str, Any]) -> bool:
    try:
        recognise(plugin)
    except ConfigFault:
        return False
    return True
