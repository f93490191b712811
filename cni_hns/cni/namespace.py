"""What a runtime means by CNI_NETNS: the GUID of an HCN namespace, or a container as Docker names it."""

from __future__ import annotations

import re

from cni_hns.cni.errors import BAD_VARIABLE, CniError, shown
from cni_hns.cni.protocol import identifier_fault
from cni_hns.identity import ZERO_GUID, guid, shared_with

__all__ = ["docker_netns", "namespace_fault", "namespace_guid"]

# CNI_NETNS of a container that has a network of its own.
_OWN = "none"


def namespace_guid(netns: str) -> str:
    """The GUID of the HCN namespace, lower-case without braces.

    containerd passes the bare GUID on Windows. cnitool makes its argument an absolute path, so the last
    segment of a path counts if it alone is a GUID. On Linux containerd passes the file .../netns/cni-<GUID>,
    which is understood spelt exactly so; a GUID with anything else around it is not guessed at.

    Raises: CniError (code 4) where there is no such GUID.
    """
    found = _found(netns)
    if found is None:
        raise CniError(BAD_VARIABLE, namespace_fault(netns, hns_v1=False) or "")
    return found


def docker_netns(netns: str) -> str | None:
    """`none` or `container:<id>`, as Docker-style runtimes say it; None for all else."""
    sandbox = shared_with(netns)
    is_one = netns == _OWN or (sandbox is not None and identifier_fault(sandbox) is None)
    return netns if is_one else None


def namespace_fault(netns: str, *, hns_v1: bool = True) -> str | None:
    """What is wrong with this CNI_NETNS, naming the variable; None where nothing is.

    `hns_v1`: whether it may be a container.
    """
    if _found(netns) is not None or (hns_v1 and docker_netns(netns) is not None):
        return None
    return (
        f"CNI_NETNS {shown(netns)} must be the GUID of an HCN namespace "
        "(like 5f0c3b1e-0000-1111-2222-333344445555), alone or as the last part of a path; "
        "or a path that ends in netns/cni- and the GUID, as containerd has it on Linux"
        + ("; or, with apiVersion 1, none or container:<id>" if hns_v1 else "")
    )


def _found(netns: str) -> str | None:
    last_segment = re.split(r"[\\/]", netns)[-1]
    found = guid(netns) or guid(last_segment) or _of_containerd(netns)
    # HNS writes the zero GUID for "in no namespace".
    return None if found == ZERO_GUID else found


def _of_containerd(netns: str) -> str | None:
    """The GUID of a file that containerd's CRI makes on Linux, in /var/run or in its own state folder.

    It writes it lower-case and bare. Any other word, folder or spelling may be somebody else's.
    """
    folder, _, name = netns.rpartition("/")
    found = guid(name.removeprefix("cni-"))
    exact = folder.startswith("/") and folder.endswith("/netns") and name == f"cni-{found}"
    return found if exact else None
