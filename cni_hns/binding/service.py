"""The one owner of handles and buffers, and the only place that touches C data.

Rule 1: what the service allocates is copied and freed whatever happens; what it opens is closed once. The
functions that free and close are resolved before the call that makes something to free or close.
Rule 2: a call failed if its HRESULT is negative or it wrote an error record, success code or not.
Rule 3: above this module there are only `str`, `dict` and opaque `Handle` objects.
"""

from __future__ import annotations

import json

from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.errors import FunctionMissing, MalformedAnswer, ServiceError, service_error
from cni_hns.binding.reading import member
from cni_hns.identity import ZERO_GUID
from cni_hns.identity import guid as canonical
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.libraries import Libraries
    from cni_hns.binding.patience import Patience
    from cni_hns.log import Log

__all__ = [
    "COMPUTE_SYSTEM",
    "ENDPOINT",
    "LOAD_BALANCER",
    "NAMESPACE",
    "NETWORK",
    "SDN_ROUTE",
    "Buffers",
    "Handle",
    "ObjectKind",
    "Registration",
    "Service",
    "error_record",
    "function_of",
    "string_in",
    "utf16",
]


class ObjectKind(NamedTuple):
    """One object family: its name in words and in the names of its functions.

    `prefix` begins those names: "Hcn" in computenetwork.dll, "Hcs" in vmcompute.dll.
    """

    words: str
    singular: str
    plural: str
    prefix: str = "Hcn"


NETWORK = ObjectKind("HCN network", "Network", "Networks")
ENDPOINT = ObjectKind("endpoint", "Endpoint", "Endpoints")
NAMESPACE = ObjectKind("namespace", "Namespace", "Namespaces")
LOAD_BALANCER = ObjectKind("load balancer", "LoadBalancer", "LoadBalancers")
SDN_ROUTE = ObjectKind("SDN route", "SdnRoute", "SdnRoutes")
COMPUTE_SYSTEM = ObjectKind("compute system", "ComputeSystem", "ComputeSystems", "Hcs")

# Registrations that could not be undone: the service may still call them, so they must not be collected.
_still_registered: list[Any] = []


class Handle:
    """One open object of the service; opaque. `target` names it in logs, `kind.words` before it in errors."""

    __slots__ = ("_close", "_value", "kind", "target")

    def __init__(self, kind: ObjectKind, target: str, value: Any, close: Callable[[Any], int]) -> None:
        self.kind = kind
        self.target = target
        self._value = value
        self._close = close

    @property
    def value(self) -> Any:
        """The C handle. Raises: ValueError if it is closed."""
        if self._value is None:
            raise ValueError(f"the handle of {self.kind.words} {self.target} is closed")
        return self._value

    def close(self) -> int:
        """Close it once, and give the HRESULT; closing again does nothing."""
        value, self._value = self._value, None
        return 0 if value is None else self._close(value)


class Registration:
    """A callback that the service calls until `Service.unregister`."""

    __slots__ = ("callback", "value")

    def __init__(self, callback: Any, value: Any) -> None:
        self.callback = callback
        self.value = value


