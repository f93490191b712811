"""Looks at HNS and the ledger while others work, and changes nothing.

At every look: no address twice among HNS's endpoints of a network, none twice among the leases held, and none
that HNS has for one attachment while the ledger has it for another.
"""

from __future__ import annotations

import threading
from collections import Counter
from ipaddress import ip_address

from cni_hns.deadline import Deadline
from cni_hns.identity import is_endpoint_of
from cni_hns.ledger import Lease, Ledger, open_ledger
from cni_hns.simulator import Simulator
from tests.harness import SimulatedNode
from tests.together.tally import Tally

__all__ = ["Watcher"]

_PAUSE_S = 0.03
_PATIENCE_S = 30.0

# (HCN network, address, endpoint)
_Held = tuple[str, str, str]


class Watcher:
    """Looks until it is told to stop."""

    def __init__(self, node: SimulatedNode, tally: Tally) -> None:
        self._hns = Simulator(str(node.folder))
        self._path = node.ledger_path
        self._ledger: Ledger | None = None
        self._tally = tally
        self._told = threading.Event()
        self._seen: set[str] = set()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the last look is over."""
        self._told.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._told.wait(_PAUSE_S):
            self._look()
        if self._ledger is not None:
            self._ledger.close()
        self._hns.close()

    def _look(self) -> None:
        before = self._endpoints()
        leases = self._leases()
        # What one attachment gives up another may take at once: only what HNS shows on both sides of the
        # look at the ledger was there during it.
        lasting = before & self._endpoints()
        self._tally.looks += 1
        self._report("HNS has", Counter((network, address) for network, address, _ in before))
        self._report("the ledger holds", Counter((lease.network, lease.address) for lease in leases))
        owners = {(lease.network, lease.address): lease for lease in leases}
        names = self._network_names()
        for network, address, endpoint in lasting:
            lease = owners.get((names.get(network, ""), address))
            if lease is not None and not is_endpoint_of(endpoint, *lease.key):
                self._fail(f"{address} is held for {lease.key.words()}, and endpoint {endpoint} has it")

    def _report(self, where: str, counted: Counter[tuple[str, str]]) -> None:
        for (network, address), count in counted.items():
            if count > 1:
                self._fail(f"{where} {address} {count} times on {network}")

    def _fail(self, words: str) -> None:
        if words not in self._seen:
            self._seen.add(words)
            self._tally.failure(words)

    def _endpoints(self) -> set[_Held]:
        rows = self._hns.store.rows(
            "SELECT endpoints.network, packed, endpoints.id FROM addresses "
            "JOIN endpoints ON endpoints.id = addresses.endpoint WHERE addresses.remote = 0"
        )
        return {(network, str(ip_address(packed)), endpoint) for network, packed, endpoint in rows}

    def _network_names(self) -> dict[str, str]:
        return dict(self._hns.store.rows("SELECT id, name FROM networks"))

    def _leases(self) -> list[Lease]:
        if self._ledger is None:
            self._ledger = open_ledger(self._path, Deadline(_PATIENCE_S), create=False)
        return [] if self._ledger is None else self._ledger.leases()
