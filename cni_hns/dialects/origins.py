"""Where each part of a plan stands in the file that it was compiled from.

Rule: a place is only named where something is written at it. What the dialect does by itself comes from its
`type`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cni_hns.typed import Any

from . import fields
from .build import Examined
from .file_plugins import FilePlugin
from .findings import Finding
from .policies import read_endpoint_policies
from .recognise import NATIVE

__all__ = ["Origins"]

# What each dialect says under keys of its own, by the native key. Others are told by the translation itself.
_KEYS: dict[str, dict[str, str]] = {
    "win-bridge": {"gatewayFrom": "type", "loopbackDSR": "loopbackDSR", "outboundNat": "ipMasqNetwork"},
    "win-overlay": {"gatewayFrom": "type", "loopbackDSR": "loopbackDSR", "outboundNat": "ipMasq"},
    "wcn": {
        "gatewayFrom": "optionalFlags.forceBridgeGateway",
        "loopbackDSR": "optionalFlags.loopbackDSR",
        "portMappingAcl": "optionalFlags.allowAclPortMapping",
        "network.create": "type",
    },
}
_OF_EVERY_PEER = {"network.mode": "type", "network.name": "name"}
_HOPS = ("gw", "gateway", "nexthop")
_EVERYWHERE = ("0.0.0.0/0", "::/0")


class Origins:
    """Answers with places in the file, none where nobody wrote it."""

    def __init__(self, plugin: FilePlugin, examined: Examined) -> None:
        self._plugin = plugin
        self._examined = examined
        self._source = examined.source
        self._keys = {**_OF_EVERY_PEER, **_KEYS.get(examined.dialect, {})} if self._source else {}

    def key(self, native: str, *others: str) -> list[str]:
        """Of the first of these native keys that somebody wrote."""
        for path in (native, *others):
            written = self._keys.get(path) or self._renamed(path)
            if _value(self._plugin.config, written) is not None:
                return [self._plugin.place(written)]
        return []

    def value(self, text: str, *within: str) -> list[str]:
        """Of an address or a prefix that is written somewhere inside these keys, the first in their order."""
        for key in within:
            inside = _value(self._plugin.config, key)
            for path, leaf in _leaves(inside, key):
                if _equal(leaf, text):
                    return [self._plugin.place(path)]
        return []

    def route(self, destination: str, hop: str | None) -> list[str]:
        """Of a route that is written, in any of the lists that have routes."""
        for key in ("ipam.routes", "additionalRoutes", "routes"):
            listed = _value(self._plugin.config, key)
            for index, each in enumerate(listed if isinstance(listed, list) else []):
                if isinstance(each, Mapping) and _is_route(fields.fold(each), destination, hop):
                    return [self._plugin.place(f"{key}[{index}]")]
        return []

    def endpoint_policies(self) -> tuple[list[str], list[str]]:
        """(the place of each policy that is sent as it is, those of all that outbound NAT is made of)."""
        sent: list[str] = []
        merged: list[str] = []
        native = self._examined.native
        for index, policy in enumerate(native.policies if native else []):
            read = read_endpoint_policies([policy], "policies", None)
            place = self._plugin.place(self._renamed(f"policies[{index}]"))
            if read.policies:
                sent.append(place)
            elif read.nat_exceptions is not None:
                merged.append(place)
        return sent, merged

    def network_policy(self, kind: str) -> list[str]:
        """Of a network policy of this type."""
        native = self._examined.native
        for index, policy in enumerate(native.network.policies if native else []):
            if isinstance(policy, Mapping) and policy.get("Type") == kind:
                return [self._plugin.place(self._renamed(f"network.policies[{index}]"))]
        return self._written_policy(kind)

    def _written_policy(self, kind: str) -> list[str]:
        """Of one that a peer's translation turned into something else."""
        for container in ("additionalargs", "policies", "hcnpolicyargs"):
            listed = _value(self._plugin.config, container)
            for index, each in enumerate(listed if isinstance(listed, list) else []):
                entry = fields.fold(each) if isinstance(each, Mapping) else {}
                value = entry.get("value", entry)
                written = fields.fold(value).get("type") if isinstance(value, Mapping) else None
                if isinstance(written, str) and written.lower() == kind.lower():
                    return [self._plugin.place(f"{container}[{index}]")]
        return []

    def _renamed(self, path: str) -> str:
        if self._examined.dialect == NATIVE or self._source is None:
            return path
        return self._source.renamed(Finding(path, "")).path


def _value(document: Any, path: str) -> Any:
    """What stands at the path, keys in any letter case; None where nothing does."""
    for step in path.replace("[", ".[").split("."):
        if step.startswith("["):
            index = int(step[1:-1])
            inside = isinstance(document, list) and index < len(document)
            document = document[index] if inside else None
        else:
            document = fields.fold(document).get(step.lower()) if isinstance(document, Mapping) else None
    return document


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves(each, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value


def _read(parse: Callable[[object], object], value: object) -> object:
    try:
        return parse(value)
    except ValueError:
        return None


def _equal(one: object, other: str) -> bool:
    parse = fields.network if "/" in other else fields.address
    return one == other or ((found := _read(parse, one)) is not None and found == _read(parse, other))


def _is_route(entry: Mapping[str, Any], destination: str, hop: str | None) -> bool:
    written = next((entry[key] for key in _HOPS if entry.get(key)), None)
    to = entry.get("dst")
    goes_there = _equal(to, destination) if to else destination in _EVERYWHERE
    return goes_there and (hop is None or written is None or _equal(written, hop))
