"""The demo's node in a few lines: what hangs on its network at each moment.

An id is shown by its beginning, by which every command finds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cni_hns.cli.demo.inventory import Inventory

__all__ = ["picture"]

_BRANCHES = ("├─", "└─")
_OF_ASCII = ("|-", "`-")
_SHORT = 8


def picture(moments: Mapping[str, Inventory], network: str, encoding: str) -> list[str]:
    """The lines: endpoint, namespace, pod and containers on the network, below the name of each moment."""
    width = max(map(len, moments)) + 2
    lines = []
    for number, (moment, inventory) in enumerate(moments.items()):
        pods = _pods(inventory, network)
        there = f"HCN network {network}" if number or pods else "an empty node"
        lines.append(f"{moment.ljust(width)}{there}{'' if pods or not number else ', no pods'}")
        lines += _branching(pods, _BRANCHES if _can_be_written(encoding) else _OF_ASCII)
    return lines


def _branching(pods: list[str], branches: tuple[str, str]) -> list[str]:
    return [f"  {branches[number == len(pods) - 1]} {words}" for number, words in enumerate(pods)]


def _pods(inventory: Inventory, network: str) -> list[str]:
    return [
        _words(one, inventory, network) for one in sorted(inventory.endpoints, key=lambda one: one["name"])
    ]


def _words(endpoint: dict[str, Any], inventory: Inventory, network: str) -> str:
    pod = endpoint["name"].removesuffix(f"_{network}")
    count = sum(one["id"] == pod or one["id"].startswith(f"{pod}-") for one in inventory.containers)
    addresses = ", ".join(endpoint["addresses"]) or "no address"
    return (
        f"endpoint {endpoint['id'][:_SHORT]} {addresses} - "
        f"namespace {(endpoint['namespace'] or 'none')[:_SHORT]} - "
        f"{pod}: {count} container{'' if count == 1 else 's'}"
    )


def _can_be_written(encoding: str) -> bool:
    try:
        "".join(_BRANCHES).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