class Service:
    """The calls to one HNS. Documents are JSON texts, GUIDs texts, and each failure is a ServiceError.

    `patience` is for calls that do not come back, where nobody else watches.
    """

    def __init__(self, libraries: Libraries, log: Log, patience: Patience | None = None) -> None:
        self._libraries = libraries
        self._log = log
        self._watch = None if patience is None else patience.watch

    def enumerate(self, kind: ObjectKind, query: str) -> str:
        """The JSON array of the GUIDs of all objects that the query selects."""
        function = f"HcnEnumerate{kind.plural}"
        return self._answer(function, kind.words + "s", "", utf16(query))

    def create(self, kind: ObjectKind, settings: str, target: str, network: Handle | None = None) -> Handle:
        """A new object with these settings, open; an endpoint is created on an open network.

        The `Id` argument is the zero GUID, as the Windows components pass it: the document's ID decides.
        """
        leading = () if network is None else (network.value,)
        return self._handle(
            f"HcnCreate{kind.singular}", kind, target, *leading, _guid(ZERO_GUID), utf16(settings)
        )

    def open(self, kind: ObjectKind, guid: str) -> Handle:
        """The object with this GUID, open; a compute system has an ID that is any text."""
        known_as = _guid(guid) if kind.prefix == "Hcn" else utf16(guid)
        return self._handle(f"{kind.prefix}Open{kind.singular}", kind, guid, known_as)

    def modify(self, handle: Handle, settings: str, change: str = "") -> None:
        """Change the object; `change` says in words what, for the error."""
        where = f"{handle.target} ({change})" if change else handle.target
        function = f"{handle.kind.prefix}Modify{handle.kind.singular}"
        self._plain(function, handle.kind.words, where, handle.value, utf16(settings))

    def query(self, handle: Handle, query: str) -> str:
        """The object's properties, a JSON document."""
        function = f"HcnQuery{handle.kind.singular}Properties"
        return self._answer(function, handle.kind.words, handle.target, handle.value, utf16(query))

    def statistics(self, endpoint: Handle, query: str) -> str:
        """The endpoint's counters, a JSON document; Microsoft does not document the function."""
        words, target = endpoint.kind.words, endpoint.target
        return self._answer("HcnQueryEndpointStats", words, target, endpoint.value, utf16(query))

    def delete(self, kind: ObjectKind, guid: str) -> None:
        """Delete the object with this GUID."""
        self._plain(f"HcnDelete{kind.singular}", kind.words, guid, _guid(guid))

    def close(self, handle: Handle) -> None:
        """Close the handle; a second time does nothing.

        Raises:
            ServiceError: the service refused; the handle counts as closed all the same.
        """
        hresult = handle.close()
        if hresult < 0:
            function = f"{handle.kind.prefix}Close{handle.kind.singular}"
            raise service_error(function, f"{handle.kind.words} {handle.target}", hresult & 0xFFFFFFFF)

    def warn(self, message: str) -> None:
        """A warning for the log, of something that is no reason to fail."""
        self._log.event(message, "warning")

    def hns_call(self, method: str, path: str, body: str) -> str:
        """The V1 service's answer: the envelope's text, which may itself report a failure."""
        call = function_of(self._libraries.vmcompute, "HNSCall")
        texts = [utf16(method), utf16(path), utf16(body)]
        with Buffers(self._free()) as buffers:
            response = buffers.slot()
            hresult = self._timed("HNSCall", f"{method} {path}", lambda: call(*texts, response))
            answer = string_in(response)
        if hresult < 0:
            raise service_error(f"HNSCall {method} {path}", "", hresult & 0xFFFFFFFF, error_record(answer))
        return answer

    def register(self, notified: Callable[[int, int, str], None]) -> Registration:
        """Let the service call `notified(code, hresult, document)` for what happens to its objects.

        It is called on a thread of the service. What it raises is logged: nothing may pass into the service.
        """
        function = self._named("HcnRegisterServiceCallback")
        self._named("HcnUnregisterServiceCallback")
        callback = ffi.callback("HCN_NOTIFICATION_CALLBACK", self._guarded(notified))
        slot = ffi.new("HCN_CALLBACK *")
        hresult = self._timed("HcnRegisterServiceCallback", "", lambda: function(callback, ffi.NULL, slot))
        if hresult < 0:
            raise service_error("HcnRegisterServiceCallback", "", hresult & 0xFFFFFFFF)
        return Registration(callback, slot[0])

    def unregister(self, registration: Registration) -> None:
        """The service calls no more.

        Raises:
            ServiceError: it may still call; the callback is kept alive for as long as this process.
        """
        function = self._named("HcnUnregisterServiceCallback")
        value = registration.value
        hresult = self._timed("HcnUnregisterServiceCallback", "", lambda: function(value))
        if hresult < 0:
            _still_registered.append(registration)
            raise service_error("HcnUnregisterServiceCallback", "", hresult & 0xFFFFFFFF)

    def _guarded(self, notified: Callable[[int, int, str], None]) -> Callable[[int, Any, int, Any], None]:
        def callback(code: int, _context: Any, hresult: int, data: Any) -> None:
            try:
                notified(code, hresult & 0xFFFFFFFF, "" if data == ffi.NULL else str(ffi.string(data)))
            except Exception as fault:
                self._log.event(f"a notification was not handled: {type(fault).__name__}", "error")

        return callback

    def _plain(self, name: str, words: str, target: str, *arguments: Any) -> None:
        function = self._named(name)
        with Buffers(self._free()) as buffers:
            record = buffers.slot()
            self._checked(name, words, target, lambda: function(*arguments, record), record)

    def _answer(self, name: str, words: str, target: str, *arguments: Any) -> str:
        function = self._named(name)
        with Buffers(self._free()) as buffers:
            answer, record = buffers.slot(), buffers.slot()
            self._checked(name, words, target, lambda: function(*arguments, answer, record), record)
            return string_in(answer)

    def _handle(self, name: str, kind: ObjectKind, target: str, *arguments: Any) -> Handle:
        close = self._named(f"{kind.prefix}Close{kind.singular}")
        slot = ffi.new("void **")
        try:
            self._plain(name, kind.words, target, *arguments, slot)
        except ServiceError:
            # A success code with an error record is a failure that may have given a handle all the same.
            if slot[0] != ffi.NULL:
                close(slot[0])
            raise
        if slot[0] == ffi.NULL:
            raise MalformedAnswer(name, f"{kind.words} {target}", 0, "no handle")
        return Handle(kind, target, slot[0], close)

    def _checked(self, name: str, words: str, target: str, call: Callable[[], int], record: Any) -> None:
        """One call, and the error if it failed by its HRESULT or by its record.

        vmcompute.dll may write a document of events with a success too.
        """
        hresult = self._timed(name, target, call)
        text = string_in(record)
        if hresult < 0 or (text and name.startswith("Hcn")):
            decoded = error_record(text)
            code = hresult & 0xFFFFFFFF if hresult < 0 else _error_code(decoded)
            raise service_error(name, f"{words} {target}".strip(), code, decoded)

    def _timed(self, name: str, target: str, call: Callable[[], int]) -> int:
        self._log.call_begins(name, target)
        hresult = call() if self._watch is None else self._watch(f"{name} {target}".strip(), call)
        self._log.call_ends(hresult & 0xFFFFFFFF)
        return hresult

    def _named(self, name: str) -> Any:
        libraries = self._libraries
        return function_of(libraries.vmcompute if name.startswith("Hcs") else libraries.computenetwork, name)

    def _free(self) -> Any:
        return function_of(self._libraries.ole32, "CoTaskMemFree")


