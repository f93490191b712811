"""Pools and blocks as arithmetic and as documents: which blocks a pool has, what each is called, whose it is.

Rule: nothing here asks anybody.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cni_hns.cluster.api.asked import Resource
from cni_hns.digests import sha256
from cni_hns.ledger.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "BLOCKS",
    "POOLS",
    "BlockObject",
    "Pool",
    "Taken",
    "block_document",
    "free_prefixes",
    "overlap",
    "prefixes_by_node",
]

_VERSION = "cni-hns.dev/v1alpha1"
POOLS = Resource(_VERSION, "ippools")
BLOCKS = Resource(_VERSION, "ipblocks")

POOL_LABEL = "cni-hns.dev/pool"

_IPV6 = 6

_Net = IPv4Network | IPv6Network


class Pool(NamedTuple):
    """An IPPool: prefixes of one family, cut into blocks of one length. They may only grow more."""

    name: str
    cidrs: tuple[_Net, ...]
    block_size: int

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Raises: ValueError: this is no pool; the API server refuses such a one where it has our schema."""
        name = str(document.get("metadata", {}).get("name", ""))
        spec = document.get("spec")
        try:
            if not isinstance(spec, dict):
                raise TypeError("it has no spec")
            found = cls(name, tuple(ip_network(one) for one in spec["cidrs"]), int(spec["blockSize"]))
        except (KeyError, TypeError, ValueError) as fault:
            raise ValueError(
                f'IPPool "{name}" cannot be read: {fault}; correct it with kubectl edit'
            ) from fault
        if not found.cidrs or any(one.prefixlen > found.block_size for one in found.cidrs):
            raise ValueError(f'IPPool "{name}" has a prefix that is smaller than a block of it')
        return found

    @property
    def total(self) -> int:
        """How many blocks it has."""
        return sum(1 << self.block_size - one.prefixlen for one in self.cidrs)

    @property
    def size(self) -> int:
        """How many addresses a block has."""
        return 1 << self.cidrs[0].max_prefixlen - self.block_size

    def prefix(self, index: int) -> _Net:
        """The block of this number, from 0. Raises: IndexError: it has no such block."""
        for one in self.cidrs:
            here = 1 << self.block_size - one.prefixlen
            if index < here:
                return ip_network((int(one.network_address) + index * self.size, self.block_size))
            index -= here
        raise IndexError(index)


class BlockObject(NamedTuple):
    """An IPBlock as the API has it: who has the block, for which network configuration."""

    name: str
    uid: str
    version: str
    pool: str
    prefix: _Net
    node: str
    network: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self | None:
        """None where it cannot be read: no program of ours wrote it, and none touches it."""
        about, spec = document.get("metadata", {}), document.get("spec", {})
        try:
            prefix = ip_network(spec["cidr"])
            texts = [spec["pool"], spec["node"], spec["network"]]
        except (KeyError, TypeError, ValueError):
            return None
        pool, node, network = map(str, texts)
        return cls(
            str(about.get("name", "")),
            str(about.get("uid", "")),
            str(about.get("resourceVersion", "")),
            pool,
            prefix,
            node,
            network,
        )

    @property
    def block(self) -> Block:
        """As the ledger of the node has it."""
        return Block(self.network, self.pool, str(self.prefix[0]), str(self.prefix[-1]))

    @property
    def words(self) -> str:
        return f'block {self.prefix} of pool "{self.pool}"'


def block_name(pool: str, prefix: _Net) -> str:
    """The one name that this block can have: whoever creates an object of this name has the block.

    A name of Kubernetes has no colon: IPv6 addresses are written out in their 32 digits.
    """
    address = prefix.network_address
    digits = address.exploded.replace(":", "") if prefix.version == _IPV6 else str(address).replace(".", "-")
    return f"{pool}.{digits}-{prefix.prefixlen}"


def block_document(block: Block, node: str) -> dict[str, Any]:
    """What is created to have the block."""
    prefix = ip_network(block.prefix)
    return {
        "apiVersion": _VERSION,
        "kind": "IPBlock",
        "metadata": {"name": block_name(block.pool, prefix), "labels": {POOL_LABEL: block.pool}},
        "spec": {"pool": block.pool, "cidr": str(prefix), "node": node, "network": block.network},
    }


class Taken:
    """Prefixes of which none has an address of another one, to ask whether a further one has."""

    def __init__(self, prefixes: Iterable[_Net]) -> None:
        self._spans = sorted({_span(one) for one in prefixes})
        self._firsts = [first for first, _ in self._spans]

    def __contains__(self, prefix: _Net) -> bool:
        first, last = _span(prefix)
        at = bisect_right(self._firsts, last)
        # Blocks of one pool are of one length. Behind a pool that was made anew there may be longer ones.
        return at > 0 and self._spans[at - 1][1] >= first


def free_prefixes(pool: Pool, taken: Taken, node: str) -> Iterator[_Net]:
    """The blocks that nobody has, each once; the first follows from the node's name, so that nodes that claim
    at the same time seldom want the same one.
    """
    count = pool.total
    start = int(sha256(f"{pool.name} {node}".encode())[:16], 16) % count
    for offset in range(count):
        prefix = pool.prefix((start + offset) % count)
        if prefix not in taken:
            yield prefix


def overlap(pool: Pool, others: Iterable[Pool], pod_cidrs: Mapping[str, Iterable[str]]) -> str:
    """With whom the pool shares addresses, in words; "" where with nobody. `pod_cidrs` are by Node."""
    for other in others:
        if other.name != pool.name and _meet(pool.cidrs, other.cidrs):
            return f'IPPool "{other.name}"'
    for node, prefixes in pod_cidrs.items():
        if _meet(pool.cidrs, [ip_network(one, strict=False) for one in prefixes]):
            return f'the podCIDR of Node "{node}"'
    return ""


def prefixes_by_node(documents: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The blocks of each node, as prefixes in order: where the routes to its pods lead."""
    found: dict[str, list[_Net]] = {}
    for one in map(BlockObject.of, documents):
        if one is not None:
            found.setdefault(one.node, []).append(one.prefix)
    return {node: tuple(map(str, sorted(prefixes, key=_span))) for node, prefixes in found.items()}


def _meet(ones: Iterable[_Net], others: Iterable[_Net]) -> bool:
    spans = [_span(one) for one in others]
    return any(a <= last and first <= b for a, b in map(_span, ones) for first, last in spans)


def _span(prefix: _Net) -> tuple[int, int]:
    """Its first and last address as numbers; those of IPv6 lie behind all of IPv4."""
    shift = 1 << 128 if prefix.version == _IPV6 else 0
    return shift + int(prefix.network_address), shift + int(prefix.broadcast_address)
