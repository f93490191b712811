"""What each function does with handles: of which object it takes one, and of which it gives one.

The texts of a function are those of `functions.py`, without the object of the handle.
"""

from __future__ import annotations

from typing import NamedTuple

from cni_hns.simulator.core.queries import FAMILIES

__all__ = ["CALLBACK", "EXPORTS", "SYSTEM", "Export"]

CALLBACK = "callback"
SYSTEM = "compute system"


class Export(NamedTuple):
    """The kind of the handle that goes in, of the one that comes out, and whether the one in is closed."""

    takes: str = ""
    gives: str = ""
    closes: bool = False


def _family(name: str) -> dict[str, Export]:
    made_in = "Network" if name == "Endpoint" else ""
    return {
        f"HcnEnumerate{name}s": Export(),
        f"HcnCreate{name}": Export(takes=made_in, gives=name),
        f"HcnOpen{name}": Export(gives=name),
        f"HcnModify{name}": Export(takes=name),
        f"HcnQuery{name}Properties": Export(takes=name),
        f"HcnDelete{name}": Export(),
        f"HcnClose{name}": Export(takes=name, closes=True),
    }


EXPORTS: dict[str, Export] = {
    **{function: export for name in FAMILIES for function, export in _family(name).items()},
    "HcnQueryEndpointStats": Export(takes="Endpoint"),
    "HcnQueryEndpointAddresses": Export(takes="Endpoint"),
    "HcnRegisterServiceCallback": Export(gives=CALLBACK),
    "HcnUnregisterServiceCallback": Export(takes=CALLBACK, closes=True),
    "HNSCall": Export(),
}
