"""The node of these tests: a real HNS, or the simulated one on which the tests themselves are proven.

Rule 1: a test is written once, against `HnsNode`, and cannot tell which of the two it is on.
Rule 2: whatever a test does, HNS has afterwards the networks, endpoints and namespaces it had before. What
belongs to others is looked at and never touched: every name here is made up for one test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.binding import windows
from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.binding.libraries import Libraries
from cni_hns.binding.service import Service
from cni_hns.deadline import Deadline
from cni_hns.hcn.client import Hcn
from cni_hns.hcn.documents import remove_endpoint
from cni_hns.hcn.views import EndpointView, NamespaceView, NetworkView
from cni_hns.hns.client import Hns
from cni_hns.identity import endpoint_id
from cni_hns.ledger import open_ledger
from cni_hns.log import Log
from tests.harness import ROOT, Answer, Printed, SimulatedNode, container_id, finished
from tests.packaging import give

__all__ = ["EXE", "NETWORK", "HnsNode", "Pod", "Unusable", "real", "rehearsal", "require_nat"]

NETWORK = "CNI_HNS_NETWORK"
"""Names the NAT network that the pods of these tests are added to."""

EXE = "CNI_HNS_EXE"
"""Names the built program to drive; without it `python -m cni_hns` is driven."""

_DEFAULT_NETWORK = "nat"
_NOT_PASSED_ON = {
    *("CNI_HNS_SIMULATOR", "CNI_HNS_SIMULATOR_PROFILE"),
    *("CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH"),
}
_MODULE = [sys.executable, "-m", "cni_hns"]


class Unusable(Exception):
    """The tests cannot run on this machine's HNS; the text says why, and what to do."""


class Pod(NamedTuple):
    """What a runtime has of a pod: the container's id and the namespace made for it."""

    container: str
    netns: str


class _Objects(NamedTuple):
    """The IDs of all that HNS has."""

    networks: set[str]
    endpoints: set[str]
    namespaces: set[str]


