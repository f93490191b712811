"""A simulated node for tests: verbs through the front door, and what is left on the node afterwards."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import uuid
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.binding.service import Service
from cni_hns.deadline import Deadline
from cni_hns.hcn.client import Hcn
from cni_hns.hcn.documents import add_endpoint
from cni_hns.hcn.views import REMOTE, EndpointView, NamespaceView
from cni_hns.hns.client import Hns
from cni_hns.ledger import AttachmentRow, Lease, open_ledger
from cni_hns.ledger.addresses import address_key
from cni_hns.log import Log
from cni_hns.plugin import run
from cni_hns.simulator import Simulator
from tests.lane.wine import drive
from tests.packaging import current
from tests.profile import chosen

__all__ = ["Answer", "Printed", "SimulatedNode", "l2bridge"]

ROOT = Path(__file__).parent.parent

KILLED_ON_WINDOWS = 137

# No verb takes so long. pytest's own limit does not reach the threads of a test.
_HUNG_S = 300


class Answer(NamedTuple):
    """What one call printed, and how it ended."""

    document: dict[str, Any]
    exit_code: int
    stdout: str

    @property
    def killed(self) -> bool:
        """The process was ended from outside: by a signal, on Windows with this exit code."""
        return self.exit_code < 0 or self.exit_code == KILLED_ON_WINDOWS

    @property
    def addresses(self) -> list[str]:
        """The result's addresses with their prefix length."""
        return [one["address"] for one in self.document.get("ips", [])]

    @property
    def words(self) -> str:
        """The error's whole text."""
        return f"{self.document.get('msg', '')} {self.document.get('details', '')}"


class Printed(NamedTuple):
    """What an operator's command wrote, and how it ended."""

    exit_code: int
    stdout: str
    stderr: str


class SimulatedNode:
    """One node whose state lies in `folder`."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.simulator = Simulator(str(folder), chosen(), **options)
        self.libraries = self.simulator.libraries()
        service = Service(self.libraries, Log(stderr=False))
        self.hcn = Hcn(service)
        self.hns = Hns(service)
        self._served = ExitStack()
        self._service = ""

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a process of the program finds this node."""
        packaging = current()
        if packaging.on_windows and not self._service:
            from cni_hns.simulator.server import serve

            self._service = self._served.enter_context(serve(str(self.folder)))
            # host-local's default folder is one of the current drive.
            self._served.enter_context(drive(packaging.lane, self.folder))
        return packaging.environment(self.folder, self._service)

    @property
    def _current_folder(self) -> Path | None:
        return self.folder if current().on_windows else None

    @property
    def host_local_folder(self) -> Path:
        """Where host-local keeps its reservations on this node by default."""
        if current().on_windows:
            return self.folder / "var/lib/cni/networks"
        return Path(self.simulator.machine().host_local_folder())

    def namespace(self) -> str:
        """A namespace as containerd makes one."""
        with self.hcn.namespaces.create({"SchemaVersion": {"Major": 0, "Minor": 0}}) as namespace:
            namespace.query()
            return namespace.id

    def call(
        self,
        command: str,
        config: dict[str, Any] | bytes,
        container: str = "",
        netns: str = "",
        *,
        program: Path | None = None,
        **more: str,
    ) -> Answer:
        """One verb, from the variables to the document: in this process, or in one of the packaging."""
        if not current().is_in_process:
            return self.process(command, config, container, netns, program=program, **more)
        answer = run(
            _variables(command, container, netns, **more),
            lambda _: _as_bytes(config),
            lambda: (self.simulator.libraries(), self.simulator.machine()),
            Log(stderr=False),
        )
        return Answer(json.loads(answer.stdout) if answer.stdout else {}, answer.exit_code, answer.stdout)

    def start(
        self,
        command: str,
        config: dict[str, Any] | bytes | None,
        container: str = "",
        netns: str = "",
        *,
        program: Path | None = None,
        **more: str,
    ) -> subprocess.Popen[bytes]:
        """One verb in a process of its own, the configuration written, stdin closed; None leaves it."""
        variables = {**self.environment, **_variables(command, container, netns, **more)}
        return current().start(
            variables, None if config is None else _as_bytes(config), program, folder=self._current_folder
        )

    def command(self, *arguments: str) -> Printed:
        """An operator's command: in this process, or in one of the packaging."""
        if not current().is_in_process:
            environment = self.environment
            process = current().start(environment, b"", folder=self._current_folder, arguments=arguments)
            stdout, stderr = process.communicate()
            return Printed(process.returncode, stdout.decode(), stderr.decode())
        from cni_hns.cli.app import main

        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*arguments], lambda: (self.simulator.libraries(), self.simulator.machine()))
        return Printed(code, out.getvalue(), err.getvalue())

    def process(
        self, command: str, config: dict[str, Any] | bytes, container: str = "", netns: str = "", **more: Any
    ) -> Answer:
        """`start`, and wait for the answer."""
        return finished(self.start(command, config, container, netns, **more))

    def endpoints(self, network: str | None = None) -> list[EndpointView]:
        ids = self.hcn.endpoints.ids(**({"VirtualNetwork": network} if network else {}))
        return [EndpointView.of(self.hcn.endpoints.get(one)) for one in ids]

    def endpoint(self, guid: str) -> EndpointView:
        return EndpointView.of(self.hcn.endpoints.get(guid))

    def in_namespace(self, guid: str) -> set[str]:
        return NamespaceView.of(self.hcn.namespaces.get(guid)).endpoints

    def network_id(self, name: str) -> str:
        (found,) = self.hcn.networks.ids(Name=name)
        return found

    def attach(self, namespace: str, endpoint: str) -> None:
        with self.hcn.namespaces.open(namespace) as opened:
            opened.modify(add_endpoint(endpoint))

    def rows(self) -> list[AttachmentRow]:
        """All attachments of the ledger."""
        ledger = open_ledger(self.ledger_path, Deadline(30), create=False)
        if ledger is None:
            return []
        try:
            return ledger.attachments()
        finally:
            ledger.close()

    def leases(self, *, all_of_them: bool = False) -> list[Lease]:
        """The leases held now, or also what is set aside."""
        ledger = open_ledger(self.ledger_path, Deadline(30), create=False)
        if ledger is None:
            return []
        try:
            return ledger.leases(all=all_of_them)
        finally:
            ledger.close()

    def foreign(self, name: str, address: str, *, remote: bool = False) -> str:
        """An endpoint of another program on the network "pods"; its ID."""
        members: dict[str, Any] = {"Name": name, "IpConfigurations": [{"IpAddress": address}]}
        if remote:
            members.update(Flags=REMOTE, MacAddress="02-11-22-33-44-55")
        return self.simulator.plant_endpoint("pods", **members)

    def drop_leases(self) -> None:
        """Damage: the ledger forgets every lease."""
        ledger = open_ledger(self.ledger_path, Deadline(30))
        try:
            for lease in ledger.leases(all=True):
                ledger.free(lease.network, address_key(lease.address))
        finally:
            ledger.close()

    def lose_ledger(self) -> None:
        """The ledger's file is lost, with what SQLite keeps beside it."""
        for file in Path(self.ledger_path).parent.glob("ledger.db*"):
            file.unlink()

    def calls(self) -> list[str]:
        """The HNS functions called since the journal was reset, without those that close handles."""
        return [call.function for call in self.simulator.journal()]

    def assert_clean(self) -> None:
        """No endpoint, no attachment, no lease held."""
        assert self.endpoints() == []
        assert self.rows() == []
        assert self.leases() == []

    def assert_nothing_owned(self) -> None:
        """As `assert_clean`, but for what is set aside because a killed ADD may still be completed by HNS."""
        assert self.endpoints() == []
        assert {row.phase for row in self.rows()} <= {"tombstone"}
        assert self.leases() == []

    def close(self) -> None:
        self.abandon()
        assert self.simulator.live() == []
        assert self.simulator.leaks() == []

    def abandon(self) -> None:
        """Close it without a look at what is open: where a program of others was killed in the middle."""
        self._served.close()
        self.libraries.close()

    @property
    def ledger_path(self) -> str:
        return os.path.join(self.simulator.machine().state_folder(), "ledger.db")


