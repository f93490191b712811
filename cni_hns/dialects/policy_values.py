"""What the values of a policy's settings must be, by type of policy: what no model of single values can say.

Each check gets the settings as HNS will, and answers (place below Settings, what is wrong).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cni_hns.typed import Any

from . import fields
from .models import physical_adapter
from .quoting import masked, quoted

__all__ = ["value_faults"]

Faults = list[tuple[str, str]]

_HIGHEST_PORT = 65535
_HIGHEST_PROTOCOL = 255
# 0 and 4095 are no VLANs (IEEE 802.1Q); a VXLAN header has 24 bits for the virtual subnet.
_HIGHEST_VLAN = 4094
_HIGHEST_VSID = 2**24 - 1
_ANY = "*"
_ADDRESSES = ("LocalAddresses", "RemoteAddresses")
_PORTS = ("LocalPorts", "RemotePorts")
_INTERRUPT_MODERATIONS = 6


def value_faults(kind: str, settings: dict[str, Any]) -> Faults:
    """What is wrong with the settings of a policy of this type."""
    check = _CHECKS.get(kind)
    return check(settings) if check is not None else []


def _collected(settings: Mapping[str, Any], key: str, parse: Callable[[object], object]) -> Faults:
    """What `parse` says against the value, or against each item of a list; an empty text is not set."""
    value = settings.get(key)
    places = (
        [(f"{key}[{index}]", each) for index, each in enumerate(value)]
        if isinstance(value, list)
        else [(key, value)]
    )
    faults = []
    for place, each in places:
        try:
            if each not in (None, ""):
                parse(each)
        except ValueError as fault:
            faults.append((place, _said(fault, each)))
    return faults


def _each_of_text(settings: Mapping[str, Any], key: str, parse: Callable[[object], object]) -> Faults:
    """The same for a text with commas, whose items have no place of their own."""
    items = str(settings.get(key, "")).split(",")
    return [(key, message) for _, message in _collected({key: items}, key, parse)]


def _said(fault: ValueError, value: object) -> str:
    """What is wrong with the value, which a message on a policy shows as far as `quoted` lets it."""
    text = value.strip() if isinstance(value, str) else value
    return masked(str(fault).replace(fields.shown(text), quoted(text)), str(fault))


def _below(place: str, faults: Faults) -> Faults:
    return [(f"{place}.{key}", message) for key, message in faults]


def _prefix_or_address(value: object) -> object:
    return fields.network(value) if "/" in str(value) else fields.address(value)


def _address_or_set(value: object) -> object:
    """A SetPolicy is named by an identifier of the author's choice, * is any; a placeholder is neither."""
    text = str(value).strip()
    if text == _ANY:
        return text
    if "/" in text or text.replace(".", "").isdigit():
        return _prefix_or_address(text)
    if not _is_identifier(text):
        raise ValueError(f"{fields.shown(text)} is neither an address, a prefix, nor the id of a SetPolicy")
    return text


def _is_identifier(text: str) -> bool:
    return all(char.isalnum() or char in "-_.:{}" for char in text) and not text.startswith("{{")


def _number(text: str, highest: int) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= highest


def _ports(value: object) -> object:
    text = str(value).strip()
    first, dash, last = text.partition("-")
    if not all(_number(part, _HIGHEST_PORT) for part in ([first, last] if dash else [first])):
        raise ValueError(f"{fields.shown(text)} is neither a port number nor a range of numbers")
    return text


def _port(value: object) -> object:
    text = str(value)
    if not _number(text, _HIGHEST_PORT) or int(text) == 0:
        raise ValueError(f"{fields.shown(text)} is not a port from 1 to {_HIGHEST_PORT}")
    return text


def _protocol(value: object) -> object:
    text = str(value).strip()
    if not _number(text, _HIGHEST_PROTOCOL):
        raise ValueError(f"{fields.shown(text)} is not a protocol number, such as 6 (TCP) or 17 (UDP)")
    return text


def _address_and_port(value: object) -> object:
    """ "10.1.0.9", "10.1.0.9:988" or "[fd00::9]:988"."""
    text = str(value)
    host, colon, port = text.rpartition(":")
    try:
        if colon and (host.count(":") == 0 or host.startswith("[")):
            _port(port)
            return fields.address(host.removeprefix("[").removesuffix("]"))
        return fields.address(text)
    except ValueError:
        wanted = "is neither an address nor an address with a port, such as 10.1.0.9:988"
        raise ValueError(f"{fields.shown(text)} {wanted}") from None


def _nat(settings: dict[str, Any]) -> Faults:
    return [
        *_collected(settings, "Exceptions", _prefix_or_address),
        *_collected(settings, "Destinations", _prefix_or_address),
    ]


def _route(settings: dict[str, Any]) -> Faults:
    return _collected(settings, "DestinationPrefix", fields.network)


def _port_mapping(settings: dict[str, Any]) -> Faults:
    faults = [
        (key, f"a port from 1 to {_HIGHEST_PORT} is expected")
        for key in ("InternalPort", "ExternalPort")
        if settings.get(key) == 0
    ]
    if settings.get("Protocol") not in (None, 6, 17):
        faults.append(("Protocol", "HNS maps ports of TCP (6) and UDP (17) only"))
    return faults


