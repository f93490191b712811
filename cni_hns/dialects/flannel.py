"""What flannel, the meta plugin, hands on to the plugin that its object names as `delegate`.

flannel writes name, masquerading and `ipam` into the delegate's object, from its own object and from the file
that its daemon keeps on the node. Only the operator's commands read this: a verb gets what flannel made.
Source: https://github.com/flannel-io/cni-plugin
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from . import fields
from .findings import ConfigFault, Finding
from .recognise import recognise

__all__ = ["ENVIRONMENT_FILE", "HandedOn", "hand_on", "is_flannel"]

ENVIRONMENT_FILE = "/run/flannel/subnet.env"
DEFAULT_DELEGATE = "win-bridge"

# What stands in for the daemon's file on a machine that has none.
_PLACEHOLDERS = {
    "FLANNEL_NETWORK": "10.244.0.0/16",
    "FLANNEL_SUBNET": "10.244.0.1/24",
    "FLANNEL_MTU": "1450",
    "FLANNEL_IPMASQ": "true",
}
_LARGEST_FILE = 65536
# Keys of the delegate's object that come from flannel's own.
_OF_THE_OUTER = ("name", "cniversion", "capabilities", "runtimeconfig", "args", "prevresult")
_OF_THE_FILE = {"ipmasq": "FLANNEL_IPMASQ", "ipmasqnetwork": "FLANNEL_NETWORK", "ipam": "FLANNEL_SUBNET"}


class HandedOn(NamedTuple):
    """The delegate's configuration; `findings` have paths in flannel's object.

    `capabilities` are those of flannel's object, by which the runtime goes. `file` names where the pods'
    subnet comes from; `found` whether it is on this machine.
    """

    config: dict[str, Any]
    findings: list[Finding]
    file: str
    found: bool

    def outside(self, path: str) -> str | None:
        """Who says this part of the delegate's configuration, where flannel's object does not."""
        key = _OF_THE_FILE.get(_first(path))
        if key is None:
            return None
        # Of its `ipam` the subnet alone is not always the same.
        return "flannel" if path.startswith("ipam.") and path != "ipam.subnet" else f"{key} in {self.file}"

    def place(self, path: str) -> str:
        """The path in flannel's object of a part of the delegate's configuration."""
        return path if _first(path) in _OF_THE_OUTER else f"delegate.{path}".rstrip(".")


def _first(path: str) -> str:
    return path.partition(".")[0].partition("[")[0].lower()


def is_flannel(plugin: Mapping[str, Any]) -> bool:
    """Whether this object is flannel's own."""
    written = plugin.get("type")
    return isinstance(written, str) and written.lower().removesuffix(".exe") == "flannel"


def hand_on(outer: Mapping[str, Any]) -> HandedOn:
    """What the delegate gets of flannel's object, which has the network's name already."""
    findings: list[Finding] = []
    delegate = outer.get("delegate")
    if delegate is not None and not isinstance(delegate, Mapping):
        findings.append(Finding("delegate", f"an object is expected, not {fields.kind_of(delegate)}"))
    config: dict[str, Any] = dict(delegate) if isinstance(delegate, Mapping) else {}
    findings += _of_the_delegate(config)
    if "ipam" in outer:
        message = f"flannel does not use it on Windows: addresses are of FLANNEL_SUBNET in {_file(outer)}"
        findings.append(Finding("ipam", message, "note"))
    values, found, faults = _environment(_file(outer))
    config = {**{key: each for key, each in config.items() if key.lower() not in _OF_THE_FILE}, **values}
    config.setdefault("type", DEFAULT_DELEGATE)
    config["name"] = outer.get("name")
    config["cniVersion"] = outer.get("cniVersion") or "0.2.0"
    config.pop("capabilities", None)
    for key in ("capabilities", "runtimeConfig"):
        if key in outer:
            config[key] = outer[key]
    return HandedOn(config, [*findings, *faults], _file(outer), found)


def _file(outer: Mapping[str, Any]) -> str:
    written = outer.get("subnetFile")
    return written if isinstance(written, str) and written else ENVIRONMENT_FILE


def _of_the_delegate(delegate: Mapping[str, Any]) -> list[Finding]:
    found = [
        Finding(f"delegate.{key}", "flannel writes this itself and refuses a delegate that has it: delete it")
        for key in ("name", "ipam")
        if key in delegate
    ]
    try:
        # By what its author wrote: what flannel adds would make anything look like win-bridge's.
        recognise({"type": DEFAULT_DELEGATE, **delegate})
    except ConfigFault as fault:
        found += [each._replace(path=f"delegate.{each.path}") for each in fault.findings]
    if "capabilities" in delegate:
        message = "no runtime looks here: declare capabilities in flannel's own object, beside delegate"
        found.append(Finding("delegate.capabilities", message, "warning"))
    found += [
        Finding(f"delegate.{key}", f"flannel replaces it by {source} of its daemon's file", "note")
        for key, source in (("ipMasq", "FLANNEL_IPMASQ"), ("ipMasqNetwork", "FLANNEL_NETWORK"))
        if key in delegate
    ]
    return found


def _environment(path: str) -> tuple[dict[str, Any], bool, list[Finding]]:
    """(what flannel adds to the delegate, whether the daemon's file is there, what is wrong with it)."""
    written = _assignments(path)
    values = _PLACEHOLDERS if written is None else written
    findings = [
        Finding("subnetFile", f"{path} has no {key}, without which flannel refuses every pod")
        for key in _PLACEHOLDERS
        if not values.get(key)
    ]
    prefixes = {}
    for key in ("FLANNEL_NETWORK", "FLANNEL_SUBNET"):
        text = values.get(key, "").partition(",")[0]
        try:
            prefixes[key] = _prefix(text)
        except ValueError as fault:
            if text:
                findings.append(Finding("subnetFile", f"{key} in {path}: {fault}"))
            prefixes[key] = _prefix(_PLACEHOLDERS[key])
    if written is None:
        message = (
            f"{path}, which flannel's daemon writes on the node, is not on this machine; "
            f"{prefixes['FLANNEL_SUBNET']} of {prefixes['FLANNEL_NETWORK']} stands in for the pods' subnet"
        )
        findings.append(Finding("subnetFile", message, "note"))
    added = {
        "ipMasq": values.get("FLANNEL_IPMASQ") == "true",
        "ipMasqNetwork": prefixes["FLANNEL_NETWORK"],
        "ipam": {"type": "host-local", "subnet": prefixes["FLANNEL_SUBNET"]},
    }
    return added, written is not None, findings


def _prefix(text: str) -> str:
    """The network of `10.244.3.1/24`, as flannel's daemon writes its subnet."""
    bare, _, length = text.strip().partition("/")
    found = fields.address(bare)
    if not (length.isascii() and length.isdigit() and int(length) <= found.max_prefixlen):
        raise ValueError(f"{fields.shown(text)} is not a prefix in CIDR form, such as 10.244.3.1/24")
    return _masked(found, int(length))


def _masked(found: fields.Ip, length: int) -> str:
    bits = found.max_prefixlen - length
    return f"{type(found)(int(found) >> bits << bits)}/{length}"


def _assignments(path: str) -> dict[str, str] | None:
    """`KEY=value` lines of the file; None where there is no file that can be read."""
    try:
        if not os.path.isfile(path):
            return None
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(_LARGEST_FILE).splitlines()
    except OSError:
        return None
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}
