"""A simulated node: its Host Network Service behind C functions, and the strings by which a test moves it.

    node = Simulator(folder, profile="server-2022")
    libraries = node.libraries()            # what the binding takes in place of Windows' DLLs
    node.inject(function="HcnCreateEndpoint", nth=2, hresult=0x803B002F)
    node.journal(), node.leaks(), node.dump()

The state lies in the folder and belongs to every process that opens it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.simulator.core import (
    containers,
    endpoints,
    faults,
    ip_helper,
    journal,
    lifecycle,
    loadbalancers,
    namespaces,
    networks,
    restoring,
    routes,
)
from cni_hns.simulator.core.documents import ZERO_GUID, Document, new_guid
from cni_hns.simulator.core.macs import dashed
from cni_hns.simulator.core.options import Options, checked
from cni_hns.simulator.core.profiles import options_of
from cni_hns.simulator.core.queries import FAMILIES
from cni_hns.simulator.core.service import Service
from cni_hns.simulator.core.store import State, Store
from cni_hns.simulator.machine import SimulatedMachine

if TYPE_CHECKING:
    from cni_hns.binding.libraries import Libraries
    from cni_hns.simulator.core.journal import Call
    from cni_hns.simulator.handles import Held

__all__ = ["Leak", "Simulator", "open_simulator"]

_CREATE = {
    "network": networks.create,
    "namespace": namespaces.create,
    "loadbalancer": loadbalancers.create,
    "sdnroute": routes.create,
}


class Leak(NamedTuple):
    """What a process did not give back, or did wrong: kind is handle, buffer or violation."""

    pid: int
    kind: str
    text: str


def open_simulator(folder: str, profile: str = "") -> Simulator:
    """The node in this folder as it is, or a new one with every option at its default.

    With a profile the node has its options from now on.

    Raises:
        UnknownProfile: there is none of this name.
    """
    return Simulator(folder, profile)


class Simulator:
    """One simulated node, in one folder."""

    def __init__(self, folder: str, profile: str = "", **options: Any) -> None:
        """Open the node in the folder, or make it; options given to an existing node change it from now on.

        A profile is a name for options that belong together; options beside it prevail.

        Raises:
            TypeError: an unknown option, with those that there are; UnknownProfile, which is one, alike.
        """
        self.folder = os.path.abspath(folder)
        given = checked({**options_of(profile), **options})
        self._store = Store(self.folder, given, _first_use)
        # Most processes name what the node is already: they write nothing.
        known = self.options
        if any(getattr(known, name) != value for name, value in given.items()):
            self.set_options(**given)
        self._service = Service(self._store)
        self._open_libraries: list[Any] = []

    def close(self) -> None:
        """Give up this process's connection to the node, and its libraries."""
        for libraries in self._open_libraries:
            libraries.close()
        self._store.close()

    def libraries(self) -> Libraries:
        """The DLLs, as the binding takes them; closing them writes down what was not given back."""
        from cni_hns.simulator.abi.libraries import SimulatedLibraries

        libraries = SimulatedLibraries(self._service)
        self._open_libraries.append(libraries)
        return libraries

    def machine(self) -> SimulatedMachine:
        """What the node says of itself."""
        return SimulatedMachine(self._store, self.folder)

    # The node

    @property
    def store(self) -> Store:
        """The node's memory, for who serves it."""
        return self._store

    @property
    def options(self) -> Options:
        """The options as they are."""
        return self._store.options()

    def set_options(self, **options: Any) -> None:
        """Change options from the next call on, for every process."""
        given = checked(options)
        with self._store.transaction() as state:
            ((text,),) = state.rows("SELECT options FROM node")
            state.run("UPDATE node SET options = ?", json.dumps({**json.loads(text), **given}))

    @property
    def adapters(self) -> list[Document]:
        """The node's physical and other adapters: name, kind, address, dns, suffix."""
        adapters: list[Document] = self.options.adapters
        return adapters

    @adapters.setter
    def adapters(self, adapters: list[Document]) -> None:
        self.set_options(adapters=adapters)

    def restart_hns(self, lose: list[str] | None = None) -> None:
        """The service restarts: handles die, what is not persistent goes, and so do the objects named."""
        with self._store.transaction() as state:
            lifecycle.restart(state, lose or [])

    def reboot(self, lose: list[str] | None = None) -> None:
        """The machine restarts: containers and compartments go too, and the boot id changes."""
        with self._store.transaction() as state:
            lifecycle.reboot(state, lose or [])

    # What HCS does

    def start_container(
        self, namespace: str, container_id: str, owner: str = "containerd-shim-runhcs-v1.exe"
    ) -> int:
        """HCS makes a container in the namespace: its endpoints are attached; the compartment's number.

        Raises:
            Refused: 0x803B002E, an endpoint cannot be attached; 0x80070490, no such namespace.
        """
        from cni_hns.simulator.core.compute import creation

        with self._store.transaction() as state:
            compartment = containers.start(state, namespace.lower(), container_id)
            creation.plant(state, container_id, owner, namespace.lower())
            return compartment

    def run_container(self, container_id: str, owner: str = "docker") -> None:
        """HCS makes a container in no namespace, as Docker has it: endpoints are attached to it by hand."""
        from cni_hns.simulator.core.compute import creation

        with self._store.transaction() as state:
            containers.run(state, container_id)
            creation.plant(state, container_id, owner, "")

    def stop_container(self, container_id: str, stuck: bool = False) -> None:
        """HCS ends a container; `stuck` leaves it registered, and its namespace cannot be deleted."""
        from cni_hns.simulator.core.compute import life, systems

        with self._store.transaction() as state:
            system = systems.named(state, container_id)
            if system is None:
                containers.stop(state, container_id, stuck)
            elif stuck:
                life.leak(state, system)
            else:
                life.end(state, system, life.TERMINATED)

    def crash_container(self, container_id: str) -> None:
        """The container crashes, which is told, and ends (0x80370106)."""
        from cni_hns.simulator.core.compute import life, systems

        with self._store.transaction() as state:
            system = systems.named(state, container_id)
            if system is not None:
                life.fail(state, system)

    def exit_process(self, container_id: str, process_id: int, exit_code: int) -> None:
        """A process in the container ends by itself."""
        from cni_hns.simulator.core.compute import processes, systems

        with self._store.transaction() as state:
            system = systems.named(state, container_id)
            if system is not None:
                processes.end(state, processes.numbered(state, system.run, process_id), exit_code)

    def restart_hcs(self) -> None:
        """The Host Compute Service restarts: containers go on running, and every handle of them is dead."""
        from cni_hns.simulator.core.compute import restart

        with self._store.transaction() as state:
            restart.restart(state)

    def let_pass(self, seconds: float) -> None:
        """What counts time in compute systems, their uptime and use, goes on by so much at once."""
        with self._store.transaction() as state:
            state.run("UPDATE compute SET clock_ahead_s = clock_ahead_s + ?", seconds)

    def degrade_endpoint(self, endpoint: str) -> None:
        """The endpoint's attach failed, or it did not load well: no container can be started on it."""
        with self._store.transaction() as state:
            endpoints.set_state(state, endpoint.lower(), endpoints.DEGRADED_STATE, [])

    def degrade_network(self, name: str) -> None:
        """The network did not load well: it cannot be opened, only deleted."""
        with self._store.transaction() as state:
            for (guid,) in state.rows("SELECT id FROM networks WHERE id = ? OR name = ?", name.lower(), name):
                networks.save(state, {**networks.load(state, guid), "degraded": True})

    def leave_ghost_network(self, name: str) -> None:
        """A network of this name was half deleted: nobody sees it, its name is taken until HNS restarts."""
        with self._store.transaction() as state:
            state.run("INSERT OR IGNORE INTO ghosts VALUES (?)", name)

    # Objects of others

    def plant(self, kind: str, document: Document | None = None, network: str = "") -> str:
        """Make a network, endpoint, namespace, loadbalancer or sdnroute without a journalled call; its ID."""
        with self._store.transaction() as state:
            return _plant(state, kind, document or {}, network)

    def plant_endpoint(self, network: str, **members: Any) -> str:
        """Make an endpoint in the network (an ID or a name) with these members; its ID."""
        return self.plant("endpoint", members, network)

    def plant_endpoints(self, network: str, count: int, remote: bool = True) -> list[str]:
        """Make many endpoints of others: remote as kube-proxy's, or local with addresses of HNS's choice."""
        with self._store.transaction() as state:
            return [_plant(state, "endpoint", _foreign(number, remote), network) for number in range(count)]

    def restore(self, objects: dict[str, list[Document] | None], v1: list[Document]) -> None:
        """Have the objects that another node had, and nothing else, as `core.restoring` says."""
        with self._store.transaction() as state:
            restoring.restore(state, objects, v1)

    def remove(self, name: str) -> int:
        """Delete every object with this GUID or name behind everybody's back; how many there were."""
        with self._store.transaction() as state:
            return lifecycle.lose(state, name)

    def swap_network(self, name: str) -> str:
        """Delete the network and make it again under another ID, without its endpoints; the new ID."""
        with self._store.transaction() as state:
            return lifecycle.swap(state, name)

    def plant_route(self, prefix: str, next_hop: str, interface: int) -> None:
        """Somebody else makes a route of the host; the interfaces are those that the route table shows."""
        with self._store.transaction() as state:
            ip_helper.plant(state, {"prefix": prefix, "next_hop": next_hop, "interface": interface})

    # Faults

    def inject(self, **fault: Any) -> int:
        """Let calls fail, wait, hang or die, as the fields of `core.faults` say; the fault's number.

        Raises:
            TypeError: an unknown field, with those that there are.
        """
        given = faults.checked(fault)
        with self._store.transaction() as state:
            return faults.add(state, given)

    def clear_faults(self) -> None:
        """Everything works again."""
        with self._store.transaction() as state:
            state.run("DELETE FROM faults")

    def fired(self, fault: int) -> int:
        """For how many calls the fault of this number was taken."""
        rows = self._store.rows("SELECT fired FROM faults WHERE id = ?", fault)
        return int(rows[0][0]) if rows else 0

    def finish_late(self) -> int:
        """Do now what the service has accepted and not yet done; how many calls that were."""
        ((waiting,),) = self._store.rows("SELECT count(*) FROM late")
        self._service.finish_late()
        return int(waiting)

    # What happened

    def journal(self, closings: bool = False) -> list[Call]:
        """Every call so far, in order, closing of handles left out; or the closings alone."""
        return journal.read(self._store, closings)

    def reset_journal(self) -> None:
        """Forget the calls so far; their numbers go on."""
        with self._store.transaction() as state:
            journal.reset(state)

    def live(self) -> list[Held]:
        """The handles and buffers that this process holds."""
        return [held for libraries in self._open_libraries for held in libraries.live()]

    def leaks(self) -> list[Leak]:
        """What processes had not given back when they closed their libraries, and every violation."""
        return [Leak(*row) for row in self._store.rows("SELECT pid, kind, text FROM leaks ORDER BY id")]

    def forget_leaks(self) -> None:
        """Start the list of leaks again."""
        with self._store.transaction() as state:
            state.run("DELETE FROM leaks")

    def dump(self) -> dict[str, list[Document]]:
        """Every object in its V2 shape, by family, and compute systems; "late" holds what is not yet done."""
        with self._store.transaction() as state:
            found = {
                family.table: [family.v2(state, guid) for (guid,) in _ids(state, family.table)]
                for family in FAMILIES.values()
            }
            found["systems"] = [
                {"id": name, "owner": owner, "state": its_state, "resources": json.loads(resources)}
                for name, owner, its_state, resources in state.rows(
                    "SELECT name, owner, state, resources FROM systems ORDER BY rowid"
                )
            ]
            found["late"] = [
                {"function": function, "arguments": json.loads(arguments)}
                for function, arguments in state.rows("SELECT function, arguments FROM late ORDER BY id")
            ]
            return found


def _first_use(state: State) -> None:
    """A node that has never had a network has the host's own namespace."""
    namespaces.make_host_default(state, new_guid())


def _ids(state: State, table: str) -> list[tuple[Any, ...]]:
    return state.rows(f"SELECT id FROM {table} ORDER BY rowid")  # noqa: S608 - our own names


def _plant(state: State, kind: str, document: Document, network: str) -> str:
    if kind != "endpoint":
        return _CREATE[kind](state, ZERO_GUID, document)
    row = state.row("SELECT id FROM networks WHERE id = ? OR name = ?", network.lower(), network)
    return endpoints.create(state, row[0] if row else network.lower(), ZERO_GUID, document)


def _foreign(number: int, remote: bool) -> Document:
    """A remote endpoint's name and address as kube-proxy's: a pod on another node."""
    if not remote:
        return {"Name": f"foreign-{number}"}
    high, low = divmod(number, 250)
    return {
        "Name": f"remote-{number}",
        "Flags": 1,
        "IpConfigurations": [{"IpAddress": f"100.64.{high % 256}.{low + 1}"}],
        "MacAddress": dashed(0x0E2A00000000 | number),
    }
