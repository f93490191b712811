"""The DNS settings of a file in the form of resolv.conf(5), as host-local reads them."""

from __future__ import annotations

from cni_hns.cni.errors import IO_FAILURE, CniError
from cni_hns.typed import Any

__all__ = ["read"]


def read(path: str) -> dict[str, Any]:
    """The file's DNS under CNI's names: nameservers, domain, search, options.

    Raises:
        CniError: code 5, the file cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError as fault:
        raise CniError(
            IO_FAILURE,
            f'ipam.resolvConf "{path}" cannot be read: {fault.strerror}',
            "correct the path, or take it out of the configuration",
        ) from fault
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
