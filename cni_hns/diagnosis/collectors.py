"""What other programs of the node say: a table of commands, each with its own time, run where it is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.children import run
from cni_hns.binding.reading import member
from cni_hns.diagnosis.bounded import Outcome, each_within
from cni_hns.diagnosis.clean import masked
from cni_hns.identity import guid
from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["COLLECTORS", "Collector", "Missing", "Surroundings", "collect", "of_ports", "words_of"]

_AT_ONCE = 3
_MOST_PORTS = 32
_WINDOWS = ("nt",)
_ALL = ("nt", "posix")
_EVENTS = "/c:200 /rd:true /f:text"

# What programs need to start, and nothing that may be secret.
_VARIABLES = (
    *("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "PROGRAMDATA"),
    *("PROGRAMFILES", "LANG", "LC_ALL"),
)


class Missing(Exception):
    """The program is not on this node; `str()` is the line that says so."""


class Collector(NamedTuple):
    """A command: the file's name in the bundle, what is run, for how long, on which systems (`os.name`)."""

    name: str
    command: tuple[str, ...]
    limit_s: float
    systems: tuple[str, ...]


class Surroundings(NamedTuple):
    """Where programs are looked for: `folders` in this order, on a system of this name."""

    system: str
    folders: tuple[str, ...]
    environment: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Surroundings:
        """Windows' own folder first: a program with high rights runs nothing else of these names."""
        root = environment.get("SYSTEMROOT") or environment.get("SystemRoot")
        own = (os.path.join(root, "System32"),) if root and os.name == "nt" else ()
        others = environment.get("PATH", "").split(os.pathsep)
        kept = {name: value for name, value in environment.items() if name.upper() in _VARIABLES}
        return cls(os.name, (*own, *(one for one in others if os.path.isabs(one))), kept)

    def find(self, program: str) -> str:
        """Its path. Raises: Missing."""
        names = [f"{program}.exe", program] if os.name == "nt" else [program]
        for folder in self.folders:
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    return path
        raise Missing(f"{program} is not on this node")


def _events(log: str) -> tuple[str, ...]:
    return ("wevtutil", "qe", log, *_EVENTS.split())


COLLECTORS: tuple[Collector, ...] = (
    Collector("ipconfig", ("ipconfig", "/allcompartments", "/all"), 10, _WINDOWS),
    Collector("route", ("route", "print"), 10, _WINDOWS),
    Collector("neighbours", ("netsh", "interface", "ipv4", "show", "neighbors"), 10, _WINDOWS),
    Collector("interfaces", ("netsh", "interface", "ipv4", "show", "subinterfaces"), 10, _WINDOWS),
    Collector("interfaces-v6", ("netsh", "interface", "ipv6", "show", "subinterfaces"), 10, _WINDOWS),
    Collector("ports-dynamic", ("netsh", "interface", "ipv4", "show", "dynamicport", "tcp"), 10, _WINDOWS),
    Collector(
        "ports-excluded",
        ("netsh", "interface", "ipv4", "show", "excludedportrange", "protocol=tcp"),
        10,
        _WINDOWS,
    ),
    Collector("vfp-ports", ("vfpctrl", "/list-vmswitch-port"), 15, _WINDOWS),
    *(
        Collector(f"service-{name}", ("sc", "queryex", name), 10, _WINDOWS)
        for name in ("hns", "vmcompute", "vfpext", "containerd", "kubelet", "kube-proxy", "dnscache")
    ),
    *(
        Collector(f"service-{name}-settings", ("sc", "qc", name), 10, _WINDOWS)
        for name in ("hns", "vmcompute", "containerd")
    ),
    Collector("hcsdiag", ("hcsdiag", "list"), 15, _WINDOWS),
    Collector("hnsdiag", ("hnsdiag", "list", "all"), 15, _WINDOWS),
    Collector("windows", ("cmd", "/d", "/c", "ver"), 5, _WINDOWS),
    Collector("processes", ("tasklist", "/svc", "/fi", "services eq hns"), 15, _WINDOWS),
    Collector("events-system", _events("System"), 20, _WINDOWS),
    Collector("events-hns", _events("Microsoft-Windows-Host-Network-Service-Admin"), 20, _WINDOWS),
    Collector("events-compute", _events("Microsoft-Windows-Hyper-V-Compute-Admin"), 20, _WINDOWS),
    Collector("events-switch", _events("Microsoft-Windows-Hyper-V-VmSwitch-Operational"), 20, _WINDOWS),
    Collector("ctr-containers", ("ctr", "--namespace", "k8s.io", "containers", "list"), 15, _ALL),
    Collector("ctr-tasks", ("ctr", "--namespace", "k8s.io", "tasks", "list"), 15, _ALL),
    Collector("crictl-pods", ("crictl", "pods"), 15, _ALL),
    Collector("crictl-containers", ("crictl", "ps", "--all"), 15, _ALL),
    Collector("containerd-version", ("containerd", "--version"), 5, _ALL),
)
"""None of these prints the environment of a container, a key of a registry or a kubeconfig; the masks hold
against what they print all the same."""


def of_ports(endpoints: Iterable[Mapping[str, Any]]) -> tuple[Collector, ...]:
    """What the switch says of the ports of these endpoints of HNS: state, counters, rules; of the first ones.

    Source: the scripts of Microsoft's SDN repository, which ask vfpctrl so for each port.
    """
    ports = [guid(str(member(_object(one, "AdditionalParams"), "SwitchPortId"))) for one in endpoints]
    return tuple(
        Collector(f"vfp-{port}-{word}", ("vfpctrl", "/port", port.upper(), f"/{word}"), 10, _WINDOWS)
        for port in [one for one in ports if one][:_MOST_PORTS]
        for word in ("get-port-state", "get-port-counter", "list-rule")
    )


def _object(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = member(dict(document), name)
    return found if isinstance(found, dict) else {}


def collect(
    surroundings: Surroundings, timeout_s: float, collectors: Iterable[Collector] = COLLECTORS
) -> dict[str, Outcome]:
    """What each command of this system printed, masked, by its name; for so many seconds at the most."""
    wanted = [one for one in collectors if surroundings.system in one.systems]
    works = {one.name: (lambda left_s, one=one: _run(one, surroundings, left_s)) for one in wanted}
    return each_within(timeout_s, works, _AT_ONCE)


def words_of(command: Sequence[str]) -> str:
    """The command as it is typed."""
    return " ".join(f'"{one}"' if " " in one else one for one in command)


def _run(one: Collector, surroundings: Surroundings, left_s: float) -> str:
    limit_s = min(one.limit_s, left_s)
    path = surroundings.find(one.command[0])
    ended = run(path, surroundings.environment, b"", limit_s, one.command[1:])
    lines = [f"$ {words_of(one.command)}", masked(_text(ended.stdout)), masked(_text(ended.stderr))]
    if ended.late:
        lines.append(f"(ended after {limit_s:.0f} s: this is what it had printed)")
    elif ended.overflowed:
        lines.append("(it printed more: the rest is left out)")
    elif ended.status:
        lines.append(f"(exit code {ended.status})")
    return "".join(f"{line.rstrip()}\n" for line in lines if line.strip())


def _text(printed: bytes) -> str:
    """Windows' programs print in the console's code page; what is no UTF-8, or does not print, is escaped."""
    text = printed.decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\0", "")
    return "\n".join("\t".join(map(one_line, line.split("\t"))) for line in text.split("\n"))
