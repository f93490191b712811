"""Keys of this plugin's own configurations in a peer's: they have no effect there, and have their like."""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any

from .findings import Finding
from .recognise import NATIVE

__all__ = ["native_keys"]

_TYPE = 'write "type": "cni-hns" for it'
_JOINS = f"this dialect joins an HCN network that is there (make it by cni-hns network create), or {_TYPE}"
_CREATES = f"this dialect makes its HCN network of type, name, ipam.subnet and NetworkPolicy, or {_TYPE}"

# What to write instead, for each key that the dialect does not read. None: nothing in it is like that.
_INSTEAD: dict[str, dict[str, str | None]] = {
    "win-bridge": {
        "network": _JOINS,
        "outboundNat": "ipMasqNetwork names the one exception, an OutBoundNAT policy in policies any number",
        "gatewayFrom": "the subnet's third address is always the gateway here",
        "routes": None,
    },
    "win-overlay": {
        "network": _JOINS,
        "outboundNat": "ipMasq excepts the HCN network's own subnets, an OutBoundNAT policy in policies any",
        "gatewayFrom": "the HCN network's gateway is always used here",
        "routes": None,
        "macPrefix": "endpointMacPrefix",
    },
    "wcn": {
        "network": _CREATES,
        "outboundNat": "an OutBoundNAT policy in AdditionalArgs",
        "gatewayFrom": "optionalFlags.forceBridgeGateway",
        "routes": "ipam.routes",
        "loopbackDSR": "optionalFlags.loopbackDSR",
        "portMappingAcl": "optionalFlags.allowAclPortMapping",
    },
}
_IN_NO_PEER = {"macPrefix": None, "portMappingAcl": None}


def native_keys(dialect: str, config: Mapping[str, Any]) -> list[Finding]:
    """A warning for each, in the words of the configuration's own dialect."""
    if dialect == NATIVE:
        return []
    instead = {**_IN_NO_PEER, **_INSTEAD.get(dialect, {})}
    folded = {key.lower(): key for key in instead}
    return [
        Finding(key, f"has no effect in a configuration of this type: {_said(instead[known])}", "warning")
        for key in config
        if (known := folded.get(key.lower())) is not None
    ]


def _said(other: str | None) -> str:
    if other is None:
        return _TYPE
    return other if " " in other else f"here it is called {other}"
