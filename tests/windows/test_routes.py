"""The route table in a Windows CPython: Wine's own, and one whose structures are those of mingw's headers."""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest

from cni_hns.binding import route_calls
from cni_hns.binding._generated_host import ffi
from tests.lane import Lane
from tests.windows.build import COMPILER, compile_dll

ROOT = Path(__file__).parent.parent.parent
STRUCTURES = [
    "SOCKADDR_INET",
    "IP_ADDRESS_PREFIX",
    "MIB_IPFORWARD_ROW2",
    "MIB_IPFORWARD_TABLE2",
    "MIB_IPINTERFACE_ROW",
]
HEADERS = "#include <winsock2.h>\n#include <ws2ipdef.h>\n#include <windows.h>\n#include <iphlpapi.h>\n"
# What is one field here has names of its own in each family there.
ELSEWHERE = {
    "sin_port": "Ipv4.sin_port",
    "sin_addr_or_flow": "Ipv4.sin_addr",
    "sin6_addr": "Ipv6.sin6_addr",
    "sin6_scope_id": "Ipv6.sin6_scope_id",
}


def assertions() -> list[str]:
    """Size of each structure, place and size of each of its fields, as C holds them at compile time."""
    found = []
    for name in STRUCTURES:
        kind = ffi.typeof(name)
        found.append(f'_Static_assert(sizeof({name}) == {ffi.sizeof(kind)}, "{name}");')
        for field, place in kind.fields or []:
            there, size = ELSEWHERE.get(field, field), ffi.sizeof(place.type)
            found.append(f'_Static_assert(offsetof({name}, {there}) == {place.offset}, "{name}.{field}");')
            held = f"sizeof((({name} *)0)->{there})"
            found.append(f'_Static_assert({held} == {size}, "size of {name}.{field}");')
    return found


def test_structures_are_those_of_the_headers(lane: Lane, tmp_path: Path) -> None:
    assert lane.prefix  # who has no lane need not have the compiler
    assert len(assertions()) > 100
    source = tmp_path / "layout.c"
    source.write_text(HEADERS + "#include <stddef.h>\n" + "\n".join(assertions()))
    subprocess.run([COMPILER, "-std=gnu11", "-fsyntax-only", str(source)], check=True)


def test_every_structure_is_held_against_them() -> None:
    declared = {line.removeprefix("typedef struct _").split(" ")[0] for line in _structures()}
    assert declared == set(STRUCTURES)


def _structures() -> list[str]:
    return [one for one in route_calls.DECLARATIONS.splitlines() if one.startswith("typedef struct _")]


def host_routes() -> set[tuple[str, str]]:
    """Prefix and next hop of each IPv4 route of this machine, which is what Wine shows."""
    lines = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    rows = [line.split() for line in lines]
    return {(str(ip_network(f"{_address(row[1])}/{_address(row[7])}")), _address(row[2])) for row in rows}


def _address(digits: str) -> str:
    return str(IPv4Address(bytes.fromhex(digits)[::-1]))


@pytest.mark.usefixtures("wine")
def test_the_route_table_is_read_and_changed(lane: Lane, tmp_path: Path) -> None:
    library = compile_dll("routes_standin", tmp_path / "routes_standin.dll", [])
    variables = {"PYTHONPATH": lane.windows_path(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    script = lane.windows_path(ROOT / "tests" / "windows" / "routes_script.py")
    done = subprocess.run(
        lane.launch_command(lane.python, script, lane.windows_path(library)),
        env=lane.launch_environment(variables),
        capture_output=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    seen = json.loads(done.stdout)
    found = {(prefix, next_hop) for prefix, next_hop, *_ in seen.pop("windows") if ":" not in prefix}
    assert found == host_routes()
    assert seen == {
        # Wine 8 has no function that makes a route.
        "lacks": "RoutesUnsupported",
        "both": [
            ["10.244.2.0/24", "192.0.2.2", 12, 5, 3],
            ["fd00:244:0:2::/64", "2001:db8::2", 12, 7, 3],
        ],
        "again": "RouteExists",
        "elsewhere": "RouteMissing",
        "forwarded": [False, False],
        "forwards": [True, True],
        "left": [["fd00:244:0:2::/64", "2001:db8::2", 12, 7, 3]],
        "twice": "RouteMissing",
        "none": [],
        "tables": 0,
    }
