"""A node as a runtime's programs find it: a bin folder, a folder of configurations, HNS.

The programs are released ones, for Linux or for Windows; HNS is simulated, and on Windows met through the
stand-in DLLs. What a test does to the node it does here, in this process.

Rule: nothing outside the test's folder is written. cnitool and host-local keep their state in /var/lib/cni,
whatever they are told: on Linux the programs see a folder of the test in its place; on Windows that path is
one of the current drive, which is the test's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from tests.clients.plugin_files import lay_out
from tests.harness import Answer, SimulatedNode, finished
from tests.lane import Lane
from tests.lane.wine import drive

__all__ = ["Host", "LinuxHost", "Ran", "WindowsHost", "windows_host"]

# Where cnitool and host-local keep their state, on Windows on the current drive.
_STATE = "var/lib/cni"


class Ran(NamedTuple):
    """What a program wrote, and how it ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def addresses(self) -> list[str]:
        """The addresses of the result on stdout, with their prefix length."""
        return [one["address"] for one in self.document["ips"]]


class Host:
    """One node with our plugin in its bin folder; a subclass for each system."""

    windows: bool
    separator: str

    def __init__(self, folder: Path, node: SimulatedNode, lane: Lane) -> None:
        self.folder = folder
        self.node = node
        self.lane = lane
        self.bin = folder / "bin"
        self.net_d = folder / "net.d"
        self.state = folder / _STATE
        for made in (self.bin, self.net_d, self.state):
            made.mkdir(parents=True)
        self.install_plugin("cni-hns")

    def path(self, path: Path) -> str:
        """A file below the test's folder, as programs of this system name it."""
        raise NotImplementedError

    def command(self, program: Path, *arguments: str) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What a program of this system needs to meet the simulated HNS."""
        raise NotImplementedError

    @property
    def cni_path(self) -> str:
        return self.path(self.bin)

    def install_plugin(self, name: str) -> None:
        """Our plugin under this name."""
        lay_out(self.lane, self.bin, name, windows=self.windows)

    def install(self, name: str) -> None:
        """A program that others wrote, into the bin folder."""
        program = self.lane.program(name, windows=self.windows)
        (self.bin / program.name).symlink_to(program)

    def uninstall(self, name: str) -> None:
        (self.bin / (f"{name}.exe" if self.windows else name)).unlink()

    def configure(self, document: dict[str, Any], file: str = "") -> str:
        """Put a configuration into the folder of configurations; its network's name."""
        suffix = "conflist" if "plugins" in document else "conf"
        name: str = document["name"]
        (self.net_d / (file or f"10-{name}.{suffix}")).write_text(json.dumps(document), encoding="utf-8")
        return name

    def start(
        self, program: Path, *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """The program, started; its streams are pipes, as every runtime makes them."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("CNI_", "CAP_"))}
        return subprocess.Popen(
            self.command(program, *arguments),
            env={**inherited, **self.environment(), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or self.folder,
        )

    def run(
        self,
        program: Path,
        *arguments: str,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes = b"",
    ) -> Ran:
        process = self.start(program, *arguments, env=env, cwd=cwd)
        stdout, stderr = process.communicate(stdin)
        return Ran(process.returncode, stdout.decode(), stderr.decode(errors="replace"))

    def cnitool(
        self,
        verb: str,
        network: str,
        namespace: str,
        *,
        args: str = "",
        capabilities: dict[str, Any] | None = None,
        ifname: str = "eth0",
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> Ran:
        """One call of cnitool, which makes the namespace an absolute path."""
        variables = {
            "NETCONFPATH": self.path(self.net_d),
            "CNI_PATH": self.cni_path,
            "CNI_ARGS": args,
            "CNI_IFNAME": ifname,
            **({"CAP_ARGS": json.dumps(capabilities)} if capabilities else {}),
            **(env or {}),
        }
        program = self.lane.program("cnitool", windows=self.windows)
        return self.run(program, verb, network, namespace, env=variables, cwd=cwd)

    def start_plugin(
        self,
        command: str,
        config: dict[str, Any],
        container: str = "",
        netns: str = "",
        *,
        args: str = "",
        ifname: str = "eth0",
    ) -> subprocess.Popen[bytes]:
        """One verb of our plugin, as a runtime starts it; the configuration is written and stdin closed."""
        variables = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": netns,
            "CNI_IFNAME": ifname,
            "CNI_ARGS": args,
            "CNI_PATH": self.cni_path,
        }
        process = self.start(self.plugin, env=variables)
        assert process.stdin is not None
        process.stdin.write(json.dumps(config).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def call(
        self, command: str, config: dict[str, Any], container: str = "", netns: str = "", **more: str
    ) -> Answer:
        """`start_plugin`, and wait for the answer."""
        return finished(self.start_plugin(command, config, container, netns, **more))

    @property
    def plugin(self) -> Path:
        return self.bin / ("cni-hns.exe" if self.windows else "cni-hns")

    def cached_results(self) -> list[Path]:
        """libcni's files of the attachments that it knows."""
        return sorted((self.state / "results").glob("*"))

    def assert_clean(self, *, late: bool = False) -> None:
        """Nothing is left: no endpoint, attachment or lease, and libcni knows of none.

        `late`: HNS may delete an endpoint yet, and a tombstone keeps its ID from being used again.
        """
        if late:
            self.node.assert_nothing_owned()
        else:
            self.node.assert_clean()
        assert self.cached_results() == []


class LinuxHost(Host):
    """Programs for Linux, each in a mount namespace of its own."""

    windows = False
    separator = ":"

    def path(self, path: Path) -> str:
        return str(path)

    def command(self, program: Path, *arguments: str) -> list[str]:
        # Where the machine has no such folder, the one above it is shadowed.
        depth = "var/lib/cni" if Path("/var/lib/cni").is_dir() else "var/lib"
        mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        return [
            *unshare,
            *("sh", "-c", mount, "sh", str(self.folder / depth), f"/{depth}"),
            *(str(program), *arguments),
        ]

    def environment(self) -> dict[str, str]:
        return {"CNI_HNS_SIMULATOR": str(self.node.folder)}


class WindowsHost(Host):
    """Programs for Windows, under Wine; the test's folder is a drive of its own."""

    windows = True
    separator = ";"

    def __init__(self, folder: Path, node: SimulatedNode, lane: Lane, drive: str, service: str) -> None:
        self.drive = drive.upper()
        self.service = service
        super().__init__(folder, node, lane)

    def path(self, path: Path) -> str:
        return str(PureWindowsPath(f"{self.drive}:/", path.relative_to(self.folder)))

    def command(self, program: Path, *arguments: str) -> list[str]:
        return self.lane.launch_command(program, *arguments)

    def environment(self) -> dict[str, str]:
        return self.lane.launch_environment(
            {"CNI_HNS_STANDIN": self.service, "PROGRAMDATA": self.path(self.node.folder)}
        )


@contextlib.contextmanager
def windows_host(folder: Path, node: SimulatedNode, lane: Lane) -> Iterator[WindowsHost]:
    """A Windows node whose HNS is served for as long as the context lasts.

    Raises: Missing, where the lane has no built Windows program.
    """
    lane.exe(windows=True)
    from cni_hns.simulator.server import serve

    with drive(lane, folder) as letter, serve(str(node.folder)) as address:
        yield WindowsHost(folder, node, lane, letter, address)
