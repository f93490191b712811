"""Addresses of cluster-wide pools: out of the blocks that this node has, which the ledger names.

Nothing here asks the cluster: an agent on the node claims blocks ahead, so that an ADD finds one.

Rule 1: blocks are read in the transaction that holds the address: none is given back meanwhile.
Rule 2: a block is no subnet. Prefix length, gateway and the addresses that no pod gets are those of the HCN
network's subnet around it.
Rule 3: blocks are filled one after another, so that the last ones empty and can be given back.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from cni_hns.ipam import allocate as plain
from cni_hns.ipam.errors import AddressUnavailable, RangeExhausted, Usage
from cni_hns.ledger.blocks import Block, Blocks
from cni_hns.typed import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.ipam.held import Allocated
    from cni_hns.ledger import AttachmentKey, Ledger

__all__ = [
    "PoolExhausted",
    "Subnet",
    "allocate",
    "full_pool_fact",
    "range_sets",
    "ranges_in",
]

_TRY_AGAIN, _NO_ADDRESS = 11, 101
_LIST = "`cni-hns pool list` shows the blocks of this node"


class Subnet(Protocol):
    """What is read of a subnet of the HCN network."""

    @property
    def prefix(self) -> str: ...
    @property
    def gateway(self) -> str | None: ...


class _Pool(NamedTuple):
    name: str
    usage: Usage


class _Outlook(NamedTuple):
    """What an ADD answers that gets no address, and what to do."""

    code: int
    next_step: str


class PoolExhausted(RangeExhausted):
    """This node has no free address of a pool.

    Worth another try (CNI's code 11) while the agent may claim one more block, else code 101.
    """

    def __init__(self, network: str, pool: _Pool, why: str, outlook: _Outlook) -> None:
        words = f'pool "{pool.name}" has no free address for network "{network}": {why}; {outlook.next_step}'
        super().__init__(network, pool.usage, words)
        self.cni_code = outlook.code


class _Range(NamedTuple):
    """A block as a range of the HCN subnet around it."""

    subnet: str
    first: str
    last: str
    gateway: str | None


def full_pool_fact(pool: str) -> str:
    """Under which name the ledger keeps, in words, why the agent gets no more block of the pool."""
    return f"pool {pool} is full"


def allocate(
    ledger: Ledger,
    key: AttachmentKey,
    pools: Sequence[str],
    subnets: Sequence[Subnet],
    *,
    wanted: Iterable[str] = (),
    excluded: Iterable[str] = (),
    origin: str = "allocated",
) -> list[Allocated]:
    """One address of each pool, as `ipam.allocate` gives one of each range set.

    Raises:
        AddressUnavailable: a wanted address is taken, reserved, or in no block of this node.
        PoolExhausted: a pool has no block here that lies in one of the subnets, or no free address in them.
    """
    wanted = list(wanted)
    with ledger.atomic():
        sets = range_sets(ledger, key.network, pools, subnets)
        _refuse_others(pools, wanted, plain.inside(sets, wanted))
        try:
            return plain.allocate(
                ledger, key, sets, wanted=wanted, excluded=excluded, origin=origin, in_order=True
            )
        except RangeExhausted as fault:
            pool = _Pool(pools[fault.usage.number], fault.usage)
            outlook = _outlook(ledger, pool.name)
            raise PoolExhausted(key.network, pool, fault.usage.words(), outlook) from fault


def range_sets(
    ledger: Ledger | None, network: str, pools: Sequence[str], subnets: Sequence[Subnet]
) -> list[list[_Range]]:
    """For each pool the blocks that give addresses now; none are known where there is no ledger yet.

    Raises: PoolExhausted: a pool has none.
    """
    found = []
    for number, pool in enumerate(pools):
        blocks = [] if ledger is None else Blocks(ledger).of(network, pool)
        ranges = ranges_in(blocks, subnets)
        if not ranges:
            usage = Usage(number, f'pool "{pool}"', 0, 0, 0, 0, 0, 0)
            raise PoolExhausted(network, _Pool(pool, usage), *_why_none(ledger, pool, blocks, subnets))
        found.append(ranges)
    return found


def _refuse_others(pools: Sequence[str], wanted: Sequence[str], inside: Sequence[str]) -> None:
    """Raises: AddressUnavailable: a wanted address is in no block of this node: it may be another node's."""
    for address in wanted:
        if address not in inside:
            names = " or ".join(f'"{pool}"' for pool in pools)
            why = f"lies in no block that this node has of pool {names}"
            raise AddressUnavailable(address, why, f"ask for another one; {_LIST}")


def ranges_in(blocks: Iterable[Block], subnets: Sequence[Subnet]) -> list[_Range]:
    """The blocks as ranges, but for those that lie in no subnet."""
    return [one for block in blocks for one in _inside(block, subnets)]


def _inside(block: Block, subnets: Sequence[Subnet]) -> list[_Range]:
    """The block in the subnet that has all of it; nothing where none has."""
    ends = ip_address(block.first), ip_address(block.last)
    for subnet in subnets:
        around = ip_network(subnet.prefix, strict=False)
        if all(end in around for end in ends):
            return [_Range(str(around), block.first, block.last, subnet.gateway)]
    return []


def _why_none(
    ledger: Ledger | None, pool: str, blocks: Sequence[Block], subnets: Sequence[Subnet]
) -> tuple[str, _Outlook]:
    if not blocks:
        return "this node has no block of it", _outlook(ledger, pool)
    prefixes = ", ".join(one.prefix for one in subnets) or "none"
    next_step = "give the HCN network a subnet that has all of the pool, or name another pool"
    return (
        f"{blocks[0].words} lies in no subnet of the HCN network; its subnets: {prefixes}",
        _Outlook(_NO_ADDRESS, next_step),
    )


def _outlook(ledger: Ledger | None, pool: str) -> _Outlook:
    """The agent writes down where it can claim nothing more."""
    why = None if ledger is None else ledger.fact(full_pool_fact(pool))
    if isinstance(why, str):
        return _Outlook(_NO_ADDRESS, f"{why}; {_LIST}, `cni-hns gc` takes away what pods left that are gone")
    return _Outlook(_TRY_AGAIN, f"the agent of this node claims the next block: try again; {_LIST}")
