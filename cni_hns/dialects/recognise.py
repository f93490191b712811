"""Which dialect a configuration is written in: by `type`, else by this program's own name, else by its keys.

`type` is the name of the executable that the runtime starts, so an exe that stands in for a peer meets the
peer's name in both. Old configurations carry names that no peer knows any more; those are told by their
keys.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any

from . import fields
from .findings import ConfigFault, Finding

__all__ = [
    "NAMES",
    "NATIVE",
    "Dialect",
    "dialect_of",
    "is_native",
    "is_wcn",
    "passes_over_arguments",
    "recognise",
]

NATIVE = "cni-hns"

# (dialect, mode of the HCN network)
Dialect = tuple[str, str]

_BY_TYPE: dict[str, Dialect] = {
    NATIVE: (NATIVE, ""),
    "win-bridge": ("win-bridge", "l2bridge"),
    "win-overlay": ("win-overlay", "overlay"),
    "nat": ("wcn", "nat"),
    "sdnbridge": ("wcn", "l2bridge"),
    "l2bridge": ("wcn", "l2bridge"),
    "l2tunnel": ("wcn", "l2tunnel"),
    "sdnoverlay": ("wcn", "overlay"),
    "overlay": ("wcn", "overlay"),
    "transparent": ("wcn", "transparent"),
}
NAMES = tuple(_BY_TYPE)
"""The names of plugins that this program is or stands in for."""

_WCN_MODES = {key: mode for key, (dialect, mode) in _BY_TYPE.items() if dialect == "wcn"}
_WCN_KEYS = ("additionalargs", "optionalflags", "additionalroutes")
_WIN_KEYS = ("apiversion", "ipmasqnetwork", "hcnpolicyargs", "loopbackdsr")


def recognise(config: Mapping[str, Any], executable: str = "") -> Dialect:
    """The dialect and, for a peer's, the network's mode. Raises: ConfigFault where nothing fits."""
    found = dialect_of(config, executable)
    if found is None:
        raise ConfigFault([Finding("type", _unrecognised(fields.fold(config).get("type")))])
    return found


def dialect_of(config: Mapping[str, Any], executable: str = "") -> Dialect | None:
    """The same for who goes on without: None where nothing fits."""
    document = fields.fold(config)
    for name in (document.get("type"), executable):
        if isinstance(name, str) and _bare(name) in _BY_TYPE:
            return _BY_TYPE[_bare(name)]
    return _by_keys(document)


def is_native(config: Mapping[str, Any]) -> bool:
    """Whether the configuration is one of ours, as far as it tells: what nobody knows counts as ours."""
    found = dialect_of(config)
    return found is None or found[0] == NATIVE


def is_wcn(config: Mapping[str, Any]) -> bool:
    """Whether the configuration is one of nat, sdnbridge or sdnoverlay."""
    found = dialect_of(config)
    return found is not None and found[0] == "wcn"


def passes_over_arguments(config: Mapping[str, Any]) -> bool:
    """Whether the peer goes on past a CNI_ARGS that it cannot read: nat, sdnbridge and sdnoverlay do."""
    return is_wcn(config)


def _bare(name: str) -> str:
    tail = name.replace("\\", "/").rpartition("/")[2]
    return tail.lower().removesuffix(".exe")


def _by_keys(document: dict[str, Any]) -> Dialect | None:
    if isinstance(document.get("network"), Mapping):
        return NATIVE, ""
    if any(key in document for key in _WCN_KEYS):
        # Up to version 0.3.0 these plugins took the network's kind from its name.
        mode = _WCN_MODES.get(str(document.get("name", "")).lower())
        return ("wcn", mode) if mode else None
    if "endpointmacprefix" in document:
        return _BY_TYPE["win-overlay"]
    if any(key in document for key in _WIN_KEYS):
        return _BY_TYPE["win-bridge"]
    return None


def _unrecognised(written: object) -> str:
    if not isinstance(written, str) or not written:
        return f'missing; this plugin\'s own configurations say "{NATIVE}"'
    return f"{fields.shown(written)} is no dialect of this plugin; it reads {', '.join(sorted(_BY_TYPE))}"
