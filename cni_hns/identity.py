"""Who an endpoint belongs to, computed and never looked up.

Rule 1: an attachment's endpoint has the version-5 UUID of (network name, container id, ifname), so every verb
reaches it with one open by ID.
Rule 2: GUIDs are compared as lower-case text without braces; HNS answers in either case.
"""

from __future__ import annotations

__all__ = ["ZERO_GUID", "endpoint_id", "endpoint_name", "guid", "is_ours"]

ZERO_GUID = "00000000-0000-0000-0000-000000000000"

# The name space of our endpoint IDs. It must never change: endpoints of running pods are found through it.
_NAME_SPACE = bytes.fromhex("6f1c5c7b9a0f5d0e8a8f0d2b64c1e7a3")

_GUID_PARTS = [8, 4, 4, 4, 12]
_HEXADECIMAL = "0123456789abcdefABCDEF"

# CNI runtimes count interfaces from eth0; an endpoint's name does not carry the ifname, so these are tried.
_USUAL_IFNAMES = tuple(f"eth{number}" for number in range(10))


def endpoint_id(network: str, container_id: str, ifname: str) -> str:
    """The GUID text of the attachment's endpoint (RFC 9562, version 5).

    A slash separates the parts: none of the three may contain one, so no two attachments share a name.
    """
    import hashlib

    name = _NAME_SPACE + f"{network}/{container_id}/{ifname}".encode()
    digest = bytearray(hashlib.sha1(name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def endpoint_name(network: str, container_id: str) -> str:
    """The endpoint's name, spelt as win-bridge, win-overlay and sdnbridge spell theirs."""
    return f"{container_id}_{network}"


def is_ours(endpoint: str, name: str, network: str) -> tuple[str, str] | None:
    """The (container id, ifname) whose endpoint this is; None where the ID does not follow from the name."""
    container_id, separator, rest = name.rpartition(f"_{network}")
    if not separator or rest or not container_id:
        return None
    for ifname in _USUAL_IFNAMES:
        if endpoint_id(network, container_id, ifname) == endpoint.lower():
            return container_id, ifname
    return None


def guid(text: str) -> str | None:
    """The GUID that the whole text is (braces allowed), lower-case without braces; None for anything else."""
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    parts = bare.split("-")
    # Of digits alone `strip` leaves nothing; a regular expression would first be compiled.
    well_formed = [*map(len, parts)] == _GUID_PARTS and not "".join(parts).strip(_HEXADECIMAL)
    return bare.lower() if well_formed else None
