"""Who an endpoint belongs to, computed and never looked up; and how Kubernetes names a pod.

Rule 1: an attachment's endpoint has the version-5 UUID of (network name, container id, ifname), so every
verb reaches it with one open by ID. While a deletion of that ID may still be on its way, the next
generation is used, and whoever ends the attachment ends the earlier ones too.
Rule 2: an endpoint's name has what its ID follows from, and HNS keeps both: so ours is known as ours.
Rule 3: GUIDs are compared as lower-case text without braces; HNS answers in either case.
"""

from __future__ import annotations

from cni_hns.digests import sha1
from cni_hns.typed import NamedTuple

__all__ = [
    "ZERO_GUID",
    "KubernetesPod",
    "attachment_of",
    "earlier_endpoint_ids",
    "endpoint_id",
    "endpoint_name",
    "guid",
    "is_endpoint_of",
    "is_ours",
    "is_pod_word",
    "next_endpoint_id",
    "shared_with",
]

ZERO_GUID = "00000000-0000-0000-0000-000000000000"

# The name space of our endpoint IDs. It must never change: endpoints of running pods are found through it.
_NAME_SPACE = bytes.fromhex("6f1c5c7b9a0f5d0e8a8f0d2b64c1e7a3")

_GUID_PARTS = [8, 4, 4, 4, 12]
_HEXADECIMAL = "0123456789abcdefABCDEF"

# CNI runtimes count interfaces from eth0. The names of their endpoints are the peers', which have no ifname.
_USUAL_IFNAMES = tuple(f"eth{number}" for number in range(10))

# How Docker says in which container's network another one lives.
_OF_CONTAINER = "container:"

# A deletion that is late concerns the last generation; one more is made only while it is late.
_GENERATIONS = range(8)

# Of these are the names and UIDs of Kubernetes, and the host names that other runtimes pass in their place.
_IN_POD_WORDS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_LONGEST_POD_WORD = 253


class KubernetesPod(NamedTuple):
    """A pod by the names that Kubernetes has for it; each is empty where nobody told it.

    They are for people: what belongs to whom follows from the attachment alone.
    """

    namespace: str = ""
    name: str = ""
    uid: str = ""
    infra_container_id: str = ""

    @property
    def is_known(self) -> bool:
        """Whether anybody told any of them."""
        return any(self)

    @property
    def full_name(self) -> str:
        """`namespace/name`, as kubectl and crictl are asked for it; the name alone where that is all."""
        return "/".join(part for part in self[:2] if part) if self.name else ""


def is_pod_word(text: str) -> bool:
    """Whether a name or UID of Kubernetes can be so: one word of characters that are harmless in a line."""
    return bool(text) and len(text) <= _LONGEST_POD_WORD and not text.strip(_IN_POD_WORDS)


def endpoint_id(network: str, container_id: str, ifname: str, generation: int = 0) -> str:
    """The GUID text of the attachment's endpoint (RFC 9562, version 5).

    A slash separates the parts: none of the three may contain one, so no two attachments share a name.
    """
    text = f"{network}/{container_id}/{ifname}" + (f"/{generation}" if generation else "")
    digest = bytearray(sha1(_NAME_SPACE + text.encode())[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def next_endpoint_id(last: str, network: str, container_id: str, ifname: str) -> str:
    """The ID of the generation that comes after the one with the ID `last`."""
    ids = [endpoint_id(network, container_id, ifname, generation) for generation in _GENERATIONS]
    return ids[(ids.index(last) + 1) % len(ids)] if last in ids else ids[1]


def earlier_endpoint_ids(last: str, network: str, container_id: str, ifname: str) -> list[str]:
    """The IDs of the generations before the one with the ID `last`; none before the usual one."""
    found: list[str] = []
    for generation in _GENERATIONS:
        one = endpoint_id(network, container_id, ifname, generation)
        if one == last:
            return found
        found.append(one)
    return []


def endpoint_name(network: str, container_id: str, ifname: str = _USUAL_IFNAMES[0]) -> str:
    """The endpoint's name: `<container id>_<network>`, as win-bridge, win-overlay and sdnbridge spell theirs.

    Of an ifname that no runtime gives by itself it is a part: nothing else that HNS keeps could tell it.
    """
    name = f"{container_id}_{network}"
    return name if ifname in _USUAL_IFNAMES else f"{name}_{ifname}"


def is_ours(endpoint: str, name: str, network: str) -> tuple[str, str] | None:
    """The (container id, ifname) whose endpoint this is; None where the ID does not follow from the name."""
    candidates: list[tuple[str, str]] = []
    if name.endswith(f"_{network}"):
        container_id = name[: -len(network) - 1]
        candidates += [(container_id, ifname) for ifname in _USUAL_IFNAMES]
    # Each of the parts may contain what separates them.
    inner = f"_{network}_"
    at = name.find(inner)
    while at >= 0:
        candidates.append((name[:at], name[at + len(inner) :]))
        at = name.find(inner, at + 1)
    wanted = endpoint.lower()
    return next((one for one in candidates if all(one) and is_endpoint_of(wanted, network, *one)), None)


def attachment_of(endpoint: str, name: str) -> tuple[str, str, str] | None:
    """The (network, container id, ifname) whose endpoint this is; None where it is none of ours."""
    places = [place for place, character in enumerate(name) if character == "_"]
    spans = [(first, last) for first in places for last in [*places, len(name)] if first + 1 < last]
    for network in dict.fromkeys(name[first + 1 : last] for first, last in spans):
        found = is_ours(endpoint, name, network)
        if found is not None:
            return network, *found
    return None


def is_endpoint_of(endpoint: str, network: str, container_id: str, ifname: str) -> bool:
    """Whether this is the ID of the attachment's endpoint, of any generation."""
    return any(endpoint == endpoint_id(network, container_id, ifname, each) for each in _GENERATIONS)


def shared_with(netns: str | None) -> str | None:
    """The container whose endpoint a Docker-style CNI_NETNS means, `container:<id>`; None for all others."""
    _, separator, container_id = (netns or "").partition(_OF_CONTAINER)
    return container_id if separator and netns == _OF_CONTAINER + container_id else None


def guid(text: str) -> str | None:
    """The GUID that the whole text is (braces allowed), lower-case without braces; None for anything else."""
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    parts = bare.split("-")
    # Of digits alone `strip` leaves nothing; a regular expression would first be compiled.
    well_formed = [*map(len, parts)] == _GUID_PARTS and not "".join(parts).strip(_HEXADECIMAL)
    return bare.lower() if well_formed else None
