"""Endpoint policies as the peers' configurations spell them, in the form HCN reads.

Two generations are in circulation, often in one file: flat ones of HNS V1 (`Type` beside its keys) and
those of HCN (`Type` and `Settings`). HNS reads only the second under containerd and drops unknown keys in
silence, so every key is renamed here or said to be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any

from . import fields
from .policies import setting_names, type_names

__all__ = ["translate_policy"]

# V1 and misspelt type names that are in use; type names that differ in letter case only need no entry.
_TYPES = {"route": "SDNRoute", "nat": "PortMapping", "pa": "ProviderAddress"}

# Names that V1 gave to the same setting, by HCN type.
_RENAMED = {
    "OutBoundNAT": {"exceptionlist": "Exceptions", "vip": "VirtualIP"},
    "ProviderAddress": {"pa": "ProviderAddress"},
    "ACL": {"protocol": "Protocols", "localport": "LocalPorts", "remoteport": "RemotePorts"},
    "VLAN": {"vlan": "IsolationId"},
    "VSID": {"vsid": "IsolationId"},
}
_PROTOCOLS = {"tcp": 6, "6": 6, "udp": 17, "17": 17}
_LISTS_OF_NUMBERS_AS_TEXT = ("Protocols", "LocalPorts", "RemotePorts")


def translate_policy(value: Mapping[str, Any], level: str) -> tuple[dict[str, Any] | None, list[str]]:
    """(the policy in HCN form or None where it asks for nothing, remarks)

    Raises: ValueError for what is no policy that HCN knows, without repeating the values of its settings.
    """
    entry = fields.fold(value)
    written = entry.pop("type", None)
    if not isinstance(written, str) or not written:
        raise ValueError("the policy has no Type")
    kind = _kind(written, level)
    remarks = [] if kind == written else [f"{fields.shown(written)} is {kind} for HCN"]
    settings = _settings(entry)
    named, unknown = _renamed(kind, settings, level)
    if unknown:
        remarks.append(f"{kind}: HNS has no setting {', '.join(sorted(unknown))}; passed over")
    if kind == "SDNRoute" and not named.get("DestinationPrefix"):
        return None, [*remarks, "SDNRoute without a destination asks for nothing; left out"]
    if kind == "ProviderAddress" and not named.get("ProviderAddress"):
        return None, [*remarks, "ProviderAddress without an address asks for nothing; left out"]
    return {"Type": kind, "Settings": _typed(kind, named)}, remarks


def _kind(written: str, level: str) -> str:
    known = type_names(level)
    folded = written.lower()
    kind = known.get(_TYPES.get(folded, folded).lower())
    if kind is None:
        raise ValueError(
            f"{fields.shown(written)} is no {level} policy of HCN; known are {', '.join(known.values())}"
        )
    return kind


def _settings(entry: dict[str, Any]) -> dict[str, Any]:
    """The settings of either generation, their keys folded."""
    inner = entry.pop("settings", None)
    if inner is None:
        return entry
    if not isinstance(inner, Mapping):
        raise ValueError(f"Settings is expected to be an object, not {fields.kind_of(inner)}")
    return {**entry, **fields.fold(inner)}


def _renamed(kind: str, settings: dict[str, Any], level: str) -> tuple[dict[str, Any], list[str]]:
    known = {**setting_names(kind, level), **_RENAMED.get(kind, {})}
    named: dict[str, Any] = {}
    for key, value in settings.items():
        if key in known and not (value is None or value == ""):
            named.setdefault(known[key], value)
    return named, [key for key in settings if key not in known]


def _typed(kind: str, named: dict[str, Any]) -> dict[str, Any]:
    """The settings with the JSON types that HCN wants where V1 had others."""
    found = dict(named)
    if kind == "PortMapping" and isinstance(found.get("Protocol"), str):
        found["Protocol"] = _PROTOCOLS.get(found["Protocol"].lower(), found["Protocol"])
    if kind == "ACL":
        for key in _LISTS_OF_NUMBERS_AS_TEXT:
            if isinstance(found.get(key), int) and not isinstance(found[key], bool):
                found[key] = str(found[key])
    for key in ("Exceptions", "Destinations"):
        if kind == "OutBoundNAT" and isinstance(found.get(key), list):
            found[key] = [each for each in found[key] if each not in (None, "")]
    return {key: value for key, value in found.items() if value != []}
