"""vmcompute.dll's HNSCall and what attaching an endpoint by hand needs, and ole32.dll's CoTaskMemFree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator.abi.accounts import Accounts
from cni_hns.simulator.abi.texts import text
from cni_hns.simulator.core.errors import INVALID_HANDLE, PARAMETER_INCORRECT
from cni_hns.simulator.core.exports import SYSTEM
from cni_hns.simulator.core.service import Answer, Service

__all__ = ["Ole32", "VmCompute"]


class VmCompute:
    """Makes the functions of vmcompute.dll."""

    def __init__(self, service: Service, accounts: Accounts) -> None:
        self._service = service
        self._accounts = accounts

    def make(self, function: str) -> tuple[str, Callable[..., int | None]] | None:
        """C type and Python function; None for what the library does not have."""
        functions: dict[str, tuple[str, Callable[..., int | None]]] = {
            "HNSCall": ("HNS_CALL", self._hns_call),
            "HcsOpenComputeSystem": ("HCS_OPEN", self._open),
            "HcsModifyComputeSystem": ("HCS_MODIFY", self._modify),
            "HcsCloseComputeSystem": ("HCS_CLOSE", self._close),
        }
        return functions.get(function)

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

    def _open(self, system: Any, handle: Any, result: Any) -> int:
        function = "HcsOpenComputeSystem"
        if ffi.NULL in (handle, system):
            return PARAMETER_INCORRECT
        handle[0] = ffi.NULL
        answer = self._service.call(function, [text(system)])
        if answer.hresult == 0:
            handle[0] = self._accounts.open(SYSTEM, answer.text, answer.generation)
        return self._told(function, answer, result)

    def _modify(self, handle: Any, configuration: Any, result: Any) -> int:
        function = "HcsModifyComputeSystem"
        open_ = self._accounts.find(SYSTEM, handle, function)
        if open_ is None:
            return INVALID_HANDLE
        answer = self._service.call(function, [open_.target, text(configuration)], open_.generation)
        return self._told(function, answer, result)

    def _close(self, handle: Any) -> int:
        function = "HcsCloseComputeSystem"
        open_ = self._accounts.close(SYSTEM, handle, function)
        if open_ is None:
            return INVALID_HANDLE
        return self._service.close(function, open_.target, open_.generation).hresult

    def _told(self, function: str, answer: Answer, result: Any) -> int:
        if result != ffi.NULL:
            result[0] = (
                self._accounts.text(answer.record, f"{function} (result)") if answer.record else ffi.NULL
            )
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
