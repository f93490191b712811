"""Run by Windows CPython: what the machine says of itself, as operator's commands ask it. Prints JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from cni_hns.binding.children import run
from cni_hns.binding.windows import load


def main() -> None:
    _, machine = load()
    host = machine.host()
    seen = {
        "hns": host.service("hns"),
        "missing": host.service("cni-hns-nothing"),
        "interfaces": host.interfaces(),
        "memory": host.memory(),
        "clock": host.clock(),
        "disk": host.disk(machine.state_folder()),
        "ports": _unless_it_fails(lambda: host.ports(run, 20.0)),
    }
    json.dump(seen, sys.stdout)


def _unless_it_fails(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except OSError as fault:
        return str(fault)


if __name__ == "__main__":
    main()
