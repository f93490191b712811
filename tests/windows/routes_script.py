"""Run by Windows CPython: the route table, of this Windows and of the DLL named. Prints JSON.

Wine 8 has the function that reads the table and none that changes it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cni_hns.binding._generated_host import ffi
from cni_hns.binding.route_table import HostRoute, RouteFault
from cni_hns.binding.windows import load
from cni_hns.binding.windows_routes import WindowsRouteTable

V4 = HostRoute("10.244.2.0/24", "192.0.2.2", 12, 5)
V6 = HostRoute("fd00:244:0:2::/64", "2001:db8::2", 12, 7)


def main(path: str) -> None:
    _, machine = load()
    there = machine.route_table()
    seen = {"windows": there.routes(), "lacks": _refusal(lambda: there.add(V4))}
    json.dump({**seen, **_of(path)}, sys.stdout)


def _of(path: str) -> dict[str, Any]:
    library: Any = ffi.dlopen(path)
    table = WindowsRouteTable(lambda name, declared: library)
    for route in (V4, V6):
        table.add(route)
    both = table.routes()
    again = _refusal(lambda: table.add(V4))
    elsewhere = _refusal(lambda: table.add(V4._replace(interface=99)))
    forwarded = [table.forwards(12, version) for version in (4, 6)]
    for version in (4, 6):
        table.let_forward(12, version)
    forwards = [table.forwards(12, version) for version in (4, 6)]
    table.remove(V4)
    left = table.routes()
    twice = _refusal(lambda: table.remove(V4))
    table.remove(V6)
    counter = ffi.cast("int32_t(*)(void)", _address_of(path, "TablesLeft"))
    return {
        "both": both,
        "again": again,
        "elsewhere": elsewhere,
        "forwarded": forwarded,
        "forwards": forwards,
        "left": left,
        "twice": twice,
        "none": table.routes(),
        "tables": counter(),
    }


def _address_of(path: str, name: str) -> int:
    """Of a function that no declaration has."""
    import ctypes

    address = ctypes.cast(getattr(ctypes.CDLL(path), name), ctypes.c_void_p).value
    assert address is not None
    return address


def _refusal(call: Any) -> str:
    try:
        call()
    except RouteFault as fault:
        return type(fault).__name__
    return "nothing"


if __name__ == "__main__":
    main(sys.argv[1])
