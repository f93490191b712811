"""What runs in a simulated container: a few programs, by their names and as a command line has them.

    hostname                the container's name
    whoami                  the user that the process was made for
    ipconfig                the container's endpoints: addresses, gateways, DNS
    more                    its input, as it is
    sort                    its input, by lines
    findstr TEXT            the lines of its input that have one of the words
    ping [-t] [-n N] ADDR   replies where an endpoint of the node has the address; -t until it is ended
    cmd /c COMMAND          echo, set, cd, exit, or one of the above; %NAME% is replaced, and a command that
                            ends in 1>&2 writes its output where errors go

Rule: what is no such program is not found, as a file that is missing. Lines end as on Windows, and texts are
UTF-8.
"""

from __future__ import annotations

import ipaddress
import json
import ntpath
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple, Protocol

from cni_hns.simulator.core import endpoints
from cni_hns.simulator.core.compute import systems
from cni_hns.simulator.core.compute.reading import document_in, part, text_of
from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    FILE_NOT_FOUND,
    HCS_INVALID_JSON,
    PARAMETER_INCORRECT,
    Refused,
)
from cni_hns.simulator.core.store import State

__all__ = ["Console", "Parameters", "demand_program", "image_in", "parameters_in", "program_of"]

_PIPES = ("CreateStdInPipe", "CreateStdOutPipe", "CreateStdErrPipe")

# What a container's processes run as unless they are told.
_DEFAULT_USER = "ContainerAdministrator"
_DEFAULT_FOLDER = "C:\\"
# A NetBIOS name has so many characters.
_LONGEST_NAME = 15
_PINGS = 4
_PAUSE_S = 1.0


class Console(Protocol):
    """What a program reads and writes. Each call ends the program by an exception where the process ends."""

    def read(self) -> bytes:
        """Some of the input; b"" at its end."""

    def write(self, data: bytes) -> None:
        """All of it, to the output. Raises: OSError where nobody reads it."""

    def complain(self, data: bytes) -> None:
        """All of it, to the output of errors. Raises: OSError where nobody reads it."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


class Parameters(NamedTuple):
    """What ProcessParameters say; `pipes` tells which of input, output and errors are asked for."""

    application: str
    command_line: str
    user: str
    folder: str
    environment: dict[str, str]
    pipes: tuple[bool, bool, bool]


class _Adapter(NamedTuple):
    """One endpoint, as the container sees it: addresses with their prefix lengths."""

    name: str
    mac: str
    suffix: str
    addresses: list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]
    gateways: list[str]
    dns: list[str]


class _Process(NamedTuple):
    """What a program finds around it."""

    host: str
    user: str
    folder: str
    environment: dict[str, str]
    adapters: list[_Adapter]
    reachable: frozenset[str]


_Program = Callable[[Console, _Process, str], int]


def parameters_in(text: str | None) -> Parameters:
    """Raises: Refused: 0x8037010D, no such document; 0x80070057, nothing to run."""
    names = ("ApplicationName", "CommandLine", "User", "WorkingDirectory", "Environment", *_PIPES)
    wanted = document_in(text, *names)
    first, second, third = (wanted.get(pipe) is True for pipe in _PIPES)
    found = Parameters(
        text_of(wanted, "ApplicationName").strip(),
        text_of(wanted, "CommandLine").strip(),
        text_of(wanted, "User"),
        text_of(wanted, "WorkingDirectory"),
        _environment(wanted),
        (first, second, third),
    )
    if not found.application and not found.command_line:
        raise Refused(PARAMETER_INCORRECT, "neither ApplicationName nor CommandLine")
    return found


def image_in(parameters: Parameters) -> str:
    """The name of the program's file."""
    name = ntpath.basename(parameters.application or _split(parameters.command_line)[0])
    return name if not name or ntpath.splitext(name)[1] else f"{name}.exe"


