"""The configuration in containerd's folder: one that is there is checked, else one is written."""

from __future__ import annotations

import ipaddress
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cli.checks import findings_of_file, is_fault
from cni_hns.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cni_hns.cli.install.containerd import Places

__all__ = [
    "NAT_MODES",
    "OURS",
    "Verdict",
    "Wanted",
    "hints",
    "judged",
    "loaded",
    "not_loaded",
    "template",
    "write_configuration",
]

NAT_MODES = ("l2bridge", "l2tunnel", "overlay")
OURS = "10-cni-hns.conflist"
_SUFFIXES = (".conf", ".conflist", ".json")


class Verdict(NamedTuple):
    """What is wrong with the configurations that containerd loads, and what is to be noted of them."""

    faults: list[str]
    notes: list[str]


class Wanted(NamedTuple):
    """What the command line says about the configuration to write."""

    mode: str
    subnet: str
    name: str | None
    adapter: str | None
    gateway: str | None
    dns: tuple[str, ...]
    nat_except: tuple[str, ...]
    log_file: str

    @property
    def has_outbound_nat(self) -> bool:
        """Whether the pods' traffic leaves behind the node's address because a policy says so."""
        return self.mode in NAT_MODES


def loaded(conf_dir: str, most: int, also: Iterable[str] = ()) -> list[str]:
    """The files that containerd loads: by the order of their names, `most` of them (0: all).

    `also` are names of files that are about to be written. Source: go-cni, and libcni's ConfFiles.
    """
    names = set(also)
    try:
        with os.scandir(conf_dir) as entries:
            # Go compares bytes, which for UTF-8 is the order of code points; a suffix in capitals is none.
            names |= {
                entry.name
                for entry in entries
                if entry.name.endswith(_SUFFIXES) and not entry.is_dir(follow_symlinks=False)
            }
    except FileNotFoundError:
        pass
    except OSError as fault:
        raise Failure(f'"{conf_dir}" cannot be read: {fault.strerror or fault}') from fault
    found = [os.path.join(conf_dir, name) for name in sorted(names)]
    return found[:most] if most else found


def template(wanted: Wanted) -> dict[str, Any]:
    """A configuration list for one pod subnet of this node.

    Raises:
        Failure: the subnet, the gateway or an exception is none.
    """
    try:
        subnet = ipaddress.ip_network(wanted.subnet)
        gateway = ipaddress.ip_address(wanted.gateway) if wanted.gateway else subnet[1]
        exceptions = dict.fromkeys(map(ipaddress.ip_network, (wanted.subnet, *wanted.nat_except)))
    except (ValueError, IndexError) as fault:
        raise Failure(f"--subnet, --gateway or --nat-except: {fault}") from fault
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
    if wanted.has_outbound_nat:
        plugin["outboundNat"] = {"exceptions": list(map(str, exceptions))}
    plugin["log"] = {"file": wanted.log_file}
    return {
        "cniVersion": "1.0.0",
        "cniVersions": ["1.0.0", "1.1.0"],
        "name": wanted.name or wanted.mode,
        "plugins": [plugin],
    }


def hints(wanted: Wanted) -> list[str]:
    """What an operator should know of the configuration that is written, before the first pod comes."""
    said = []
    if wanted.mode != "nat":
        said.append(
            "the first ADD, of --check too, makes the HCN network (create: true), and then the node itself "
            "has no connection for some seconds. To choose that moment yourself: cni-hns install --check"
        )
    if not wanted.dns:
        said.append(
            "no --dns: pods get only the name servers that the runtime sends (containerd sends Kubernetes'). "
            "Where it sends none: cni-hns install --replace-config --subnet ... --dns ADDRESS"
        )
    if wanted.has_outbound_nat and not wanted.nat_except:
        said.append(
            f"outbound NAT excepts {wanted.subnet} only: pods of other nodes, and services, see the node's "
            "address. Name the prefixes of the cluster's pods and services: cni-hns install --replace-config "
            "--subnet ... --nat-except PODS --nat-except SERVICES"
        )
    said.append(f"verbs log to {wanted.log_file}")
    return [f"note: {line}" for line in said]


def write_configuration(conf_dir: str, wanted: Wanted, *, dry_run: bool) -> str:
    """Write it as `OURS`, in one step; the path.

    Raises:
        Failure: it would not be right, or cannot be written.
    """
    path = os.path.join(conf_dir, OURS)
    from cni_hns.dialects.lint import check_file_text

    text = json.dumps(template(wanted), indent=2) + "\n"
    findings = [str(one.to_its_author()) for one in check_file_text(text, OURS) if is_fault(one)]
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


def judged(places: Places, files: list[str], expected: Iterable[str]) -> Verdict:
    """What `cni-hns config check` finds in these files, the programs they name included.

    `expected` are names of programs that are about to be laid down.
    """
    verdict = Verdict([], [])
    for path in files:
        begin = f"{os.path.basename(path)}: " if len(files) > 1 else ""
        for finding in findings_of_file(path, places.bin_dirs, expected):
            where = verdict.faults if is_fault(finding) else verdict.notes
            where.append(f"{finding.severity}: {begin}{finding}")
    if len(files) > 1:
        verdict.notes.append(
            f"note: containerd loads {len(files)} files (max_conf_num): each pod gets an interface of each"
        )
    return verdict


def not_loaded(path: str, files: list[str]) -> str | None:
    """Why containerd does not load the file that was written; None where it does."""
    if path in files:
        return None
    others = ", ".join(os.path.basename(file) for file in files)
    return (
        f"error: {path} is not what containerd loads: files count in the order of their names, and before "
        f"{os.path.basename(path)} comes {others}. Delete that, or give it a name that ends in none of "
        f"{', '.join(_SUFFIXES)}"
    )
