"""What the front door needs of a configuration before anybody has checked it: the log and the time allowed.

Rule: reading is lenient. A member that cannot be used counts as absent here; the check of the configuration,
whose errors already go to that log, says what is wrong with it. Only `dataDir` has no default that would do:
without the right ledger no verb does anything.
"""

from __future__ import annotations

import os
import posixpath

from cni_hns.cni.errors import INVALID_CONFIG, CniError
from cni_hns.typed import Any, NamedTuple

__all__ = [
    "LogSettings",
    "check_data_dir",
    "has_control_characters",
    "is_device",
    "log_settings",
    "path_fault",
    "timeout_s",
]

_DEFAULT_MAX_MB = 10
_LONGEST_S = 86_400.0
_LARGEST_MB = 100_000.0

# Far above any folder, and low enough for whatever walks up or makes a path level by level.
_LONGEST_PATH = 4096
_MOST_LEVELS = 128

_DEVICE_FOLDERS = ("/dev/", "/proc/", "/sys/")
_OF_WINDOWS_DEVICES = ("//./", "//?/globalroot", "//?/pipe")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: in any folder, with any extension.
_DEVICES = frozenset(["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"])
_NUMBERED_DEVICES = ("COM", "LPT")


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
    max_mb = min(_positive(log.get("maxSizeMB")) or _DEFAULT_MAX_MB, _LARGEST_MB)
    return LogSettings(
        file=file if isinstance(file, str) and _is_log_file(file) else None,
        level=level if isinstance(level, str) else "info",
        max_bytes=round(max_mb * 1_000_000),
    )


def _is_log_file(path: str) -> bool:
    return os.path.isabs(path) and path_fault(path) is None and not is_device(path)


def check_data_dir(document: dict[str, Any]) -> None:
    """Raises: CniError, code 7, for a `dataDir` that can be no folder."""
    folder = document.get("dataDir")
    if folder is None:
        return
    fault = (
        path_fault(folder) if isinstance(folder, str) and os.path.isabs(folder) else "is not an absolute path"
    )
    if fault is not None:
        raise CniError(INVALID_CONFIG, f"dataDir {fault}", "give the folder of the ledger in full")


def path_fault(path: str) -> str | None:
    """What keeps this text from being anybody's path, on any system; None where nothing does."""
    if has_control_characters(path):
        return "has a control character"
    if len(path) > _LONGEST_PATH:
        return f"is longer than {_LONGEST_PATH} characters"
    if path.count("/") + path.count("\\") > _MOST_LEVELS:
        return f"is more than {_MOST_LEVELS} folders deep"
    return None


def has_control_characters(text: str) -> bool:
    """Whether there is any: a NUL, a line's end, a terminal's command."""
    return any(one < " " or "\x7f" <= one <= "\x9f" for one in text)


def is_device(path: str) -> bool:
    """Whether the name alone says, on POSIX or on Windows, that this is a device or a process's pipe."""
    written = path.replace("\\", "/")
    plain = posixpath.normpath(written)
    name = plain.rpartition("/")[2].partition(".")[0].partition(":")[0].rstrip(" ").upper()
    # To POSIX two slashes at the beginning are one; to Windows what follows is a machine, or no file's name.
    return (
        written.casefold().startswith(_OF_WINDOWS_DEVICES)
        or f"/{plain.lstrip('/')}".startswith(_DEVICE_FOLDERS)
        or name in _DEVICES
        or (name[:-1] in _NUMBERED_DEVICES and name[-1].isdigit())
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
