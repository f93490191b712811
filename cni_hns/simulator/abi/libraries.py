"""The four DLLs of one process, on one node."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cni_hns.binding.libraries import Libraries
from cni_hns.simulator.abi.accounts import Accounts
from cni_hns.simulator.abi.computenetwork import ComputeNetwork
from cni_hns.simulator.abi.library import Function, Library
from cni_hns.simulator.abi.others import Ole32, VmCompute
from cni_hns.simulator.core.service import Service
from cni_hns.simulator.handles import Held

if TYPE_CHECKING:
    from cni_hns.simulator.abi.computecore import ComputeCore

__all__ = ["SimulatedLibraries"]


class SimulatedLibraries(Libraries):
    """What the binding gets in place of Windows' DLLs."""

    def __init__(self, service: Service) -> None:
        options = service.store.options()
        self._service = service
        self._accounts = Accounts(self._violation)
        self._network = ComputeNetwork(service, self._accounts)
        self._compute: ComputeCore | None = None
        self._closed = False
        missing, absent = options.missing_functions, options.missing_libraries

        def library(name: str, make: Callable[[str], tuple[Any, Function] | None]) -> Library:
            return Library(name, make, self._accounts, missing, name in absent)

        super().__init__(
            library("computenetwork", self._network.make),
            library("vmcompute", VmCompute(service, self._accounts).make),
            library("ole32", Ole32(self._accounts).make),
            library("computecore", self._of_compute),
        )

    def live(self) -> list[Held]:
        """The handles and buffers that are held now."""
        return self._accounts.held() + ([] if self._compute is None else self._compute.held())

    def close(self) -> None:
        """The last call of a process: what it still holds is written down with the node."""
        if self._closed:
            return
        self._closed = True
        self._network.stop()
        if self._compute is not None:
            self._compute.stop()
        for held in self.live():
            self._write(held.kind, held.what)

    def _of_compute(self, function: str) -> tuple[Any, Function] | None:
        """No verb pays for it: it is loaded when its first function is asked for."""
        from cni_hns.simulator.abi.computecore import ComputeCore

        if self._compute is None:
            self._compute = ComputeCore(self._service, self._accounts)
        return self._compute.make(function)

    def _violation(self, text: str) -> None:
        self._write("violation", text)

    def _write(self, kind: str, text: str) -> None:
        with self._service.store.transaction() as state:
            state.run("INSERT INTO leaks VALUES (NULL, ?, ?, ?)", os.getpid(), kind, text)
