"""A bundle loaded into a simulated node: here, for below the commands nobody knows the simulator."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cni_hns.cli.failure import Failure
from cni_hns.deadline import Deadline
from cni_hns.ledger import LedgerFault, open_ledger

if TYPE_CHECKING:
    from cni_hns.diagnosis.opening import Opened
    from cni_hns.simulator import Simulator

__all__ = ["replay"]

_PATIENCE_S = 60.0


def replay(found: Opened, folder: str) -> None:
    """Have the node in the folder.

    Raises:
        Failure: there is no simulator in this program, or the ledger's rows are none.
    """
    try:
        from cni_hns.simulator import open_simulator
    except ImportError as fault:
        raise Failure(
            "this executable holds no simulated HNS: open the bundle with the Python package of cni-hns"
        ) from fault
    simulator = open_simulator(folder)
    try:
        options = {"hns_version": list(found.hns)} if found.hns else {}
        if found.windows_build is not None:
            options["windows_build"] = found.windows_build  # type: ignore[assignment]
        if options:
            simulator.set_options(**options)
        simulator.restore(found.objects, found.v1)
        _load_ledger(found, simulator)
    finally:
        simulator.close()


def _load_ledger(found: Opened, simulator: Simulator) -> None:
    if found.ledger is None:
        return
    from cni_hns.ledger.records import load

    machine = simulator.machine()
    path = os.path.join(machine.state_folder(), "ledger.db")
    ledger = open_ledger(path, Deadline(_PATIENCE_S), boot_id=machine.boot_id)
    try:
        load(ledger, found.ledger, machine.boot_id())
    except (LedgerFault, ValueError) as fault:
        raise Failure(f"the bundle's ledger cannot be loaded: {fault}") from fault
    finally:
        ledger.close()
