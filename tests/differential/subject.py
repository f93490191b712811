"""One plugin on a simulated node: the steps of two pods, and what each of them came to.

Rule 1: a subject's folder is a drive of Wine's: what a program keeps in \\var\\lib\\cni is the subject's own.
Rule 2: containers, namespaces and the HCN network have the same IDs for every subject.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from cni_hns.simulator import Simulator
from cni_hns.simulator.core.journal import Call
from cni_hns.simulator.server import serve
from tests.clients.plugin_files import lay_out
from tests.differential.cases import Case
from tests.lane import Lane
from tests.lane.wine import drive

__all__ = [
    "NAMESPACES",
    "NETWORK",
    "PODS",
    "STEPS",
    "Node",
    "Observed",
    "Step",
    "Subject",
    "changes",
    "observed",
    "subject",
]

NETWORK = "5f0c3b1e-0000-4000-8000-00000000a000"
PODS = {1: "a1" * 32, 2: "b2" * 32}
NAMESPACES = {1: "5f0c3b1e-0000-4000-8000-0000000000a1", 2: "5f0c3b1e-0000-4000-8000-0000000000b2"}

_CHANGING = ("HcnCreate", "HcnModify", "HcnDelete")
_IPAM_PLUGINS = ("host-local", "static")
_TIMEOUT_S = 120


class Step(NamedTuple):
    """One call: its name in the table, its verb, its pod."""

    name: str
    verb: str
    pod: int


STEPS = (
    Step("ADD", "ADD", 1),
    Step("ADD again", "ADD", 1),
    Step("CHECK", "CHECK", 1),
    Step("second pod", "ADD", 2),
    Step("DEL", "DEL", 1),
    Step("DEL again", "DEL", 1),
    Step("DEL of the second pod", "DEL", 2),
)


class Observed(NamedTuple):
    """What a call came to: its answer, what it asked of HNS, and what is on the node afterwards."""

    exit_code: int
    answer: dict[str, Any]
    sent: list[Call]
    objects: dict[str, list[dict[str, Any]]]
    reserved: dict[str, str]
    """host-local's files of the network, each with its content."""

    @property
    def works(self) -> bool:
        """Whether the call succeeded."""
        return self.exit_code == 0


class Subject:
    """A plugin in a bin folder on a drive of its own; it is called on one node after another."""

    def __init__(self, lane: Lane, folder: Path, letter: str, *, ours: bool) -> None:
        self.lane, self.folder, self.letter, self.ours = lane, folder, letter.upper(), ours
        self.bin = folder / "bin"
        self.state = folder / "var" / "lib" / "cni" / "networks"

    def install(self, name: str) -> None:
        """Put the program of this name into the bin folder: the peer's own, or ours in its place.

        Raises: Missing, where the lane does not have it.
        """
        (self.bin / f"{name}.exe").unlink(missing_ok=True)
        if self.ours:
            lay_out(self.lane, self.bin, name, windows=True)
        else:
            self._link(name)

    def install_ipam_plugins(self) -> None:
        """host-local and static beside it."""
        self.bin.mkdir(parents=True)
        for name in _IPAM_PLUGINS:
            self._link(name)

    @contextmanager
    def node(self, case: Case) -> Iterator[Node]:
        """A fresh node with the case's network, and nothing left of the node before."""
        for left in (self.folder / "node", self.folder / "var"):
            shutil.rmtree(left, ignore_errors=True)
        simulator = Simulator(
            str(self.folder / "node"), management_address_after_calls=0, journal_documents=True
        )
        try:
            if case.network is not None:
                simulator.plant("network", case.network.document(case.config["name"], NETWORK))
            for guid in NAMESPACES.values():
                simulator.plant("namespace", {"ID": guid, "SchemaVersion": {"Major": 0, "Minor": 0}})
            with serve(simulator) as address:
                yield Node(self, case, simulator, address)
        finally:
            simulator.close()

    def command(self, program: str) -> list[str]:
        """What starts the program: ours has to find its ledger where this subject has it."""
        exe = self.bin / f"{program}.exe"
        return self.lane.launch_command(exe) if self.ours else self.lane.wine_command(exe)

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        """The variables with the paths that every call needs."""
        everywhere = {**variables, "CNI_PATH": self._path(self.bin)}
        if not self.ours:
            return self.lane.wine_environment(everywhere)
        return self.lane.launch_environment({**everywhere, "PROGRAMDATA": self._path(self.folder / "node")})

    def _path(self, path: Path) -> str:
        return str(PureWindowsPath(f"{self.letter}:/", path.relative_to(self.folder)))

    def _link(self, name: str) -> None:
        program = self.lane.program(name, windows=True)
        if not (self.bin / program.name).is_symlink():
            (self.bin / program.name).symlink_to(program)


class Node:
    """One node of a subject's, with a case's network and two namespaces."""

    def __init__(self, subject: Subject, case: Case, simulator: Simulator, address: str) -> None:
        self.subject, self.case, self.simulator, self._address = subject, case, simulator, address
        self._results: dict[int, dict[str, Any]] = {}

    def run(self, step: Step) -> Observed:
        """Do the step; CHECK is given the result of its pod's last ADD."""
        self.simulator.reset_journal()
        config = self.case.request_of(step.pod)
        if step.verb in ("CHECK", "DEL") and step.pod in self._results:
            config["prevResult"] = self._results[step.pod]
        exit_code, answer = self.call(step.verb, config, PODS[step.pod], self._netns(step.pod))
        if step.verb == "ADD" and exit_code == 0:
            self._results[step.pod] = answer
        sent = [call for call in self.simulator.journal() if changes(call)]
        return Observed(exit_code, answer, sent, self.simulator.dump(), self.reserved())

    def call(
        self, verb: str, config: dict[str, Any], container: str, netns: str, *, program: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """One verb as a runtime calls it: the exit code, and the document on stdout."""
        variables = {
            "CNI_COMMAND": verb,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": netns,
            "CNI_IFNAME": "eth0",
            "CNI_ARGS": self.case.args,
            "CNI_HNS_STANDIN": self._address,
        }
        done = subprocess.run(
            self.subject.command(program or self.case.peer),
            env=self.subject.environment(variables),
            cwd=self.subject.folder,
            input=json.dumps(config).encode(),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        text = done.stdout.decode()
        try:
            return done.returncode, json.loads(text) if text.strip() else {}
        except ValueError:
            return done.returncode, {"not JSON": text}

    def reserved(self) -> dict[str, str]:
        """host-local's files of the network; its lock says nothing."""
        folder = self.subject.state / str(self.case.config["name"])
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        return {file.name: file.read_bytes().decode() for file in files if file.name != "lock"}

    def _netns(self, pod: int) -> str:
        return (self.case.netns if pod == 1 else "") or NAMESPACES[pod]


def changes(call: Call) -> bool:
    """Whether the call changed something, or would have."""
    return call.function.startswith(_CHANGING) or (
        call.function == "HNSCall" and not call.object.startswith("GET ")
    )


def observed(subject: Subject, case: Case) -> dict[str, Observed]:
    """What each step of the case comes to, by the step's name."""
    subject.install(case.peer)
    with subject.node(case) as node:
        return {step.name: node.run(step) for step in STEPS}


@contextmanager
def subject(lane: Lane, folder: Path, *, ours: bool) -> Iterator[Subject]:
    """A subject with its drive, for as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    with drive(lane, folder) as letter:
        made = Subject(lane, folder, letter, ours=ours)
        made.install_ipam_plugins()
        yield made