def demand_program(parameters: Parameters) -> None:
    """Whether it can be run.

    Raises:
        Refused: 0x80070002, there is no such program; 0x80004001, a cmd that reads its commands.
    """
    image, arguments = image_in(parameters).lower(), _split(parameters.command_line)[1]
    if image not in _PROGRAMS:
        raise Refused(FILE_NOT_FOUND, f"{image} is no program of the simulated node")
    if image == "cmd.exe" and _command_in(arguments) is None:
        raise Refused(E_NOTIMPL, "cmd without /c is not simulated")


def program_of(state: State, run: str, parameters: Parameters) -> Callable[[Console], int]:
    """The program, ready to run in this container; it gives its exit code."""
    system = systems.load(state, run)
    host, user = _host_name(system), parameters.user or _DEFAULT_USER
    found = _Process(
        host,
        user,
        parameters.folder or _DEFAULT_FOLDER,
        {"COMPUTERNAME": host, "USERNAME": user, **parameters.environment},
        _adapters(state, system),
        _addresses(state),
    )
    program, arguments = _PROGRAMS[image_in(parameters).lower()], _split(parameters.command_line)[1]
    return lambda console: program(console, found, arguments)


# The programs


def _hostname(console: Console, process: _Process, _arguments: str) -> int:
    return _say(console, process.host)


def _whoami(console: Console, process: _Process, _arguments: str) -> int:
    domain = "" if "\\" in process.user else "user manager\\"
    return _say(console, f"{domain}{process.user}".lower())


def _ipconfig(console: Console, process: _Process, _arguments: str) -> int:
    blocks = ["Windows IP Configuration"]
    for one in process.adapters:
        facts = [("Connection-specific DNS Suffix", one.suffix), ("Physical Address", one.mac)]
        for address in one.addresses:
            facts.append((f"IPv{address.version} Address", str(address.ip)))
            if isinstance(address, ipaddress.IPv4Interface):
                facts.append(("Subnet Mask", str(address.netmask)))
        facts += [("Default Gateway", gateway) for gateway in one.gateways]
        facts += [("DNS Server", server) for server in one.dns]
        lines = [f"   {name + ' ':.<36}: {value}" for name, value in facts]
        blocks.append("\r\n".join([f"Ethernet adapter vEthernet ({one.name}):", "", *lines]))
    return _say(console, "\r\n\r\n".join(["", *blocks]))


def _more(console: Console, _process: _Process, _arguments: str) -> int:
    while data := console.read():
        console.write(data)
    return 0


def _sort(console: Console, _process: _Process, _arguments: str) -> int:
    for line in sorted(_all_lines(console), key=bytes.lower):
        console.write(line + b"\r\n")
    return 0


def _findstr(console: Console, _process: _Process, arguments: str) -> int:
    words = arguments.strip('"').encode().split()
    found = [line for line in _all_lines(console) if any(word in line for word in words)]
    for line in found:
        console.write(line + b"\r\n")
    return 0 if found else 1


def _ping(console: Console, process: _Process, arguments: str) -> int:
    words = arguments.split()
    number = re.search(r"-n\s+(\d+)", arguments, re.IGNORECASE)
    address = words[-1] if words else ""
    replies = address in process.reachable
    line = f"Reply from {address}: bytes=32 time<1ms TTL=128" if replies else "Request timed out."
    endless = "-t" in words
    for done in count(1):
        _say(console, line)
        if not endless and done >= (int(number[1]) if number else _PINGS):
            break
        console.wait(_PAUSE_S)
    return 0 if replies else 1


def _cmd(console: Console, process: _Process, arguments: str) -> int:
    command = re.sub(r"%([^%]+)%", _value_in(process), _command_in(arguments) or "").strip()
    if redirected := re.fullmatch(r"(.*?)\s*1?>&2", command):
        console, command = _ErrorsOnly(console), redirected[1]
    word, rest = _split(command)
    if word.lower() == "exit":
        return int(rest) & 0xFFFFFFFF if re.fullmatch(r"-?\d+", rest) else 0
    name = word.lower() if ntpath.splitext(word)[1] else f"{word.lower()}.exe"
    program = _BUILT_IN.get(word.lower()) or _PROGRAMS.get(name)
    if program is None:
        console.complain(f"'{word}' is not recognized as a command.\r\n".encode())
        return 1
    return program(console, process, rest)


