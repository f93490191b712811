"""The result of ADD, in one shape for every version of the specification, and its way in and out.

Rule 1: the shape is that of 1.1.0, the richest one; `parse` and `dump` convert as libcni does
(github.com/containernetworking/cni, pkg/types), losses included.
Rule 2: addresses are kept as the text that came in. Who compares them compares values.
"""

from __future__ import annotations

from collections.abc import Sequence

from cni_hns.cni.configuration import folded
from cni_hns.cni.errors import DECODE_FAILURE, INCOMPATIBLE_VERSION, INVALID_CONFIG, CniError, shown
from cni_hns.cni.protocol import SUPPORTED, at_least
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TypeVar

    _T = TypeVar("_T", str, int, list[object], dict[str, object])

__all__ = ["Dns", "Interface", "IpConfig", "Result", "Route", "dump", "family", "merge", "parse"]


class Interface(NamedTuple):
    """An interface that the attachment has; `sandbox` is the CNI_NETNS it is in, empty for the host's."""

    name: str
    mac: str = ""
    sandbox: str = ""
    mtu: int = 0
    socket_path: str = ""
    pci_id: str = ""


class IpConfig(NamedTuple):
    """An address with its prefix length (`10.1.2.3/24`) and the index of its interface."""

    address: str
    gateway: str | None = None
    interface: int | None = None
    stated_family: str | None = None
    """What a 0.3 or 0.4 result wrote as `version`, where that is not the address's own family."""


class Route(NamedTuple):
    """A route; `table` and `scope` are numbers in which 0 means something."""

    dst: str
    gw: str | None = None
    mtu: int = 0
    advmss: int = 0
    priority: int = 0
    table: int | None = None
    scope: int | None = None


class Dns(NamedTuple):
    """What the resolver is to use."""

    nameservers: Sequence[str] = ()
    domain: str = ""
    search: Sequence[str] = ()
    options: Sequence[str] = ()


class Result(NamedTuple):
    """What an attachment has (CNI SPEC, section 5, "ADD Success")."""

    interfaces: Sequence[Interface] = ()
    ips: Sequence[IpConfig] = ()
    routes: Sequence[Route] = ()
    dns: Dns = Dns()


def merge(previous: Result | None, ours: Result) -> Result:
    """The result of the chain so far with ours added: nothing of `previous` is changed or lost.

    Our indices move up behind its interfaces, a route that is there already is not repeated, and our DNS
    settings, where we have any, take the place of the former ones.
    """
    if previous is None:
        return ours
    offset = len(previous.interfaces)
    moved = [
        one if one.interface is None else one._replace(interface=one.interface + offset) for one in ours.ips
    ]
    new_routes = [route for route in ours.routes if route not in previous.routes]
    return Result(
        interfaces=[*previous.interfaces, *ours.interfaces],
        ips=[*previous.ips, *moved],
        routes=[*previous.routes, *new_routes],
        dns=ours.dns if any(ours.dns) else previous.dns,
    )


def family(address: str) -> str:
    """The digit that 0.3 and 0.4 write as `version`; an IPv4-mapped address counts as 4."""
    import ipaddress

    interface = ipaddress.ip_interface(address)
    mapped = isinstance(interface, ipaddress.IPv6Interface) and interface.ip.ipv4_mapped is not None
    return "4" if mapped else str(interface.version)


def dump(result: Result, version: str) -> dict[str, object]:
    """The result document of this version, its keys in the order that libcni prints.

    Raises: CniError (code 7) where the version has no way to say it: 0.1.0 and 0.2.0 need an address.
    """
    if version not in SUPPORTED:
        raise CniError(INVALID_CONFIG, f"no converter for CNI result version 1.1.0 to {shown(version)[1:-1]}")
    if at_least(version, "1.0.0"):
        return _dump_1x(result, version)
    if at_least(version, "0.3.0"):
        return _dump_03(result, version)
    return _dump_02(result, version)


def _dump_1x(result: Result, version: str) -> dict[str, object]:
    # libcni prints 1.x with sorted keys, at every level.
    return _present(
        cniVersion=version,
        dns=_sorted(_dns(result.dns)),
        interfaces=[_sorted(_interface(one) | _interface_extras(one)) for one in result.interfaces],
        ips=[
            _present(address=one.address, gateway=one.gateway, interface=one.interface) for one in result.ips
        ],
        routes=[_sorted(_route(route) | _route_extras(route)) for route in result.routes],
    )


