"""The native configuration as typed shapes: which keys there are, and what each may hold by itself.

What must hold between keys is in `rules`; this module knows one value at a time.
Rule: unknown keys are faults inside our own objects and kept at the top level, which belongs to CNI as well.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StrictBool, StrictStr

from cni_hns.cni.settings import is_device

from . import fields
from .fields import Ip, Net
from .pool_names import pool_names

__all__ = [
    "FLAGS",
    "BuiltinIpam",
    "DelegatedIpam",
    "Dns",
    "HnsIpam",
    "Ipam",
    "Mode",
    "Native",
    "Network",
    "OutboundNat",
    "Range",
    "Route",
    "Subnet",
    "physical_adapter",
]

Mode = Literal["l2bridge", "l2tunnel", "nat", "overlay", "transparent"]

# NetworkFlags whose numbers are published.
FLAGS = {
    "EnableDnsProxy": 1,
    "EnableDhcpServer": 2,
    "EnableMirroring": 4,
    "EnableNonPersistent": 8,
    "DisableHostPort": 1024,
    "EnableIov": 8192,
}

_SMALLEST_MTU, _LARGEST_MTU = 576, 65535
_LONGEST_NAME = 253
_VERBS = ("add", "del", "check", "gc", "status")
_LONGEST_TIMEOUT_S = 86_400
_LARGEST_LOG_MB = 100_000
# Numbers below belong to VLANs; the header has 24 bits.
_VSID = (4096, 2**24 - 1)


def physical_adapter(value: object) -> str:
    """The name of an adapter that HNS can bind a network to. Raises: ValueError."""
    name = _name(value)
    if name.lower().startswith("vethernet"):
        raise ValueError(f"{fields.shown(name)} is a virtual adapter; HNS wants the physical one behind it")
    return name


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a name is expected")
    if len(value) > _LONGEST_NAME or not value.isprintable():
        raise ValueError(f"a name is at most {_LONGEST_NAME} printable characters")
    return value


def _flag(value: object) -> int:
    if isinstance(value, str) and value in FLAGS:
        return FLAGS[value]
    raise ValueError(f"{fields.shown(value)} is not one of {', '.join(FLAGS)}")


def _mac_prefix(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a string such as 0E-2A is expected")
    try:
        return fields.mac(f"{value}-00-00-00-01")[:5]
    except ValueError:
        raise ValueError(
            f"{fields.shown(value)} is not the first two bytes of an endpoint's MAC address, such as 0E-2A"
        ) from None


def _timeout(value: object) -> dict[str, Any]:
    """One number stands for every verb."""
    return value if isinstance(value, dict) else dict.fromkeys(_VERBS, _seconds(value))


def _seconds(value: object) -> float:
    return _positive(value, _LONGEST_TIMEOUT_S, "a number of seconds")


def _megabytes(value: object) -> float:
    return _positive(value, _LARGEST_LOG_MB, "a number of megabytes")


def _positive(value: object, highest: int, wanted: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= highest:
        raise ValueError(f"{wanted} above 0 and up to {highest} is expected")
    return float(value)


def _outbound_nat(value: object) -> object:
    if isinstance(value, bool):
        return {} if value else None
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or any(char.isspace() for char in value):
        raise ValueError(f"{fields.shown(value)} is not a single word")
    return fields.plain(value)


def _log_file(value: object) -> str:
    path = fields.absolute_path(value)
    if is_device(path):
        raise ValueError(f"{fields.shown(path)} is a device; a log is a file")
    return path


def _file_name(value: object) -> str:
    if not isinstance(value, str) or any(char in value for char in '/\\:*?"<>|') or value in (".", ".."):
        raise ValueError("the file name of an IPAM plugin is expected, without a folder")
    return fields.plain(value)


def _no_plugin(value: object) -> str:
    if value != "":
        raise ValueError(f"the name of an IPAM plugin is expected, not {fields.kind_of(value)}")
    return ""


Address = Annotated[Ip, PlainValidator(fields.address)]
Prefix = Annotated[Net, PlainValidator(fields.network)]
MacAddress = Annotated[str, PlainValidator(fields.mac)]
Path = Annotated[str, PlainValidator(fields.absolute_path)]
Seconds = Annotated[float, PlainValidator(_seconds)]
Word = Annotated[str, PlainValidator(_word)]
Name = Annotated[str, PlainValidator(_name)]


class Part(BaseModel):
    """An object of ours: a key we do not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Subnet(Part):
    """A subnet of the HCN network, under either of the two names in use."""

    prefix: Prefix | None = None
    subnet: Prefix | None = None
    gateway: Address | None = None
    policies: list[Any] = []


