"""Who is measured, and where: a station is one subject on a fresh simulated node of its own.

Rule 1: all subjects read one network configuration, of win-bridge with host-local (but where the IPAM is what
is compared); each has its own node and its own state folder, which the configuration names.
Rule 2: all are started alike: by Wine's program alone on Windows, directly on Linux.
Rule 3: what is done to the node (namespaces, other programs' endpoints, delays) is done to its folder from
outside, by no call that a subject or the journal would see.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.simulator import Simulator
from cni_hns.simulator.core.exports import EXPORTS
from cni_hns.simulator.server import serve
from tests.benchmarks.processes import Ran, Start, timed
from tests.lane import Lane

__all__ = ["FILE", "FOLDER", "NETWORK", "Pod", "Station", "Subject", "Unexpected", "linux", "windows"]

FOLDER, FILE = "cni-hns folder", "cni-hns single file"
WIN_BRIDGE, HOST_LOCAL = "win-bridge", "host-local"

NETWORK = "l2br0"
_SUBNET = "10.50.0.0/16"
_IPAMS = [
    {
        "Type": "Static",
        "Subnets": [
            {
                "IpAddressPrefix": _SUBNET,
                "Routes": [{"NextHop": "10.50.0.1", "DestinationPrefix": "0.0.0.0/0"}],
            }
        ],
    }
]


class Unexpected(Exception):
    """A verb that has to succeed did not: there is nothing to measure."""


class Pod(NamedTuple):
    """What a runtime names a pod by."""

    container: str
    namespace: str


class Subject(NamedTuple):
    """A program under its name in the tables; `windows` is where it runs, `ipam` the `ipam.type` it reads."""

    name: str
    program: Path
    lane: Lane
    windows: bool
    ipam: str = HOST_LOCAL

    @contextlib.contextmanager
    def station(self, delay_ms: float = 0) -> Iterator[Station]:
        """The subject on a fresh node whose HNS takes this long for each call."""
        with tempfile.TemporaryDirectory(prefix="cni-hns-bench-", ignore_cleanup_errors=True) as folder:
            station = Station(self, Path(folder))
            station.simulator.plant("network", {"Name": NETWORK, "Type": "L2Bridge", "Ipams": _IPAMS})
            if delay_ms:
                station.delay(delay_ms / 1000)
            with serve(folder) if self.windows else contextlib.nullcontext("") as address:
                station.address = address
                try:
                    yield station
                finally:
                    station.simulator.close()


class Station:
    """One subject and its node."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject = subject
        self.folder = folder
        self.simulator = Simulator(str(folder))
        self.address = ""
        self.ledger = folder / "cni-hns" / "ledger.db"
        self.reservations = folder / "host-local" / NETWORK
        self.configuration: dict[str, Any] = {
            "cniVersion": "1.1.0",
            "name": NETWORK,
            "type": "win-bridge",
            "apiVersion": 2,
            "ipMasqNetwork": _SUBNET,
            "loopbackDSR": True,
            "capabilities": {"dns": True, "portMappings": True},
            "dns": {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]},
            "ipam": {
                "type": subject.ipam,
                "subnet": _SUBNET,
                "rangeStart": "10.50.0.10",
                "dataDir": self._path(self.reservations.parent),
            },
            "dataDir": self._path(self.ledger.parent),
        }

    def pod(self) -> Pod:
        """A new pod, its namespace made as by a runtime."""
        namespace = self.simulator.plant("namespace", {"SchemaVersion": {"Major": 0, "Minor": 0}})
        return Pod(uuid.uuid4().hex * 2, namespace)

    def delay(self, seconds: float) -> None:
        """Every call of HNS takes this long; closing a handle is no call."""
        for function, export in EXPORTS.items():
            if not export.closes:
                self.simulator.inject(function=function, count=0, latency_s=seconds)

    def start(self, verb: str, pod: Pod | None = None, result: dict[str, Any] | None = None) -> Start:
        """One verb, ready to be started; `result` goes in as prevResult."""
        document = {**self.configuration, **({"prevResult": result} if result else {})}
        variables = {
            "CNI_COMMAND": verb,
            "CNI_PATH": self._path(self.subject.lane.programs(windows=self.subject.windows)),
        }
        if pod:
            variables |= {
                "CNI_CONTAINERID": pod.container,
                "CNI_NETNS": pod.namespace,
                "CNI_IFNAME": "eth0",
            }
        return Start(self._command(), self._environment(variables), json.dumps(document).encode())

    def run(self, verb: str, pod: Pod | None = None, result: dict[str, Any] | None = None) -> Ran:
        """One verb on the stopwatch."""
        return timed(self.start(verb, pod, result))

    def must(self, verb: str, pod: Pod) -> Ran:
        """As `run`.

        Raises:
            Unexpected: it failed.
        """
        ran = self.run(verb, pod)
        if ran.exit_code:
            raise Unexpected(f"{self.subject.name}: {verb} {ran.words}")
        return ran

    def _command(self) -> list[str]:
        program = self.subject.program
        return self.subject.lane.wine_command(program) if self.subject.windows else [str(program)]

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("CNI_", "CAP_"))}
        if self.subject.windows:
            lane = self.subject.lane.wine_environment()
            wines = {name: lane[name] for name in ("WINEPREFIX", "WINEDEBUG")}
            return {**inherited, **wines, **variables, "CNI_HNS_STANDIN": self.address}
        return {**inherited, **variables, "CNI_HNS_SIMULATOR": str(self.folder)}

    def _path(self, path: Path) -> str:
        return Lane.windows_path(path) if self.subject.windows else str(path)


def windows(lane: Lane) -> list[Subject]:
    """Our folder, our single file, and the peer; under Wine."""
    return [
        Subject(FOLDER, lane.exe(windows=True), lane, True),
        Subject(FILE, lane.exe(windows=True, onefile=True), lane, True),
        Subject(WIN_BRIDGE, lane.program(WIN_BRIDGE, windows=True), lane, True),
    ]


def linux(lane: Lane) -> list[Subject]:
    """Our folder, our single file, and host-local alone; natively."""
    return [
        Subject(FOLDER, lane.exe(), lane, False),
        Subject(FILE, lane.exe(onefile=True), lane, False),
        Subject(HOST_LOCAL, lane.program(HOST_LOCAL), lane, False),
    ]