def _echo(console: Console, _process: _Process, arguments: str) -> int:
    return _say(console, arguments)


def _cd(console: Console, process: _Process, _arguments: str) -> int:
    return _say(console, process.folder)


def _set(console: Console, process: _Process, arguments: str) -> int:
    names = [one for one in sorted(process.environment) if one.lower().startswith(arguments.lower())]
    for name in names:
        _say(console, f"{name}={process.environment[name]}")
    return 0 if names else 1


_PROGRAMS: dict[str, _Program] = {
    "cmd.exe": _cmd,
    "findstr.exe": _findstr,
    "hostname.exe": _hostname,
    "ipconfig.exe": _ipconfig,
    "more.com": _more,
    "more.exe": _more,
    "ping.exe": _ping,
    "sort.exe": _sort,
    "whoami.exe": _whoami,
}
_BUILT_IN: dict[str, _Program] = {"echo": _echo, "cd": _cd, "set": _set}


class _ErrorsOnly:
    """A console whose output goes where its errors do."""

    def __init__(self, console: Console) -> None:
        self.read, self.wait = console.read, console.wait
        self.write = self.complain = console.complain


def _say(console: Console, line: str) -> int:
    console.write(f"{line}\r\n".encode())
    return 0


def _all_lines(console: Console) -> list[bytes]:
    return b"".join(iter(console.read, b"")).splitlines()


def _value_in(process: _Process) -> Callable[[re.Match[str]], str]:
    """What stands for %NAME%; itself where nothing does."""
    values = {name.lower(): value for name, value in process.environment.items()}
    return lambda match: values.get(match[1].lower(), match[0])


# The command line


def _split(command: str) -> tuple[str, str]:
    """The first word, which may be quoted, and the rest."""
    word, _, rest = command[1:].partition('"') if command.startswith('"') else command.partition(" ")
    return word, rest.strip()


def _command_in(arguments: str) -> str | None:
    """What follows /c, without the quotes around all of it; None without /c."""
    found = re.match(r"(?:/\w\s+)*?/c\s*(.*)", arguments, re.IGNORECASE | re.DOTALL)
    if found is None:
        return None
    command = found[1]
    quoted = len(command) > 1 and command.startswith('"') and command.endswith('"')
    return command[1:-1] if quoted else command


def _environment(wanted: Document) -> dict[str, str]:
    value = wanted.get("Environment", {})
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Refused(HCS_INVALID_JSON, f"Environment is {value!r}")
    return value


# The container


def _host_name(system: systems.System) -> str:
    """As its document has it, or that of what a virtual machine hosts."""
    hosted = part(system.document, "HostedSystem", "Container")
    container = part(hosted if hosted else system.document, "Container", "GuestOs")
    return text_of(part(container, "GuestOs", "HostName"), "HostName") or system.id[:_LONGEST_NAME]


def _adapters(state: State, system: systems.System) -> list[_Adapter]:
    return [_adapter(state, guid) for guid in _endpoints(state, system)]


def _endpoints(state: State, system: systems.System) -> Iterator[str]:
    """Those that are attached to the container, by its namespace or by hand."""
    for guid, containers in state.rows("SELECT id, containers FROM endpoints ORDER BY joined, rowid"):
        if system.id in json.loads(containers):
            yield guid


def _adapter(state: State, guid: str) -> _Adapter:
    document = endpoints.load(state, guid).document
    dns = document["Dns"] or {}
    return _Adapter(
        document["Name"] or guid,
        document["MacAddress"],
        dns.get("Domain") or "",
        [
            ipaddress.ip_interface(f"{one['IpAddress']}/{one['PrefixLength']}")
            for one in document["IpConfigurations"]
        ],
        [one["NextHop"] for one in document["Routes"] if one["DestinationPrefix"] in ("0.0.0.0/0", "::/0")],
        dns.get("ServerList") or [],
    )


def _addresses(state: State) -> frozenset[str]:
    """Those of all endpoints."""
    rows = state.rows("SELECT packed FROM addresses WHERE free_at IS NULL")
    return frozenset(str(ipaddress.ip_address(packed)) for (packed,) in rows)
