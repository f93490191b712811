"""What happens to the node as a whole: the service restarts, the machine restarts, objects go astray.

What HNS keeps it loads again at its start; networks with the flag EnableNonPersistent are gone, and so is a
NAT network after a reboot from Windows Server 2019 on. Every open handle is dead afterwards.
"""

from __future__ import annotations

import json

from cni_hns.simulator.core import endpoints, events, ip_helper, loadbalancers, networks, routes
from cni_hns.simulator.core.compute import restart as compute_restart
from cni_hns.simulator.core.documents import Document, new_guid
from cni_hns.simulator.core.errors import Refused
from cni_hns.simulator.core.removal import remove_endpoint
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.subnets import gateway_of, subnets
from cni_hns.simulator.core.versions import has_feature

__all__ = ["lose", "reboot", "restart", "swap"]

_ENABLE_NON_PERSISTENT = 8


def restart(state: State, lost: list[str]) -> None:
    """The service stops and starts; the objects named are not loaded again."""
    state.run("UPDATE node SET generation = generation + 1")
    state.generation += 1
    state.run("DELETE FROM ghosts")
    state.run("DELETE FROM late")  # what it was doing is not finished
    for guid, flags, text in state.rows("SELECT id, flags, document FROM networks"):
        if flags & _ENABLE_NON_PERSISTENT or _gateway_in_the_way(state, json.loads(text)):
            networks.delete(state, guid)
    state.run("UPDATE loadbalancers SET reloaded = 1")
    for name in lost:
        lose(state, name)
    events.happened(state, events.SERVICE_DISCONNECT, "")


def reboot(state: State, lost: list[str]) -> None:
    """The machine stops and starts: containers and compartments are gone too."""
    state.run("UPDATE node SET boot = boot + 1")
    state.boot += 1
    state.run("DELETE FROM containers")
    compute_restart.reboot(state)
    ip_helper.forget_routes(state)
    state.run("UPDATE endpoints SET state = ?, containers = '[]' WHERE state IN (2, 3)", endpoints.DETACHED)
    state.run("UPDATE namespaces SET compartment = 0 WHERE built_in = 0")
    if not state.options.namespaces_survive_reboot:
        state.run("DELETE FROM namespaces WHERE built_in = 0")
        state.run("UPDATE endpoints SET namespace = NULL, joined = 0")
    if has_feature("NatForgottenAtBoot", state.version):
        for (guid,) in state.rows("SELECT id FROM networks WHERE type = 'NAT'"):
            networks.delete(state, guid)
    restart(state, lost)


def lose(state: State, name: str) -> int:
    """Delete every object with this GUID or name, whoever uses it; how many there were."""
    key, found = name.strip("{}").lower(), 0
    for (guid,) in state.rows("SELECT id FROM networks WHERE id = ? OR name = ?", key, name):
        networks.delete(state, guid)
        found += 1
    for (guid,) in state.rows("SELECT id FROM endpoints WHERE id = ? OR name = ?", key, name):
        remove_endpoint(state, guid)
        found += 1
    if state.row("SELECT 1 FROM namespaces WHERE id = ?", key):
        state.run("UPDATE endpoints SET namespace = NULL, joined = 0 WHERE namespace = ?", key)
        state.run("DELETE FROM containers WHERE namespace = ?", key)
        found += state.run("DELETE FROM namespaces WHERE id = ?", key)
    for delete in (loadbalancers.delete, routes.delete):
        try:
            delete(state, key)
            found += 1
        except Refused:
            continue
    return found


def swap(state: State, name: str) -> str:
    """Delete the network of this name and make it again: same name, another ID, no endpoints; the new ID."""
    row = state.row("SELECT id, adapter FROM networks WHERE name = ?", name)
    if row is None:
        return ""
    kept = networks.load(state, row[0])
    networks.delete(state, row[0])
    kept["ID"] = new_guid()
    state.run(
        "INSERT INTO networks VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
        kept["ID"],
        name,
        kept["Type"],
        row[1],
        kept["Flags"],
        state.seq,
        json.dumps(kept),
    )
    return str(kept["ID"])


def _gateway_in_the_way(state: State, kept: Document) -> bool:
    """A gateway that a loopback adapter has too keeps the network from loading (reported to Azure)."""
    return any(gateway_of(subnet) in state.options.loopback_addresses for subnet in subnets(kept))
