"""Where a check's containers get what CNI_NETNS names."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import uuid
from collections.abc import Sequence
from typing import Protocol

__all__ = [
    "CommandNamespaces",
    "GivenNamespaces",
    "IpNamespaces",
    "NamespaceFault",
    "Namespaces",
    "TextNamespaces",
    "TooFewNamespaces",
    "WithoutInterfaces",
]

_COMMAND_TIMEOUT_S = 60.0
_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")


class NamespaceFault(Exception):
    """No namespace can be had; `str()` says why."""


class TooFewNamespaces(NamespaceFault):
    """A check needs more of them at a time than there are."""


class Namespaces(Protocol):
    """Makes and removes namespaces."""

    removable: bool
    """Whether a namespace that goes away while a container is attached can be shown to the plugin."""

    def make(self, name: str) -> str:
        """A namespace that exists, in the form of CNI_NETNS. Raises: NamespaceFault."""

    def remove(self, netns: str) -> None:
        """End it, or take it back. Raises: NamespaceFault."""

    def missing(self) -> str:
        """One that does not exist, in the same form."""

    def interface(self, netns: str, ifname: str) -> str:
        """Have an interface of this name in it, where that can be done: its MAC address, else nothing.

        Raises: NamespaceFault.
        """


class WithoutInterfaces:
    """Namespaces in which only plugins make interfaces."""

    def interface(self, netns: str, ifname: str) -> str:  # noqa: ARG002 -- nothing is made
        return ""


class TextNamespaces(WithoutInterfaces):
    """No namespaces at all, only texts: enough for an IPAM plugin, which passes CNI_NETNS on unread."""

    removable = False

    def make(self, name: str) -> str:
        return _path(name)

    def remove(self, netns: str) -> None:
        """Nothing was made."""

    def missing(self) -> str:
        return _path(f"none-{uuid.uuid4().hex[:8]}")


class GivenNamespaces(WithoutInterfaces):
    """Namespaces that somebody made and keeps; each is lent to one container at a time."""

    removable = False

    def __init__(self, given: Sequence[str]) -> None:
        self._free = list(given)
        self._all = tuple(given)

    def make(self, name: str) -> str:  # noqa: ARG002 -- given ones have their names
        if not self._free:
            raise TooFewNamespaces(
                f"needs more namespaces at a time than the {len(self._all)} given by --netns"
            )
        return self._free.pop(0)

    def remove(self, netns: str) -> None:
        self._free.append(netns)

    def missing(self) -> str:
        if _GUID.fullmatch(self._all[0]):
            return str(uuid.uuid4())
        return _path(f"none-{uuid.uuid4().hex[:8]}")


class CommandNamespaces(WithoutInterfaces):
    """Namespaces made and removed by commands of the user's; `{name}` and `{netns}` in them are filled in."""

    def __init__(self, make: str, remove: str | None) -> None:
        self._make = make
        self._remove = remove
        self.removable = remove is not None
        self._names: dict[str, str] = {}

    def make(self, name: str) -> str:
        netns = _run(self._make, name, "")
        if not netns:
            raise NamespaceFault(f"the command for a namespace printed none: {self._make}")
        self._names[netns] = name
        return netns

    def remove(self, netns: str) -> None:
        if self._remove is not None:
            _run(self._remove, self._names.pop(netns, ""), netns)

    def missing(self) -> str:
        made = next(iter(self._names), "")
        return str(uuid.uuid4()) if _GUID.fullmatch(made) else _path(f"none-{uuid.uuid4().hex[:8]}")


class IpNamespaces:
    """Network namespaces of Linux, made and removed by iproute2; root may."""

    removable = True

    def make(self, name: str) -> str:
        _run("ip netns add {name}", name, "")
        return _path(name)

    def remove(self, netns: str) -> None:
        """The interfaces in it go with it."""
        _run("ip netns delete {name}", os.path.basename(netns), "")

    def missing(self) -> str:
        return _path(f"none-{uuid.uuid4().hex[:8]}")

    def interface(self, netns: str, ifname: str) -> str:
        """One end of a veth pair, both ends in the namespace."""
        name = os.path.basename(netns)
        known = _run(f"ip -n {{name}} -o link show dev {ifname}", name, "", may_fail=True)
        if not known:
            # Of its own name: a name of an interface has 15 characters at most.
            peer = f"peer{uuid.uuid4().hex[:8]}"
            _run(f"ip -n {{name}} link add {ifname} type veth peer name {peer}", name, "")
            for one in (ifname, peer):
                _run(f"ip -n {{name}} link set {one} up", name, "")
            known = _run(f"ip -n {{name}} -o link show dev {ifname}", name, "")
        return known.partition("link/ether ")[2].partition(" ")[0]


def _path(name: str) -> str:
    return f"/var/run/netns/{name}"


def _run(template: str, name: str, netns: str, *, may_fail: bool = False) -> str:
    """The last line that the command prints."""
    # On Windows a backslash belongs to a path.
    words = [
        word.strip('"') if os.name == "nt" else word for word in shlex.split(template, posix=os.name != "nt")
    ]
    command = [word.replace("{name}", name).replace("{netns}", netns) for word in words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise NamespaceFault(f"{shlex.join(command)}: {fault}") from fault
    if done.returncode != 0 and may_fail:
        return ""
    if done.returncode != 0:
        raise NamespaceFault(f"{shlex.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    lines = done.stdout.split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
