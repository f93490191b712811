"""What may leave the node: members that are known, and texts without passwords and tokens.

A bundle is mailed and attached to tickets. So a document of another program is kept by its known members,
and each other one is told by its name and its length; free text, such as what a command printed, is searched
for what is written before secrets, and for what looks like one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from cni_hns.attachment.secrets import OPEN

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = [
    "LOG_MEMBERS",
    "RESULT_MEMBERS",
    "SYSTEM_MEMBERS",
    "configuration_members",
    "hns_members",
    "known_only",
    "masked",
    "system_only",
]

# Words that stand in the names of what is secret.
_TELLTALE = (
    r"passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[-_]?key|access[-_]?key|account[-_]?key"
    r"|private[-_]?key|credential|authorization|shared[-_]?access\w*|cookie|kubeconfig|registry[-_]?auth"
)
# What was masked already stays as it is.
_NOT_YET = r"(?!\(\d+ characters\))"
_NOT_THAT_LINE = r"(?!\(\d+ characters\)\r?$)"
_VALUE = _NOT_YET + r"(\"(?:[^\"\\]|\\.){0,4096}\"|'[^']{0,4096}'|[^\s,;&\"']+)"
# Every repetition that something else follows has an end: a megabyte made for it must not cost minutes.
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [^-\n]{1,60}-----.*?(?:-----END [^-\n]{1,60}-----|\Z)", re.DOTALL), "all"),
    # A header of HTTP to the end of its line: schemes and parameters differ.
    (re.compile(rf"(?im)(authorization[\"']?\s{{0,8}}[:=]\s{{0,8}}+){_NOT_THAT_LINE}([^\r\n]+)"), "second"),
    (re.compile(r"(?i)(\b(?:bearer|basic|negotiate|ntlm)\s{1,8})([A-Za-z0-9._~+/=-]{6,})"), "second"),
    (re.compile(r"(://)([^/\s@]{1,1024})(?=@)"), "second"),
    (
        re.compile(rf"(?im)((?:^|\s)--?[\w.-]{{0,40}}?(?:{_TELLTALE})[\w.-]{{0,40}}\s{{1,8}}+){_VALUE}"),
        "second",
    ),
    (
        re.compile(
            rf"(?i)((?:{_TELLTALE}|\bsig|auth)[\w.-]{{0,40}}\\?[\"']?\s{{0,8}}[:=]\s{{0,8}}+(?:\\(?=\"))?){_VALUE}"
        ),
        "second",
    ),
    # JSON web tokens, and the keys of clouds that are known by their beginning.
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{1,4096}(?:\.[A-Za-z0-9_-]{0,4096})?"), "all"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,255}"), "all"),
)

_TOLD = re.compile(r"\(\d+ characters\)")

RESULT_MEMBERS = frozenset(
    [
        *("cniversion", "interfaces", "ips", "routes", "dns", "name", "mac", "sandbox", "mtu", "socketpath"),
        *("pciid", "address", "version", "gateway", "interface", "dst", "gw", "advmss", "priority", "table"),
        *("scope", "nameservers", "domain", "search", "options", "ip4", "ip6", "ip"),
    ]
)
"""Members of a CNI result, in lower case (CNI SPEC, section 5)."""

SYSTEM_MEMBERS = frozenset(
    [
        *("id", "systemtype", "runtimeostype", "name", "owner", "runtimeid", "runtimetemplateid", "state"),
        *("stopped", "exittype", "hostingsystemid"),
    ]
)
"""The basic properties of a compute system: no document of its making, which has environments."""

LOG_MEMBERS = frozenset(
    [
        *("time", "level", "request", "pid", "verb", "container_id", "ifname", "message", "call", "ms"),
        *("hresult", "child", "netns", "path", "timeout_s", "code", "details", "hns_calls", "addresses"),
        *("interfaces", "trace", "network", "cniversion", "name", "type", "members", "endpoint", "address"),
    ]
)
"""Members of a line of the plugin's log; `args` and `others` have lengths only, and are walked as unknown."""

# Members that hold whatever there is: their objects are walked, their texts could be anything.
_OF_ANYTHING = frozenset(["value", "key", "data", "settings", "extra", "additionalparams", "additionalargs"])