def function_of(library: Any, name: str) -> Any:
    """The C function of this name. Raises: FunctionMissing: this Windows has no such DLL or function."""
    try:
        return getattr(library, name)
    except (AttributeError, OSError, ffi.error) as fault:
        raise FunctionMissing(name, fault) from fault


class Buffers:
    """`PWSTR *` out-parameters, freed at the end of a `with` whatever the call did."""

    __slots__ = ("_free", "_slots")

    def __init__(self, free: Callable[[Any], None]) -> None:
        self._free = free
        self._slots: list[Any] = []

    def slot(self) -> Any:
        # ffi.new zeroes it: the service need not write to it for us to look.
        slot = ffi.new("PWSTR *")
        self._slots.append(slot)
        return slot

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for slot in self._slots:
            if slot[0] != ffi.NULL:
                self._free(slot[0])


def utf16(text: str) -> Any:
    """UTF-16 with a NUL at its end. Raises: ValueError for a NUL inside, which would cut the text short."""
    if "\0" in text:
        raise ValueError("a text with a NUL inside cannot be passed to HNS")
    return ffi.new("char16_t[]", text)


def string_in(slot: Any) -> str:
    """A copy of the text that a slot points to, empty for none."""
    return "" if slot[0] == ffi.NULL else str(ffi.string(slot[0]))


def _guid(text: str) -> Any:
    """The GUID structure: its first three fields are numbers, so their bytes are turned round in memory.

    Raises:
        ValueError: the text is not a GUID.
    """
    bare = canonical(text)
    if bare is None:
        raise ValueError(f"{text!r} is not a GUID")
    raw = bytes.fromhex(bare.replace("-", ""))
    structure = ffi.new("GUID *")
    ffi.buffer(structure)[:] = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    return structure


def error_record(text: str) -> dict[str, Any] | str:
    """The error record; a text that is no JSON object is a plain message, and never hides the HRESULT."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return document if isinstance(document, dict) else text


def _error_code(record: dict[str, Any] | str) -> int:
    """The HRESULT that the record of a call with a success code reports; 0 if it reports none."""
    if isinstance(record, str):
        return 0
    code = member(record, "ErrorCode")
    return code & 0xFFFFFFFF if isinstance(code, int) else 0