def _dump_03(result: Result, version: str) -> dict[str, object]:
    document = _present(
        cniVersion=version,
        interfaces=[_interface(one) for one in result.interfaces],
        ips=[
            {"version": _version_of(one)}
            | _present(interface=one.interface, address=one.address, gateway=one.gateway)
            for one in result.ips
        ],
        # The extras of routes are not of this version; libcni leaves them in all the same.
        routes=[_route(route) | _route_extras(route) for route in result.routes],
    )
    return document | {"dns": _dns(result.dns)}


def _dump_02(result: Result, version: str) -> dict[str, object]:
    """One address of each family, the first; further ones are lost, as is every interface."""
    first = {
        number: next((one for one in result.ips if _version_of(one) == number), None) for number in ("4", "6")
    }
    if not any(first.values()):
        raise CniError(
            INVALID_CONFIG,
            f"a result of CNI version {version} needs an IP address, and this attachment has none",
            'use "cniVersion": "0.3.0" or later',
        )
    document: dict[str, object] = {"cniVersion": version}
    for number, one in first.items():
        if one is not None:
            routes = [_route(route) for route in result.routes if family(route.dst) == number]
            document[f"ip{number}"] = _present(ip=one.address, gateway=one.gateway, routes=routes)
    return document | {"dns": _dns(result.dns)}


def _version_of(one: IpConfig) -> str:
    return family(one.address) if one.stated_family is None else one.stated_family


def _interface(one: Interface) -> dict[str, object]:
    return {"name": one.name} | _present(mac=one.mac, sandbox=one.sandbox)


def _interface_extras(one: Interface) -> dict[str, object]:
    return _present(mtu=one.mtu or None, socketPath=one.socket_path, pciID=one.pci_id)


def _route(route: Route) -> dict[str, object]:
    return _present(dst=route.dst, gw=route.gw)


def _route_extras(route: Route) -> dict[str, object]:
    return _present(
        mtu=route.mtu or None,
        advmss=route.advmss or None,
        priority=route.priority or None,
        table=route.table,
        scope=route.scope,
    )


def _dns(dns: Dns) -> dict[str, object]:
    return _present(
        nameservers=list(dns.nameservers),
        domain=dns.domain,
        search=list(dns.search),
        options=list(dns.options),
    )


def _present(**members: object) -> dict[str, object]:
    """What is there to say: absent and empty members are left out, a number is not (interface 0, scope 0)."""
    return {key: value for key, value in members.items() if isinstance(value, int) or value}


def _sorted(members: dict[str, object]) -> dict[str, object]:
    return dict(sorted(members.items()))


def parse(document: object, default_version: str, where: str = "prevResult") -> Result:
    """The result that a document of any version holds; `where` names it in an error.

    Without a version of its own the document is read as `default_version`. Keys are matched in any case,
    those that no version knows are left aside, `null` is the same as absent.

    Raises:
        CniError: code 1 for an unknown version, code 6 with every member that cannot be read.
    """
    reader = _Reader()
    if not isinstance(document, dict):
        raise CniError(DECODE_FAILURE, f"{where} is not a JSON object")
    members: dict[str, object] = folded(document)
    version = reader.text(members, "cniVersion", where) or default_version
    if version not in SUPPORTED:
        raise CniError(INCOMPATIBLE_VERSION, f"{where}: unsupported CNI result version {shown(version)}")
    read = _parse_03 if at_least(version, "0.3.0") else _parse_02
    result = read(reader, members, where, version)
    if reader.faults:
        raise CniError(DECODE_FAILURE, "; ".join(reader.faults))
    return result


def _parse_02(reader: _Reader, members: dict[str, object], where: str, _version: str) -> Result:
    ips: list[IpConfig] = []
    routes: list[Route] = []
    for key in ("ip4", "ip6"):
        path = f"{where}.{key}"
        configured = reader.member(members, key, where, dict, "an object")
        if configured is not None:
            ips.append(
                IpConfig(reader.prefixed(configured, "ip", path), reader.address(configured, "gateway", path))
            )
            routes += _routes(reader, configured, path)
    return Result(interfaces=[], ips=ips, routes=routes, dns=_read_dns(reader, members, where))


