"""What the front door needs of a configuration before anybody has checked it: the log and the time allowed.

Rule: reading is lenient. A member that cannot be used counts as absent here; the check of the configuration,
whose errors already go to that log, says what is wrong with it.
"""

from __future__ import annotations

import os

from cni_hns.typed import Any, NamedTuple

__all__ = ["LogSettings", "log_settings", "timeout_s"]

_DEFAULT_MAX_MB = 10
_LONGEST_S = 86_400.0


class LogSettings(NamedTuple):
    """Where the log goes (nowhere without a file), from which level on, and how large one file gets."""

    file: str | None = None
    level: str = "info"
    max_bytes: int = _DEFAULT_MAX_MB * 1_000_000


def log_settings(document: dict[str, Any]) -> LogSettings:
    """The configuration's `log` object. A relative file is not used: the current folder is the runtime's."""
    log = document.get("log")
    if not isinstance(log, dict):
        return LogSettings()
    file, level = log.get("file"), log.get("level")
    max_mb = _positive(log.get("maxSizeMB")) or _DEFAULT_MAX_MB
    return LogSettings(
        file=file if isinstance(file, str) and os.path.isabs(file) and "\0" not in file else None,
        level=level if isinstance(level, str) else "info",
        max_bytes=round(max_mb * 1_000_000),
    )


def timeout_s(document: dict[str, Any], command: str, default_s: float) -> float:
    """The seconds that `timeout` allows this verb: a number for all verbs, or an object with one for each."""
    timeout = document.get("timeout")
    if isinstance(timeout, dict):
        timeout = timeout.get(command.lower())
    return min(_positive(timeout) or default_s, _LONGEST_S)


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return _LONGEST_S
    return number if number > 0 else None