# HNS's answers have these beside what the schema lists; the rest are names of V1.
_ANSWERS = frozenset(
    [
        *("version", "additionalparams", "switchid", "switchportid", "state", "health", "extra", "resources"),
        *("allocators", "allocationorder", "id", "tag", "islocal", "sharedcontainers", "activityid"),
        *("starttime", "data", "layeredon", "switchguid", "lasterrorcode", "lastupdatetime", "containers"),
        *("isdefault", "resourcelist", "compartmentid", "compartmentguid", "managementip", "namespace"),
        *("subnets", "addressprefix", "gatewayaddress", "gatewayaddressv6", "dnssuffix", "dnsserverlist"),
        *("virtualnetwork", "virtualnetworkname", "ipaddress", "ipv6address", "prefixlength", "ipv6"),
        *("ipv6prefixlength", "isremoteendpoint", "encapoverhead", "references", "natname", "macpools"),
        *("networkadaptername", "drmacaddress", "currentendpointcount", "totalendpoints", "isapplied"),
        *("maxconcurrentendpoints", "exceptionlist", "vip", "vips", "ilb", "isdsr", "pa", "type", "success"),
        *("startmacaddress", "endmacaddress", "ipsubnets", "objecttype", "bytesreceived", "bytessent"),
        *("packetsreceived", "packetssent", "droppedpacketsincoming", "droppedpacketsoutgoing"),
        *("endpointid", "instanceid", "takenover", "vsid", "port", "ports", "portpool", "major", "minor"),
    ]
)

# Of a configuration, below the keys that `OPEN` has: the native ones, and what the peers call theirs.
_INSIDE_CONFIGURATIONS = frozenset(
    [
        *("plugins", "cniversions", "ipam", "mode", "adapter", "create", "subnets", "prefix", "gateway"),
        *("flags", "delegate", "ranges", "subnet", "rangestart", "rangeend", "routes", "resolvconf", "dst"),
        *("gw", "addresses", "address", "nameservers", "domain", "search", "options", "file", "level"),
        *("portmappings", "bandwidth", "ips", "mac", "ipranges", "value", "exceptions", "exceptionlist"),
        *("add", "del", "check", "gc", "status", "maxsizemb", "destinations", "disablecheck", "disablegc"),
        *("loadonlyinlinedplugins", "size", "kind", "loopbackdsr"),
    ]
)


def masked(text: str) -> str:
    """The text with what is secret by its looks, or by what stands before it, told by its length."""
    for pattern, what in _MASKS:
        text = pattern.sub(_whole if what == "all" else _second, text)
    return text


def known_only(value: Any, members: AbstractSet[str]) -> Any:
    """The document with the known members, lower-case names in `members`; texts are masked.

    Of each other member the name, and how long its value is.
    """
    if isinstance(value, dict):
        return {
            masked(str(name)): known_only(each, members)
            if _is_known(str(name).lower(), each, members)
            else _length_of(each)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [known_only(each, members) for each in value]
    return masked(value) if isinstance(value, str) else value


def system_only(document: dict[str, Any]) -> dict[str, Any]:
    """The basic properties of a compute system; of no other member not even the name: there are dozens."""
    return {
        name: masked(value) if isinstance(value, str) else value
        for name, value in document.items()
        if name.lower() in SYSTEM_MEMBERS and isinstance(value, str | bool)
    }


@cache
def hns_members() -> frozenset[str]:
    """The members of HNS's documents, in lower case: the schema's and those of real answers."""
    from cni_hns.hcn.models import every
    from cni_hns.schema import Document

    models = [one for one in vars(every).values() if isinstance(one, type) and issubclass(one, Document)]
    return _ANSWERS | {name.lower() for model in models for name in model.member_names()}


@cache
def configuration_members() -> frozenset[str]:
    """The members of a network configuration that may be shown, in lower case.

    Of `runtimeConfig` and `args`, which are other people's, nothing is: both are of a call and in no file.
    """
    return (OPEN | _INSIDE_CONFIGURATIONS | RESULT_MEMBERS | hns_members()) - {"args", "runtimeconfig"}


def _is_known(name: str, value: Any, members: AbstractSet[str]) -> bool:
    return name in members and not (name in _OF_ANYTHING and isinstance(value, str))


def _length_of(value: Any) -> Any:
    """How long it is; members of which only the lengths are told already are told again."""
    if isinstance(value, dict) and all(
        isinstance(one, str) and _TOLD.fullmatch(one) for one in value.values()
    ):
        return {masked(str(name)): length for name, length in value.items()}
    return f"({len(value if isinstance(value, str) else str(value))} characters)"


def _whole(found: re.Match[str]) -> str:
    return f"({len(found[0])} characters)"


def _second(found: re.Match[str]) -> str:
    return f"{found[1]}({len(found[2])} characters)"
