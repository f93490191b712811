"""The DNS settings of a file in the form of resolv.conf(5), as host-local reads them.

Rule 1: it is a regular file: a pipe or a device may hang, or never end. A link is followed, which a
resolv.conf often is, and what it leads to counts.
Rule 2: no more of it is read than a resolv.conf can have.
"""

from __future__ import annotations

import errno
import os
import stat

from cni_hns.cni.errors import IO_FAILURE, CniError
from cni_hns.typed import Any

__all__ = ["read"]

_LIMIT_BYTES = 64 * 1024

# O_NONBLOCK: what was a file a moment ago may be a pipe now.
_OPEN = os.O_RDONLY
for _flag in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_NOINHERIT"):
    _OPEN |= getattr(os, _flag, 0)


def read(path: str) -> dict[str, Any]:
    """The file's DNS under CNI's names: nameservers, domain, search, options.

    Raises:
        CniError: code 5, it cannot be read, is no regular file, or is too long.
    """
    try:
        data = _content(path)
    except (OSError, ValueError) as fault:
        raise CniError(
            IO_FAILURE,
            f'ipam.resolvConf "{path}" cannot be read: {getattr(fault, "strerror", None) or fault}',
            "correct the path, or take it out of the configuration",
        ) from fault
    lines = data.decode("utf-8-sig", "replace").splitlines()
    dns: dict[str, Any] = {"nameservers": [], "domain": "", "search": [], "options": []}
    for line in lines:
        word, *values = line.split("#")[0].split(";")[0].split() or [""]
        if word == "nameserver":
            dns["nameservers"] += values[:1]
        elif word == "domain" and values:
            dns["domain"] = values[0]
        elif word in ("search", "options"):
            dns[word] += values
    return dns


def _content(path: str) -> bytes:
    """Raises: OSError; ValueError for a path that no file can have."""
    # Looked at before as well: to open a device may already do something.
    _refuse_irregular(os.stat(path))
    with open(os.open(path, _OPEN), "rb", buffering=0) as file:
        _refuse_irregular(os.fstat(file.fileno()))
        data = file.read(_LIMIT_BYTES + 1) or b""
    if len(data) > _LIMIT_BYTES:
        raise OSError(errno.EFBIG, f"it is longer than {_LIMIT_BYTES} bytes")
    return data


def _refuse_irregular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
