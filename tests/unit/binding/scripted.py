"""Real C function pointers that answer as a test tells them, and keep account of what they gave out.

It knows no rules of HNS: it is for faults that a faithful service never shows.
"""

from __future__ import annotations

from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.libraries import Libraries

GUID = "00112233-4455-6677-8899-aabbccddeeff"
S_OK = 0
E_FAIL = 0x80004005

_SHAPES = {
    "HcnEnumerate": "HCN_ENUMERATE",
    "HcnCreateEndpoint": "HCN_CREATE_ENDPOINT",
    "HcnCreate": "HCN_CREATE",
    "HcnOpen": "HCN_OPEN",
    "HcnModify": "HCN_MODIFY",
    "HcnQuery": "HCN_QUERY",
    "HcnDelete": "HCN_DELETE",
    "HcnClose": "HCN_CLOSE",
    "HcnRegisterServiceCallback": "HCN_REGISTER_SERVICE_CALLBACK",
    "HcnUnregisterServiceCallback": "HCN_UNREGISTER_SERVICE_CALLBACK",
    "HNSCall": "HNS_CALL",
}


class Script:
    """What one function answers: an HRESULT, a document, an error record, and whether it gives a handle."""

    def __init__(self, hresult: int = S_OK, text: str = "", record: str = "", handle: bool = True) -> None:
        self.hresult = hresult
        self.text = text
        self.record = record
        self.handle = handle


class ScriptedService:
    """Every function succeeds unless `scripts` says otherwise; names in `missing` are not exported."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.missing: set[str] = set()
        self.calls: list[tuple[Any, ...]] = []
        self.buffers: dict[int, Any] = {}
        self.handles: set[int] = set()
        self.violations: list[str] = []
        self.registered: dict[int, Any] = {}
        self._pointers: dict[str, Any] = {}
        self._next_handle = 0x1000

    def libraries(self) -> Libraries:
        library = Library(self)
        return Libraries(library, library, library, library)

    @property
    def called(self) -> list[str]:
        """The functions called, without those that give back."""
        return [call[0] for call in self.calls if not call[0].startswith(("HcnClose", "CoTaskMem"))]

    def assert_clean(self) -> None:
        assert self.buffers == {}, f"{len(self.buffers)} buffers were not freed"
        assert self.handles == set(), f"{len(self.handles)} handles were not closed"
        assert self.violations == []

    def notify(self, code: int, hresult: int, document: str | None) -> None:
        """Call every registered callback as the service does: the text is gone afterwards."""
        for callback in list(self.registered.values()):
            text = ffi.NULL if document is None else ffi.new("char16_t[]", document)
            callback(code, ffi.NULL, ffi.cast("HRESULT", hresult), text)
            if document is not None:
                ffi.memmove(text, b"\0" * ffi.sizeof(text), ffi.sizeof(text))

    def pointer(self, name: str) -> Any:
        """The C function pointer of this name."""
        if name in self.missing:
            raise AttributeError(f"function/symbol '{name}' not found in library")
        if name not in self._pointers:
            self._pointers[name] = self._made(name)
        return self._pointers[name]

    def _made(self, name: str) -> Any:
        if name == "CoTaskMemFree":
            return ffi.callback("CO_TASK_MEM_FREE", self._free)
        shape = next(shape for prefix, shape in _SHAPES.items() if name.startswith(prefix))
        return ffi.callback(shape, lambda *arguments: self._call(name, shape, arguments))

    def _call(self, name: str, shape: str, arguments: tuple[Any, ...]) -> int:
        script = self.scripts.get(name, Script())
        self.calls.append((name, *[_readable(argument) for argument in arguments]))
        if shape == "HCN_CLOSE":
            self._close(int(ffi.cast("uintptr_t", arguments[0])))
        elif shape == "HCN_REGISTER_SERVICE_CALLBACK":
            if script.hresult == S_OK:
                self.registered[self._new_handle(arguments[2])] = arguments[0]
        elif shape == "HCN_UNREGISTER_SERVICE_CALLBACK":
            value = int(ffi.cast("uintptr_t", arguments[0]))
            if script.hresult == S_OK:
                self.registered.pop(value)
            self._close(value)
        else:
            self._fill(shape, arguments, script)
        return script.hresult - 2**32 if script.hresult >= 2**31 else script.hresult

    def _fill(self, shape: str, arguments: tuple[Any, ...], script: Script) -> None:
        if shape == "HNS_CALL":
            self._allocate(arguments[-1], script.text)
            return
        self._allocate(arguments[-1], script.record)
        if shape in ("HCN_ENUMERATE", "HCN_QUERY"):
            self._allocate(arguments[-2], script.text)
        opens = shape in ("HCN_OPEN", "HCN_CREATE", "HCN_CREATE_ENDPOINT")
        if opens and script.handle and script.hresult == S_OK:
            self._new_handle(arguments[-2])

    def _allocate(self, slot: Any, text: str) -> None:
        if text:
            buffer = ffi.new("char16_t[]", text)
            self.buffers[int(ffi.cast("uintptr_t", buffer))] = buffer
            slot[0] = buffer

    def _free(self, memory: Any) -> None:
        if self.buffers.pop(int(ffi.cast("uintptr_t", memory)), None) is None:
            self.violations.append("freed what was not allocated")

    def _new_handle(self, slot: Any) -> int:
        self._next_handle += 1
        self.handles.add(self._next_handle)
        slot[0] = ffi.cast("void *", self._next_handle)
        return self._next_handle

    def _close(self, value: int) -> None:
        if value not in self.handles:
            self.violations.append(f"closed {value:#x}, which is not open")
        self.handles.discard(value)


class Library:
    """A DLL whose functions are those of a scripted service."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return self._service.pointer(name)


def _readable(argument: Any) -> Any:
    kind = ffi.typeof(argument)
    if kind is ffi.typeof("PCWSTR") and argument != ffi.NULL:
        return ffi.string(argument)
    if kind is ffi.typeof("REFGUID"):
        return bytes(ffi.buffer(argument, 16)).hex()
    return "pointer"