def _parse_03(reader: _Reader, members: dict[str, object], where: str, version: str) -> Result:
    states_family = not at_least(version, "1.0.0")
    return Result(
        interfaces=[
            Interface(
                name=reader.text(one, "name", path),
                mac=reader.text(one, "mac", path),
                sandbox=reader.text(one, "sandbox", path),
                mtu=reader.number(one, "mtu", path) or 0,
                socket_path=reader.text(one, "socketPath", path),
                pci_id=reader.text(one, "pciID", path),
            )
            for path, one in reader.objects(members, "interfaces", where)
        ],
        ips=[
            _ip_config(reader, one, path, states_family)
            for path, one in reader.objects(members, "ips", where)
        ],
        routes=_routes(reader, members, where),
        dns=_read_dns(reader, members, where),
    )


def _ip_config(reader: _Reader, one: dict[str, object], path: str, states_family: bool) -> IpConfig:
    address = reader.prefixed(one, "address", path)
    stated = reader.text(one, "version", path) if states_family else None
    return IpConfig(
        address=address,
        gateway=reader.address(one, "gateway", path),
        interface=reader.number(one, "interface", path),
        stated_family=None if not address or stated == family(address) else stated,
    )


def _routes(reader: _Reader, members: dict[str, object], where: str) -> list[Route]:
    return [
        Route(
            dst=reader.prefixed(one, "dst", path),
            gw=reader.address(one, "gw", path),
            mtu=reader.number(one, "mtu", path) or 0,
            advmss=reader.number(one, "advmss", path) or 0,
            priority=reader.number(one, "priority", path) or 0,
            table=reader.number(one, "table", path),
            scope=reader.number(one, "scope", path),
        )
        for path, one in reader.objects(members, "routes", where)
    ]


def _read_dns(reader: _Reader, members: dict[str, object], where: str) -> Dns:
    path = f"{where}.dns"
    dns = reader.member(members, "dns", where, dict, "an object") or {}
    return Dns(
        nameservers=reader.texts(dns, "nameservers", path),
        domain=reader.text(dns, "domain", path),
        search=reader.texts(dns, "search", path),
        options=reader.texts(dns, "options", path),
    )


class _Reader:
    """Takes members out of objects whose keys are folded, and collects what is wrong with them.

    A member that is wrong reads as if it were absent: the faults decide in the end.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []

    def member(
        self, members: dict[str, object], key: str, where: str, kind: type[_T], words: str
    ) -> _T | None:
        value = members.get(key.casefold())
        if value is None:
            return None
        # In Python, not in JSON, true is a number.
        if isinstance(value, kind) and not isinstance(value, bool):
            return value
        self.faults.append(f"{where}.{key} is not {words}")
        return None

    def text(self, members: dict[str, object], key: str, where: str) -> str:
        return self.member(members, key, where, str, "text") or ""

    def number(self, members: dict[str, object], key: str, where: str) -> int | None:
        return self.member(members, key, where, int, "a whole number")

    def texts(self, members: dict[str, object], key: str, where: str) -> list[str]:
        values = self.member(members, key, where, list, "a list") or []
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) < len(values):
            self.faults.append(f"{where}.{key} is not a list of text")
        return texts

    def objects(
        self, members: dict[str, object], key: str, where: str
    ) -> list[tuple[str, dict[str, object]]]:
        """Each object of a list with its path."""
        found: list[tuple[str, dict[str, object]]] = []
        for index, value in enumerate(self.member(members, key, where, list, "a list") or []):
            path = f"{where}.{key}[{index}]"
            if isinstance(value, dict):
                found.append((path, value))
            else:
                self.faults.append(f"{path} is not an object")
        return found

    def prefixed(self, members: dict[str, object], key: str, where: str) -> str:
        """An address with a prefix length, which must be there."""
        text = self.text(members, key, where)
        # Python would also take a mask in the length's place.
        if not text.rpartition("/")[2].isdigit() or "/" not in text or not _is_address(text):
            self.faults.append(f"{where}.{key} is not an address with a prefix length, like 10.1.2.3/24")
            return ""
        return text

    def address(self, members: dict[str, object], key: str, where: str) -> str | None:
        text = self.text(members, key, where)
        if text and ("/" in text or not _is_address(text)):
            self.faults.append(f"{where}.{key} is not an IP address")
        return text or None


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "%" not in text
