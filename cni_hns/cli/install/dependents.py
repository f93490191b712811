"""Who still needs the plugin: attachments in the ledgers, and configurations that a runtime may load.

Without the program every DEL fails, and its pods stay in Terminating.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cli.failure import Failure
from cni_hns.cli.install.configuration import loaded
from cni_hns.cli.programs import programs_of
from cni_hns.cni.errors import CniError
from cni_hns.dialects.fields import fold
from cni_hns.dialects.file_plugins import plugins_of
from cni_hns.dialects.file_text import read_file
from cni_hns.ipam.held import shared_folders
from cni_hns.ledger import LedgerBusy, LedgerFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cni_hns.cli.session import Session
    from cni_hns.ledger import Ledger

__all__ = ["Held", "held", "naming", "reasons"]

_ALIVE = ("adding", "ready", "deleting")


class Held(NamedTuple):
    """What the ledgers hold: attachments that have no DEL yet, and addresses that host-local does not know.

    Both by network. `unreadable` are ledgers of which nobody can tell, each with the fault.
    """

    attachments: dict[str, int]
    unknown_to_host_local: dict[str, int]
    unreadable: list[str]


def naming(conf_dir: str, vanishing: Iterable[str]) -> dict[str, str]:
    """The configurations of the folder that name a program which goes: path -> that program's file name.

    Every file that a runtime may load counts, not the first alone: the next one counts when the first goes.
    """
    gone = {_folded(name) for name in vanishing}
    found = {}
    for path, document in _documents(conf_dir):
        named = next((one for one in programs_of(document) if _folded(one) in gone), None)
        if named:
            found[path] = named
    return found


def held(session: Session, conf_dir: str) -> Held:
    """What is in this node's ledger, and in those that a `dataDir` of the folder's configurations names."""
    total = Held({}, {}, [])
    for data_dir in (None, *_data_dirs(conf_dir)):
        path = session.ledger_path(data_dir, None)
        try:
            ledger = session.ledger_if_any(data_dir, None)
            if ledger is None:
                continue
            with closing(ledger):  # it may be deleted next
                _count(ledger, total)
        except (LedgerFault, LedgerBusy, CniError) as fault:
            total.unreadable.append(f"{path}: {fault}")
    return total


def reasons(there: Held, configurations: Mapping[str, str]) -> list[str]:
    """Why the program should stay, a line each with what to do first; [] where nobody needs it."""
    said = [
        f'{count} attachments on network "{network}" have had no DEL: without the program none succeeds, and '
        "their pods stay in Terminating. Drain the node first (see them by: cni-hns pod list)"
        for network, count in there.attachments.items()
    ]
    said += [
        f"{path} names {program}, which would be missing: delete that file, or give it a name that ends in "
        "none of .conf, .conflist, .json"
        for path, program in configurations.items()
    ]
    return said + [
        f"nobody can tell which attachments are alive: ledger {fault}" for fault in there.unreadable
    ]


def _count(ledger: Ledger, total: Held) -> None:
    for row in ledger.attachments():
        if row.phase in _ALIVE:
            network = row.key.network
            total.attachments[network] = total.attachments.get(network, 0) + 1
    networks = [lease.network for lease in ledger.leases() if lease.origin in {"allocated", "reserved"}]
    for network in dict.fromkeys(networks):
        if not shared_folders(ledger, network):
            before = total.unknown_to_host_local.get(network, 0)
            total.unknown_to_host_local[network] = before + networks.count(network)


def _data_dirs(conf_dir: str) -> list[str]:
    found = [
        fold(plugin.config).get("datadir")
        for _, document in _documents(conf_dir)
        for plugin in plugins_of(document)
    ]
    return [one for one in dict.fromkeys(found) if isinstance(one, str) and os.path.isabs(one)]


def _documents(conf_dir: str) -> list[tuple[str, dict[str, Any]]]:
    """Each file with what can be read of it."""
    found = []
    try:
        paths = loaded(conf_dir, 0)
    except Failure:
        return []
    for path in paths:
        try:
            with open(path, "rb") as file:
                document, _ = read_file(file.read())
        except OSError:
            continue
        if document is not None:
            found.append((path, document))
    return found


def _folded(name: str) -> str:
    """A program's name as a runtime looks for it: `.exe` is added, and Windows knows no case."""
    bare = name[:-4] if name.lower().endswith(".exe") else name
    return bare.lower() if os.name == "nt" else bare
