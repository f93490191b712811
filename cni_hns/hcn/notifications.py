"""What HNS tells on its own: networks and namespaces that come and go, and its own end.

https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_NOTIFICATIONS
There is none for endpoints or load balancers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager

from cni_hns.binding.errors import ServiceError
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.binding.service import Service

__all__ = ["NOTIFICATIONS", "Notified", "name_of", "watch"]

Notified = Callable[[str, int, dict[str, Any]], None]
"""Called with the notification's name, the HRESULT (unsigned) and HNS's document (`ID`, `Flags`, `Data`)."""

NOTIFICATIONS = {
    0x00: "Invalid",
    0x01: "NetworkPreCreate",
    0x02: "NetworkCreate",
    0x03: "NetworkPreDelete",
    0x04: "NetworkDelete",
    0x05: "NamespaceCreate",
    0x06: "NamespaceDelete",
    0x07: "GuestNetworkServiceCreate",
    0x08: "GuestNetworkServiceDelete",
    0x09: "NetworkEndpointAttached",
    # The numbers jump from 9 to hexadecimal 10.
    0x10: "NetworkEndpointDetached",
    0x11: "GuestNetworkServiceStateChanged",
    0x12: "GuestNetworkServiceInterfaceStateChanged",
    0x01000000: "ServiceDisconnect",
}

# The highest four bits of a code are reserved flags.
_CODE = 0x0FFFFFFF


def name_of(code: int) -> str:
    """The notification's name without the prefix HcnNotification; a number no page lists stays a number."""
    return NOTIFICATIONS.get(code & _CODE, f"notification 0x{code:08X}")


@contextmanager
def watch(service: Service, notified: Notified) -> Iterator[None]:
    """Call `notified` for what HNS tells while in the `with`."""

    def translated(code: int, hresult: int, text: str) -> None:
        notified(name_of(code), hresult, _document(text))

    registration = service.register(translated)
    try:
        yield
    except BaseException as error:
        try:
            service.unregister(registration)
        except ServiceError as fault:
            error.add_note(f"besides, the notifications were not ended: {fault}")
        raise
    service.unregister(registration)


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {"Data": text} if text else {}
    return document if isinstance(document, dict) else {"Data": document}