class MacRange(Part):
    start: MacAddress
    end: MacAddress


class Network(Part):
    """The HCN network. All `policies` are checked one by one elsewhere, so that a message can name each."""

    name: Name | None = None
    mode: Mode
    adapter: Annotated[str, PlainValidator(physical_adapter)] | None = None
    create: StrictBool = False
    subnets: list[Subnet] = []
    vsid: Annotated[int, PlainValidator(lambda value: fields.number(value, *_VSID))] | None = None
    flags: list[Annotated[int, PlainValidator(_flag)]] = []
    macPool: list[MacRange] = []  # noqa: N815 - keys are spelt as in the document
    policies: list[Any] = []


class Range(Part):
    """A range of host-local; its values are parsed together (`address_ranges.parse_range`)."""

    subnet: Any = None
    rangeStart: Any = None  # noqa: N815
    rangeEnd: Any = None  # noqa: N815
    gateway: Any = None


class IpamRoute(Part):
    dst: Prefix
    gw: Address | None = None
    priority: Annotated[int, PlainValidator(lambda value: fields.number(value, 0, 65535))] | None = None


class Route(Part):
    dst: Prefix
    gw: Address | None = None
    metric: Annotated[int, PlainValidator(lambda value: fields.number(value, 0, 65535))] | None = None


class BuiltinIpam(Range):
    """host-local's whole schema, its legacy single range included; and the pools that only we know."""

    type: StrictStr
    delegate: StrictBool = False
    pool: Annotated[tuple[str, ...], PlainValidator(pool_names)] = ()
    ranges: list[list[Range]] = []
    routes: list[IpamRoute] = []
    dataDir: Path | None = None  # noqa: N815
    resolvConf: Path | None = None  # noqa: N815


class DelegatedIpam(BaseModel):
    """Another plugin's object: only its type is ours to check."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    type: Annotated[str, PlainValidator(_file_name)]


class HnsIpam(Part):
    """No IPAM plugin: HNS chooses the address."""

    type: Annotated[str, PlainValidator(_no_plugin)] = ""
    routes: list[IpamRoute] = []


Ipam = BuiltinIpam | DelegatedIpam | HnsIpam


class Dns(Part):
    nameservers: list[Address] = []
    domain: Annotated[str, PlainValidator(fields.plain)] = ""
    search: list[Word] = []
    options: list[Word] = []
    searchInPodNamespace: StrictBool = False  # noqa: N815


class OutboundNat(Part):
    exceptions: list[Prefix] = []
    exceptNetwork: StrictBool = False  # noqa: N815


class LogFile(Part):
    file: Annotated[str, PlainValidator(_log_file)] | None = None
    level: Literal["debug", "info", "warning", "error"] = "info"
    maxSizeMB: Annotated[float, PlainValidator(_megabytes)] | None = None  # noqa: N815


class Timeouts(Part):
    """Seconds for each verb."""

    add: Seconds | None = None
    delete: Seconds | None = Field(default=None, alias="del")
    check: Seconds | None = None
    gc: Seconds | None = None
    status: Seconds | None = None


class Native(BaseModel):
    """The configuration object. `ipam` is read by its kind, `policies` one by one."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: Name
    network: Network
    ipam: dict[str, Any] = {}
    policies: list[Any] = []
    dns: Dns = Dns()
    capabilities: dict[str, StrictBool] = {}
    routes: list[Route] = []
    outboundNat: Annotated[OutboundNat | None, BeforeValidator(_outbound_nat)] = None  # noqa: N815
    loopbackDSR: StrictBool = False  # noqa: N815
    mtu: (
        Annotated[int, PlainValidator(lambda value: fields.number(value, _SMALLEST_MTU, _LARGEST_MTU))] | None
    ) = None
    macPrefix: Annotated[str, PlainValidator(_mac_prefix)] | None = None  # noqa: N815
    gatewayFrom: Literal["network", "ipam", "bridge"] | None = None  # noqa: N815
    portMappingAcl: StrictBool = False  # noqa: N815
    dataDir: Path | None = None  # noqa: N815
    log: LogFile = Field(default_factory=LogFile)
    timeout: Annotated[Timeouts, BeforeValidator(_timeout)] = Timeouts()
