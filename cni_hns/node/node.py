"""What a verb works with: this node's HNS, ledger, clock and log, each opened when it is first asked for."""

from __future__ import annotations

import os
import time

from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.compute import Compute
    from cni_hns.binding.libraries import Libraries, Machine
    from cni_hns.binding.patience import Patience
    from cni_hns.binding.processes import Owner
    from cni_hns.binding.service import Service
    from cni_hns.deadline import Deadline
    from cni_hns.hcn.client import Hcn
    from cni_hns.hcs.client import ComputeSystems
    from cni_hns.hcs.hot_attach import HotAttach
    from cni_hns.hns.client import Hns
    from cni_hns.ledger import Ledger
    from cni_hns.log import Log

__all__ = ["Node"]


class Node:
    """One node for the length of one verb. `close()` gives back what was opened.

    `data_dir` is the configuration's `dataDir`, the folder of the ledger; None for this node's own.
    `patience` is with calls of HNS that do not come back; a verb has none: it is watched as a whole.
    """

    def __init__(
        self,
        connect: Callable[[], tuple[Libraries, Machine]],
        log: Log,
        deadline: Deadline,
        data_dir: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.log = log
        self.deadline = deadline
        self.token = os.urandom(16).hex()
        self._connect = connect
        self._data_dir = data_dir
        self._patience = patience
        self._connected: tuple[Libraries, Machine] | None = None
        self._hcn: Hcn | None = None
        self._hns: Hns | None = None
        self._owner: Owner | None = None
        self._ledger: Ledger | None = None

    @property
    def machine(self) -> Machine:
        return self._connection()[1]

    @property
    def hcn(self) -> Hcn:
        """The Host Compute Network V2 client."""
        if self._hcn is None:
            from cni_hns.hcn.client import Hcn

            self._hcn = Hcn(self._service())
        return self._hcn

    @property
    def hns(self) -> Hns:
        """The V1 call, for what V2 does not tell."""
        if self._hns is None:
            from cni_hns.hns.client import Hns

            self._hns = Hns(self._service())
        return self._hns

    @property
    def hot_attach(self) -> HotAttach:
        """What HCS does with endpoints of containers, for those of HNS V1."""
        from cni_hns.hcs.hot_attach import HotAttach

        return HotAttach(self._service())

    def systems(self, patience: Patience) -> ComputeSystems:
        """The compute systems: containers and virtual machines. For the operator's commands."""
        from cni_hns.hcs.client import ComputeSystems

        return ComputeSystems(self.compute(patience), self.machine.windows_build())

    def compute(self, patience: Patience) -> Compute:
        """The same without their documents, which take longer to load than HCS to answer."""
        from cni_hns.binding.compute import Compute

        return Compute(self._connection()[0], self.log, patience)

    @property
    def owner(self) -> Owner:
        """This process, as a row of the ledger names its owner."""
        if self._owner is None:
            from cni_hns.binding.processes import this_process

            self._owner = this_process(self.machine.boot_id())
        return self._owner

    def alive(self, owner: Owner) -> bool:
        """Whether the process that owns a row may still be working on it."""
        from cni_hns.binding.processes import is_alive

        return is_alive(owner, self.machine.boot_id())

    @property
    def ledger(self) -> Ledger:
        """The ledger in the configuration's `dataDir`, else of this node; made if it is not there."""
        if self._ledger is None:
            from cni_hns.ledger import open_ledger

            self._ledger = open_ledger(self._ledger_path(), self.deadline, boot_id=self._boot_id)
        return self._ledger

    def see_that_a_ledger_can_be_made(self) -> None:
        """Where there is none yet. Raises: LedgerFault, as `ledger` would."""
        from cni_hns.ledger import see_that_one_can_be_made

        see_that_one_can_be_made(self._ledger_path())

    @property
    def ledger_if_any(self) -> Ledger | None:
        """The same ledger for who only reads: None where there is none, and asking does not make it."""
        if self._ledger is None:
            from cni_hns.ledger import open_ledger

            self._ledger = open_ledger(
                self._ledger_path(), self.deadline, create=False, boot_id=self._boot_id
            )
        return self._ledger

    def now(self) -> float:
        """The time of the ledger's clock, which every time in the ledger is of."""
        return self.ledger.now()

    def deadline_at(self) -> float:
        """When this verb will have ended, one way or the other (ledger time)."""
        return self.now() + self.deadline.left_s()

    def pause(self, seconds: float) -> None:
        """Sleep, but not past the verb's deadline."""
        time.sleep(min(seconds, self.deadline.left_s()))

    def close(self) -> None:
        """Close the ledger and the libraries; what was never opened stays so."""
        if self._ledger is not None:
            self._ledger.close()
        if self._connected is not None:
            self._connected[0].close()

    def _service(self) -> Service:
        from cni_hns.binding.service import Service

        return Service(self._connection()[0], self.log, self._patience)

    def _boot_id(self) -> str:
        return self.machine.boot_id()

    def _connection(self) -> tuple[Libraries, Machine]:
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def _ledger_path(self) -> str:
        # Also where `dataDir` names the folder: without HNS there is nothing to record.
        machine = self.machine
        return os.path.join(self._data_dir or machine.state_folder(), "ledger.db")