def _as_bytes(config: dict[str, Any] | bytes) -> bytes:
    return config if isinstance(config, bytes) else json.dumps(config).encode()


def finished(process: subprocess.Popen[bytes]) -> Answer:
    """Wait for the end; what the process said on stderr goes to this one's.

    Raises: subprocess.TimeoutExpired: it hangs, or what it started has its streams.
    """
    stdout, stderr = process.communicate(timeout=_HUNG_S)
    if stderr:
        sys.stderr.write(stderr.decode(errors="replace"))
    text = stdout.decode()
    return Answer(json.loads(text) if text else {}, process.returncode, text)


def leave(process: subprocess.Popen[bytes]) -> None:
    """Close the streams of a process that has ended; what it started may have them still."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def container_id() -> str:
    """An id as containerd makes one: 64 hexadecimal digits."""
    return uuid.uuid4().hex * 2


def l2bridge(**changes: Any) -> dict[str, Any]:
    """A plain configuration: a network that is made on demand, one /24, gateway .1."""
    config: dict[str, Any] = {
        "cniVersion": "1.1.0",
        "name": "pods",
        "type": "cni-hns",
        "capabilities": {"portMappings": True, "dns": True},
        "network": {
            "mode": "l2bridge",
            "create": True,
            "adapter": "Ethernet",
            "subnets": [{"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}],
        },
        "ipam": {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]},
        "dns": {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]},
    }
    return {**config, **changes}


def _variables(
    command: str, container: str, netns: str, *, ifname: str = "eth0", args: str = "", path: str = ""
) -> dict[str, str]:
    return {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": container,
        "CNI_NETNS": netns,
        "CNI_IFNAME": ifname,
        "CNI_ARGS": args,
        "CNI_PATH": path or current().path("/opt/cni/bin"),
    }
