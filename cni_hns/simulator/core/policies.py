"""Reading policy documents, each against its type.

A type that does not exist, or not yet in this version, is 0x803B000E; settings that are wrong are 0x803B000D.
Unknown members of the settings are dropped without a word: `ExceptionList`, the V1 spelling, in a V2
OutBoundNAT leaves a policy without exceptions (reported to the calico project).
"""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core.documents import Document, enum_name, folded
from cni_hns.simulator.core.errors import (
    INTERFACE_PARAMETERS_APPLIED,
    INVALID_INTERNAL_PORT,
    INVALID_POLICY,
    INVALID_POLICY_TYPE,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.policy_types import (
    ENDPOINT,
    ENUMS,
    MODERATIONS,
    NETWORK,
    ONE_OF_A_KIND,
    SUBNET,
    Fields,
    Policy,
)
from cni_hns.simulator.core.prefixes import address, has_host_bits, mac_digits, network
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.versions import has_feature, schema_of

__all__ = [
    "demand_members",
    "demand_sets",
    "endpoint_policies",
    "network_policies",
    "refuse_repeated",
    "spoiled_by",
    "subnet_policies",
]

# IEEE 802.1Q has no VLAN 4095; a VXLAN header has 24 bits.
_LAST = {"VLAN": 4094, "VSID": (1 << 24) - 1}
# "252" in an ACL's protocols.
_VXLAN = 252
_MOST_PROTOCOL = 255
_BITS = {"u16": 16, "u32": 32, "u64": 64}
_TYPES: dict[str, tuple[type, ...]] = {"text": (str,), "bool": (bool,)}


def endpoint_policies(state: State, given: list[Document]) -> list[Document]:
    """The policies of an endpoint, checked and in their usual spelling."""
    found = [_checked(state, policy, ENDPOINT) for policy in given]
    refuse_repeated(state, "endpoint", found)
    return found


def network_policies(state: State, given: list[Document]) -> list[Document]:
    """The policies of a network, checked and in their usual spelling."""
    return [_checked(state, policy, NETWORK) for policy in given]


def subnet_policies(state: State, given: list[Document]) -> list[Document]:
    """The policies of a subnet; V1 writes the number beside the type: {"Type": "VLAN", "VLAN": 7}."""
    found = [_checked(state, _nested(policy), SUBNET) for policy in given]
    refuse_repeated(state, "subnet", found)
    return found


def refuse_repeated(state: State, level: str, policies: list[Document]) -> None:
    """Two policies of a kind that says one thing of an "endpoint", "network" or "subnet".

    Raises:
        Refused: 0x803B0036 for interface parameters, by the code's own name; for others what the option says.
    """
    kinds = [policy["Type"] for policy in policies]
    if kinds.count("InterfaceParameters") > 1:
        raise Refused(INTERFACE_PARAMETERS_APPLIED)
    for kind in ONE_OF_A_KIND[level]:
        if kinds.count(kind) > 1:
            refuse_unless_zero(state.options.policy_twice_hresult, f"a second {kind}")


def demand_sets(policies: list[Document]) -> None:
    """Nested sets may only name sets that the network has."""
    for policy in policies:
        if policy["Type"] == "SetPolicy":
            demand_members(policies, policy)


def demand_members(policies: list[Document], policy: Document) -> None:
    """This set, if it is nested, may only name sets among the policies.

    Raises:
        Refused: 0x803B000D, it names another.
    """
    if policy["Settings"].get("PolicyType") != "NESTEDIPSET":
        return
    known = {other["Settings"]["Id"] for other in policies if other["Type"] == "SetPolicy"}
    for name in policy["Settings"].get("Values", "").split(","):
        if name.strip() and name.strip() not in known:
            raise Refused(INVALID_POLICY, f"no set {name.strip()}")


def spoiled_by(policies: list[Document]) -> str:
    """The text that is no prefix in a policy taken without a look at it, or "".

    Windows Server 2019 takes such a policy and the container's start fails later (reported to containerd).
    """
    for policy in policies:
        for text in _prefixes_in(policy["Settings"]):
            if network(text) is None and address(text) is None:
                return str(text)
    return ""


def _prefixes_in(settings: Document) -> list[Any]:
    found = [*settings.get("Exceptions", ()), *settings.get("Destinations", ())]
    return [*found, settings["DestinationPrefix"]] if "DestinationPrefix" in settings else found


def _nested(policy: Document) -> Document:
    if any(name.lower() == "settings" for name in policy):
        return policy
    flat = folded(policy, ("Type", "VLAN", "VSID", "IsolationId"))
    kind = str(flat.get("Type", "")).upper()
    number = flat.get(kind, flat.get("IsolationId"))
    return {"Type": kind, "Settings": {} if number is None else {"IsolationId": number}}


def _checked(state: State, given: Document, known: dict[str, Policy]) -> Document:
    document = folded(given, ("Type", "Settings"))
    name = enum_name(document.get("Type"), tuple(known), INVALID_POLICY_TYPE)
    policy = known[name]
    _refuse_if_too_new(state, name, policy)
    settings = document.get("Settings", {})
    if not isinstance(settings, dict):
        raise Refused(INVALID_POLICY, f"{name}: Settings is no object")
    known_fields = {
        field: kind
        for field, kind in policy.fields.items()
        if policy.newer.get(field, (2, 0)) <= schema_of(state.version)
    }
    read = _object(state, name, known_fields, settings)
    for field in policy.needed:
        if field not in read:
            raise Refused(INVALID_POLICY, f"{name}: {field} is missing")
    _whole(state, name, read)
    return {"Type": name, "Settings": read}


def _object(state: State, where: str, fields: Fields, given: Document) -> Document:
    read = folded(given, fields)
    return {field: _value(state, f"{where}.{field}", fields[field], value) for field, value in read.items()}


def _refuse_if_too_new(state: State, name: str, policy: Policy) -> None:
    if name in state.options.refused_policies:
        raise Refused(INVALID_POLICY_TYPE, f"{name} is refused on this node")
    if schema_of(state.version) < policy.schema:
        raise Refused(INVALID_POLICY_TYPE, f"{name} needs schema {policy.schema[0]}.{policy.schema[1]}")
    if policy.feature and not has_feature(policy.feature, state.version):
        raise Refused(INVALID_POLICY_TYPE, f"{name} is not in HNS {state.version[0]}.{state.version[1]}")


def _value(state: State, where: str, kind: Any, value: Any) -> Any:
    if isinstance(kind, list):
        if not isinstance(value, list):
            raise Refused(INVALID_POLICY, f"{where} is {value!r}")
        return [_value(state, f"{where}[{index}]", kind[0], item) for index, item in enumerate(value)]
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            raise Refused(INVALID_POLICY, f"{where} is {value!r}")
        return _object(state, where, kind, value)
    return _single(state, where, kind, value)


def _single(state: State, where: str, kind: str, value: Any) -> Any:
    if kind == "moderation" and isinstance(value, int):
        enum_name(value, MODERATIONS, INVALID_POLICY)
        return value  # hcsshim sends numbers; which is which is not published
    if kind == "moderation":
        return enum_name(value, MODERATIONS, INVALID_POLICY)
    if kind in ENUMS:
        return enum_name(value, ENUMS[kind], INVALID_POLICY)
    if kind in _BITS:
        good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << _BITS[kind]
    elif kind in _TYPES:
        good = isinstance(value, _TYPES[kind])
    elif kind in ("texts", "prefixes"):
        good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    else:
        good = isinstance(value, str) and _text_is(state, kind, value)
    if not good:
        raise Refused(INVALID_POLICY, f"{where} is {value!r}")
    if kind == "prefixes":
        _refuse_bad_prefixes(state, where, value)
    return value


def _text_is(state: State, kind: str, text: str) -> bool:
    if kind == "address":
        return address(text) is not None
    if kind == "address?":
        return text == "" or address(text) is not None
    if kind == "mac":
        return mac_digits(text) is not None
    if kind == "protocols":
        return _protocols(state, text)
    # A destination prefix may have host bits: hcsshim's tests send 169.254.169.254/24.
    return network(text) is not None or not has_feature("StrictPrefixes", state.version)


def _protocols(state: State, text: str) -> bool:
    """Numbers with commas: "6", "6,17"; 252 is VXLAN, from HNS 11.0 on. "Any" is refused (hcsshim)."""
    for number in text.split(",") if text else ():
        if not number.strip().isdigit() or int(number) > _MOST_PROTOCOL:
            return False
        if int(number) == _VXLAN and not has_feature("AclProtocol252", state.version):
            return False
    return True


def _refuse_bad_prefixes(state: State, where: str, prefixes: list[str]) -> None:
    """NAT exceptions: 2019 takes any text, 2022 wants prefixes of one family, no host bits (reported).

    Destinations are the other list of the same policy, and are read alike.
    """
    if not has_feature("StrictPrefixes", state.version):
        return
    families = set()
    for text in prefixes:
        parsed = network(text) or address(text)
        if parsed is None or has_host_bits(text):
            raise Refused(INVALID_POLICY, f"{where}: {text!r}")
        families.add(parsed.version)
    if len(families) > 1:
        raise Refused(INVALID_POLICY, f"{where}: both families in one list")


def _whole(state: State, name: str, settings: Document) -> None:
    """What one field demands of another."""
    if name == "PortMapping":
        if settings.get("Protocol", 0) not in (0, 6, 17):
            raise Refused(INVALID_POLICY, "PortMapping: TCP or UDP")
        # The code's own name: an internal port that is missing or zero.
        if not settings.get("InternalPort"):
            raise Refused(INVALID_INTERNAL_PORT)
    if name in ("ACL", "NetworkACL") and settings["Action"] == "Pass" and schema_of(state.version) < (2, 10):
        raise Refused(INVALID_POLICY, f"{name}: Pass needs schema 2.10")
    if (
        name == "SetPolicy"
        and settings.get("PolicyType") == "NESTEDIPSET"
        and not has_feature("NestedIpSet", state.version)
    ):
        raise Refused(INVALID_POLICY_TYPE, "nested sets")
    if name in _LAST:
        _isolation(state, name, settings["IsolationId"])


def _isolation(state: State, name: str, number: int) -> None:
    hresult = state.options.vlan_hresult if name == "VLAN" else state.options.vsid_hresult
    if not 0 < number <= _LAST[name]:
        refuse_unless_zero(hresult, f"there is no {name} {number}")
