"""The little that verbs read of a configuration which may be changed, broken or of another dialect by now.

Rule: nothing here raises and nothing is validated. DEL and GC must clean up with whatever configuration is there,
and the log and the time limit are needed before anything is known to be valid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import fields

__all__ = ["Cleanup", "LogSettings", "cleanup", "log_settings", "timeout_s"]

HOST_LOCAL_FOLDER = "/var/lib/cni/networks"
BUILT_IN = ("cni-hns", "host-local")

_LEVELS = ("debug", "info", "warning", "error")
_MEGABYTE = 1_000_000
LOG_MAX_MB = (1, 10, 1000)  # lowest, default, highest
TIMEOUT_S = (1, 600)
_VERBS_OF_ONE_TIMEOUT = ("ADD", "DEL", "CHECK", "GC")


class LogSettings(NamedTuple):
    """Where the log goes: `file` is absolute or None."""

    file: str | None
    level: str
    max_bytes: int


class Cleanup(NamedTuple):
    """What DEL and GC need: the HCN network's name, who allocates, and host-local's folder if it may hold addresses.

    `ipam_kind` is one of IpamPlan's kinds; "dhcp" is not told from "hns", as neither leaves anything to release.
    """

    network: str
    ipam_kind: str
    ipam_type: str
    host_local_folder: str | None


def _object(value: object) -> dict[str, Any]:
    return fields.fold(value) if isinstance(value, Mapping) else {}


def _path(value: object) -> str | None:
    try:
        return fields.absolute_path(value)
    except ValueError:
        return None


def log_settings(config: Mapping[str, Any]) -> LogSettings:
    """The `log` object; what cannot be used of it counts as absent."""
    entry = _object(config.get("log"))
    level = entry.get("level")
    low, default, high = LOG_MAX_MB
    size = entry.get("maxsizemb")
    usable = isinstance(size, int) and not isinstance(size, bool) and low <= size <= high
    return LogSettings(
        file=_path(entry.get("file")),
        level=level if level in _LEVELS else "info",
        max_bytes=(size if usable else default) * _MEGABYTE,  # type: ignore[operator]
    )


def timeout_s(config: Mapping[str, Any], verb: str) -> float | None:
    """Seconds for this verb, None where the configuration leaves the default.

    A single number is for ADD, DEL, CHECK and GC; STATUS is asked every few seconds and takes only its own.
    """
    value = config.get("timeout")
    if isinstance(value, Mapping):
        value = value.get(verb)
    elif verb not in _VERBS_OF_ONE_TIMEOUT:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value) if TIMEOUT_S[0] <= value <= TIMEOUT_S[1] else None


def cleanup(config: Mapping[str, Any]) -> Cleanup:
    """What is left to undo for an attachment of this configuration, of any dialect."""
    document = fields.fold(config)
    ipam = _object(document.get("ipam"))
    kind, plugin = ipam_kind(ipam)
    named = _object(document.get("network")).get("name")
    return Cleanup(
        network=named if isinstance(named, str) and named else str(document.get("name", "")),
        ipam_kind=kind,
        ipam_type=plugin,
        host_local_folder=host_local_folder(plugin, ipam.get("datadir")) if kind == "builtin" else None,
    )


def ipam_kind(ipam: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, type) of an `ipam` object with folded keys."""
    plugin = ipam.get("type")
    if not isinstance(plugin, str) or not plugin:
        return "hns", ""
    bare = plugin.lower().removesuffix(".exe")
    if bare in BUILT_IN and ipam.get("delegate") is not True:
        return "builtin", bare
    return "delegate", plugin


def host_local_folder(plugin: str, configured: object) -> str | None:
    """The folder whose reservations are taken over: the configured one, else host-local's own default."""
    return _path(configured) or (HOST_LOCAL_FOLDER if plugin == "host-local" else None)
