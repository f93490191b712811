"""The file that containerd loads for the pods' network: written whole, once the network is ready for an ADD.

Rule 1: a file of this name that the agent did not write is not lost: one of this plugin is kept beside it,
one of another plugin is left, and the fault says so.
Rule 2: an unchanged file is not written: containerd loads its folder anew for each change.
Rule 3: it is not taken away from under pods: containerd needs it to remove them.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cluster.network_faults import Occupied
from cni_hns.cluster.patience import Waiting
from cni_hns.cluster.wanted import configuration
from cni_hns.cni.errors import CniError
from cni_hns.cni.request import Request
from cni_hns.cni.variables import Variables
from cni_hns.verbs import status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cni_hns.cluster.network import ClusterNetwork
    from cni_hns.cluster.wanted import NetworkWanted
    from cni_hns.node.node import Node

__all__ = [
    "FILE_NAME",
    "before_it",
    "document",
    "document_for",
    "is_written",
    "not_ready",
    "withdraw",
    "write",
]

FILE_NAME = "10-cni-hns.conflist"

# libcni's ConfFiles: these suffixes and no others.
_LOADED = (".conf", ".conflist", ".json")
_NEW, _KEPT = ".tmp", ".before-agent"
_PLUGIN = "cni-hns"
# `args` is the specification's place for what no plugin has to know.
_MARK = {_PLUGIN: {"writtenBy": "agent"}}

# Windows replaces no file that another process has open without FILE_SHARE_DELETE, as Go opens files.
_SHARING_S = 5.0 if os.name == "nt" else 0.0


def document(wanted: NetworkWanted, network: ClusterNetwork) -> dict[str, Any]:
    """The configuration list for this network. Its name is the network's.

    It does not let an ADD make the network: there is one maker, who makes the routes, too.
    """
    able = wanted._replace(loopback_dsr=wanted.loopback_dsr and network.can_loop_back)
    return document_for(able, network.prefixes)


def document_for(wanted: NetworkWanted, prefixes: Sequence[str]) -> dict[str, Any]:
    """The same for a network of these prefixes. While another one is there, ADD and STATUS refuse it, and DEL
    works: so pods can go, and none comes.
    """
    plugin = configuration(wanted, prefixes, create=False)
    return {
        "cniVersion": "1.0.0",
        "cniVersions": ["1.0.0", "1.1.0"],
        "name": wanted.name,
        "plugins": [{**plugin, "args": _MARK}],
    }


def not_ready(listed: dict[str, Any], node: Node) -> str:
    """Why an ADD with this configuration list would fail now, by what STATUS looks at; "" where it would not.

    Raises: ServiceError, LedgerFault: STATUS could not look.
    """
    (plugin,) = listed["plugins"]
    config = {"cniVersion": listed["cniVersion"], "name": listed["name"], **plugin}
    variables = Variables("STATUS", "", "", "", "", [])
    request = Request(variables, config["cniVersion"], config["name"], config, b"", None, {})
    try:
        status.run(request, node)
    except CniError as fault:
        return str(fault)
    return ""


def write(folder: str, name: str, listed: dict[str, Any], waiting: Waiting | None = None) -> bool:
    """Have this document under this name, on the disk when this returns; whether it had to be written.

    Raises:
        Occupied: another plugin's file has the name.
        OSError: the file cannot be written; what was there is there still.
    """
    path, text = os.path.join(folder, name), json.dumps(listed, indent=2) + "\n"
    there = _There.of(path)
    _drop_left_over(path)
    if there.text == text:
        return False
    _refuse_others(path, there)
    os.makedirs(folder, exist_ok=True)
    if there.text and not there.is_of_agent:
        _lay(path + _KEPT, there.text, waiting)
    _lay(path, text, waiting)
    return True


def withdraw(folder: str, name: str, waiting: Waiting | None = None) -> bool:
    """Have no file of the agent's under this name; whether there was one.

    Only where no pod is on the node: without a configuration containerd removes none either
    (containerd/containerd issue 8774). `document_for` says how to let pods go and none come.

    Raises: OSError: it cannot be deleted.
    """
    path = os.path.join(folder, name)
    _drop_left_over(path)
    if not _There.of(path).is_of_agent:
        return False
    _with_patience(lambda: os.unlink(path), waiting or Waiting())
    return True


def is_written(folder: str, name: str) -> bool:
    """Whether a file of the agent's has this name. Raises: OSError: it cannot be read."""
    return _There.of(os.path.join(folder, name)).is_of_agent


def before_it(folder: str, name: str) -> list[str]:
    """The files that libcni takes before this one, by their names: containerd loads the first alone.

    Raises: OSError: the folder cannot be read.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    # Go compares bytes, which for UTF-8 is the order of code points.
    return sorted(one for one in names if one.endswith(_LOADED) and one < name)


class _There(NamedTuple):
    """What lies under the name: "" where nothing does.

    `types` are those of its plugins, None where it is no configuration list.
    """

    text: str
    types: list[str] | None
    is_of_agent: bool

    @classmethod
    def of(cls, path: str) -> _There:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except FileNotFoundError:
            return cls("", None, is_of_agent=False)
        try:
            plugins = json.loads(text)["plugins"]
            types = [str(one["type"]) for one in plugins]
        except (ValueError, KeyError, TypeError):
            return cls(text, None, is_of_agent=False)
        return cls(text, types, is_of_agent=len(plugins) == 1 and plugins[0].get("args") == _MARK)


def _refuse_others(path: str, there: _There) -> None:
    if not there.text or (there.types and there.types[0] == _PLUGIN):
        return
    what = f"is a configuration of {', '.join(there.types)}" if there.types else "is no configuration list"
    raise Occupied(
        f'"{path}" {what}, and was not written by the agent',
        f"move it away, or give the agent another file name; containerd loads names that end in "
        f"{', '.join(_LOADED)}",
    )


def _drop_left_over(path: str) -> None:
    """What a killed agent had not finished."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + _NEW)


def _lay(path: str, text: str, waiting: Waiting | None) -> None:
    """The file, whole: what is killed in between leaves a name that nobody loads."""
    new = path + _NEW
    with open(new, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _with_patience(lambda: os.replace(new, path), waiting or Waiting())


def _with_patience(change: Callable[[], None], waiting: Waiting) -> None:
    """Raises: PermissionError: it was refused for too long."""
    refused: list[PermissionError] = []

    def done() -> bool:
        try:
            change()
        except PermissionError as fault:
            refused.append(fault)
            return False
        return True

    if not waiting.until(done, _SHARING_S):
        raise refused[-1]
