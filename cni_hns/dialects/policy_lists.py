"""The policies of a peer's configuration: which entries of which lists the peer applies.

Rule 1: an entry that the peer passes over is passed over here too, and a remark says so.
Rule 2: one that the peer would hand to HNS must be a policy that HNS takes, in either generation of spelling,
else it is a fault that names it.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from . import fields
from .foreign import Translation, empty
from .host_bits import masked_settings
from .old_policies import translate_policy
from .policies import says_one_thing

__all__ = ["PolicyLists", "read_policies"]

# Where any peer keeps policies, by the keys in lower case.
_LISTS = ("policies", "additionalargs", "hcnpolicyargs")
_SPELT = {"policies": "policies", "additionalargs": "AdditionalArgs", "hcnpolicyargs": "HcnPolicyArgs"}
# HCN has what a peer writes as NetworkPolicy at the network or at its subnets.
_OBJECTS = {"endpoint": ("endpoint",), "network": ("network", "subnet")}
_LEVELS = {"EndpointPolicy": "endpoint", "NetworkPolicy": "network"}


class PolicyLists(NamedTuple):
    """How a peer reads its lists.

    `named` hold entries {name, value}, `bare` policies without a name around them. `levels` are the names
    that have an effect. `any_case`: names are compared without regard to letter case. `drops_undecodable`:
    an entry whose value is no policy is passed over, where the other peers end with a panic.
    """

    named: tuple[str, ...]
    bare: tuple[str, ...]
    levels: tuple[str, ...]
    any_case: bool
    drops_undecodable: bool


class _PassedOver(Exception):
    """The peer does nothing with this entry; the text says why."""


def read_policies(source: Translation, lists: PolicyLists) -> list[dict[str, Any]]:
    """Put the endpoint policies into the document; the result are those of the HCN network to make."""
    found: dict[str, list[dict[str, Any]]] = {"endpoint": [], "network": []}
    native = {"endpoint": "policies", "network": "network.policies"}
    for folded in _LISTS:
        if folded not in (*lists.named, *lists.bare):
            _say_unread(source, folded, lists)
            continue
        for index, each in enumerate(source.items(folded)):
            path = f"{source.place(folded)}[{index}]"
            level, policy = _policy(source, each, path, lists, bare=folded in lists.bare)
            if policy is None:
                continue
            if policy in found[level] and says_one_thing(policy["Type"], *_OBJECTS[level]):
                source.remark(f"{path}: the same policy once more; it is sent once")
                continue
            source.places[f"{native[level]}[{len(found[level])}]"] = path
            found[level].append(policy)
    if found["endpoint"]:
        source.document["policies"] = found["endpoint"]
    return found["network"]


def _say_unread(source: Translation, folded: str, lists: PolicyLists) -> None:
    if not empty(source.source.get(folded)):
        own = " and ".join(_SPELT[each] for each in (*lists.named, *lists.bare))
        source.remark(
            f"{source.place(folded)}: not read, as with {source.peer}, whose policies stand in {own}"
        )


def _policy(
    source: Translation, each: object, path: str, lists: PolicyLists, *, bare: bool
) -> tuple[str, dict[str, Any] | None]:
    """(level, policy) of one entry; None where it is passed over or faulty."""
    level = "endpoint"
    try:
        if bare:
            value = _object(each)
        else:
            level, entry = _entry(each, lists)
            value = _value(entry, lists)
        policy, remarks = translate_policy(value, level)
    except _PassedOver as reason:
        source.remark(f"{path}: passed over, as with {source.peer}: {reason}")
        return level, None
    except ValueError as fault:
        place = path + (fault.below if isinstance(fault, _Fault) else "")
        if level == "network":
            source.spoil_network(place, str(fault))
        else:
            source.fault(place, str(fault))
        return level, None
    if _is_flat(value):
        remarks.insert(0, f"spelt as for HNS V1, of which {source.peer} sends HNS no setting; all are sent")
    source.remarks += [f"{path}: {remark}" for remark in remarks]
    if policy is None:
        return level, None
    settings = masked_settings(policy["Settings"], lambda text: source.remark(f"{path}: {text}"))
    return level, {**policy, "Settings": settings}


class _Fault(ValueError):
    """What is wrong with a part of an entry."""

    def __init__(self, message: str, below: str) -> None:
        super().__init__(message)
        self.below = below


def _entry(each: object, lists: PolicyLists) -> tuple[str, Mapping[str, Any]]:
    """(level, the entry with folded keys) of {name, value}."""
    if each is None:
        raise _PassedOver("it is null")
    entry = fields.fold(_object(each))
    return _level(entry.get("name"), lists), entry


def _value(entry: Mapping[str, Any], lists: PolicyLists) -> Mapping[str, Any]:
    """The policy as it is written."""
    value = entry.get("value")
    if isinstance(value, Mapping) and not (lists.drops_undecodable and _is_undecodable(value)):
        return value
    if lists.drops_undecodable:
        raise _PassedOver("its value is no policy")
    raise _Fault(f"a policy is an object, not {fields.kind_of(value)}", ".value")


def _level(name: object, lists: PolicyLists) -> str:
    known = " or ".join(lists.levels)
    if empty(name):
        raise _PassedOver(f"it has no name; one called {known} has an effect")
    if not isinstance(name, str):
        raise _Fault(f"a string is expected, not {fields.kind_of(name)}", ".name")
    for level in lists.levels:
        if name == level or (lists.any_case and name.lower() == level.lower()):
            return _LEVELS[level]
    raise _PassedOver(f"its name is {fields.shown(name)}; one called {known} has an effect")


def _object(each: object) -> Mapping[str, Any]:
    if isinstance(each, Mapping):
        return each
    raise ValueError(f"a policy is an object, not {fields.kind_of(each)}")


def _is_undecodable(value: Mapping[str, Any]) -> bool:
    kind = fields.fold(value).get("type")
    return kind is not None and not isinstance(kind, str)


def _is_flat(value: Mapping[str, Any]) -> bool:
    """Settings beside the type, the spelling of HNS V1: HCN reads them in Settings only."""
    entry = fields.fold(value)
    return "settings" not in entry and any(not empty(each) for key, each in entry.items() if key != "type")
