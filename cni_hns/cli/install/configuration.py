"""The configuration in containerd's folder: one that is there is checked, else one is written."""

from __future__ import annotations

import ipaddress
import json
import os
from typing import Any, NamedTuple

from cni_hns.cli.configurations import read_bytes
from cni_hns.cli.failure import Failure

__all__ = ["OURS", "Wanted", "check_configuration", "loaded_first", "template", "write_configuration"]

OURS = "10-cni-hns.conflist"
_SUFFIXES = (".conf", ".conflist", ".json")


class Wanted(NamedTuple):
    """What the command line says about the configuration to write."""

    mode: str
    subnet: str
    name: str | None
    adapter: str | None
    gateway: str | None
    dns: tuple[str, ...]


def loaded_first(conf_dir: str) -> str | None:
    """The file that containerd loads: the first by name (`max_conf_num` is 1); None where there is none."""
    try:
        names = sorted(name for name in os.listdir(conf_dir) if name.endswith(_SUFFIXES))
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise Failure(f'"{conf_dir}" cannot be read: {fault.strerror or fault}') from fault
    return os.path.join(conf_dir, names[0]) if names else None


def template(wanted: Wanted) -> dict[str, Any]:
    """A configuration list for one pod subnet of this node.

    Raises:
        Failure: the subnet or the gateway is none.
    """
    try:
        subnet = ipaddress.ip_network(wanted.subnet)
        gateway = ipaddress.ip_address(wanted.gateway) if wanted.gateway else subnet[1]
    except (ValueError, IndexError) as fault:
        raise Failure(f"--subnet or --gateway: {fault}") from fault
    network: dict[str, Any] = {"mode": wanted.mode, "create": True}
    if wanted.adapter:
        network["adapter"] = wanted.adapter
    if wanted.mode == "overlay":
        network["vsid"] = 4096
    network["subnets"] = [{"prefix": str(subnet), "gateway": str(gateway)}]
    plugin: dict[str, Any] = {
        "type": "cni-hns",
        "capabilities": {"portMappings": True, "dns": True},
        "network": network,
        "ipam": {"type": "cni-hns"},
    }
    if wanted.dns:
        plugin["dns"] = {"nameservers": list(wanted.dns)}
    return {
        "cniVersion": "1.0.0",
        "cniVersions": ["1.0.0", "1.1.0"],
        "name": wanted.name or wanted.mode,
        "plugins": [plugin],
    }


def write_configuration(conf_dir: str, wanted: Wanted, *, dry_run: bool) -> str:
    """Write it as `OURS`, in one step; the path.

    Raises:
        Failure: it would not be right, or cannot be written.
    """
    path = os.path.join(conf_dir, OURS)
    text = json.dumps(template(wanted), indent=2) + "\n"
    findings = _findings(text.encode())
    if findings:
        raise Failure(f"no configuration was written: {'; '.join(findings)}")
    if dry_run:
        return path
    new = path + ".new"  # no suffix that containerd loads
    try:
        os.makedirs(conf_dir, exist_ok=True)
        with open(new, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError as fault:
        raise Failure(f'"{path}" cannot be written: {fault.strerror or fault}') from fault
    return path


def check_configuration(path: str) -> list[str]:
    """Every fault of the file, as `cni-hns config check` finds them."""
    return _findings(read_bytes(path))


def _findings(data: bytes) -> list[str]:
    from cni_hns.dialects.lint import check_file_text

    return [f"{finding.severity}: {finding}" for finding in check_file_text(data)]