class HnsNode:
    """One node, for the time of one test."""

    def __init__(
        self, libraries: Libraries, program: list[str], variables: dict[str, str], network: str, folder: Path
    ) -> None:
        self.libraries = libraries
        self.service = Service(libraries, Log(stderr=False))
        self.hcn = Hcn(self.service)
        self.hns = Hns(self.service)
        self.network = NetworkView.of(self.hcn.networks.get(self.hcn.networks.ids(Name=network)[0]))
        self.program = program
        self._variables = variables
        self._data_dir = folder / "data"
        # GC looks for endpoints by this name: no other program's can have it.
        self._name = f"cni-hns-test-{uuid.uuid4().hex[:12]}"
        self._at_end = ExitStack()
        self._left: list[str] = []
        self._before = self._objects()

    def close(self) -> None:
        """Take away what the test made, and see that HNS has what it had before."""
        self._at_end.close()
        assert self._left == [], "DEL left these endpoints"
        assert self._objects() == self._before
        assert self.attachments() == []

    def at_end(self, step: Callable[[], object]) -> None:
        """Do this at the end, last first; of an object that is gone there is nothing to take away."""

        def tolerant() -> None:
            with suppress(NotFound):
                step()

        self._at_end.callback(tolerant)

    def config(self, **changes: Any) -> dict[str, Any]:
        """Pods on the network that is there, with addresses from HNS itself."""
        return {
            "cniVersion": "1.1.0",
            "name": self._name,
            "type": "cni-hns",
            "capabilities": {"portMappings": True},
            "network": {"mode": "nat", "name": self.network.name},
            "dataDir": str(self._data_dir),
            **changes,
        }

    def pod(self) -> Pod:
        """A container id and a scratch namespace; both go at the end, and what was added to them."""
        printed = self.command("namespace", "create", "--json")
        assert printed.exit_code == 0, printed
        pod = Pod(container_id(), json.loads(printed.stdout)["id"])
        self.at_end(lambda: self.hcn.namespaces.delete(pod.netns))
        self.at_end(lambda: self._take_away(pod))
        return pod

    def start(self, verb: str, pod: Pod | None = None, **changes: Any) -> subprocess.Popen[bytes]:
        """One verb in a process of its own, the configuration written, stdin closed."""
        variables = {"CNI_COMMAND": verb, "CNI_IFNAME": "eth0", "CNI_PATH": str(self._data_dir / "nothing")}
        if pod is not None:
            variables.update(CNI_CONTAINERID=pod.container, CNI_NETNS=pod.netns)
        process = self._process([], variables)
        give(process, json.dumps(self.config(**changes)).encode())
        return process

    def call(self, verb: str, pod: Pod | None = None, **changes: Any) -> Answer:
        """`start`, and wait for the answer."""
        return finished(self.start(verb, pod, **changes))

    def add(self, pod: Pod, **changes: Any) -> dict[str, Any]:
        """The result of an ADD that succeeds."""
        answer = self.call("ADD", pod, **changes)
        assert answer.exit_code == 0, answer.document
        return answer.document

    def command(self, *arguments: str) -> Printed:
        """An operator's command."""
        stdout, stderr = (process := self._process([*arguments], {})).communicate()
        return Printed(process.returncode, stdout.decode(), stderr.decode())

    def endpoint_id(self, pod: Pod) -> str:
        """The ID that the pod's endpoint has, or would have."""
        return endpoint_id(self._name, pod.container, "eth0")

    def endpoint(self, pod: Pod) -> EndpointView | None:
        """The pod's endpoint as HNS shows it; None where there is none."""
        try:
            return EndpointView.of(self.hcn.endpoints.get(self.endpoint_id(pod)))
        except NotFound:
            return None

    def members(self, pod: Pod) -> set[str]:
        """The endpoints in the pod's namespace."""
        return NamespaceView.of(self.hcn.namespaces.get(pod.netns)).endpoints

    def detach(self, pod: Pod) -> None:
        """Behind the program's back: take the pod's endpoint out of its namespace."""
        with self.hcn.namespaces.open(pod.netns) as namespace:
            namespace.modify(remove_endpoint(self.endpoint_id(pod)))

    def attachments(self) -> list[str]:
        """The containers that the ledger knows."""
        ledger = open_ledger(str(self._data_dir / "ledger.db"), Deadline(30), create=False)
        if ledger is None:
            return []
        try:
            return [row.key.container_id for row in ledger.attachments()]
        finally:
            ledger.close()

    def _process(self, arguments: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*self.program, *arguments],
            env={**self._variables, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._at_end.callback(_reap, process)
        return process

    def _take_away(self, pod: Pod) -> None:
        """DEL; what a DEL that does not work leaves is taken away all the same, and is a fault."""
        try:
            self.call("DEL", pod)
        finally:
            left = self.endpoint(pod)
            if left is not None:
                self._left.append(left.id)
                self.hcn.endpoints.delete(left.id)

    def _objects(self) -> _Objects:
        families = (self.hcn.networks, self.hcn.endpoints, self.hcn.namespaces)
        return _Objects(*(set(family.ids()) for family in families))


def _reap(process: subprocess.Popen[bytes]) -> None:
    """No process of a test outlives it."""
    if process.poll() is None:
        process.kill()
    with process:
        pass


@contextmanager
def rehearsal(folder: Path) -> Iterator[HnsNode]:
    """A simulated node with a NAT network, and the program from this checkout."""
    simulated = SimulatedNode(folder / "node")
    with simulated.hcn.networks.create({"Name": _DEFAULT_NETWORK, "Type": "NAT"}):
        pass
    variables = {**_variables(os.environ), "CNI_HNS_SIMULATOR": str(folder / "node")}
    try:
        node = HnsNode(simulated.libraries, _MODULE, variables, _DEFAULT_NETWORK, folder)
        try:
            yield node
        finally:
            node.close()
    finally:
        simulated.close()


@contextmanager
def real(folder: Path, given: Mapping[str, str] = os.environ) -> Iterator[HnsNode]:
    """This machine's HNS, the network and the program that the variables name.

    Raises:
        Unusable: there is no such HNS, network or program.
    """
    if "PYTEST_XDIST_WORKER" in given:
        raise Unusable("these tests count what HNS has: run them one after another, without -n")
    exe, network = given.get(EXE, ""), given.get(NETWORK, _DEFAULT_NETWORK)
    if exe and not Path(exe).is_file():
        raise Unusable(f'{EXE} names "{exe}", which is no file')
    libraries, _ = windows.load()
    try:
        require_nat(Hcn(Service(libraries, Log(stderr=False))), network)
        program = [str(Path(exe).resolve())] if exe else _MODULE
        node = HnsNode(libraries, program, _variables(given), network, folder)
    except ServiceError as fault:
        raise Unusable(
            "these tests need a real HNS, and this machine's does not answer: run them as an administrator "
            f"of a Windows with the Containers feature, whose service hns runs. {fault}"
        ) from fault
    try:
        yield node
    finally:
        node.close()


def require_nat(hcn: Hcn, name: str) -> None:
    there = {
        view.name: view.type for view in (NetworkView.of(hcn.networks.get(one)) for one in hcn.networks.ids())
    }
    if there.get(name, "").upper() != "NAT":
        others = ", ".join(f'"{other}" ({kind})' for other, kind in sorted(there.items())) or "none"
        raise Unusable(
            f'HNS has no NAT network "{name}"; its networks: {others}. Name one in {NETWORK}, or make one: '
            f"cni-hns network create --name {name} --mode nat"
        )


def _variables(given: Mapping[str, str]) -> dict[str, str]:
    """What a process of the program gets: nothing of a runtime, and nothing that leads to a simulated HNS."""
    kept = {name: text for name, text in given.items() if name not in _NOT_PASSED_ON}
    return {**kept, "PYTHONPATH": str(ROOT)}
