"""vmcompute.dll's HNSCall, and ole32.dll's CoTaskMemFree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator.abi.accounts import Accounts
from cni_hns.simulator.abi.texts import text
from cni_hns.simulator.core.errors import PARAMETER_INCORRECT
from cni_hns.simulator.core.service import Service

__all__ = ["Ole32", "VmCompute"]


class VmCompute:
    """Makes the function of vmcompute.dll."""

    def __init__(self, service: Service, accounts: Accounts) -> None:
        self._service = service
        self._accounts = accounts

    def make(self, function: str) -> tuple[str, Callable[..., int | None]] | None:
        """HNSCall and nothing else."""
        return ("HNS_CALL", self._hns_call) if function == "HNSCall" else None

    def _hns_call(self, method: Any, path: Any, request: Any, response: Any) -> int:
        if response == ffi.NULL or ffi.NULL in (method, path, request):
            return PARAMETER_INCORRECT
        # What was in it is not looked at: it only goes out.
        response[0] = ffi.NULL
        answer = self._service.call("HNSCall", [text(method), text(path), text(request)])
        envelope = answer.text or answer.record
        if envelope:
            response[0] = self._accounts.text(envelope, "HNSCall")
        # Older services deliver a failure in the envelope alone, from Windows Server 2019 on also as HRESULT.
        if answer.record and self._service.store.options().version < (9, 0):
            return 0
        return answer.hresult


class Ole32:
    """Makes the function of ole32.dll."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def make(self, function: str) -> tuple[str, Callable[..., int | None]] | None:
        """CoTaskMemFree and nothing else."""
        return ("CO_TASK_MEM_FREE", self._free) if function == "CoTaskMemFree" else None

    def _free(self, memory: Any) -> None:
        self._accounts.free(memory)
