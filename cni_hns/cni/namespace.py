"""Which HCN namespace a runtime means: the GUID in CNI_NETNS."""

from __future__ import annotations

import re

from cni_hns.cni.errors import BAD_VARIABLE, CniError, shown
from cni_hns.identity import ZERO_GUID, guid

__all__ = ["namespace_fault", "namespace_guid"]


def namespace_guid(netns: str) -> str:
    """The GUID of the HCN namespace, lower-case without braces.

    containerd passes the bare GUID. cnitool makes its argument an absolute path, so the last segment of a
    path counts if it alone is a GUID; a GUID with anything else around it is not guessed at.

    Raises: CniError (code 4) where there is no such GUID.
    """
    found = _found(netns)
    if found is None:
        raise CniError(BAD_VARIABLE, namespace_fault(netns) or "")
    return found


def namespace_fault(netns: str) -> str | None:
    """What is wrong with this CNI_NETNS, naming the variable; None where nothing is."""
    if _found(netns) is not None:
        return None
    return (
        f"CNI_NETNS {shown(netns)} must be the GUID of an HCN namespace "
        "(like 5f0c3b1e-0000-1111-2222-333344445555), alone or at the end of a path"
    )


def _found(netns: str) -> str | None:
    last_segment = re.split(r"[\\/]", netns)[-1]
    found = guid(netns) or guid(last_segment)
    # HNS writes the zero GUID for "in no namespace".
    return None if found == ZERO_GUID else found
