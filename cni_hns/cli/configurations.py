"""Network configuration files as a runtime reads them: a single object, or our plugin out of a list,
or out of flannel's object.

Source: CNI SPEC, section 1, "Network configuration format", section 3, "Deriving execution configuration".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cni_hns.cli.failure import Failure
from cni_hns.cni.configuration import read_document
from cni_hns.cni.errors import CniError
from cni_hns.cni.protocol import SUPPORTED
from cni_hns.dialects.file_plugins import plugins_of
from cni_hns.dialects.file_text import read_file

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
    data = read_bytes(path)
    try:
        document = read_document(data)
    except CniError as fault:
        _, findings = read_file(data)
        words = "; ".join(finding.message for finding in findings)
        raise Failure(f'"{path}" cannot be used: {words}') from fault
    plugins = plugins_of(document)
    if not plugins:
        raise Failure(f'"{path}" lists no plugin that this program stands for: see "plugins[].type"')
    return {**plugins[0].config, "name": document.get("name"), "cniVersion": _newest_version(document)}


def _newest_version(document: dict[str, Any]) -> str:
    """The version that a runtime of today selects: the newest in `cniVersions`, else `cniVersion`."""
    offered = document.get("cniVersions")
    known = [version for version in SUPPORTED if isinstance(offered, list) and version in offered]
    written = document.get("cniVersion")
    return known[-1] if known else written if isinstance(written, str) else ""
