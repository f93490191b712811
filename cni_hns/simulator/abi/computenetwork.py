"""computenetwork.dll: the five object families, an endpoint's counters, and service notifications.

Each shape of function is written once; the families share them ("Host Compute Network service API").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator.abi.accounts import Accounts, number_of
from cni_hns.simulator.abi.listener import Listener
from cni_hns.simulator.abi.texts import guid_text, text
from cni_hns.simulator.core.errors import INVALID_HANDLE, PARAMETER_INCORRECT
from cni_hns.simulator.core.service import Answer, Service

__all__ = ["ComputeNetwork"]

_FAMILIES = ("Network", "Endpoint", "Namespace", "LoadBalancer", "SdnRoute")
_CALLBACK = "callback"

_Made = tuple[str, Callable[..., int]]


class ComputeNetwork:
    """Makes the functions of the DLL."""

    def __init__(self, service: Service, accounts: Accounts) -> None:
        self._service = service
        self._accounts = accounts
        self._listeners: dict[int, Listener] = {}

    def make(self, function: str) -> tuple[str, Callable[..., int | None]] | None:
        """The C type and the work of a function of this DLL; None for one that it does not have."""
        for family in _FAMILIES:
            made = self._of_family(function, family)
            if made is not None:
                return made
        if function in ("HcnQueryEndpointStats", "HcnQueryEndpointAddresses"):
            return "HCN_QUERY", self._query(function, "Endpoint")
        if function == "HcnRegisterServiceCallback":
            return "HCN_REGISTER_SERVICE_CALLBACK", self._register
        if function == "HcnUnregisterServiceCallback":
            return "HCN_UNREGISTER_SERVICE_CALLBACK", self._unregister
        return None

    def stop(self) -> None:
        """Stop telling anybody anything."""
        for listener in self._listeners.values():
            listener.stop()
        self._listeners.clear()

    def _of_family(self, function: str, family: str) -> _Made | None:
        makers: dict[str, tuple[str, Callable[[str, str], Callable[..., int]]]] = {
            f"HcnEnumerate{family}s": ("HCN_ENUMERATE", self._enumerate),
            f"HcnCreate{family}": ("HCN_CREATE", self._create),
            f"HcnOpen{family}": ("HCN_OPEN", self._open),
            f"HcnModify{family}": ("HCN_MODIFY", self._modify),
            f"HcnQuery{family}Properties": ("HCN_QUERY", self._query),
            f"HcnDelete{family}": ("HCN_DELETE", self._delete),
            f"HcnClose{family}": ("HCN_CLOSE", self._close),
        }
        if function not in makers:
            return None
        if function == "HcnCreateEndpoint":  # the only one that is made inside another object
            return "HCN_CREATE_ENDPOINT", self._create_endpoint
        shape, maker = makers[function]
        return shape, maker(function, family)

    def _enumerate(self, function: str, _family: str) -> Callable[..., int]:
        def enumerate_(query: Any, found: Any, record: Any) -> int:
            if not _made_empty(found, record):
                return PARAMETER_INCORRECT
            answer = self._call(function, [text(query)])
            return self._answered(function, answer, found, record)

        return enumerate_

    def _create(self, function: str, family: str) -> Callable[..., int]:
        def create(guid: Any, settings: Any, handle: Any, record: Any) -> int:
            if not _made_empty(handle, record):
                return PARAMETER_INCORRECT
            answer = self._call(function, [guid_text(guid), text(settings)])
            return self._opened(function, family, answer, handle, record)

        return create

    def _create_endpoint(self, network: Any, guid: Any, settings: Any, handle: Any, record: Any) -> int:
        function = "HcnCreateEndpoint"
        if not _made_empty(handle, record):
            return PARAMETER_INCORRECT
        open_ = self._accounts.find("Network", network, function)
        if open_ is None:
            return INVALID_HANDLE
        answer = self._call(function, [open_.target, guid_text(guid), text(settings)], open_.generation)
        return self._opened(function, "Endpoint", answer, handle, record)

    def _open(self, function: str, family: str) -> Callable[..., int]:
        def open_(guid: Any, handle: Any, record: Any) -> int:
            if not _made_empty(handle, record):
                return PARAMETER_INCORRECT
            answer = self._call(function, [guid_text(guid)])
            return self._opened(function, family, answer, handle, record)

        return open_

    def _modify(self, function: str, family: str) -> Callable[..., int]:
        def modify(handle: Any, settings: Any, record: Any) -> int:
            _made_empty(record)
            open_ = self._accounts.find(family, handle, function)
            if open_ is None:
                return INVALID_HANDLE
            answer = self._call(function, [open_.target, text(settings)], open_.generation)
            return self._answered(function, answer, ffi.NULL, record)

        return modify

    def _query(self, function: str, family: str) -> Callable[..., int]:
        def query(handle: Any, question: Any, found: Any, record: Any) -> int:
            if not _made_empty(found, record):
                return PARAMETER_INCORRECT
            open_ = self._accounts.find(family, handle, function)
            if open_ is None:
                return INVALID_HANDLE
            answer = self._call(function, [open_.target, text(question)], open_.generation)
            return self._answered(function, answer, found, record)

        return query

    def _delete(self, function: str, _family: str) -> Callable[..., int]:
        def delete(guid: Any, record: Any) -> int:
            _made_empty(record)
            return self._answered(function, self._call(function, [guid_text(guid)]), ffi.NULL, record)

        return delete

    def _close(self, function: str, family: str) -> Callable[..., int]:
        def close(handle: Any) -> int:
            open_ = self._accounts.close(family, handle, function)
            if open_ is None:
                return INVALID_HANDLE
            return self._service.close(function, open_.target, open_.generation).hresult

        return close

    def _register(self, callback: Any, context: Any, handle: Any) -> int:
        function = "HcnRegisterServiceCallback"
        if not _made_empty(handle) or callback == ffi.NULL:
            return PARAMETER_INCORRECT
        answer = self._call(function, [])
        if answer.hresult == 0:
            handle[0] = self._accounts.open(_CALLBACK, "", answer.generation)
            number = number_of(handle[0])
            self._listeners[number] = Listener(self._service.store, callback, context)
        return answer.hresult

    def _unregister(self, handle: Any) -> int:
        function = "HcnUnregisterServiceCallback"
        if self._accounts.find(_CALLBACK, handle, function) is None:
            return INVALID_HANDLE
        answer = self._call(function, [])
        if answer.hresult == 0:
            self._accounts.close(_CALLBACK, handle, function)
            self._listeners.pop(number_of(handle)).stop()
        return answer.hresult

    def _call(self, function: str, arguments: list[str | None], generation: int | None = None) -> Answer:
        answer = self._service.call(function, arguments, generation)
        for listener in list(self._listeners.values()):
            listener.look()
        return answer

    def _answered(self, function: str, answer: Answer, found: Any, record: Any) -> int:
        if answer.hresult == 0 and answer.text and found != ffi.NULL:
            found[0] = self._accounts.text(answer.text, function)
        if answer.record and record != ffi.NULL:
            record[0] = self._accounts.text(answer.record, f"{function} (error record)")
        return answer.hresult

    def _opened(self, function: str, family: str, answer: Answer, handle: Any, record: Any) -> int:
        if answer.hresult == 0:
            handle[0] = self._accounts.open(family, answer.text, answer.generation)
        return self._answered(function, answer, ffi.NULL, record)


def _made_empty(out: Any, record: Any = ffi.NULL) -> bool:
    """Write NULL into what only goes out; whether the first one is there: an error record may be left out.

    What was in them is not looked at: programs use one variable for call after call, and some never set it.
    """
    for slot in (out, record):
        if slot != ffi.NULL:
            slot[0] = ffi.NULL
    return bool(out != ffi.NULL)