def _five_tuple(settings: Mapping[str, Any]) -> Faults:
    """The packets that an access rule, a tier's rule or a proxy is for."""
    return [
        *[fault for key in _ADDRESSES for fault in _each_of_text(settings, key, _address_or_set)],
        *[fault for key in _PORTS for fault in _each_of_text(settings, key, _ports)],
        *_each_of_text(settings, "Protocols", _protocol),
    ]


def _tiers(settings: dict[str, Any]) -> Faults:
    return [
        fault
        for index, rule in enumerate(settings.get("TierAclRules", []))
        for fault in _below(f"TierAclRules[{index}]", _five_tuple(rule))
    ]


def _wfp_proxy(settings: dict[str, Any]) -> Faults:
    faults = _collected(settings, "InboundProxyPort", _port) + _collected(
        settings, "OutboundProxyPort", _port
    )
    if not settings.get("InboundProxyPort") and not settings.get("OutboundProxyPort"):
        faults.append(("", "InboundProxyPort or OutboundProxyPort is missing: the proxy gets nothing"))
    faults += _below("FilterTuple", _five_tuple(settings.get("FilterTuple", {})))
    for key in ("InboundExceptions", "OutboundExceptions"):
        exceptions = settings.get(key, {})
        faults += _below(key, _collected(exceptions, "IpAddressExceptions", _prefix_or_address))
        faults += _below(key, _collected(exceptions, "PortExceptions", _ports))
    return faults


def _proxy(settings: dict[str, Any]) -> Faults:
    return [
        *_collected(settings, "IP", _prefix_or_address),
        *_collected(settings, "Port", _port),
        *_collected(settings, "Destination", _address_and_port),
        *_collected(settings, "ExceptionList", _prefix_or_address),
        *_collected(settings, "Exceptions", _prefix_or_address),
    ]


def _within(key: str, highest: int, what: str) -> Callable[[dict[str, Any]], Faults]:
    def check(settings: dict[str, Any]) -> Faults:
        if 0 < settings.get(key, 1) <= highest:
            return []
        return [(key, f"{what} from 1 to {highest} is expected")]

    return check


def _interface(settings: dict[str, Any]) -> Faults:
    named = any(value not in ("", 0) for value in settings.values())
    return [] if named else [("", "names no interface")]


def _adapter(settings: dict[str, Any]) -> Faults:
    return _collected(settings, "NetworkAdapterName", physical_adapter)


def _interrupts(settings: dict[str, Any]) -> Faults:
    number = settings.get("InterruptModeration")
    if not isinstance(number, int) or 0 <= number < _INTERRUPT_MODERATIONS:
        return []
    return [("InterruptModeration", f"a number from 0 to {_INTERRUPT_MODERATIONS - 1} is expected")]


def _set(settings: dict[str, Any]) -> Faults:
    """Access rules name a set by its Id, in a text with commas."""
    if _is_identifier(settings.get("Id", "")):
        return []
    words = "is no identifier of letters, digits, '-', '_', '.' and ':'"
    value = settings["Id"]
    return [("Id", masked(f"{quoted(value)} {words}", f"{fields.shown(value)} {words}"))]


def _encryption(settings: dict[str, Any]) -> Faults:
    faults = [
        fault
        for key in ("Endpoints1", "Endpoints2")
        for fault in _collected(settings, key, _prefix_or_address)
    ]
    faults += [
        fault for key in ("Endpoint1Ports", "Endpoint2Ports") for fault in _collected(settings, key, _ports)
    ]
    for index, method in enumerate(settings.get("AuthenticationMethods", [])):
        key = _AUTHENTICATED_BY.get(method.get("Type"))
        if key and not method.get("Settings", {}).get(key):
            faults.append((f"AuthenticationMethods[{index}].Settings.{key}", "missing"))
    return faults


_AUTHENTICATED_BY = {"PresharedKey": "Key", "Certificate": "CertificateName"}

_CHECKS: dict[str, Callable[[dict[str, Any]], Faults]] = {
    "OutBoundNAT": _nat,
    "SDNRoute": _route,
    "RemoteSubnetRoute": _route,
    "PortMapping": _port_mapping,
    "ACL": _five_tuple,
    "NetworkACL": _five_tuple,
    "TierAcl": _tiers,
    "L4Proxy": _proxy,
    "L4WFPPROXY": _wfp_proxy,
    "VLAN": _within("IsolationId", _HIGHEST_VLAN, "a VLAN"),
    "VSID": _within("IsolationId", _HIGHEST_VSID, "a virtual subnet id"),
    "VxlanPort": _within("Port", _HIGHEST_PORT, "a port"),
    "InterfaceParameters": _within("Mtu", _HIGHEST_PORT, "an MTU"),
    "InterfaceConstraint": _interface,
    "NetAdapterName": _adapter,
    "Iov": _interrupts,
    "SetPolicy": _set,
    "Encryption": _encryption,
}
