"""Top-level keys that are not ours: they belong to CNI, to a delegated plugin, or are mistakes."""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any

from .findings import Finding
from .models import Native
from .spelling import near

__all__ = ["top_level"]

_OF_CNI = ("cniVersion", "cniVersions", "type", "runtimeConfig", "args", "prevResult", "ipMasq")
_OF_CNI_LISTS = ("plugins", "disableCheck", "disableGC", "loadOnlyInlinedPlugins")
# What the peers' configurations hold, used or not.
_OF_PEERS = (
    "additionalargs",
    "additionalroutes",
    "apiversion",
    "bridge",
    "endpointmacprefix",
    "environment",
    "hcnpolicyargs",
    "ipmasq",
    "ipmasqnetwork",
    "loglevel",
    "logtarget",
    "loopbackdsr",
    "master",
    "mtu",
    "optionalflags",
    "policies",
)
_PASSED_OVER_BY_PEERS = ("capabilities", "datadir", "dns", "ipam", "log", "name", "timeout")

_MISPLACED = {
    **dict.fromkeys(("adapter", "subnets", "vsid", "macPool"), "belongs into network"),
    **dict.fromkeys(("ranges", "rangeStart", "rangeEnd", "resolvConf"), "belongs into ipam"),
    **dict.fromkeys(("nameservers", "searchInPodNamespace"), "belongs into dns"),
    **dict.fromkeys(
        ("exceptions", "exceptNetwork", "ipMasqNetwork"), "belongs into outboundNat, as an exception"
    ),
    **dict.fromkeys(("AdditionalArgs", "HcnPolicyArgs"), "belongs into policies, as {Type, Settings} each"),
    "endpointMacPrefix": "is macPrefix here",
    **{
        key: f"comes from the runtime, in runtimeConfig: declare it in capabilities as {key}"
        for key in ("portMappings", "ips", "ipRanges", "bandwidth", "mac")
    },
}


def top_level(config: Mapping[str, Any], *, native: bool) -> tuple[list[str], list[Finding]]:
    """(remarks on keys let pass, by name and length only; findings on keys that must be mistakes)."""
    if not native:
        # Keys of ours get a remark of their own, which says whose they are.
        own = (*_OF_CNI, *_OF_CNI_LISTS, *Native.model_fields)
        known = {key.lower() for key in own} | {*_OF_PEERS, *_PASSED_OVER_BY_PEERS}
        strange = {key: value for key, value in config.items() if key.lower() not in known}
        return _remarks(strange), []
    strange = {
        key: value
        for key, value in config.items()
        if key not in (*Native.model_fields, *_OF_CNI, *_OF_CNI_LISTS)
    }
    findings = []
    for key in list(strange):
        fault = _fault(key)
        if fault and strange.pop(key) is not None:
            findings.append(Finding(key, fault))
    if config.get("ipMasq") is True:
        findings.append(Finding("ipMasq", "say outboundNat, which names the exceptions, or true for none"))
    return _remarks(strange), findings


def _fault(key: str) -> str | None:
    if key in _MISPLACED:
        return _MISPLACED[key]
    guess = near(key, Native.model_fields)
    return f"unknown key; did you mean {guess}?" if guess else None


def _remarks(strange: Mapping[str, Any]) -> list[str]:
    listed = [f"{key} ({len(str(value))} characters)" for key, value in sorted(strange.items())]
    return [f"unknown keys, kept and not used: {', '.join(listed)}"] if listed else []
